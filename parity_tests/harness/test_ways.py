"""The ways in which an optimizer may be written: each is run as it is."""

import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.harness.ways_of_writing import AROUND, WAYS, InPlace, around
from parity_tests.optimizer_helpers import STACKED
from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError
from torch_ref.lockstep.candidates.reference import find
from torch_ref.lockstep.candidates.settings import match
from torch_ref.lockstep.check import check
from torch_ref.lockstep.frameworks.optimizers.templates import TEMPLATES, template

SETTINGS = {"lr": 0.01, "momentum": 0.5}


@pytest.mark.parametrize("way", WAYS)
def test_sgd_is_torchs_however_it_is_written(way: str) -> None:
    target, varied = WAYS[way]
    result = check(target, "SGD", SETTINGS, steps=20)
    assert result.agrees, result
    assert result.lr_varied is varied
    other = check(target, "SGD", SETTINGS | {"nesterov": True}, steps=20)
    assert "Nesterov ignored" in str(other), other


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_torchs_sgd_in_few_lines(name: str, tmp_path: Path) -> None:
    code = template(name)
    assert len(code.splitlines()) <= 15
    file = tmp_path / "mine.py"
    file.write_text(code)
    own = "my_sgd" if "def my_sgd" in code else "MySGD"
    result = check(f"{file}:{own}", "SGD", SETTINGS, steps=20)
    assert result.agrees, result
    assert [each.value for each in result.mapped if each.source == "--arg"] == [0.01, 0.5]
    with pytest.raises(KeyError, match="there is no template 'x'; there are update"):
        template("x")


def test_a_module_is_named_as_python_does_and_may_import_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "common/layers.py": "momentum = 0.5",
        "mine/__init__.py": "",
        "mine/base.py": "lr = 0.01",
        "mine/optim/__init__.py": "",
        "mine/optim/sgd.py": "from common.layers import momentum\nfrom ..base import lr\n"
        + template("each").replace("lr=0.001, momentum=0.9", "lr=lr, momentum=momentum"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    for location in ("mine/optim/sgd.py:MySGD", "mine.optim.sgd:MySGD"):
        result = check(location, "SGD", {"theirs.lr": 0.01, "theirs.momentum": 0.5}, steps=5)
        assert result.agrees, result
    assert sys.path == before
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "common")]:
        del sys.modules[name]
    with pytest.raises(CandidateError, match="no_such: importing it raised ModuleNotFound"):
        check("no_such:MySGD", "SGD")


def test_settings_of_one_side_alone_and_what_has_no_counterpart() -> None:
    def step(w: np.ndarray, g: np.ndarray, rate: float = 0.1, eps: float = 1e-30) -> np.ndarray:
        return w - rate * g

    assert check(step, "SGD", {"mine.rate": 0.25, "theirs.lr": 0.25}, steps=5).agrees
    assert not check(step, "SGD", {"mine.rate": 0.25, "theirs.lr": 0.5}, steps=5).agrees
    for alone, said in (
        ({"mine.lr": 1}, "yours does not take 'lr'"),
        ({"theirs.momentun": 1}, "theirs does not take 'momentun'; did you mean 'momentum'"),
    ):
        with pytest.raises(CandidateError, match=said):
            check(step, "SGD", alone)
    # One number is not torch's pair (ε₁, ε₂), whatever it is called: both keep their own.
    mapped = {
        (each.mine, each.theirs): each
        for each in match(Candidate.of(step), find("Adafactor"), {}).mapped
    }
    assert mapped["rate", "lr"].value == 0.1
    assert mapped["eps", ""].value == 1e-30
    assert mapped["", "eps"].value == (None, 0.001)
    assert "has nothing for it" in str(mapped["", "eps"])


def test_what_is_written_in_no_way_is_shown_the_nearest_two() -> None:
    class Mine:
        def minimise(self, jac: object, x0: object) -> None:
            """Nothing that is known."""

    with pytest.raises(CandidateError) as refused:
        check(Mine, "SGD")
    assert "f(grad, x0, num_iters=…): a function that has the loop" in str(refused.value)
    assert "def my_sgd(grad, x0" in str(refused.value)


def test_each_run_has_a_candidate_of_its_own_and_one_that_cannot_be_copied_is_told_so() -> None:
    made = InPlace()
    made.lock = threading.Lock()
    with pytest.raises(CandidateError, match="copied for each run; give its class instead"):
        check(made, "SGD")


def test_a_loop_that_ends_too_soon_or_raises_is_told_with_the_step() -> None:
    def short(grad, x0, num_iters=5):  # type: ignore[no-untyped-def]
        return x0 - 0.1 * grad(x0)

    def broken(grad, x0, num_iters=5):  # type: ignore[no-untyped-def]
        return x0 - grad(x0)[len(x0)]

    for loop, said in (
        (short, "step 1 raised RuntimeError: the loop"),
        (broken, "step 1 raised I"),
    ):
        with pytest.raises(CandidateError, match=said):
            check(loop, "SGD")


def test_what_is_tried_on_a_parameter_without_elements_does_not_warn() -> None:
    def step(w: np.ndarray, g: np.ndarray, lr: float = 0.1) -> np.ndarray:
        return w - 2 * lr * (g + 0 * np.mean(g))

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = check(step, "SGD", steps=20)
    assert not result.agrees
    assert not seen, [str(each.message) for each in seen]


def _never_accused(way: str, name: str, case: dict) -> None:
    pair = STACKED[name]
    target = around(way, lambda: pair.scratch(**case))
    result = check(target, name, {f"theirs.{n}": v for n, v in case.items()}, steps=15)
    assert result.agrees, f"{way}, {name}, {case}: {result}"


CASES = st.sampled_from(sorted(set(STACKED) - {"SparseAdam"})).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(STACKED[name].cases))
)


@pytest.mark.arithmetic
@settings(max_examples=12, deadline=None)
@given(way=st.sampled_from(AROUND), case=CASES)
def test_what_is_right_is_never_accused_however_it_is_written(way: str, case: tuple) -> None:
    _never_accused(way, *case)


@pytest.mark.slow
@pytest.mark.arithmetic
def test_no_case_of_the_registry_is_accused_in_any_way() -> None:
    for name, pair in STACKED.items():
        for i, case in enumerate(pair.cases if name != "SparseAdam" else ()):
            _never_accused(AROUND[i % len(AROUND)], name, case)
