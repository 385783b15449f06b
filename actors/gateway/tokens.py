"""Who may do what: bearer tokens with scopes."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, get_args

from actors.gateway.problems import Problem

Scope = Literal["segments:write", "dialogues:read", "events:read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Access:
    """What a token allows."""

    name: str
    """Of the token, for logs and for the source of what it sends."""
    scopes: Collection[str]


class Tokens:
    """The tokens that are known, by what they allow; only their digests are kept."""

    def __init__(self, known: Sequence[tuple[str, Access]]) -> None:
        self._known = [(_digest(secret), access) for secret, access in known]

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
        return found


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(32)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _unauthorized(detail: str, *, challenge: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, www_authenticate=challenge)
