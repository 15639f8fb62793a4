"""The page in a real browser: it draws, asks for nothing, and everybody can use it."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from experiments.report import explorer, lab
from parity_tests.report import lab_beside
from parity_tests.report.browser import Browser, Page, slide

PHONE = {"width": 360, "height": 740}
DRAWN = "plot => plot.querySelectorAll('.main-svg .trace, .main-svg .contour, .hm, .point').length"


def test_every_chart_is_drawn_without_a_complaint_and_without_a_request(
    tab: Page, address: str
) -> None:
    plots = tab.locator(".plot")
    assert plots.count() > 15
    for index in range(plots.count()):
        plot = plots.nth(index)
        assert plot.evaluate(DRAWN) > 0, plot.get_attribute("aria-labelledby")
    assert tab.said == []
    assert tab.asked == [address]


def comes_true(tab: Page, condition: str) -> bool:
    """Whether it does within ten seconds of frames.

    Playwright's own ``wait_for_function`` evaluates a text in the page, whose policy forbids that,
    unless the condition is true at once.
    """
    frames = "for (let i = 0; i < 600 && !met(); i++) await new Promise(requestAnimationFrame)"
    return tab.evaluate(f"async () => {{ const met = () => {condition}; {frames}; return met() }}")


def test_the_lab_shows_what_scratchs_layers_let_through(tab: Page) -> None:
    said, table = tab.locator("#lab-said"), tab.locator("#lab-numbers tbody tr")
    tab.locator("#lab-activation").select_option("gelu")
    tab.locator("#lab-init").select_option("std")
    tab.get_by_label("gradients, back").check()
    for name, value in (("std", -1), ("depth", 3), ("units", 40), ("seed", 7)):
        slide(tab.locator(f"#lab-{name}"), value)
    asked = {"rows": lab.ROWS, "units": 40, "depth": 3, "seed": 7, "std": 0.1, "init": "std"}
    theirs = lab_beside.flow(asked | {"activation": "gelu", "batchNorm": False})
    shown = tab.evaluate("lab.layers()")
    stds = [gradient.std() for gradient in theirs["gradients"]]
    np.testing.assert_allclose([s["std"] for s in shown], stds, rtol=1e-12)
    assert comes_true(tab, "document.querySelectorAll('#lab-numbers tbody tr').length === 3")
    before = said.inner_text()
    tab.get_by_label("BatchNorm", exact=True).check()
    assert comes_true(tab, f"document.getElementById('lab-said').innerText !== {before!r}")
    assert tab.evaluate("lab.layers()")[0]["std"] > 2 * stds[0]
    tab.get_by_label("BatchNorm", exact=True).uncheck()
    tab.get_by_label("activations, forwards").check()
    tab.get_by_role("button", name="ReLU, He").click()
    slide(tab.locator("#lab-depth"), 5)
    assert comes_true(tab, "document.querySelectorAll('#lab-numbers tbody tr').length === 5")
    assert 0.5 < float(table.nth(4).locator("td").nth(0).text_content()) < 2
    inked = """c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data
        .filter((v, k) => k % 4 === 3 && v).length"""
    assert all(c.evaluate(inked) > 1000 for c in tab.locator("#lab canvas").all())


def test_a_curve_and_a_backend_are_switched_off(tab: Page) -> None:
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


def test_hovering_shows_both_sides_and_their_difference(tab: Page) -> None:
    figure = tab.locator("#fig-optimizer-comparison-loss")
    first = """figure => { const plot = figure.querySelector('.plot');
        const trace = plot.data.findIndex(t => t.customdata && t.line.width === 2);
        const { x, y, customdata, hovertemplate } = plot.data[trace];
        return [hovertemplate, customdata[1], Number(plot._fullData[trace].y[1])]; }"""
    figure.scroll_into_view_if_needed()
    template, (scratch, torch, apart), y = figure.evaluate(first)
    assert float(torch) == pytest.approx(y, rel=1e-3)
    assert float(scratch) == pytest.approx(y, rel=0.05)
    assert apart.endswith("%")
    assert "scratch %{customdata[0]}<br>torch %{customdata[1]}<br>difference" in template
    ticks = figure.locator(".plot").evaluate("plot => plot.layout.yaxis.ticktext")
    assert {"0.2", "0.5", "1", "2"} <= set(ticks)


def test_a_figure_is_linked_to_and_saved(tab: Page, tmp_path: Path) -> None:
    figure = tab.locator("#fig-optimizer-comparison-loss")
    assert figure.locator(".anchor").get_attribute("href") == "#fig-optimizer-comparison-loss"
    found = {}
    for format in ("svg", "png", "csv"):
        with tab.expect_download() as download:
            figure.get_by_role("button", name=format.upper()).click()
        name = download.value.suggested_filename
        assert name == f"lockstep-optimizer-comparison-loss.{format}"
        download.value.save_as(tmp_path / name)
        found[format] = (tmp_path / name).read_bytes()
    missing = [p for p in (b"SGD, torch", b"Training loss<", b"legend") if p not in found["svg"]]
    assert missing == []
    assert found["png"].startswith(b"\x89PNG")
    header, first = found["csv"].decode().splitlines()[:2]
    assert header.startswith('"iteration","SGD, scratch","SGD, torch"')
    assert len(first.split(",")) == len(header.split('","'))
    assert not tab.said


def test_a_zoom_offers_the_whole_view_again(tab: Page) -> None:
    figure = tab.locator("#fig-optimizer-comparison-loss")
    whole = figure.locator("[data-control=whole]")
    assert whole.is_hidden()
    figure.locator(".plot").evaluate("plot => Plotly.relayout(plot, { 'xaxis.range': [1, 2] })")
    whole.click()
    assert whole.is_hidden()


def test_the_language_switch_changes_texts_and_charts(tab: Page) -> None:
    tab.locator("#fig-optimizer-comparison-loss").scroll_into_view_if_needed()
    tab.locator("#language").click()
    assert tab.locator("html").get_attribute("lang") == "ko"
    assert tab.locator("#chapter-title").inner_text() == "6장"
    axis = "document.querySelector('#fig-optimizer-comparison-loss .plot').layout.xaxis.title.text"
    assert comes_true(tab, f"{axis} === '반복'")
    visible = tab.locator("main").inner_text()
    assert "What the chapter says" not in visible
    tab.locator("#language").click()
    tab.locator("#fig-optimizer-comparison-loss").scroll_into_view_if_needed()
    assert tab.locator("#chapter-title").inner_text() == "The chapter"
    assert comes_true(tab, f"{axis} === 'iteration'")


def test_the_theme_switch_changes_page_and_charts(tab: Page) -> None:
    tab.locator("#fig-optimizer-comparison-loss").scroll_into_view_if_needed()
    ground = "getComputedStyle(document.body).backgroundColor"
    text = "document.querySelector('#fig-optimizer-comparison-loss .plot').layout.font.color"
    light = [tab.evaluate(ground), tab.evaluate(text)]
    tab.locator("#theme").click()
    assert tab.locator("#theme").get_attribute("aria-pressed") == "true"
    assert tab.evaluate(ground) != light[0]
    assert comes_true(tab, f"{text} !== '{light[1]}'")


def test_the_survey_is_filtered(tab: Page) -> None:
    shown = "[...document.querySelectorAll('#survey tbody tr')].filter(r => r.checkVisibility())"
    everything = tab.evaluate(f"{shown}.length")
    tab.locator("#survey-differs").check()
    slide(tab.locator("#survey-find"), "optax.a")
    rows = tab.evaluate(f"{shown}.map(r => r.innerText)")
    assert 0 < len(rows) < everything
    assert all("optax.a" in row and "✗ differs" in row for row in rows)
    assert tab.locator("#survey-count").inner_text() == f"{len(rows)} / {everything}"
    tab.locator("#survey-differs").uncheck()
    slide(tab.locator("#survey-find"), "")
    assert tab.evaluate(f"{shown}.length") == everything


def test_the_keyboard_reaches_every_control(tab: Page) -> None:
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


def audit(tab: Page, **options: object) -> list[tuple]:
    """What an axe-core audit finds, with every table open.

    A plot is an image with a name; what it is drawn with is not read.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    context = {"include": options.pop("include", [["html"]]), "exclude": [[".main-svg"]]}
    options |= {"resultTypes": ["violations"], "preload": False}
    found = axe.Axe().run(tab, context=context, options=options).response["violations"]
    return [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found]


def test_an_accessibility_audit_finds_nothing(tab: Page) -> None:
    assert audit(tab, rules={"color-contrast": {"enabled": False}}) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_kind_of_text_stands_out_from_its_ground(tab: Page, dark: bool) -> None:
    tab.evaluate(f"setTheme({str(dark).lower()})")
    some = ["header", "main > .lead", "#init-comparison", "#explorer", "footer"]
    assert audit(tab, runOnly=["color-contrast"], include=[[part] for part in some]) == []


def test_headings_are_in_order_and_every_chart_is_named(tab: Page) -> None:
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for plot in tab.locator(".plot").all():
        ids = plot.get_attribute("aria-labelledby").split()
        texts = [tab.locator(f"#{name}").text_content() for name in ids]
        assert all(texts), ids


@pytest.fixture(scope="module")
def phone(browser: Browser, address: str) -> Page:
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


def test_the_page_follows_what_the_system_asks_for(phone: Page) -> None:
    assert phone.locator("html").get_attribute("lang") == "ko"
    assert phone.locator("html").get_attribute("data-theme") == "dark"
    phone.locator("#explorer-back").click()
    phone.locator("#explorer-play").click()
    assert phone.locator("#explorer-steps").input_value() == str(explorer.STEPS)  # at once


def test_a_link_leads_to_its_section_whatever_is_drawn_on_the_way(
    phone: Page,
) -> None:
    phone.reload()
    phone.locator(".top a[href='#speed']").click()
    top = "Math.abs(document.getElementById('speed').getBoundingClientRect().top)"
    assert comes_true(phone, f"{top} < 120")
    phone.evaluate("redraw(true)")
    assert phone.evaluate(top) < 120


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_phone_has_no_sideways_scroll(phone: Page, language: str) -> None:
    phone.evaluate(f"setLanguage('{language}')")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    cut = "[...document.querySelectorAll('.stack')].filter(t => t.offsetWidth > innerWidth)"
    assert phone.evaluate(f"{cut}.length") == 0
    wide = "[...document.querySelectorAll('.plot')].filter(p => p.scrollWidth > innerWidth)"
    assert phone.evaluate(f"{wide}.length") == 0


def test_it_prints_every_chart_and_on_light_paper(tab: Page) -> None:
    tab.evaluate("setTheme(true); dispatchEvent(new Event('beforeprint'))")
    widths = tab.evaluate("[...document.querySelectorAll('.plot')].map(p => p.layout.width)")
    assert tab.locator("html").get_attribute("data-theme") == "light"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("html").get_attribute("data-theme") == "dark"
    assert set(widths) == {660}


def test_paper_has_the_legends_and_nothing_to_click(tab: Page) -> None:
    figure = tab.locator("#fig-optimizer-comparison-loss")
    tab.emulate_media(media="print")
    try:
        assert figure.get_by_text("SGD", exact=True).first.is_visible()
        assert figure.locator(".stroke.torch").is_visible()
        dead = "summary, .chart button, .chart .controls input, .chart select, .anchor"
        assert [e.inner_text() for e in tab.locator(dead).all() if e.is_visible()] == []
    finally:
        tab.emulate_media(media="screen")
