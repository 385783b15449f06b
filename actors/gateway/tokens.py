"""Who may do what: bearer tokens with scopes."""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, get_args

from actors.gateway.passes import Passes
from actors.gateway.problems import Problem
from engine.clock import Clock, SystemClock

Scope = Literal["segments:write", "dialogues:read", "events:read", "figures:read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Access:
    """What a token allows."""

    name: str
    """Of the token, for logs and for the source of what it sends."""
    scopes: Collection[str]


class Tokens:
    """The tokens that are known, by what they allow; only their digests are kept.

    A pass that was lent on one of them is taken like a token. All passes end when any of the tokens changes.
    """

    def __init__(self, known: Sequence[tuple[str, Access]], *, clock: Clock | None = None) -> None:
        self._known = [(_digest(secret), access) for secret, access in known]
        key = hashlib.sha256(b"pass" + b"".join(digest for digest, _ in self._known)).digest()
        self._passes = Passes(key=key, clock=clock or SystemClock())

    def check(self, authorization: str | None, *, scope: Scope) -> Access:
        """What the token of an `Authorization` header allows. Raises `Problem` where that is not enough."""
        kind, _, secret = (authorization or "").partition(" ")
        if kind.lower() != "bearer":
            raise _unauthorized("send a token: Authorization: Bearer ...", challenge="Bearer")
        access = self.access(secret.strip())
        if access is None:
            raise _unauthorized("this token is not known here", challenge='Bearer error="invalid_token"')
        if scope not in access.scopes:
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "forbidden",
                f"the token {access.name} lacks the scope {scope}",
                www_authenticate=f'Bearer error="insufficient_scope", scope="{scope}"',
            )
        return access

    def access(self, secret: str) -> Access | None:
        """What a token allows; None for one that is not known. Takes the same time for every token."""
        given, found = _digest(secret), None
        for digest, access in self._known:
            if hmac.compare_digest(digest, given):
                found = access
        if found is None and (lent := self._passes.read(secret)):
            found = Access(*lent)
        return found

    def lend(self, access: Access, scopes: Collection[Scope], *, lasts_s: float) -> str:
        """A pass for those of the scopes that `access` has: a browser holds it, and not the token."""
        return self._passes.issue(access.name, set(scopes) & set(access.scopes), lasts_s=lasts_s)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _unauthorized(detail: str, *, challenge: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, www_authenticate=challenge)
