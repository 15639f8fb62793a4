"""A results folder, and the page of it in a browser, made once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.data import Dataset
from experiments.report import page
from parity_tests.report import report_results
from parity_tests.report.browser import CHROMIUM, DESKTOP, OPTIONS, Browser, Page


@pytest.fixture(scope="session")
def whole_results(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """A results folder with everything in it, not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    report_results.write_all(folder, mnist)
    return folder


@pytest.fixture
def folder(whole_results: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(whole_results, tmp_path / "results")


@pytest.fixture(scope="session")
def address(whole_results: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / page.FILE
    path.write_text(report_results.rendered(whole_results), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if CHROMIUM is None:
        pytest.skip("needs a headless Chromium; `apt-get install chromium` has one")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def desk(browser: Browser, address: str) -> Page:
    """The page on a desktop, and what it said and asked for on the way."""
    tab = browser.new_page(viewport=DESKTOP, color_scheme="light", locale="en-US")
    tab.said, tab.asked = [], []
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(address)
    tab.evaluate("redraw(true)")
    return tab


@pytest.fixture
def tab(desk: Page) -> Iterator[Page]:
    """The page on a desktop, in English and light, whatever a test before has done to it."""
    yield desk
    desk.evaluate(
        "if (page.dark || page.language !== 'en') { setLanguage('en'); setTheme(false); redraw(); }"
    )
