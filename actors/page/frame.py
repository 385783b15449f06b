"""What every page has around it: a way past the header, the header, light or dark, and what is to be known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import Request
from nicegui import ui

from actors.page.address import HOME, MOUNT
from actors.page.drawing import draw, style

_DARK: Final = "turntone-dark"
_KEPT: Final = {"1": True, "0": False}
_YEAR_S: Final = 365 * 24 * 3600


@contextmanager
def frame(request: Request, title: str) -> Iterator[None]:
    """The page's content is made inside; `title` is its heading. Until somebody chooses, the browser says if dark."""
    ui.page_title(f"{title} - Turntone")
    ui.add_head_html(draw("head", style=style()))
    dark = ui.dark_mode(_KEPT.get(request.cookies.get(_DARK, "")))
    with ui.header(fixed=False).classes("frame"):
        ui.html(draw("header", home=HOME, mount=MOUNT), sanitize=False).classes("bar")
        with ui.element("div").props('role="group" aria-label="Colours"'):
            for name, value in (("Light", False), ("Dark", True)):
                ui.html(name, sanitize=False, tag="button").props('type="button"').on("click", _turn(dark, value))
    content = ui.element("div").classes("content")
    with content:
        ui.html(draw("title", title=title), sanitize=False)
        yield
    ui.skip_link("Skip to the content", target=content)
    with ui.footer(fixed=False).classes("frame"):
        ui.html(draw("footer"), sanitize=False)


def _turn(dark: ui.dark_mode, value: bool) -> Callable[[], None]:
    def turned() -> None:
        dark.value = value
        kept = f"{_DARK}={value:d}; path={MOUNT}; max-age={_YEAR_S}; samesite=strict"
        ui.run_javascript(f"document.cookie = '{kept}'")

    return turned
