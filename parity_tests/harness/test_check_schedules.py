"""Learning rate schedules: those of torch agree, each known variant is found by its name."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.frameworks import needs
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.check import check
from torch_ref.lockstep.diagnose.schedules import VARIANTS, check_schedule
from torch_ref.registry import SCHEDULES, resolve

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
    "warm-up from zero, one step behind": lambda f, step: f(step - 1) if step else 0.0,
    "a factor instead of the lr": lambda f, step: f(step) / LR,
    "multiplied into the last lr, not into the base lr": lambda f, step: (
        LR * math.prod(f(s) / LR for s in range(step + 1))
    ),
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


CYCLE = {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 9}
#: Settings for those that need some; functions and inner schedules are the table's.
NEEDED = {
    "StepLR": {"step_size": 7},
    "MultiStepLR": {"milestones": [30, 80]},
    "ExponentialLR": {"gamma": 0.97},
    "CosineAnnealingLR": {"T_max": 50},
    "CosineAnnealingWarmRestarts": {"T_0": 10, "T_mult": 2},
    "SWALR": {"swa_lr": 0.05},
    "CyclicLR": CYCLE,
    "OneCycleLR": {"max_lr": 0.5, "total_steps": 77},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_of_the_table_agrees_on_both_sides(name: str) -> None:
    pair = SCHEDULES[name]
    for side in (pair.scratch, resolve(pair.torch)):
        outcome = check(side, name, NEEDED.get(name, {}))
        assert outcome.agrees, str(outcome)
        assert "momentum too" not in str(outcome)  # it was compared


def test_one_with_a_length_of_its_own_is_compared_to_its_end() -> None:
    outcome = check(resolve(SCHEDULES["OneCycleLR"].torch), "OneCycleLR", NEEDED["OneCycleLR"])
    assert outcome.steps == 77
    assert "compared at 77 steps, which is the length of torch's" in str(outcome)


def test_last_epoch_goes_on_from_there() -> None:
    given = {"step_size": 7, "last_epoch": 5}
    assert check(torch.optim.lr_scheduler.StepLR, "StepLR", given).agrees
    anew = check(lambda step: LR * 0.1 ** (step // 7), "StepLR", given)
    assert anew.first.step == 1  # which is torch's seventh
    assert [each.names for each in anew.findings] == [("last_epoch left out: it begins anew",)]


class Plateau:
    """As people write it: over an optimizer with groups, and no eps."""

    early = 0

    def __init__(self, optimizer: Any, factor: float = 0.1, patience: int = 10) -> None:
        self.optimizer, self.factor, self.patience = optimizer, factor, patience
        self.best, self.bad = math.inf, 0

    def improves(self, metrics: float) -> bool:
        return metrics < self.best * (1 - 1e-4)

    def step(self, metrics: float) -> None:
        self.bad = 0 if self.improves(metrics) else self.bad + 1
        self.best = metrics if self.bad == 0 else self.best
        if self.bad > self.patience - self.early:
            self.optimizer.param_groups[0]["lr"] *= self.factor
            self.bad = 0


class Early(Plateau):
    early = 1


class Absolute(Plateau):
    def improves(self, metrics: float) -> bool:
        return metrics < self.best - 1e-4


class EveryBit(Plateau):
    def improves(self, metrics: float) -> bool:
        return metrics < self.best


class WrongWay(torch.optim.lr_scheduler.CyclicLR):
    """Its momentum rises with the rate."""

    def get_lr(self) -> list[float]:
        rates = super().get_lr()
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["momentum"] = 0.8 + 0.1 * (lr - 0.01) / 0.09
        return rates


def test_what_watches_a_metric_is_told_one() -> None:
    right = check(Plateau, "ReduceLROnPlateau")
    assert right.agrees, str(right)
    assert "torch was given eps=0" in str(right)
    for kind, name in (
        (Early, "patience counted one too few"),
        (Absolute, "threshold_mode abs"),
        (EveryBit, "threshold 0"),
    ):
        found = check(kind, "ReduceLROnPlateau").findings
        assert found[0].names == (name,), name


def test_the_momentum_is_compared_too() -> None:
    outcome = check(WrongWay, "CyclicLR", CYCLE)
    assert (outcome.first.name, outcome.first.step) == ("momentum", 0)
    assert [each.names for each in outcome.findings] == [("momentum moved the wrong way",)]
    alone = check(lambda step: LR, "CyclicLR", CYCLE | {"max_lr": LR, "base_lr": LR})
    assert alone.agrees
    assert "that of a function of the step is not seen" in str(alone)


GAMMA, HALVED = {"gamma": 0.9}, {"step_size": 30, "gamma": 0.5}
LEAST, ADDED = {"T_max": 50, "eta_min": 1e-3}, "eta_min added, not annealed to"
DOUBLED, WARM = {"T_0": 10, "T_mult": 2}, {"start_factor": 0.1, "total_iters": 10}


def cosine(part: float) -> float:
    return (1 + math.cos(math.pi * part)) / 2


def restarting(late: int = 0, grow: int = 0) -> Callable[[int], float]:
    def rate(step: int) -> float:
        period = 10
        while step >= period + late:
            step, period = step - period, period + (grow or period)
        return LR * cosine(step / period)

    return rate


def restarts(step: int) -> float:
    return 0.5 * LR * (1 + math.cos(math.pi * (step % 50) / 50))


def reaching(step: int) -> float:
    period = 10
    while step >= period:
        step, period = step - period, 2 * period
    return 0.5 * LR * (1 + math.cos(math.pi * step / (period - 1)))


@pytest.mark.parametrize(
    ("candidate", "against", "options", "name"),
    [
        (restarts, "CosineAnnealingLR", {"T_max": 50}, "begins anew every 50 steps"),
        (
            lambda step: 0.5 * LR * (1 + math.cos(math.pi * min(step, 50) / 50)),
            "CosineAnnealingLR",
            {"T_max": 50},
            "stays from step 50 on",
        ),
        (
            lambda step: 0.5 * LR * (1 + math.cos(math.pi * step / 51)),
            "CosineAnnealingLR",
            {"T_max": 50},
            "T_max counted one too many",
        ),
        (lambda step: LR, "ExponentialLR", {"gamma": 0.9}, "stays as it began"),
        (
            lambda step: LR if step == 0 else LR * 0.9,
            "ExponentialLR",
            {"gamma": 0.9},
            "stays from step 1 on",
        ),
        (
            lambda step: LR * min(1.0, step / 10),
            "LinearLR",
            {"start_factor": 0.1, "total_iters": 9},
            "warm-up from zero, one step behind",
        ),
        (
            reaching,
            "CosineAnnealingWarmRestarts",
            {"T_0": 10, "T_mult": 2},
            "reaches eta_min before each restart: divided by T_i − 1",
        ),
        (
            lambda step: LR * 0.5 ** (step / 30),
            "StepLR",
            {"step_size": 30, "gamma": 0.5},
            "decays at every step: gamma**(step/step_size)",
        ),
        (lambda step: LR * 0.8**step, "ExponentialLR", {"gamma": 0.9}, "gamma 0.8"),
        (lambda step: LR * math.exp(-0.1 * step), "ExponentialLR", GAMMA, "gamma 0.904837"),
        (lambda step: LR / (1 + 0.9 * step), "ExponentialLR", GAMMA, "1/(1 + gamma·t)"),
        (lambda step: LR / (1 + 0.1 * step), "ExponentialLR", GAMMA, "1/(1 + (1 − gamma)·t)"),
        (lambda step: LR * 0.5 ** ((step + 29) // 30), "StepLR", HALVED, "29 steps ahead"),
        (lambda step: 1e-3 + LR * cosine(step / 50), "CosineAnnealingLR", LEAST, ADDED),
        (
            lambda step: max(1e-3, LR * cosine(step / 50)),
            "CosineAnnealingLR",
            LEAST,
            "eta_min as the least rate",
        ),
        (
            lambda step: LR * math.cos(math.pi / 2 * min(step / 50, 1)),
            "CosineAnnealingLR",
            {"T_max": 50},
            "a quarter of a cosine",
        ),
        (
            lambda step: LR * cosine(step / 50 / math.pi),
            "CosineAnnealingLR",
            {"T_max": 50},
            "π left out of the cosine",
        ),
        (
            lambda step: LR * cosine(step / 25),
            "CosineAnnealingLR",
            {"T_max": 50},
            "2π in the cosine",
        ),
        (restarting(late=1), "CosineAnnealingWarmRestarts", DOUBLED, "restarts one step late"),
        (restarting(grow=10), "CosineAnnealingWarmRestarts", DOUBLED, "periods grow by T_0"),
        (
            lambda step: LR * cosine(min(step / 10, 1)),
            "CosineAnnealingWarmRestarts",
            DOUBLED,
            "never restarts",
        ),
        (
            lambda step: LR * (0.1 + 0.9 * step / 10),
            "LinearLR",
            WARM,
            "goes on beyond total_iters",
        ),
        (
            lambda step: LR if step >= 10 else LR * 0.1,
            "LinearLR",
            WARM,
            "the part of the way rounded down",
        ),
        (
            lambda step: LR * (1 - min(step / 60, 1) ** 2),
            "PolynomialLR",
            {"total_iters": 60, "power": 2.0},
            "1 − (t/T)**power",
        ),
        (
            lambda step: LR * 0.1 ** ((step >= 30) + (step >= 110)),
            "MultiStepLR",
            {"milestones": [30, 80]},
            "each of the milestones counted from the one before",
        ),
        (
            lambda step: LR * 0.1 ** ((step >= 30) + 2 * (step >= 80)),
            "MultiStepLR",
            {"milestones": [30, 80]},
            "80 of the milestones counted twice",
        ),
    ],
)
def test_what_its_rates_show_is_named(
    candidate: Any, against: str, options: dict[str, Any], name: str
) -> None:
    verdict = check_schedule(candidate, against, **options)
    assert name in {each.names[0] for each in verdict.findings}, str(verdict)
    assert verdict.findings[0].distance < 1e-9


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(1e-6, 10), st.floats(0.5, 0.999), st.integers(5, 300))
def test_one_in_float32_is_judged_by_its_rounding(lr: float, gamma: float, steps: int) -> None:
    def mine(step: int) -> np.float32:
        return np.float32(lr) * np.float32(gamma) ** np.float32(step)

    verdict = check_schedule(mine, "ExponentialLR", lr=lr, gamma=gamma, steps=steps)
    assert verdict.agrees, str(verdict)
    assert "numbers of float32" in str(verdict)
    given = {"lr": lr, "gamma": gamma, "steps": steps, "dtype": "float32"}
    assert check_schedule(lambda step: float(mine(step)), "ExponentialLR", **given).agrees


def test_halves_are_no_sign_of_float32() -> None:
    def mine(step: int) -> float:
        return (1 + 1e-7) * LR * 0.5 ** (step // 15)

    verdict = check_schedule(mine, "StepLR", step_size=15, gamma=0.5)
    assert not verdict.agrees
    assert "float32" not in str(verdict)


def test_what_no_text_can_give_is_said() -> None:
    with pytest.raises(CandidateError, match=r"needs lr_lambda, which your .* does not take"):
        check(lambda step: 1 / (1 + step), "LambdaLR")
    with pytest.raises(CandidateError, match=r"neither side takes 'gama'"):
        check(lambda step: LR, "StepLR", {"step_size": 3, "gama": 0.5})


@needs("optax")
def test_optax_schedules_are_in_64_bits() -> None:
    import optax

    cosine = optax.cosine_decay_schedule(LR, 50)
    verdict = check(cosine, "CosineAnnealingLR", {"T_max": 50}, steps=50)
    assert verdict.agrees, str(verdict)
    assert "float32" not in str(verdict)
    given = {"gamma": 0.9, "transition_steps": 1, "decay_rate": 0.9}
    assert check(optax.exponential_decay, "ExponentialLR", given).agrees


@needs("timm")
def test_timms_milestones_come_a_step_early() -> None:
    from timm.scheduler import MultiStepLRScheduler

    given = {"milestones": [30, 80], "gamma": 0.1, "decay_t": [30, 80], "decay_rate": 0.1}
    found = check(MultiStepLRScheduler, "MultiStepLR", given).findings
    assert found[0].names == ("one step ahead",)


@needs("transformers")
def test_transformers_warm_up_begins_at_zero() -> None:
    from transformers import get_constant_schedule_with_warmup

    given = {"start_factor": 0.1, "total_iters": 9, "num_warmup_steps": 10}
    found = check(get_constant_schedule_with_warmup, "LinearLR", given).findings
    assert found[0].names == ("warm-up from zero, one step behind",)


@needs("keras", "mlx")
def test_keras_schedules_agree_and_mlx_computes_in_float32() -> None:
    import os

    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras
    import mlx.optimizers as mlx

    decay = keras.optimizers.schedules.ExponentialDecay(LR, 1, 0.9)
    assert check(decay, "ExponentialLR", {"gamma": 0.9}).agrees
    restarts = keras.optimizers.schedules.CosineDecayRestarts(LR, 10)
    verdict = check(restarts, "CosineAnnealingWarmRestarts", {"T_0": 10, "T_mult": 2}, steps=12)
    assert verdict.agrees, str(verdict)  # the factor is of float32, the rate of float64
    assert "numbers of float32" in str(verdict)
    verdict = check(mlx.cosine_decay(LR, 50), "CosineAnnealingLR", {"T_max": 50}, steps=50)
    assert verdict.agrees, str(verdict)
    assert "numbers of float32" in str(verdict)
