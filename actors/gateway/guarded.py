"""A gateway's settings with a token in any case."""

import secrets

from pydantic import SecretStr

from engine.config import Config


def guarded(config: Config) -> Config:
    """The configuration; where it has no token, with one that nobody can guess."""
    settings = config.gateway
    if settings.token is not None or settings.tokens:
        return config
    settings = settings.model_copy(update={"token": SecretStr(secrets.token_urlsafe(32))})
    return config.model_copy(update={"gateway": settings})
