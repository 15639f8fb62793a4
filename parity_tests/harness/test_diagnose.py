"""The cause of a divergence: every known variant is found by name, and nothing else is."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.harness import handwritten
from parity_tests.harness.handwritten import CubeRoot, EpsInside, Written
from scratch import optim
from scratch.random import processor
from torch_ref.lockstep import Result, as_adapter, diagnose, lockstep
from torch_ref.lockstep.diagnose.probe import Probe
from torch_ref.lockstep.diagnose.rules import FAMILIES, VARIANTS, UpdateRule
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.lockstep.finding import Variant
from torch_ref.registry import Settings

#: The families whose settings are known here; ``test_catalogue`` has all of them.
DIAGNOSED = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
#: The first family of those that share a variant's name and changes: their rules share its code.
FIRST = {
    (variant.name, str(variant.changes)): family
    for family in reversed(DIAGNOSED)
    for variant in VARIANTS[family]
}
EACH = [
    pytest.param(
        family,
        variant,
        id=f"{family}-{variant.name}",
        marks=() if FIRST[variant.name, str(variant.changes)] == family else pytest.mark.slow,
    )
    for family in DIAGNOSED
    for variant in VARIANTS[family]
]
#: The settings without which a change of what is named makes no difference.
SHOWN_BY: dict[str, Settings] = {
    **{name: {"weight_decay": 0.1} for name in ("decay", "decay_on", "weight_decay", "zeros")},
    **{name: {"momentum": 0.9} for name in ("momentum", "lr_place", "order")},
    **{name: {"momentum": 0.9, "dampening": 0.3} for name in ("share", "first")},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "amsgrad": {"amsgrad": True},
    "centered": {"centered": True},
    "lr_decay": {"lr_decay": 0.1},
    "initial_accumulator_value": {"initial_accumulator_value": 0.5},
}

SAME = (
    {"gradient's sign flipped", "step added, not subtracted"},
    {"step along the buffer before its update", "Nesterov ignored"},
    {"step along the buffer before its update", "the gradient of the step before"},
)


def reference(family: str, case: Settings | None = None, *variants: Variant) -> UpdateRule:
    """The family's reference, turned into the given variants at once."""
    return FAMILIES[family](case, **changes_of(variants))


class Planted:
    """A candidate that is no reference itself, as far as anyone can see."""

    def __init__(self, planted: UpdateRule) -> None:
        self._inner, self.lr = planted, planted.lr

    def update(self, params: dict, grads: dict) -> None:
        self._inner.lr = self.lr
        self._inner.update(params, grads)


def names(diagnosis: Result) -> list[tuple[str, ...]]:
    return [finding.names for finding in diagnosis.findings]


def settings_for(family: str, *variants: Variant) -> dict[str, Any]:
    """Torch's settings under which the variants differ from it."""
    changes, found = changes_of(variants), {}
    for name in changes:
        found |= SHOWN_BY.get(name, {})
    if family == "SGD" and "decay" in changes:
        found |= SHOWN_BY["momentum"]  # without, w − lr·(g + λw) is the same either way
    if family == "Adagrad" and "counter" in changes:
        found |= SHOWN_BY["lr_decay"]
    # What is changed to a value must not have it already.
    taken = {"eps": 3e-7} if "eps" in changes else {}
    taken |= {name: False for name, value in changes.items() if value is True and name in found}
    return found | taken


@pytest.mark.parametrize(("family", "variant"), EACH)
def test_a_planted_variant_is_found_by_name(family: str, variant: Variant) -> None:
    case = settings_for(family, variant)
    diagnosis = diagnose(Planted(reference(family, case, variant)), family, case)
    found = {name for (name,) in names(diagnosis)}
    # Only what is the same formula under these settings may fit together.
    assert found == {variant.name} or (variant.name in found and found in SAME)
    assert f'"{variant.name}"' in str(diagnosis)
    assert variant.theirs.format(**reference(family, case).settings) in str(diagnosis)


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", DIAGNOSED)
def test_in_float32_too(family: str) -> None:
    for variant in VARIANTS[family][:4]:
        case = settings_for(family, variant)
        planted = Planted(reference(family, case, variant))
        assert (variant.name,) in names(diagnose(planted, family, case, dtype=np.float32))


def test_the_catalogue_is_consistent() -> None:
    assert VARIANTS.keys() == FAMILIES.keys()
    for variants in VARIANTS.values():
        assert len({variant.name for variant in variants}) == len(variants)
    with pytest.raises(TypeError, match=r"changes of SGD must be of sign, .*, got colour"):
        reference("SGD", {}, Variant("painted red", "", {"colour": "red"}))
    with pytest.raises(TypeError, match="momentum"):
        reference("Adam", {"momentum": 0.9})


def a_case(family: str) -> st.SearchStrategy[Settings]:
    """Settings of torch's class."""
    drawn: dict[str, st.SearchStrategy] = {
        "lr": st.floats(1e-4, 0.5),
        "weight_decay": st.sampled_from([0.0, 0.01, 0.1]),
        "maximize": st.booleans(),
    }
    part = st.floats(0.5, 0.99)
    own: dict[str, dict[str, st.SearchStrategy]] = {
        "SGD": {"momentum": part, "dampening": st.floats(0, 1), "nesterov": st.booleans()},
        "Adagrad": {"lr_decay": st.floats(0, 1), "initial_accumulator_value": st.floats(0, 1)},
        "RMSprop": {"alpha": part, "momentum": st.sampled_from([0.0, 0.5, 0.9])},
        "Adam": {"betas": st.tuples(part, st.floats(0.9, 0.999)), "amsgrad": st.booleans()},
    }
    drawn |= own[family.removesuffix("W")]
    if family != "SGD":
        drawn["eps"] = st.sampled_from([1e-10, 1e-8, 1e-7, 1e-3])
    return st.fixed_dictionaries(drawn).map(
        lambda case: case | ({"dampening": 0.0} if case.get("nesterov") else {})
    )


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", DIAGNOSED)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_reference_is_never_accused(family: str, data: st.DataObject) -> None:
    case = data.draw(a_case(family))
    diagnosis = diagnose(Planted(reference(family, case)), family, case)
    assert names(diagnosis) == []
    assert diagnosis.lr_halved_at == 21
    # Where g is tiny beside λw, the sign of w decides on the next step: rounding errors grow.
    assert diagnosis.agrees or (diagnosis.rounding and case["weight_decay"] and family != "SGD")


@pytest.mark.arithmetic
def test_rounding_that_grows_is_not_given_a_name() -> None:
    case = {"lr": 0.5, "weight_decay": 0.01, "alpha": 0.5, "momentum": 0.5, "eps": 1e-10}
    diagnosis = diagnose(Planted(reference("RMSprop", case)), "RMSprop", case)
    assert names(diagnosis) == []
    if not processor.FUSES and diagnosis.agrees:
        return  # without multiply-add torch rounds as NumPy does, and there is nothing to grow
    assert diagnosis.rounding
    assert "these settings amplify rounding errors" in str(diagnosis)


@pytest.mark.arithmetic
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_clean_implementations_are_never_accused(dtype: str) -> None:
    for cls in (optim.SGD, optim.Adagrad, optim.RMSprop, optim.Adam):
        assert diagnose(cls(lr=0.01), cls.__name__, {"lr": 0.01}, dtype=dtype).agrees
    assert diagnose(torch.optim.AdamW, "AdamW", {"amsgrad": True}, dtype=dtype).agrees
    centered = {"centered": True, "momentum": 0.9}
    assert diagnose(reference("RMSprop", centered), "RMSprop", centered, dtype=dtype).agrees


MOMENTUM = {"momentum": 0.9}
WRITTEN = [
    (handwritten.EpsInside, "Adam", {}, "epsilon inside the square root"),
    (handwritten.Uncorrected, "Adam", {}, "bias correction missing"),
    (handwritten.Swapped, "Adam", {}, "beta1 and beta2 swapped"),
    (handwritten.CountsParameters, "Adam", {}, "step counted once for every parameter"),
    (handwritten.DecaysAfter, "AdamW", {"weight_decay": 0.1}, "weight decay after the step"),
    (
        handwritten.CopiedNesterov,
        "SGD",
        {**MOMENTUM, "nesterov": True},
        "Nesterov from the already updated velocity, lr inside the buffer",
    ),
    (
        handwritten.FromZero,
        "SGD",
        {**MOMENTUM, "dampening": 0.3},
        "momentum buffer from zero, so that the first step is dampened too",
    ),
    (handwritten.Averaged, "SGD", MOMENTUM, "momentum as a moving average, (1 − momentum)·g"),
    (
        handwritten.TensorFlowRMSprop,
        "RMSprop",
        MOMENTUM,
        "TensorFlow's RMSprop: square_avg from one, epsilon inside the root, lr in the buffer",
    ),
]


@pytest.mark.arithmetic
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("cls", "family", "case", "name"), WRITTEN)
def test_what_users_write(cls: type, family: str, case: Settings, name: str, dtype: str) -> None:
    diagnosis = diagnose(cls(lr=0.01), family, {"lr": 0.01, **case}, dtype=dtype)
    assert names(diagnosis) == [(name,)]
    assert diagnosis.findings[0].distance <= {"float64": 1e-12, "float32": 1e-5}[dtype]


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("mine", "family", "case", "name"),
    [
        (optim.chapter.Adam(eps=1e-8), "Adam", {}, "epsilon before the bias correction"),
        (optim.AdaGrad(), "Adagrad", {}, "eps 1e-7, not the one asked for"),
        (optim.RMSProp(), "RMSprop", {}, "eps 1e-7, not the one asked for"),
        (optim.Momentum(), "SGD", {"lr": 0.01, **MOMENTUM}, "lr inside the momentum buffer"),
    ],
)
def test_where_the_chapter_differs(mine: Any, family: str, case: Settings, name: str) -> None:
    assert names(diagnose(mine, family, case)) == [(name,)]


def test_the_line_says_what_agrees_how_well_and_what_torch_does() -> None:
    class Adam(EpsInside):
        pass

    assert re.fullmatch(
        r'your Adam agrees with "epsilon inside the square root" to \de-1[56]; '
        r"torch adds it outside: denom = √v̂ \+ eps",
        *diagnose(Adam(), "Adam").cause,
    )


PAIRS = [
    ("SGD", "Nesterov ignored", "gradient's sign flipped"),
    ("SGD", "momentum inverted", "weight decay doubled, 2λw"),
    ("Adagrad", "epsilon inside the square root", "accumulator started at 0.1"),
    ("RMSprop", "alpha inverted", "no epsilon"),
    ("RMSprop", "centered ignored", "lr inside the momentum buffer"),
    ("Adam", "bias correction missing", "eps 1e-7, not the one asked for"),
    ("Adam", "epsilon inside the square root", "beta1 and beta2 swapped"),
    ("AdamW", "weight decay after the step", "step counter one ahead"),
]


@pytest.mark.parametrize(("family", "one", "other"), PAIRS)
def test_two_bugs_at_once(family: str, one: str, other: str) -> None:
    both = [variant for variant in VARIANTS[family] if variant.name in (one, other)]
    case = settings_for(family, *both)
    diagnosis = diagnose(Planted(reference(family, case, *both)), family, case)
    assert {one, other} in [set(found) for found in names(diagnosis)]
    assert all(len(finding.variants) == 2 for finding in diagnosis.findings)
    assert f'"{both[0].name}" together with "{both[1].name}"' in str(diagnosis)


def test_what_cannot_be_told_apart_is_all_named() -> None:
    diagnosis = diagnose(optim.SGD(lr=0.1, maximize=True), "SGD", {"lr": 0.1})
    assert names(diagnosis) == [("gradient's sign flipped",), ("step added, not subtracted",)]
    assert "these 2 are one and the same: it may be any of them" in str(diagnosis)
    decayed = {"weight_decay": 0.1}
    uphill = diagnose(optim.SGD(lr=0.1, **decayed, maximize=True), "SGD", {"lr": 0.1, **decayed})
    assert names(uphill) == [("gradient's sign flipped",)]


def test_a_new_bug_is_not_given_a_known_name() -> None:
    diagnosis = diagnose(CubeRoot(), "Adam")
    assert not diagnosis.agrees
    assert names(diagnosis) == []
    assert "no known variant does the same" in str(diagnosis)
    assert f"at step 1, {diagnosis.report.first.name}[" in str(diagnosis)


class NearlyRight(Written):
    """0.5 % off in β₂: near to torch's Adam, and to several variants in float32."""

    def update(self, params: dict, grads: dict) -> None:
        self._inner = getattr(self, "_inner", optim.Adam(betas=(0.9, 0.994)))
        self._inner.update(params, grads)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_near_is_measured_and_not_taken_for_a_known_one(dtype: str) -> None:
    diagnosis = diagnose(NearlyRight(), "Adam", dtype=dtype)
    assert not diagnosis.agrees
    assert names(diagnosis) == [("β₂ = 0.994, not 0.999",)]


def test_a_candidate_that_becomes_nan() -> None:
    class Nan(Written):
        def update(self, params: dict, grads: dict) -> None:
            for key in params:
                params[key] *= np.nan

    diagnosis = diagnose(Nan(), "SGD")
    assert names(diagnosis) == []
    assert "its parameters become inf or NaN" in str(diagnosis)


def test_nan_beside_nan_is_no_agreement() -> None:
    """A counter that begins at 0 divides by 1 − β⁰, and so does whatever else has no number."""

    class Counter(Written):
        def update(self, params: dict, grads: dict) -> None:
            for key, g in grads.items():
                params[key] -= 0.001 * 0.1 * g / (1 - 0.9**self.t)
            self.t += 1

    diagnosis = diagnose(Counter(), "Adam")
    assert names(diagnosis) == []
    assert "all of them in the first step" in str(diagnosis)


def test_a_variant_that_becomes_nan_is_no_finding() -> None:
    """With such an lr, 1 − lr·λ is −inf, and what starts at zero becomes 0·inf at once."""

    class Still(Written):
        def update(self, params: dict, grads: dict) -> None:
            pass

    case = {"lr": 1e308, "weight_decay": 100.0}
    assert names(diagnose(Still(), "AdamW", case)) == []


class FixedRate:
    """The chapter's momentum with a rate that cannot be assigned."""

    def __init__(self) -> None:
        self._inner = optim.Momentum(lr=0.01)

    def update(self, params: dict, grads: dict) -> None:
        self._inner.update(params, grads)


def test_a_rate_that_cannot_change_is_left_alone() -> None:
    diagnosis = diagnose(FixedRate(), "SGD", {"lr": 0.01, **MOMENTUM})
    assert diagnosis.agrees
    assert diagnosis.lr_halved_at is None


def test_a_rate_that_is_read_once_is_taken_as_fixed() -> None:
    candidate = FixedRate()
    candidate.lr = 0.01
    assert diagnose(candidate, "SGD", {"lr": 0.01, **MOMENTUM}).agrees


def test_what_only_a_change_of_lr_shows_is_said_to_be_so() -> None:
    class Forgetful(Written):
        """Starts the velocity anew whenever lr changes."""

        def update(self, params: dict, grads: dict) -> None:
            if self.m.get("lr") != self.lr:
                self.m["lr"] = self.lr
                self._inner = optim.SGD(lr=self.lr, momentum=0.9)
            self._inner.update(params, grads)

    diagnosis = diagnose(Forgetful(), "SGD", MOMENTUM)
    assert names(diagnosis) == []
    assert "until lr was halved at step 21, the two agreed" in str(diagnosis)


def test_a_pair_of_functions_and_a_class_of_torch() -> None:
    class Pair:
        @staticmethod
        def init(params: dict) -> dict:
            return {}

        @staticmethod
        def update(grads: dict, state: dict, params: dict) -> tuple[dict, dict]:
            return {key: 0.1 * g for key, g in grads.items()}, state

    assert ("step added, not subtracted",) in names(diagnose(Pair, "SGD", {"lr": 0.1}))
    diagnosis = diagnose(torch.optim.AdamW, "Adam", {"weight_decay": 0.1})
    assert names(diagnosis) == [("weight decay decoupled",)]


def test_the_stream_is_the_same_for_everyone() -> None:
    streams = [Probe(np.dtype("float64"), 3) for _ in range(2)]
    first, second = ([s.gradients({}, {}) for _ in range(6)] for s in streams)
    for (mine, _), (_, theirs), (again, _) in zip(first[:3], second[:3], second[3:], strict=True):
        for name, g in mine.items():
            np.testing.assert_array_equal(g, theirs[name])
            np.testing.assert_array_equal(g, again[name])


def test_a_family_that_is_not_in_the_catalogue() -> None:
    class Own(torch.optim.SGD):
        """A class of one's own, that the registry does not have."""

    with pytest.raises(KeyError, match=r"no catalogue of variants of .*Own"):
        diagnose(optim.SGD(), Own)


def test_the_same_run_through_the_harness() -> None:
    problem = Probe(np.dtype("float64"), 40)
    side = as_adapter(Planted(reference("Adagrad")))
    assert lockstep(side, torch.optim.Adagrad, problem, steps=40).agrees
