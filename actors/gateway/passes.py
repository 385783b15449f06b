"""Passes: some of what a token allows, lent for a while and signed, so that nobody has to keep a list of them."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection

from engine.clock import Clock

_MARK = "pass"


class Passes:
    """Issues passes and reads them again; whoever has the same key can do both, a gateway that was started anew too."""

    def __init__(self, *, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def issue(self, name: str, scopes: Collection[str], *, lasts_s: float) -> str:
        """A text that stands for these scopes of the token of this name, for so long."""
        said = json.dumps([name, sorted(scopes), round(self._clock.wall_s() + lasts_s)])
        body = urlsafe_b64encode(said.encode()).decode()
        return f"{_MARK}.{body}.{self._seal(body)}"

    def read(self, text: str) -> tuple[str, Collection[str]] | None:
        """Name and scopes of a pass; None for one that is over, and for a text that is none."""
        mark, _, rest = text.partition(".")
        body, _, seal = rest.partition(".")
        if mark != _MARK or not hmac.compare_digest(seal.encode(), self._seal(body).encode()):
            return None
        name, scopes, until_s = json.loads(urlsafe_b64decode(body))
        return (name, tuple(scopes)) if self._clock.wall_s() < until_s else None

    def _seal(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
