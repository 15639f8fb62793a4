"""Schedules refuse bad arguments by name, and what torch refuses, and change nothing."""

import math

import numpy as np
import pytest
import torch

from scratch import lr_scheduler
from scratch.optim import SGD
from torch_ref.lr_scheduler import by_hand, by_torch
from torch_ref.registry import SCHEDULES, SchedulePair

WARM_UP, DECAY = ("LinearLR", {}), ("ExponentialLR", {"gamma": 0.9})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("StepLR", {"step_size": 0}, "step_size must be a whole number >= 1, got 0"),
        ("StepLR", {"step_size": 2.5}, "step_size must be a whole number >= 1, got 2.5"),
        ("StepLR", {"step_size": 3, "gamma": math.nan}, "gamma must be a finite number"),
        ("MultiStepLR", {"milestones": 3}, "milestones must be a list of steps, got 3"),
        ("MultiStepLR", {"milestones": [3, "5"]}, r"milestones\[1\] must be a whole number"),
        ("ExponentialLR", {"gamma": "0.9"}, "gamma must be a finite number >= 0, got '0.9'"),
        ("ConstantLR", {"total_iters": None}, "total_iters must be a whole number"),
        ("LinearLR", {"total_iters": -1}, "total_iters must be a whole number >= 0, got -1"),
        ("PolynomialLR", {"power": math.inf}, "power must be a finite number >= 0, got inf"),
        ("CosineAnnealingLR", {"T_max": 0}, "T_max must be a whole number >= 1, got 0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2.5}, "T_0 must be a whole number >= 1"),
        ("LambdaLR", {"lr_lambda": 0.9}, "lr_lambda must be a function, got 0.9"),
        ("SWALR", {"swa_lr": True}, "swa_lr must be a finite number >= 0, got True"),
        ("ReduceLROnPlateau", {"patience": 1.5}, "patience must be a whole number >= 0"),
        ("ReduceLROnPlateau", {"mode": 3}, "mode must be one of min, max, got 3"),
        ("CyclicLR", {"base_lr": -1, "max_lr": 1}, "base_lr must be a finite number >= 0, got -1"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "scale_mode": "t"}, "scale_mode must be one"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "scale_fn": 3}, "scale_fn must be a function"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 2.0}, "total_steps must be a whole number"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 9, "div_factor": 0}, "div_factor must be"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "cycle_momentum": "no"}, "cycle_momentum must"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 9, "three_phase": "no"}, "three_phase must be"),
        ("ChainedScheduler", {"schedulers": 3}, "schedulers must be a list of schedules, got 3"),
        ("SequentialLR", {"schedulers": [DECAY, DECAY], "milestones": None}, "milestones must"),
    ],
)
def test_a_bad_argument_is_named(name: str, options: dict, message: str) -> None:
    sgd = SGD(lr=0.1)
    nested = isinstance(options.get("schedulers"), list)
    cls = SCHEDULES[name].scratch
    with pytest.raises((ValueError, TypeError), match=message):
        by_hand(name, sgd, **options) if nested else cls(optimizer=sgd, **options)
    assert nested or (sgd.lr, sgd.momentum) == (0.1, 0)


@pytest.mark.parametrize("pair", SCHEDULES.values(), ids=SCHEDULES)
def test_what_is_no_optimizer_is_refused(pair: SchedulePair) -> None:
    case = {k: v for k, v in pair.cases[0].items() if k != "schedulers"}
    if "schedulers" in pair.cases[0]:
        case["schedulers"] = [lr_scheduler.StepLR(SGD(), 3)]
    with pytest.raises((TypeError, ValueError), match="optimizer"):
        pair.scratch(optimizer=torch.optim.SGD([torch.zeros(1)]), **case)


def test_schedules_of_another_optimizer_and_what_is_none_are_refused() -> None:
    sgd, other = SGD(lr=0.1), SGD(lr=0.1)
    schedules = [lr_scheduler.StepLR(sgd, 3), lr_scheduler.StepLR(other, 3)]
    with pytest.raises(ValueError, match=r"schedulers\[1\] must be of this optimizer"):
        lr_scheduler.ChainedScheduler(schedules)
    with pytest.raises(ValueError, match=r"schedulers\[1\] must be of this optimizer"):
        lr_scheduler.SequentialLR(sgd, schedules, milestones=[2])
    with pytest.raises(TypeError, match=r"schedulers\[1\] must be a schedule, got 3"):
        lr_scheduler.ChainedScheduler([schedules[0], 3])
    with pytest.raises(TypeError, match=r"schedulers must be a list of schedules, got {'a': 1}"):
        lr_scheduler.ChainedScheduler({"a": 1})
    lr_scheduler.ChainedScheduler(schedules[:1], optimizer=sgd).step()


def test_milestones_must_rise() -> None:
    with pytest.raises(ValueError, match=r"milestones must be in rising order, got \[5, 2\]"):
        by_hand("SequentialLR", SGD(), schedulers=[DECAY] * 3, milestones=[5, 2])


@pytest.mark.parametrize(
    "inner",
    [
        ("ChainedScheduler", {"schedulers": [WARM_UP]}),
        ("SequentialLR", {"schedulers": [WARM_UP], "milestones": []}),
    ],
    ids=lambda inner: inner[0],
)
def test_what_torch_cannot_begin_at_a_milestone_is_refused(inner: tuple) -> None:
    case = {"schedulers": [DECAY, inner], "milestones": [2]}
    with pytest.raises(ValueError, match="must be able to begin at a milestone"):
        by_hand("SequentialLR", SGD(), **case)
    theirs = torch.optim.SGD([torch.zeros(1)])
    schedule = by_torch("SequentialLR", theirs, **case)
    theirs.step()
    schedule.step()
    with pytest.raises(NotImplementedError):
        schedule.step()


def test_a_constant_factor_of_zero_that_torch_divides_by_is_refused() -> None:
    with pytest.raises(ValueError, match="factor must be a finite number > 0 and <= 1, got 0"):
        lr_scheduler.ConstantLR(SGD(), factor=0)
    theirs = torch.optim.SGD([torch.zeros(1)])
    schedule = torch.optim.lr_scheduler.ConstantLR(theirs, factor=0, total_iters=1)
    theirs.step()
    with pytest.raises(ZeroDivisionError):
        schedule.step()


@pytest.mark.parametrize(("name", "lr"), [("LinearLR", 1 / 3), ("PolynomialLR", 1.0)])
def test_no_steps_at_a_milestone_where_torch_divides_by_them(name: str, lr: float) -> None:
    case = {"schedulers": [DECAY, (name, {"total_iters": 0})], "milestones": [1]}
    sgd, theirs = SGD(lr=1.0), torch.optim.SGD([torch.zeros(1)], lr=1.0)
    mine, schedule = by_hand("SequentialLR", sgd, **case), by_torch("SequentialLR", theirs, **case)
    for _ in range(3):
        mine.step()
        assert sgd.lr == lr
    theirs.step()
    with pytest.raises(ZeroDivisionError):
        schedule.step()


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, None, "a"])
@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR", "CyclicLR"])
def test_what_a_function_gives_is_checked_before_anything_changes(name: str, value: object) -> None:
    def f(t: float) -> object:
        return value if t == 2 else 1.0

    cycle = {"base_lr": 0.1, "max_lr": 0.3, "scale_fn": f, "scale_mode": "iterations"}
    sgd = SGD(lr=0.2, momentum=0.5)
    schedule = by_hand(name, sgd, **(cycle if name == "CyclicLR" else {"lr_lambda": f}))
    schedule.step()
    before = schedule.state_dict()
    given = "scale_fn" if name == "CyclicLR" else "lr_lambda"
    with pytest.raises((TypeError, ValueError), match=rf"{given}\(2\) must be a .* got {value!r}"):
        schedule.step()
    assert schedule.state_dict() == before


def test_a_function_that_fails_at_once_leaves_the_optimizer_as_it_was() -> None:
    sgd = SGD(lr=0.2, momentum=0.5)
    with pytest.raises(ZeroDivisionError):
        lr_scheduler.CyclicLR(sgd, 0.1, 0.3, scale_fn=lambda cycle: 1 / 0)
    assert (sgd.lr, sgd.momentum) == (0.2, 0.5)


def test_momentums_that_are_not_used_are_not_looked_at_as_in_torch() -> None:
    unused = {"cycle_momentum": False, "base_momentum": None, "max_momentum": [1, 2, 3]}
    lr_scheduler.CyclicLR(SGD(), 0.1, 0.2, **unused)
    lr_scheduler.OneCycleLR(SGD(), 0.1, 9, **unused)
    torch.optim.lr_scheduler.CyclicLR(torch.optim.SGD([torch.zeros(1)]), 0.1, 0.2, **unused)


def test_one_cycle_ends() -> None:
    schedule = lr_scheduler.OneCycleLR(SGD(), max_lr=1.0, total_steps=3)
    for _ in range(3):
        schedule.step()
    saved = schedule.state_dict()
    with pytest.raises(ValueError, match="total_steps is 3: there is no step 4"):
        schedule.step()
    assert schedule.state_dict() == saved


def test_a_metric_must_be_a_number() -> None:
    schedule = lr_scheduler.ReduceLROnPlateau(SGD())
    schedule.step(np.float32(3))
    with pytest.raises(TypeError, match="metrics must be a number, got None"):
        schedule.step(None)
    assert schedule.last_epoch == 1


def test_a_plateau_of_several_runs_is_refused() -> None:
    with pytest.raises(TypeError, match=r"optimizer\.lr must be one number"):
        lr_scheduler.ReduceLROnPlateau(SGD(lr=np.array([0.1, 0.2])))
