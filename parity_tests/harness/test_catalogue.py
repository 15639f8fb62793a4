"""The catalogue: each rule is the optimizer of its name; each variant is told from the others."""

import functools
import re

import numpy as np
import pytest
import torch

from parity_tests import catalogue_page
from parity_tests.catalogue_page import PAGE, PICTURES, page
from parity_tests.catalogue_pictures import picture
from parity_tests.harness.catalogue_cases import cases, probe, same, trajectory
from torch_ref.lockstep import diagnose, lockstep
from torch_ref.lockstep.check import check
from torch_ref.lockstep.diagnose.rules import FAMILIES, OF_TORCH
from torch_ref.registry import OPTIMIZERS, Settings, resolve

#: One and the same formula under all settings that the cases have.
SAME = (
    {"gradient's sign flipped", "step added, not subtracted"},
    {"no trust ratio without weight decay", "no trust ratio: Adam's step"},
    {"no ratio without weight decay", "no ratio: SGD"},
)


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", [name for name in FAMILIES if name in OPTIMIZERS])
def test_a_rule_without_a_change_is_the_class_of_its_name(family: str) -> None:
    pair = OPTIMIZERS[family]
    for case in pair.cases:
        report = lockstep(FAMILIES[family](case), resolve(pair.torch), steps=40, **case)
        assert report.agrees, f"{case}: {report}"


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", FAMILIES)
def test_every_variant_changes_something_and_is_told_from_the_others(family: str) -> None:
    rule, problem = FAMILIES[family], probe(family)
    variants = {variant.name: variant.changes for variant in rule.VARIANTS}
    assert len(variants) == len(rule.VARIANTS)

    @functools.cache
    def ran(case: int, name: str = "") -> np.ndarray:
        return trajectory(rule(cases(family)[case], **(variants[name] if name else {})), problem)

    for name in variants:
        fits = []
        for i in range(len(cases(family))):
            expected = ran(i, name)
            if not np.isfinite(expected).all() or same(ran(i), expected):
                continue
            fits.append({other for other in variants if same(ran(i, other), expected)})
            if fits[-1] == {name}:
                break
        assert {name} in fits or any(same in fits for same in SAME), f"{name}: {fits}"


def test_a_sentence_says_what_the_reference_does_with_the_settings_as_they_are() -> None:
    for family, rule in FAMILIES.items():
        assert rule.__doc__
        assert rule.PAPER or family in OF_TORCH
        for variant in rule.VARIANTS:
            assert "{" not in variant.instead(rule(cases(family)[0]).settings)


def test_the_page_has_what_the_tables_have() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make texts writes it"
    for family, rule in FAMILIES.items():
        drawn = (PICTURES / f"{family.lower()}.svg").read_text(encoding="utf-8")
        assert drawn.count("<g ") == len(rule.VARIANTS), f"make texts draws {family}"


def test_the_page_says_which_package_ships_a_variant_as_it_was_measured() -> None:
    names = [variant.name for variant in FAMILIES["RMSprop"].VARIANTS]
    found = catalogue_page.measured("RMSprop", names)
    assert found["epsilon inside the square root"] == ["optax.rmsprop", "keras.optimizers.RMSprop"]
    assert found["square_avg started at one"] == ["autograd.misc.optimizers.rmsprop"]
    assert found["no epsilon"] == []
    (adopt,) = catalogue_page.measured("ADOPT", ["clipped at ±t^¼"]).values()
    assert adopt == ["pytorch_optimizer.ADOPT"]


@pytest.mark.parametrize("family", ["SGD", pytest.param("Adam", marks=pytest.mark.slow)])
def test_a_picture_shows_two_paths_that_part(family: str) -> None:
    stored = (PICTURES / f"{family.lower()}.svg").read_text(encoding="utf-8")
    made = picture(family)
    assert re.sub(r"\d+", "", made) == re.sub(r"\d+", "", stored)
    numbers = [[*map(int, re.findall(r"\d+", each))] for each in (made, stored)]
    assert np.abs(np.subtract(*numbers)).max() <= 1  # of a pixel, which a processor may round
    for panel in made.split("<g ")[1:]:
        rule, variant = re.findall(r' d="M([^"]*)"', panel)
        assert rule != variant or "apart" in panel


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", [name for name in FAMILIES if name in OPTIMIZERS])
def test_a_rule_is_never_accused(family: str) -> None:
    for case in OPTIMIZERS[family].cases[-2:]:
        diagnosis = diagnose(FAMILIES[family](case), family, case)
        assert diagnosis.findings == []
        assert diagnosis.agrees or diagnosis.rounding, str(diagnosis)


class Planted:
    """A rule that is no rule as far as anyone can see."""

    def __init__(self, family: str, settings: Settings, **changes: object) -> None:
        self._rule = FAMILIES[family](settings, **changes)
        self.lr = self._rule.lr

    def update(self, params: dict, grads: dict) -> None:
        self._rule.lr = self.lr
        self._rule.update(params, grads)


IS = [
    ("Lion", {}, {}, "AdamW", "Lion with lr 0.0001, betas (0.9, 0.99)"),
    (
        "Lion",
        {"lr": 3e-4, "weight_decay": 0.1},
        {},
        "Adam",
        "Lion with lr 0.0003, weight_decay 0.1",
    ),
    ("RMSprop", {"alpha": 0.9}, {}, "Adagrad", "RMSprop with lr 0.01, alpha 0.9, eps 1e-08"),
    (
        "Yogi",
        {},
        {"m_starts": "zero"},
        "Adam",
        'initial_accumulator 1e-06, but "m started at zero"',
    ),
    ("LookaheadSGD", {"lr": 0.1}, {}, "SGD", "LookaheadSGD with lr 0.1, sync_period 5"),
    ("Prodigy", {}, {}, "Adam", "Prodigy with lr 1, betas (0.9, 0.999), eps 1e-08, d0 1e-06"),
]


@pytest.mark.arithmetic
@pytest.mark.parametrize(("family", "settings", "changes", "against", "said"), IS)
def test_against_the_wrong_class_it_is_said_what_a_candidate_is(
    family: str, settings: Settings, changes: Settings, against: str, said: str
) -> None:
    planted = Planted(family, settings, **changes)
    diagnosis = diagnose(planted, against, own={"lr": planted.lr} | settings)
    assert not diagnosis.agrees
    assert f"your Planted is {family} with lr" in diagnosis.cause[0]
    assert said in diagnosis.cause[0]


@pytest.mark.arithmetic
def test_without_a_name_it_is_looked_for_in_the_whole_catalogue() -> None:
    class Mine(torch.optim.RAdam):
        pass

    assert str(check(Mine, None)).startswith("Mine agrees with torch.optim.RAdam")
    found = check(Planted("MADGRAD", {"lr": 0.02}), None)
    assert found.agrees
    assert "Planted is MADGRAD with lr 0.02, momentum 0.9, eps 1e-06" in str(found)
    assert found.as_dict()["against"] == "the catalogue's MADGRAD"


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", ["NAdam", "ASGD"])
def test_what_torch_alone_rounds_is_no_divergence(family: str) -> None:
    (textbook,) = FAMILIES[family].TEXTBOOK
    found = check(Planted(family, {}, **textbook.changes), family)
    assert found.agrees
    assert "torch differs from that by" in str(found)
    assert textbook.theirs.removeprefix("torch keeps ") in str(found)
