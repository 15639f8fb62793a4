"""A headless Chromium, and what the tests do with the page in it."""

import shutil
from typing import Any

#: Playwright's, which may not be installed.
Browser = Page = Locator = Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DESKTOP = {"width": 1280, "height": 900}


def slide(slider: Locator, to: float | str) -> None:
    """Set an input, and let the page know."""
    slider.evaluate(
        "(s, to) => { s.value = to; s.dispatchEvent(new Event('input', { bubbles: true })); }", to
    )
