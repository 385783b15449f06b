# One module has it all: NiceGUI has one app a process, and a browser that stays open holds the thread's event loop.
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.shown import WAIT_MS, Shown, chromium, seen, shown, spoken


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("devices")
    with chromium(spoken(folder / "voice.wav"), seen(folder / "face.mjpeg")) as browser:
        yield browser


@pytest.fixture(scope="module")
def gateway(browser) -> Iterator[Shown]:
    with shown() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def asked_for() -> list[str]:
    """Every address the browser has asked for something."""
    return []


@pytest.fixture(scope="module")
def context(browser, gateway, asked_for) -> Iterator[BrowserContext]:
    """A visitor who has opened the address that was printed."""
    context = browser.new_context()
    context.set_default_timeout(WAIT_MS)
    context.on("request", lambda request: asked_for.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: asked_for.append(socket.url))
    page.goto(gateway.url)
    page.get_by_role("heading", name="What is going on").wait_for()
    assert page.url == gateway.at("")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(context, asked_for) -> Iterator[Page]:
    page = context.new_page()
    page.on("websocket", lambda socket: asked_for.append(socket.url))
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert not wrong
