"""The page in a real browser: it draws, asks for nothing, and everybody can use it."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from experiments.report import explorer, lab, page
from experiments.report.surfaces import SURFACES
from parity_tests.report import report_results

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a headless Chromium; `apt-get install chromium` has one"
)
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
DRAWN = "plot => plot.querySelectorAll('.main-svg .trace, .main-svg .contour, .hm, .point').length"


@pytest.fixture(scope="module")
def address(whole_results: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / page.FILE
    path.write_text(report_results.rendered(whole_results), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def desk(browser: "playwright.Browser", address: str) -> "playwright.Page":
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
def tab(desk: "playwright.Page") -> Iterator["playwright.Page"]:
    """The page on a desktop, in English and light, whatever a test before has done to it."""
    yield desk
    desk.evaluate(
        "if (page.dark || page.language !== 'en') { setLanguage('en'); setTheme(false); redraw(); }"
    )


def slide(slider: "playwright.Locator", to: int) -> None:
    slider.evaluate(
        "(s, to) => { s.value = to; s.dispatchEvent(new Event('input', { bubbles: true })); }", to
    )


def walker(tab: "playwright.Page", name: str) -> "playwright.Locator":
    return tab.locator(".walker", has=tab.locator(".who", has_text=name))


def end_shown(tab: "playwright.Page", name: str) -> list[float]:
    walks = tab.evaluate("explorer.walks()")
    walk = next(walk for walk in walks if walk["name"] == name)
    return [walk["x"][-1], walk["y"][-1]]


def test_every_chart_is_drawn_without_a_complaint_and_without_a_request(
    tab: "playwright.Page", address: str
) -> None:
    plots = tab.locator(".plot")
    assert plots.count() > 15
    for index in range(plots.count()):
        plot = plots.nth(index)
        assert plot.evaluate(DRAWN) > 0, plot.get_attribute("aria-labelledby")
    assert tab.said == []
    assert tab.asked == [address]


@pytest.mark.parametrize("surface", range(len(SURFACES)), ids=[s.name for s in SURFACES])
def test_the_sliders_change_the_path_and_its_end_is_what_scratch_computes(
    tab: "playwright.Page", surface: int
) -> None:
    tab.locator("[name=surface]").nth(surface).check()
    slide(tab.locator("#steps"), explorer.STEPS)
    momentum, ends = walker(tab, "Momentum"), []
    for rate, decay in ((7, 3), (6, 1)):
        slide(momentum.locator("[data-control=rate]"), rate)
        slide(momentum.locator("[data-control=momentum]"), decay)
        path = explorer.paths("Momentum", explorer.MOMENTA[decay])[surface][rate].points
        extent = np.ptp(path, axis=0).max()
        np.testing.assert_allclose(end_shown(tab, "Momentum"), path[-1], atol=2e-5 * extent)
        ends.append(end_shown(tab, "Momentum"))
        row = tab.locator("#explorer-ends tbody tr", has_text="Momentum").inner_text()
        assert f"{explorer.RATES[rate]:g}" in row
    assert ends[0] != ends[1]
    tab.locator("[name=surface]").first.check()


def test_a_path_that_diverges_is_said_to(tab: "playwright.Page") -> None:
    slide(tab.locator("#steps"), explorer.STEPS)
    slide(walker(tab, "SGD").locator("[data-control=rate]"), len(explorer.RATES) - 1)
    assert "diverges" in tab.locator("#explorer-said").inner_text()
    tab.locator("#suggested").click()
    assert "diverges" not in tab.locator("#explorer-said").inner_text()


def comes_true(tab: "playwright.Page", condition: str) -> bool:
    """Whether it does within ten seconds of frames.

    Playwright's own ``wait_for_function`` evaluates a text in the page, whose policy forbids that,
    unless the condition is true at once.
    """
    frames = "for (let i = 0; i < 600 && !met(); i++) await new Promise(requestAnimationFrame)"
    return tab.evaluate(f"async () => {{ const met = () => {condition}; {frames}; return met() }}")


def test_the_steps_are_played(tab: "playwright.Page") -> None:
    steps, play = tab.locator("#steps"), tab.locator("#play")
    slide(steps, explorer.STEPS - 3)
    play.click()
    assert play.inner_text() == "Pause"
    playwright.expect(steps).to_have_value(str(explorer.STEPS))
    playwright.expect(play).to_have_text("Play")


def test_the_lab_shows_what_scratchs_layers_let_through(tab: "playwright.Page") -> None:
    tab.get_by_label("ReLU", exact=True).check()
    tab.get_by_label("gradients, back").check()
    slide(tab.locator("#std"), lab.STDS.index(0.01))
    slide(tab.locator("#depth"), 1)
    histograms, numbers = lab._flow(report_results.LAB, "relu", 0.01)
    first = sum(report_results.LAB.depths[:1]) + max(report_results.LAB.depths)
    shown = tab.evaluate("lab.layers()")
    np.testing.assert_allclose([s["shares"] for s in shown], histograms[first:], atol=1e-4)
    np.testing.assert_allclose([s["std"] for s in shown], numbers[first:, 0], rtol=1e-6)
    assert shown[0]["std"] < 1e-3 * shown[-1]["std"]
    assert tab.locator("#lab-numbers tbody tr").count() == report_results.LAB.depths[1]
    slide(tab.locator("#std"), lab.STDS.index(1.0))
    assert tab.evaluate("lab.layers()")[0]["std"] > 1


def test_a_curve_and_a_backend_are_switched_off(tab: "playwright.Page") -> None:
    figure = tab.locator("#fig-optimizer-comparison-loss")
    curves = "plot => plot.data.map(trace => trace.name + (trace.line?.width ?? ''))"
    before = figure.locator(".plot").evaluate(curves)
    figure.get_by_label("SGD", exact=True).uncheck()
    figure.get_by_label("torch", exact=True).uncheck()
    after = figure.locator(".plot").evaluate(curves)
    assert any("SGD" in name for name in before)
    assert not any("SGD" in name for name in after)
    assert 0 < len(after) < len(before) / 2
    figure.get_by_label("SGD", exact=True).check()
    figure.get_by_label("torch", exact=True).check()


def test_the_language_switch_changes_texts_and_charts(tab: "playwright.Page") -> None:
    tab.locator("#language").click()
    assert tab.locator("html").get_attribute("lang") == "ko"
    assert tab.locator("h2").first.inner_text() == "장의 내용"
    axis = "document.querySelector('#fig-optimizer-comparison-loss .plot').layout.xaxis.title.text"
    assert tab.evaluate(axis) == "반복"
    visible = tab.locator("main").inner_text()
    assert "What the chapter says" not in visible
    tab.locator("#language").click()
    assert tab.locator("h2").first.inner_text() == "The chapter"
    assert tab.evaluate(axis) == "iteration"


def test_the_theme_switch_changes_page_and_charts(tab: "playwright.Page") -> None:
    colours = (
        "[getComputedStyle(document.body).backgroundColor, "
        "document.querySelector('#fig-optimizer-comparison-loss .plot').layout.font.color]"
    )
    light = tab.evaluate(colours)
    tab.locator("#theme").click()
    assert tab.locator("#theme").get_attribute("aria-pressed") == "true"
    assert all(a != b for a, b in zip(light, tab.evaluate(colours), strict=True))


def test_the_keyboard_reaches_every_control(tab: "playwright.Page") -> None:
    wanted = tab.evaluate(
        """() => [...document.querySelectorAll('a[href], button, select, summary, input')]
        .filter(e => e.checkVisibility() && !e.disabled && (e.type !== 'radio' || e.checked))
        .map((e, i) => { e.dataset.key = i; return String(i); })"""
    )
    tab.evaluate(
        """() => { window.reached = []; document.addEventListener('focusin',
        event => window.reached.push(event.target.dataset.key ?? null)); }"""
    )
    tab.locator(".skip").focus()
    regions = tab.locator("[tabindex='0']").count()
    for _ in range(len(wanted) + regions):
        tab.keyboard.press("Tab")
    reached = set(tab.evaluate("window.reached"))
    assert [key for key in wanted if key not in reached] == []


def test_a_focused_slider_and_button_answer_to_keys(tab: "playwright.Page") -> None:
    slider = walker(tab, "AdaGrad").locator("[data-control=rate]")
    slider.focus()
    before = end_shown(tab, "AdaGrad")
    tab.keyboard.press("ArrowLeft")
    assert end_shown(tab, "AdaGrad") != before
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert tab.evaluate(outline) == "solid"
    tab.locator("#theme").focus()
    tab.keyboard.press("Enter")
    assert tab.locator("html").get_attribute("data-theme") == "dark"


def audit(tab: "playwright.Page", **options: object) -> list[tuple]:
    """What an axe-core audit finds, with every table open.

    A plot is an image with a name; what it is drawn with is not read.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    context = {"include": options.pop("include", [["html"]]), "exclude": [[".main-svg"]]}
    options |= {"resultTypes": ["violations"], "preload": False}
    found = axe.Axe().run(tab, context=context, options=options).response["violations"]
    return [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found]


def test_an_accessibility_audit_finds_nothing(tab: "playwright.Page") -> None:
    assert audit(tab, rules={"color-contrast": {"enabled": False}}) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_kind_of_text_stands_out_from_its_ground(tab: "playwright.Page", dark: bool) -> None:
    tab.evaluate(f"setTheme({str(dark).lower()})")
    some = ["header", "main > .lead", "#init-comparison", "#explorer", "footer"]
    assert audit(tab, runOnly=["color-contrast"], include=[[part] for part in some]) == []


def test_headings_are_in_order_and_every_chart_is_named(tab: "playwright.Page") -> None:
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for plot in tab.locator(".plot").all():
        ids = plot.get_attribute("aria-labelledby").split()
        texts = [tab.locator(f"#{name}").inner_text() for name in ids]
        assert all(texts), ids


@pytest.fixture(scope="module")
def phone(browser: "playwright.Browser", address: str) -> "playwright.Page":
    """The page on a Korean phone that asks for a dark ground and no motion."""
    phone = browser.new_page(
        viewport=PHONE,
        locale="ko-KR",
        has_touch=True,
        is_mobile=True,
        color_scheme="dark",
        reduced_motion="reduce",
    )
    phone.goto(address)
    phone.evaluate("redraw(true)")
    return phone


def test_the_page_follows_what_the_system_asks_for(phone: "playwright.Page") -> None:
    assert phone.locator("html").get_attribute("lang") == "ko"
    assert phone.locator("html").get_attribute("data-theme") == "dark"
    phone.locator("#play").click()
    assert phone.locator("#steps").input_value() == str(explorer.STEPS)  # at once


def test_a_link_leads_to_its_section_whatever_is_drawn_on_the_way(
    phone: "playwright.Page",
) -> None:
    phone.reload()
    phone.locator(".top a[href='#speed']").click()
    top = "Math.abs(document.getElementById('speed').getBoundingClientRect().top)"
    assert comes_true(phone, f"{top} < 120")
    phone.evaluate("redraw(true)")
    assert phone.evaluate(top) < 120


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_phone_has_no_sideways_scroll(phone: "playwright.Page", language: str) -> None:
    phone.evaluate(f"setLanguage('{language}')")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    wide = "[...document.querySelectorAll('.plot')].filter(p => p.scrollWidth > innerWidth)"
    assert phone.evaluate(f"{wide}.length") == 0


def test_it_prints_every_chart_and_on_light_paper(tab: "playwright.Page") -> None:
    tab.evaluate("setTheme(true); dispatchEvent(new Event('beforeprint'))")
    widths = tab.evaluate("[...document.querySelectorAll('.plot')].map(p => p.layout.width)")
    assert tab.locator("html").get_attribute("data-theme") == "light"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("html").get_attribute("data-theme") == "dark"
    assert set(widths) == {660}
