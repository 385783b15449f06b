"""What a page has to have for everybody, measured in the browser: contrast, names, headings, controls."""

from typing import Final

from playwright.sync_api import Page

CONTRAST: Final = """() => {
  const number = (text) => {
    const [, kind, values] = text.match(/^(rgba?|color)\\((.*)\\)$/);
    const found = values.replace("srgb", "").split(/[ ,/]+/).filter(Boolean).map(Number);
    const scale = kind === "color" ? 255 : 1;
    return [...found.slice(0, 3).map((one) => one * scale), found[3] ?? 1];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((one, i) => one * a + under[i] * (1 - a));
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      layers.push(number(getComputedStyle(one).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((one) => one / 255).map((one) =>
      one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  let seen = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const words = texts.currentNode.data.trim();
    const hidden = !element.checkVisibility({ visibilityProperty: true });
    if (!words || hidden || element.closest("svg, script, style, :disabled, .unseen")) continue;
    const style = getComputedStyle(element), ground = behind(element);
    const [a, b] = [light(over(number(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    // A mark beside words is a picture (1.4.11).
    const least = size >= 24 || (bold && size >= 18.66) || element.closest("[aria-hidden=true]") ? 3 : 4.5;
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < least) poor.push(`${words.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return { seen, poor };
}"""
_CONTROLS: Final = "a[href], button:not(:disabled), input, select, [tabindex='0']"
_HERE: Final = "const shown = [...document.querySelectorAll(controls)].filter((one) => one.checkVisibility());"
_STOP: Final = (
    f"(controls) => {{ {_HERE} const one = document.activeElement;"
    " return [shown.indexOf(one), getComputedStyle(one).outlineStyle]; }"
)
_NAMED: Final = {"button", "link", "textbox", "combobox", "checkbox", "img", "image", "region", "navigation", "group"}


def poor_contrast(page: Page) -> list[str]:
    """Words that are harder to read than WCAG 2.2 AA allows (1.4.3, 1.4.11); drawings are not looked at."""
    found = page.evaluate(CONTRAST)
    assert found["seen"] > 5
    return list(found["poor"])


def nameless(page: Page) -> list[str]:
    """Roles of what has no name for a screen reader (4.1.2), by Chromium's own accessibility tree."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert {"link", "button"} & {role for role, _ in told}
    return [role for role, name in told if role in _NAMED and not name.strip()]


def headings(page: Page) -> list[int]:
    """Their levels, in order (1.3.1)."""
    return list(page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => Number(one.tagName[1]))"))


def stops(page: Page) -> tuple[list[int], set[str]]:
    """Which control each press of Tab leads to, by its place on the page, and the outlines they had (2.4.3, 2.4.7)."""
    there = page.evaluate(f"(controls) => {{ {_HERE} return shown.length; }}", _CONTROLS)
    assert there
    page.evaluate("document.activeElement.blur(), document.body.focus()")
    found = []
    for _ in range(there):
        page.keyboard.press("Tab")
        found.append(page.evaluate(_STOP, _CONTROLS))
    return [place for place, _ in found], {outline for _, outline in found}


def small(page: Page) -> list[str]:
    """Controls that are hard to hit: below 24 pixels, but for links in a text (2.5.8)."""
    return list(
        page.locator("button, input, select, a.button").evaluate_all(
            "all => all.filter(one => one.checkVisibility() && !one.closest('label')"
            " && Math.min(one.offsetWidth, one.offsetHeight) < 24).map(one => one.outerHTML)"
        )
    )
