"""Values that stand in no list: fitted, and found together with variants that do."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.harness.test_diagnose import Planted, names, reference
from torch_ref.lockstep import diagnose
from torch_ref.lockstep.diagnose.rules import VARIANTS
from torch_ref.registry import Settings


def with_digits(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of two significant digits, evenly over the decades."""
    logs = st.floats(math.log(low), math.log(high)).map(math.exp)
    return logs.map(lambda value: float(f"{value:.2g}"))


KEPT = st.integers(400, 995).map(lambda part: part / 1000)
ASKED: dict[str, Settings] = {
    "SGD": {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.03},
    "Adagrad": {"lr_decay": 0.02, "initial_accumulator_value": 0.3},
    "RMSprop": {"momentum": 0.6, "centered": True},
    "Adam": {"weight_decay": 0.03},
    "AdamW": {},
}
#: By family, the settings to be wrong, and what their values may be.
WRONG: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "SGD": {"lr": with_digits(1e-4, 0.3), "momentum": KEPT, "weight_decay": with_digits(1e-3, 1)},
    "Adagrad": {"lr": with_digits(1e-4, 0.3), "lr_decay": with_digits(1e-3, 1)},
    "RMSprop": {"alpha": KEPT, "momentum": KEPT, "eps": with_digits(1e-7, 1e-3)},
    "Adam": {"eps": with_digits(1e-7, 1e-3), "betas": st.tuples(st.just(0.9), KEPT)},
    "AdamW": {"lr": with_digits(1e-4, 0.3), "betas": st.tuples(KEPT, st.just(0.999))},
}


def said(asked: Settings, name: str, value: Any) -> str:
    """What a finding calls the value of a setting."""
    if not isinstance(value, tuple):
        return f"{name} = {value:.6g}, "
    i = next(i for i, each in enumerate(value) if each != asked[name][i])
    return f"β{'₁₂'[i]} = {value[i]:.6g}, "


@pytest.mark.parametrize("family", WRONG)
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_any_value_is_found(family: str, data: st.DataObject) -> None:
    assert_found(family, data)


@pytest.mark.slow
@pytest.mark.parametrize("family", WRONG)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_any_of_more_values_is_found(family: str, data: st.DataObject) -> None:
    assert_found(family, data)


def assert_found(family: str, data: st.DataObject) -> None:
    case = ASKED[family]
    asked = reference(family, case).settings
    name = data.draw(st.sampled_from(sorted(WRONG[family])))
    value = data.draw(WRONG[family][name].filter(lambda value: value != asked[name]))
    found = names(diagnose(Planted(reference(family, case | {name: value})), family, case))
    one = said(asked, name, value)
    assert found
    # A tenth of lr is also the momentum of an average: what has a name goes before a number.
    known = {variant.name for variant in VARIANTS[family]}
    assert all(len(each) == 1 and (each[0].startswith(one) or each[0] in known) for each in found)


TOGETHER = [
    ("Adam", {}, {"betas": (0.9, 0.9731)}, ["epsilon before the bias correction"]),
    ("AdamW", {}, {"betas": (0.87, 0.9731)}, ["weight decay after the step"]),
    ("RMSprop", {}, {"alpha": 0.77}, ["square_avg started at one"]),
    ("Adagrad", {"lr_decay": 0.01}, {"lr": 0.033}, ["epsilon inside the square root"]),
    ("Adam", {}, {"eps": 3.3e-5, "lr": 0.0023}, []),
    (
        "Adam",
        {"weight_decay": 0.1},
        {},
        [
            "epsilon before the bias correction",
            "weight decay decoupled, not scaled by lr",
            "step counted once for every parameter",
        ],
    ),
]


@pytest.mark.parametrize(("family", "case", "values", "causes"), TOGETHER)
def test_several_causes_at_once(
    family: str, case: Settings, values: Settings, causes: list[str]
) -> None:
    variants = [variant for variant in VARIANTS[family] if variant.name in causes]
    planted = reference(family, case | values, *variants)
    diagnosis = diagnose(Planted(planted), family, case)
    assert diagnosis.findings
    for finding in diagnosis.findings:
        rule = reference(family, case, *finding.variants)
        assert (rule.settings, rule.form) == (planted.settings, planted.form)


def test_a_fitted_value_that_has_a_name_is_told_once() -> None:
    diagnosis = diagnose(Planted(reference("Adam", {"lr": 0.0023, "eps": 1e-6})), "Adam")
    assert len(diagnosis.findings) == 1
    assert "lr = 0.0023, not 0.001" in diagnosis.findings[0].names
