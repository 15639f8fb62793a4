"""The path explorer in a real browser: what it computes, and every way to move it."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments.report import explorer, javascript
from experiments.report.surfaces import SURFACES
from parity_tests.report.browser import Page, slide

#: The surfaces once more, written by hand for autograd.
FUNCTIONS = {
    "bowl": lambda x, y: x * x / 20 + y * y,
    "rosenbrock": lambda x, y: (1 - x).square() + 100 * (y - x * x).square(),
    "beale": lambda x, y: sum(
        (c - x + x * y**k).square() for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))
    ),
    "saddle": lambda x, y: x * x / 2 - y * y / 2 + y**4 / 4,
    "himmelblau": lambda x, y: (x * x + y - 11).square() + (x + y * y - 7).square(),
    "rastrigin": lambda x, y: (x * x + y * y) / 10 + 2 - (3 * x).cos() - (3 * y).cos(),
    "camel": lambda x, y: 2 * x**2 - 1.05 * x**4 + x**6 / 6 + x * y + y**2,
    "plateau": lambda x, y: 1 - (-(x * x + 4 * y * y) / 6).exp(),
}
TYPED = {
    "-x^2": lambda x, y: -(x * x),
    "2^-x^2": lambda x, y: 2 ** -(x * x),
    "x^2^y": lambda x, y: x.abs() ** (2**y),
    "2x(y+1)": lambda x, y: 2 * x * (y + 1),
    "max(x, y) * tanh(x) + abs(y)": lambda x, y: torch.maximum(x, y) * x.tanh() + y.abs(),
    "sqrt(x*x+1) / log(3+y²) − e^(x·π/9)": lambda x, y: (
        (x * x + 1).sqrt() / (3 + y * y).log() - (x * torch.pi / 9).exp()
    ),
    "x**3*sin(y)-min(x,2)*cos(tan(y/9))": lambda x, y: (
        x**3 * y.sin() - x.clamp(max=2) * (y / 9).tan().cos()
    ),
}


@pytest.fixture
def tab(desk: Page) -> Page:
    """The page on a desktop, with the explorer as it begins."""
    go(desk, "f=bowl&SGD=&Momentum=&AdaGrad=&chapter.Adam=")
    return desk


def go(tab: Page, hash_: str) -> None:
    """Follow a link to a state of the explorer."""
    tab.evaluate(
        """hash => new Promise(done => {
        if (location.hash === '#' + hash) location.hash = 'none';
        addEventListener('hashchange', () => setTimeout(done), { once: true });
        location.hash = hash; })""",
        hash_,
    )


def duals(tab: Page, formula: str, places: list[list[float]]) -> np.ndarray:
    reading = "([text, at]) => at.map(p => expression.read(text).dual(...p))"
    return np.array(tab.evaluate(reading, [formula, places]), float)


def gradient(function: Callable, place: list[float]) -> dict[str, float]:
    x, y = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in place)
    return dict(zip("xy", map(float, torch.autograd.grad(function(x, y), (x, y))), strict=True))


@pytest.mark.parametrize("formulas", ["surfaces", "typed"])
def test_a_formula_and_its_gradient_are_autograds(tab: Page, formulas: str) -> None:
    known = {s.formula: FUNCTIONS[s.name] for s in SURFACES} if formulas == "surfaces" else TYPED
    places = [[x, y] for x in (-1.7, 0.3, 2.2) for y in (-2.4, 0.6, 1.9)]
    for formula, function in known.items():
        x, y = torch.tensor(places, dtype=torch.float64).T.clone().requires_grad_()
        f = function(x, y)
        by_x, by_y = torch.autograd.grad(f.sum(), (x, y), allow_unused=True)
        expected = [f.detach(), by_x, y.detach() * 0 if by_y is None else by_y]
        found = duals(tab, formula, places)
        mine, theirs = found.T, np.stack([np.asarray(e) for e in expected])
        used = np.isfinite(mine)  # a negative number has no power of a fraction
        assert used[:, 3:].all() or formula != "x^2^y"
        np.testing.assert_allclose(
            mine[used], theirs[used], rtol=1e-12, atol=1e-12, err_msg=formula
        )
    for surface in SURFACES if formulas == "surfaces" else ():
        minima = duals(tab, surface.formula, [list(at) for at in surface.minima])
        assert np.abs(minima[:, 1:]).max() < 1e-9, surface.name


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("x +", "cannot be read"),
        ("fetch(x)", "fetch is not known"),
        ("constructor(x)", "constructor is not known"),
        ("x.y", "not a function"),
        ("[x]", "not a function"),
        ("'x'", "not a function"),
        ("x ? y : 1", "not a function"),
        ("sin(x, y)", "not a function"),
        ("x == y", "== is not known"),
        ("", "not a function"),
    ],
)
def test_what_is_no_function_is_said_and_never_run(tab: Page, formula: str, said: str) -> None:
    assert said in tab.evaluate("text => expression.read(text).mistake", formula)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_every_path_is_the_one_that_scratch_takes(tab: Page, surface: Any) -> None:
    pairs = javascript.optimizers()
    go(tab, f"f={surface.name}&n=40&" + "&".join(f"{name}=" for name in pairs))
    walks = {walk["name"]: walk for walk in tab.evaluate("explorer.walks()")}
    assert walks.keys() == pairs.keys()
    for name, walk in walks.items():
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in walk["settings"].items()}
        stepper = pairs[name].scratch(**settings)
        params = dict(zip("xy", surface.start, strict=True))
        for step, place in enumerate(zip(walk["x"], walk["y"], strict=True)):
            mine = [params["x"], params["y"]]
            np.testing.assert_allclose(place, mine, rtol=1e-6, atol=1e-9, err_msg=f"{name} {step}")
            stepper.update(params, gradient(FUNCTIONS[surface.name], mine))


def test_a_schedule_moves_the_rate_of_every_step(tab: Page) -> None:
    go(tab, "f=bowl&n=20&schedule=StepLR;step_size:5;gamma:0.5&SGD=lr:0.8")
    [walk] = tab.evaluate("explorer.walks()")
    assert walk["lr"] == [0.8 / 2 ** (t // 5) for t in range(21)]


def test_noise_has_a_seed_and_is_the_same_for_all(tab: Page) -> None:
    def ends(hash_: str) -> list:
        go(tab, hash_)
        return [walk["x"] for walk in tab.evaluate("explorer.walks()")]

    still = ends("f=bowl&SGD=lr:0.1")
    first, second = (ends(f"f=bowl&noise=0.5&seed={seed}&SGD=lr:0.1") for seed in (1, 2))
    assert first == ends("f=bowl&noise=0.5&seed=1&SGD=lr:0.1")
    assert len({str(x) for x in (still, first, second)}) == 3
    [sgd, momentum] = ends("f=bowl&noise=0.5&seed=1&SGD=lr:0.1&Momentum=lr:0.1;momentum:0")
    np.testing.assert_allclose(sgd, momentum, rtol=1e-12)


def test_a_path_that_leaves_or_diverges_is_said_to(tab: Page) -> None:
    go(tab, "f=bowl&SGD=lr:3&Momentum=lr:0.1&AdaGrad=lr:9")
    rows = tab.locator("#explorer-ends tbody tr")
    text = rows.all_inner_texts()
    assert "diverges" in next(row for row in text if row.startswith("SGD"))
    assert "in the picture" in next(row for row in text if row.startswith("Momentum"))
    assert text[-1].startswith("SGD")  # who is gone is last
    tab.locator("#explorer-suggested").click()
    assert "diverges" not in "".join(rows.all_inner_texts())


def test_who_is_lowest_is_said_for_the_step_shown(tab: Page) -> None:
    for step in (1, 30):
        slide(tab.locator("#explorer-steps"), step)
        ends = tab.evaluate("explorer.ends()")
        assert [end["f"] for end in ends] == sorted(end["f"] for end in ends)
        assert (
            tab.locator("#explorer-ends tbody tr").first.inner_text().startswith(ends[0]["label"])
        )
        said = tab.locator("#explorer-said").inner_text()
        assert said.startswith(f"After {step} steps {ends[0]['label']} is lowest")


def test_the_start_is_dragged_clicked_and_moved_by_keys(tab: Page) -> None:
    def start() -> tuple[float, float]:
        return tuple(float(tab.locator(f"#explorer-start-{axis}").input_value()) for axis in "xy")

    handle, canvas = tab.locator("#explorer-start"), tab.locator("#explorer-map")
    assert start() == SURFACES[0].start
    box = handle.bounding_box()
    tab.mouse.move(box["x"] + 22, box["y"] + 22)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 62, box["y"] + 22, steps=3)
    tab.mouse.up()
    dragged = start()
    assert dragged[0] > -7
    assert dragged[1] == pytest.approx(2, abs=0.05)
    handle.focus()
    tab.keyboard.press("ArrowUp")
    assert start()[1] > dragged[1]
    canvas.click(position={"x": 20, "y": 20})
    assert start()[0] < -7
    walks = tab.evaluate("explorer.walks()")
    assert {(walk["x"][0], walk["y"][0]) for walk in walks} == {start()}


def test_steps_are_played_and_taken_one_by_one(tab: Page) -> None:
    steps, play = tab.locator("#explorer-steps"), tab.locator("#explorer-play")
    slide(steps, 28)
    tab.locator("#explorer-back").click()
    assert steps.input_value() == "27"
    tab.locator("#explorer-step").click()
    assert steps.input_value() == "28"
    play.click()
    assert play.inner_text() == "Pause"
    tab.evaluate("new Promise(done => setTimeout(done, 600))")
    assert (steps.input_value(), play.inner_text()) == ("30", "Play")


def test_the_address_holds_all_that_is_chosen(tab: Page) -> None:
    hash_ = "f=sin(x)%2By%5E2&at=1.5,-2&n=50&k=7&noise=0.5&seed=3&schedule=ExponentialLR;gamma:0.9"
    hash_ += "&SGD=lr:1.05&Adam=lr:0.3;betas:0.8,0.99;amsgrad:true"
    go(tab, hash_)
    before = tab.evaluate("explorer.walks()")
    assert [walk["name"] for walk in before] == ["SGD", "Adam"]
    assert before[1]["settings"]["betas"] == [0.8, 0.99]
    assert before[1]["settings"]["amsgrad"] is True
    assert tab.locator("#explorer-steps").input_value() == "7"
    slide(tab.locator("#explorer-seed"), 4)
    slide(tab.locator("#explorer-seed"), 3)
    tab.evaluate("new Promise(done => setTimeout(done, 400))")
    address = tab.evaluate("location.hash")
    go(tab, "f=bowl&SGD=")
    go(tab, address.removeprefix("#"))
    assert tab.evaluate("explorer.walks()") == before
    assert tab.locator("#explorer-steps").input_value() == "7"


def test_a_setting_out_of_its_bounds_is_marked_and_not_taken(tab: Page) -> None:
    beta = tab.locator(".walker:not([hidden]) [data-setting=beta1]")
    tab.locator(".walker:not([hidden]) details").last.evaluate("d => { d.open = true; }")
    slide(beta, 2)
    assert not beta.evaluate("input => input.checkValidity()")
    adam = next(w for w in tab.evaluate("explorer.walks()") if w["name"] == "chapter.Adam")
    assert adam["settings"]["beta1"] == 0.9


def test_the_vendored_files_are_those_of_npm() -> None:
    vendor = Path(javascript.__file__).with_name("assets") / "vendor"
    rows = re.findall(r"\| `([\w.-]+)` .*`(\w{64})` \|", (vendor / "README.md").read_text("utf-8"))
    assert {name for name, _ in rows} == {path.name for path in vendor.glob("*.js")}
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest


def test_the_chapters_optimizers_come_first_and_have_its_rates() -> None:
    found = explorer.as_dict()["optimizers"]
    assert [each["name"] for each in found[: len(explorer.names())]] == explorer.names()
    assert next(each for each in found if each["name"] == "SGD")["start"] == {"lr": 0.95}
