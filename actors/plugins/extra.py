"""What a plug-in needs and not everybody has: the other program's own library."""

from importlib.util import find_spec

from engine.errors import ConfigurationError


def require(library: str, *, extra: str) -> None:
    """Raise `ConfigurationError`, which says how to install it, where a library is missing."""
    if find_spec(library) is None:
        raise ConfigurationError(f"the library {library} is not installed: pip install 'turntone[{extra}]'")
