"""`python -m tests.browser.screenshots`: pictures of the page for the README, of the bundled conversations alone."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from playwright.sync_api import Browser

from tests.browser.recorded import recorded
from tests.browser.shown import WAIT_MS, Shown, chromium, seen, shown, spoken

PICTURES: Final = Path(__file__).parents[2] / "actors" / "page" / "pictures"


def take(
    browser: Browser,
    gateway: Shown,
    name: str,
    path: str,
    *,
    size: tuple[int, int],
    colours: Literal["light", "dark"] = "light",
) -> None:
    """One picture of one page."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce"
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(gateway.url)
    page.locator("tr[data-dialogue]").first.wait_for()
    if path:
        page.goto(gateway.at(path))
        page.get_by_text("has ended").wait_for()
    page.screenshot(path=PICTURES / f"{name}.png")
    context.close()


def main() -> None:
    """Take all of them."""
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as made, ExitStack() as opened:
        folder = Path(made)
        browser = opened.enter_context(chromium(spoken(folder / "voice.wav"), seen(folder / "face.mjpeg")))
        gateway = opened.enter_context(shown())
        for event in recorded():
            gateway.log.broker.append(event)
        take(browser, gateway, "overview", "", size=(1100, 620))
        take(browser, gateway, "dialogue", "dialogue/sample-call", size=(1100, 1160))
        take(browser, gateway, "telephone", "dialogue/sample-call", size=(390, 844), colours="dark")


if __name__ == "__main__":
    main()
