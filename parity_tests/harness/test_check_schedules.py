"""Learning rate schedules: those of torch agree, each known variant is found by its name."""

import json
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torch_ref.lockstep.diagnose.schedules import VARIANTS, check_schedule

pytestmark = pytest.mark.arithmetic

LR = 0.1
SCHEDULERS = {
    "StepLR": {"step_size": 7, "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.97},
    "CosineAnnealingLR": {"T_max": 50, "eta_min": 1e-3},
    "LinearLR": {"start_factor": 0.2, "total_iters": 20},
    "PolynomialLR": {"total_iters": 60, "power": 2.0},
}
FORMULAS: dict[str, Callable[[int], float]] = {
    "StepLR": lambda step: LR * 0.5 ** (step // 7),
    "ExponentialLR": lambda step: LR * 0.97**step,
    "CosineAnnealingLR": lambda step: 1e-3 + (LR - 1e-3) * (1 + math.cos(math.pi * step / 50)) / 2,
    "LinearLR": lambda step: LR * (0.2 + 0.8 * min(step, 20) / 20),
    "PolynomialLR": lambda step: LR * (1 - min(step, 60) / 60) ** 2,
}
PLANTED: dict[str, Callable[[Callable[[int], float], int], float]] = {
    "one step ahead": lambda f, step: f(step + 1),
    "one step behind": lambda f, step: f(max(step - 1, 0)),
    "steps counted from 1": lambda f, step: f(step - 1),
    "a factor instead of the lr": lambda f, step: f(step) / LR,
}
NAMES = pytest.mark.parametrize("name", SCHEDULERS)


@NAMES
def test_a_formula_of_the_step_agrees(name: str) -> None:
    verdict = check_schedule(FORMULAS[name], name, lr=LR, **SCHEDULERS[name])
    assert verdict.agrees, str(verdict)
    assert verdict.findings == []
    verdict.raise_if_diverged()


@NAMES
def test_torchs_own_class_and_instance_agree(name: str) -> None:
    cls, options = getattr(torch.optim.lr_scheduler, name), SCHEDULERS[name]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=LR)
    assert check_schedule(cls, name, lr=LR, **options).agrees
    assert check_schedule(cls(optimizer, **options), name, lr=LR, **options).agrees
    assert check_schedule(cls, lambda opt: cls(opt, **options), lr=LR, **options).agrees


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(1e-5, 10), st.floats(0.1, 1.0), st.integers(1, 40))
def test_no_step_schedule_is_accused(lr: float, gamma: float, size: int) -> None:
    verdict = check_schedule(
        lambda step: lr * gamma ** (step // size), "StepLR", lr=lr, step_size=size, gamma=gamma
    )
    assert verdict.agrees, str(verdict)


def test_every_variant_is_planted() -> None:
    assert PLANTED.keys() == {variant.name for variant in VARIANTS}


@pytest.mark.parametrize("scheduler", ["StepLR", "ExponentialLR", "CosineAnnealingLR"])
@pytest.mark.parametrize("variant", PLANTED)
def test_a_planted_variant_is_found_by_its_name(variant: str, scheduler: str) -> None:
    verdict = check_schedule(
        lambda step: PLANTED[variant](FORMULAS[scheduler], step),
        scheduler,
        lr=LR,
        steps=40,  # less than half a period of the cosine
        **SCHEDULERS[scheduler],
    )
    assert [finding.names for finding in verdict.findings] == [(variant,)], str(verdict)
    assert f'agrees with "{variant}"' in str(verdict)
    with pytest.raises(AssertionError, match=variant):
        verdict.raise_if_diverged()


def test_two_variants_at_once_are_found() -> None:
    verdict = check_schedule(lambda step: 0.97 ** (step + 1), "ExponentialLR", lr=LR, gamma=0.97)
    assert [set(finding.names) for finding in verdict.findings] == [
        {"one step ahead", "a factor instead of the lr"}
    ]


def test_a_formula_that_is_not_defined_at_step_0_counts_from_1() -> None:
    def inverse_root(step: int) -> float:
        return LR * step**-0.5

    def factory(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) ** -0.5)

    verdict = check_schedule(inverse_root, factory, lr=LR)
    assert verdict.findings[0].names == ("steps counted from 1",)
    assert "ZeroDivisionError" in str(verdict)


def test_an_object_with_step_and_lr_is_given_the_settings_and_copied() -> None:
    class Exponential:
        def __init__(self, base_lr: float = 0.5, gamma: float = 0.9) -> None:
            self.lr, self.gamma = base_lr, gamma

        def step(self) -> None:
            self.lr *= self.gamma

    mine = Exponential(LR, 0.8)
    assert check_schedule(mine, "ExponentialLR", lr=LR, gamma=0.8).agrees
    assert mine.lr == LR
    assert check_schedule(Exponential, "ExponentialLR", lr=LR, gamma=0.7).agrees


def test_something_unknown_is_said_to_fit_nothing_and_where() -> None:
    verdict = check_schedule(lambda step: LR / (1 + step) ** 0.3, "ExponentialLR", gamma=0.9)
    assert verdict.findings == []
    assert (verdict.first.step, verdict.first.name) == (1, "lr")
    assert "none of the known variants fits, alone or in pairs" in str(verdict)
    assert json.loads(json.dumps(verdict.as_dict(), allow_nan=False))["first"]["step"] == 1


def test_what_is_no_schedule_is_refused() -> None:
    with pytest.raises(TypeError, match="candidate must be a function of the step"):
        check_schedule(0.1, "StepLR", step_size=3)
    with pytest.raises(ValueError, match="has no 'NoSuchLR'"):
        check_schedule(lambda step: 0.1, "NoSuchLR")
