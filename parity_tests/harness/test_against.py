"""Every name of the table can be asked for, and its meaning is what a candidate is held against."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import experiments
from scratch import optim
from torch_ref import registry
from torch_ref.lockstep import diagnose
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.reference import NORM, SCHEDULE, Reference, find
from torch_ref.lockstep.check import check

#: LBFGS takes a closure, which a check has not.
CHECKED = {n: pair for n, pair in registry.OPTIMIZERS.items() if pair.gradients != "closure"}
OF_CHAPTER = {n: pair for n, pair in registry.OPTIMIZERS.items() if pair.of_chapter}


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", CHECKED)
def test_each_hand_written_class_agrees_with_what_its_name_means(name: str) -> None:
    outcome = check(CHECKED[name].scratch, name, steps=50)
    assert outcome.agrees, str(outcome)
    torchs = CHECKED[name].torch == f"torch.optim.{name}"
    assert outcome.theirs == (CHECKED[name].torch if torchs else f"scratch.optim.{name}")


@pytest.mark.parametrize("name", OF_CHAPTER)
@pytest.mark.parametrize("prefix", ["", "chapter.", "scratch.optim.chapter."])
def test_the_chapters_classes_under_every_name(name: str, prefix: str) -> None:
    """But ``Adam`` alone, which is torch's as well."""
    last = name.rpartition(".")[2]
    found = find(f"{prefix}{last}" if prefix else name)
    assert found.target is OF_CHAPTER[name].scratch
    assert find(found.target).target is found.target


@pytest.mark.parametrize("name", OF_CHAPTER)
def test_the_same_class_of_torch_differs_from_the_chapters_and_is_named(name: str) -> None:
    pair = OF_CHAPTER[name]
    case = pair.to_torch(pair.scratch())
    theirs = registry.OPTIMIZERS[pair.family].scratch(**case)
    found = check(theirs, name)
    if not pair.variant:
        assert found.agrees, str(found)
        return
    said = str(found)
    assert f'"torch\'s {pair.family}"' in said
    assert f'{find(name).owner} has "{pair.variant}"' in said
    [cause] = diagnose(theirs, name).findings
    assert cause.names == (f"torch's {pair.family}",)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", OF_CHAPTER)
def test_the_diagnosis_does_not_accuse_the_chapters_own(name: str) -> None:
    found = diagnose(OF_CHAPTER[name].scratch(), name)
    assert found.agrees
    assert found.findings == []


def test_a_bug_in_the_chapters_adam_is_named() -> None:
    class Uncorrected(optim.chapter.Adam):
        def rule(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
            for buffer, beta, new in (
                ("exp_avg", self.beta1, g),
                ("exp_avg_sq", self.beta2, g * g),
            ):
                state[buffer] += (1 - beta) * (new - state[buffer])
            w -= self.lr * state["exp_avg"] / (np.sqrt(state["exp_avg_sq"]) + self.eps)

    said = str(check(Uncorrected, "chapter.Adam"))
    assert 'agrees with "bias correction missing"' in said
    assert "\n  chapter.Adam corrects both moments" in said


def test_both_betas_under_one_name() -> None:
    class Betas(optim.chapter.Adam):
        def __init__(self, lr: float = 0.01, betas: tuple[float, float] = (0.9, 0.99)) -> None:
            super().__init__(lr, *betas)

    outcome = check(Betas, "chapter.Adam", {"betas": (0.5, 0.9)})
    assert outcome.agrees, str(outcome)
    assert outcome.settings == {"lr": 0.01, "beta1": 0.5, "beta2": 0.9}
    assert "betas → beta1, beta2 = (0.5, 0.9) (--arg)" in str(outcome)
    assert check(Betas, "chapter.Adam", {"beta2": 0.9}).settings["beta2"] == 0.9


@pytest.mark.parametrize(
    ("table", "kind"), [(registry.SCHEDULES, SCHEDULE), (registry.LAYERS, NORM)]
)
def test_the_names_of_the_other_tables(table: dict[str, Any], kind: str) -> None:
    for name, pair in table.items():
        if kind == SCHEDULE or pair.statistics:
            assert find(name) == Reference(pair.torch, kind, registry.resolve(pair.torch), pair)
        else:
            with pytest.raises(CandidateError, match="there is no check for torch"):
                find(name)


@pytest.mark.parametrize("name", registry.INITIALIZERS)
def test_an_initializer_of_ours_is_torchs_with_the_settings_of_the_table(name: str) -> None:
    pair = registry.INITIALIZERS[name]
    if pair.distribution is None:
        with pytest.raises(CandidateError, match=r"there is no check for torch\.nn\.init"):
            find(name)
        return
    assert find(name).settings == pair.settings
    case = dict(pair.cases[0])
    shape = {"shape": pair.shapes[-1] if case == {"groups": 2} else pair.shapes[0]}
    if len(pair.shapes[0]) == 2 or name == "dirac":
        assert check(pair.scratch, name, case | shape).agrees


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("chapter.Adm", "did you mean 'chapter.Adam'?"),
        ("Nestorov", "did you mean 'Nesterov'?"),
        ("rmsporp", "did you mean 'RMSprop' or 'RMSProp'"),
        ("optax.Adam", "did you mean 'Adam' or 'chapter.Adam'"),
        ("no such thing", "it may be an optimizer, a normalization layer"),
        (print, "it may be an optimizer"),
    ],
)
def test_what_is_not_in_the_table_is_refused_with_the_nearest(name: Any, near: str) -> None:
    with pytest.raises(CandidateError, match=r"torch has no .*, nor has the chapter; ") as refused:
        find(name)
    assert near in str(refused.value)


def test_a_class_of_ones_own_is_its_own_reference() -> None:
    class Mine(torch.optim.SGD):
        pass

    assert check(Mine, Mine, {"lr": 0.1}, steps=5).agrees
    assert find(torch.optim.SGD).name == "torch.optim.SGD"
    assert find(torch.nn.BatchNorm1d).kind == NORM


TABLES = (registry.OPTIMIZERS, registry.SCHEDULES, registry.LAYERS)
#: Initializers whose names are words, or kinds of numbers, too.
WORDS = {"zeros", "ones", "constant", "eye", "normal", "uniform", "sparse", "orthogonal"}
NAMES = {name for table in TABLES for name in table} | registry.INITIALIZERS.keys() - WORDS
#: Where a name of the table stands outside of it, and why.
ELSEWHERE = {
    "torch_ref/lockstep/diagnose/": "the catalogue says of whom a variant is known",
    "torch_ref/registry/": "the table",
    "torch_ref/lockstep/diagnose/variants/": "the catalogue of the families' variants",
    "torch_ref/init.py": "the twins",
    "torch_ref/nn/network.py": "the default, as the hand-written network's",
    "torch_ref/conventions.py": "titles of where the chapter and torch differ",
    "torch_ref/lockstep/check.py": "what is taken where nothing is said",
    "torch_ref/lockstep/diagnose/layers/check.py": "what is taken where nothing is said",
    "experiments/sweep/plan.py": "the settings of the sweep",
    "experiments/parity/drift.py": "the settings of the drift",
    "experiments/report/lab.py": "the initializers that the page lets one try",
    "experiments/engine/figures.py": "the colours of the chapter's curves",
    "experiments/cli/example.py": "what the wrong example is called",
    "experiments/bench/": "the training that is timed is the chapter's",
    "experiments/overfitting.py": "what two experiments train with",
    "experiments/lesson/exercises/": "what the learner is to write",
    "experiments/report/explorer.py": "the optimizers that the page lets one try",
    "experiments/report/javascript.py": "the optimizers that the page has in JavaScript",
}
#: An experiment names what it compares.
EXPERIMENTS = {f"experiments/{name.replace('-', '_')}.py" for name in experiments.NAMES}
ROOT = Path(registry.__file__).parents[2]


def texts(path: Path) -> Iterator[str]:
    """The texts in a module's code, but for its ``__all__``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_no_name_of_the_table_stands_elsewhere_in_the_product() -> None:
    named = {
        path.relative_to(ROOT).as_posix()
        for folder in ("torch_ref", "experiments")
        for path in (ROOT / folder).rglob("*.py")
        if NAMES.intersection(texts(path))
    }
    elsewhere = {home for file in named for home in ELSEWHERE if file.startswith(home)}
    assert elsewhere == ELSEWHERE.keys()
    assert {f for f in named - EXPERIMENTS if not f.startswith(tuple(ELSEWHERE))} == set()


def test_no_test_asks_an_entry_for_its_name() -> None:
    """What sets one apart is said in its entry: nothing is decided by ``pair.name``."""
    for path in (ROOT / "parity_tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                asked = any(
                    "pair.name" in ast.unparse(side) for side in (node.left, *node.comparators)
                )
                known = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)} & NAMES
                assert not (asked and known), f"{path.name}:{node.lineno}: {ast.unparse(node)}"
