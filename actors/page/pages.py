"""The pages: everything that goes on, one dialogue, and the visitor's own microphone."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from fastapi import Request
from nicegui import background_tasks, ui

from actors.gateway.conversations import Conversation
from actors.gateway.feed import Feed
from actors.gateway.told import EVERYTHING, Wanted
from actors.page.address import HOME
from actors.page.drawing import draw, script
from actors.page.frame import frame
from actors.page.overview import Overview
from actors.page.view import DialogueView
from actors.page.watching import watch
from engine.clock import Clock

_OVERVIEW_S: Final = 0.5
_DIALOGUE_S: Final = 0.1
_PLAYING_S: Final = 1.0
"""How often a playhead moves."""


def add_pages(feed: Feed, *, clock: Clock, allowed: Sequence[str], denied: Sequence[str]) -> None:
    """Add them to NiceGUI's app. `allowed` and `denied` are roles."""

    @ui.page("/")
    def overview(request: Request) -> None:
        with frame(request, "What is going on"):
            ui.html(draw("invitation", home=HOME), sanitize=False)
            everything = Overview()
        _follow(feed, EVERYTHING, lambda: everything.show(feed.conversations.newest()), breath_s=_OVERVIEW_S)

    @ui.page("/dialogue/{dialogue_id}")
    def dialogue(request: Request, dialogue_id: str) -> None:
        with frame(request, dialogue_id):
            _dialogue(feed, dialogue_id, clock)

    @ui.page("/microphone")
    def microphone(request: Request) -> None:
        dialogue_id = f"microphone-{secrets.token_hex(4)}"
        ui.add_body_html(f"<script>{script()}</script>")
        with frame(request, "Speak into the microphone"):
            panel = draw("microphone", dialogue_id=dialogue_id, allowed=allowed, denied=denied)
            ui.html(panel, sanitize=False)
            _dialogue(feed, dialogue_id, clock)


def _dialogue(feed: Feed, dialogue_id: str, clock: Clock) -> None:
    view = DialogueView(clock=clock)

    def now() -> Conversation:
        return feed.conversations.of(dialogue_id) or Conversation(dialogue_id)

    def show() -> None:
        view.show(now())

    ui.timer(_PLAYING_S, lambda: view.move(now()))
    _follow(feed, Wanted(dialogues={dialogue_id}), show, breath_s=_DIALOGUE_S)


def _follow(feed: Feed, wanted: Wanted, show: Callable[[], None], *, breath_s: float) -> None:
    """As long as the browser is there."""
    show()
    following = background_tasks.create(watch(feed, wanted, show, breath_s=breath_s), name="page")
    ui.context.client.on_delete(lambda: following.cancel())
