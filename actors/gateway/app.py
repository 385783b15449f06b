"""The gateway as an app: its routes around its parts."""

from fastapi import FastAPI

from actors.gateway import dialogues, events, health, lifecycle, segments
from actors.gateway.parts import Parts
from actors.gateway.problems import answer_with_problems

_DESCRIPTION = """Conversations in, one emotion event a turn out.

Send utterances, read dialogues, listen to events. Every refusal is problem details (RFC 9457)."""


def create_app(parts: Parts) -> FastAPI:
    """An app that works with these parts; who made them starts and closes them."""
    # The pages that show the description fetch their scripts from elsewhere.
    app = FastAPI(title="Turntone", version="1", description=_DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.parts = parts
    answer_with_problems(app)
    for module in (segments, lifecycle, dialogues, events, health):
        app.include_router(module.router)
    return app
