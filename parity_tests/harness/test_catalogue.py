"""The catalogue: each rule is the optimizer of its name; each variant is told from the others."""

import numpy as np
import pytest

from parity_tests.catalogue_page import PAGE, page
from parity_tests.harness.catalogue_cases import agrees, cases, probe, trajectory
from torch_ref.lockstep import diagnose, lockstep
from torch_ref.lockstep.diagnose.rules import FAMILIES, OF_TORCH
from torch_ref.registry import OPTIMIZERS, resolve

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
    for name, changes in variants.items():
        fits = []
        for case in cases(family):
            expected = trajectory(rule(case, **changes), problem)
            if not np.isfinite(expected).all() or agrees(rule(case), problem, expected):
                continue
            of = {n: agrees(rule(case, **each), problem, expected) for n, each in variants.items()}
            fits.append({n for n, same in of.items() if same})
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
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", [name for name in FAMILIES if name in OPTIMIZERS])
def test_a_rule_is_never_accused(family: str) -> None:
    for case in OPTIMIZERS[family].cases[-2:]:
        diagnosis = diagnose(FAMILIES[family](case), family, case)
        assert diagnosis.findings == []
        assert diagnosis.agrees or diagnosis.rounding, str(diagnosis)
