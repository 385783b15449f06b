"""The page as a part of the gateway's app: its routes, and NiceGUI below `/page/`.

NiceGUI has one app a process, so this is called once in one, and in the process that serves.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from nicegui import app as nicegui_app
from nicegui import ui

from actors.gateway.parts import Parts
from actors.page.address import HOME, MOUNT
from actors.page.door import Door, door_router
from actors.page.pages import add_pages

_RECONNECT_S = 10.0


def furnish_page(app: FastAPI, parts: Parts, *, allowed: Sequence[str], denied: Sequence[str]) -> None:
    """Put the page into an app that has not begun to serve.

    allowed, denied: roles, as the role gate knows them.
    """
    app.include_router(door_router())

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse(HOME)

    add_pages(parts.feed, clock=parts.clock, allowed=allowed, denied=denied)
    ui.run_with(
        app,
        mount_path=MOUNT,
        title="Turntone",
        favicon=_ICON,
        language="en-US",
        dark=None,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=_RECONNECT_S,
        show_welcome_message=False,
    )
    # Last in, first asked: nothing of NiceGUI is reached without a session.
    nicegui_app.add_middleware(Door, parts=parts)


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b57a4"/>'
    '<path d="M5 16h4l3-9 5 18 4-13 2 4h4" fill="none" stroke="#fff" stroke-width="2.5"/></svg>'
)
