"""An address as it may be shown and logged: without the secrets that are in it."""

import re

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/]*@)?([^?#]*)", re.IGNORECASE)


def without_secrets(address: str) -> str:
    """The address without a user's name and password and without what is asked of the server; a path as it is."""
    found = _ADDRESS.match(address)
    return address if found is None else "".join(found.groups())
