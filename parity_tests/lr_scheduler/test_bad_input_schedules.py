"""Schedules refuse bad arguments by name, and what torch refuses, and change nothing."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from scratch import lr_scheduler
from scratch.optim import SGD
from torch_ref.lr_scheduler import by_hand, by_torch
from torch_ref.registry import SCHEDULES, SchedulePair

WARM_UP, DECAY = ("LinearLR", {}), ("ExponentialLR", {"gamma": 0.9})


@pytest.mark.parametrize("bad", [3, [3, "5"], [-1]], ids=repr)
def test_milestones_are_a_list_of_steps(bad: Any) -> None:
    for name, case in (
        ("MultiStepLR", {}),
        ("SequentialLR", {"schedulers": [DECAY] * (1 + len(bad) if isinstance(bad, list) else 2)}),
    ):
        sgd = SGD(lr=0.1)
        with pytest.raises((ValueError, TypeError), match=r"milestones(\[\d\])? must be"):
            by_hand(name, sgd, **case, milestones=bad)
        assert sgd.lr == 0.1
    with pytest.raises(ValueError, match=r"milestones must be in rising order, got \[5, 2\]"):
        by_hand("SequentialLR", SGD(), schedulers=[DECAY] * 3, milestones=[5, 2])


@pytest.mark.parametrize("pair", SCHEDULES.values(), ids=SCHEDULES)
def test_what_is_no_optimizer_or_no_function_is_refused(pair: SchedulePair) -> None:
    case = {k: v for k, v in pair.cases[0].items() if k != "schedulers"}
    if "schedulers" in pair.cases[0]:
        case["schedulers"] = [lr_scheduler.StepLR(SGD(), 3)]
    with pytest.raises((TypeError, ValueError), match="optimizer"):
        pair.scratch(optimizer=torch.optim.SGD([torch.zeros(1)]), **case)
    for name in {name for case in pair.cases for name, value in case.items() if callable(value)}:
        with pytest.raises(TypeError, match=f"{name} must be a function, got 0.9"):
            pair.scratch(optimizer=SGD(momentum=0.5), **case | {name: 0.9})


def test_schedules_of_another_optimizer_and_what_is_none_are_refused() -> None:
    sgd, other = SGD(lr=0.1), SGD(lr=0.1)
    mine, others = lr_scheduler.StepLR(sgd, 3), lr_scheduler.StepLR(other, 3)
    for schedules, message in (
        ([mine, others], r"schedulers\[1\] must be of this optimizer"),
        ([mine, 3], r"schedulers\[1\] must be a schedule, got 3"),
        ({"a": 1}, r"schedulers must be a list of schedules, got {'a': 1}"),
    ):
        for cls, arguments in (
            (lr_scheduler.ChainedScheduler, {}),
            (lr_scheduler.SequentialLR, {"optimizer": sgd, "milestones": [2]}),
        ):
            with pytest.raises((TypeError, ValueError), match=message):
                cls(schedulers=schedules, **arguments)
    lr_scheduler.ChainedScheduler([mine], optimizer=sgd).step()


def test_a_bad_setting_is_refused_when_loaded() -> None:
    schedule = lr_scheduler.StepLR(SGD(lr=0.1), 3)
    before = schedule.state_dict()
    for name, value in (("step_size", 0), ("gamma", -1.0), ("gamma", math.nan)):
        with pytest.raises(
            ValueError, match=f"{name} must be a (whole|finite) number.*, got {value}"
        ):
            schedule.load_state_dict(before | {name: value, "last_epoch": 7})
    assert schedule.state_dict() == before


# What torch fails at later on.


def assert_torch_fails(name: str, case: dict, step: int, error: type[Exception]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)])
    schedule = by_torch(name, optimizer, **case)
    optimizer.step()
    for _ in range(step - 1):
        schedule.step()
    with pytest.raises(error):
        schedule.step()


@pytest.mark.parametrize("name", ["ChainedScheduler", "SequentialLR"])
def test_what_torch_cannot_begin_at_a_milestone_is_refused(name: str) -> None:
    inner = {"schedulers": [WARM_UP]} | ({"milestones": []} if name == "SequentialLR" else {})
    case = {"schedulers": [DECAY, (name, inner)], "milestones": [2]}
    with pytest.raises(ValueError, match="must be able to begin at a milestone"):
        by_hand("SequentialLR", SGD(), **case)
    assert_torch_fails("SequentialLR", case, 2, NotImplementedError)


def test_a_constant_factor_of_zero_that_torch_divides_by_is_refused() -> None:
    with pytest.raises(ValueError, match="factor must be a finite number > 0 and <= 1, got 0"):
        lr_scheduler.ConstantLR(SGD(), factor=0)
    assert_torch_fails("ConstantLR", {"factor": 0, "total_iters": 1}, 1, ZeroDivisionError)


@pytest.mark.parametrize(("name", "lr"), [("LinearLR", 1 / 3), ("PolynomialLR", 1.0)])
def test_no_steps_at_a_milestone_where_torch_divides_by_them(name: str, lr: float) -> None:
    case = {"schedulers": [DECAY, (name, {"total_iters": 0})], "milestones": [1]}
    sgd = SGD(lr=1.0)
    mine = by_hand("SequentialLR", sgd, **case)
    for _ in range(3):
        mine.step()
        assert sgd.lr == lr
    assert_torch_fails("SequentialLR", case, 1, ZeroDivisionError)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, None, "a"])
@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR", "CyclicLR"])
def test_what_a_function_gives_is_checked_before_anything_changes(name: str, value: object) -> None:
    def f(t: float) -> object:
        return value if t == 2 else 1.0

    cycle = {"base_lr": 0.1, "max_lr": 0.3, "scale_fn": f, "scale_mode": "iterations"}
    schedule = by_hand(
        name, SGD(lr=0.2, momentum=0.5), **(cycle if name == "CyclicLR" else {"lr_lambda": f})
    )
    schedule.step()
    before = schedule.state_dict()
    message = rf"(scale_fn|lr_lambda)\(2\) must be a .* got {value!r}"
    with pytest.raises((TypeError, ValueError), match=message):
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


def test_what_lies_below_zero_after_the_last_step_is_refused_by_the_next_update() -> None:
    """As torch's, a line goes on past its end."""
    sgd, params = SGD(momentum=0.9), {"w": np.ones(2)}
    schedule = lr_scheduler.OneCycleLR(sgd, 1.0, total_steps=10, anneal_strategy="linear")
    for _ in range(10):
        schedule.step()
    with pytest.raises(ValueError, match=r"lr must be a finite number >= 0, got -0\.1428"):
        sgd.update(params, {"w": np.ones(2)})
    np.testing.assert_array_equal(params["w"], 1)
    sgd.lr = 0.5
    sgd.update(params, {"w": np.ones(2)})
    np.testing.assert_array_equal(params["w"], 0.5)


def test_a_metric_must_be_a_number_and_the_optimizer_have_one_rate() -> None:
    schedule = lr_scheduler.ReduceLROnPlateau(SGD())
    schedule.step(np.float32(3))
    with pytest.raises(TypeError, match="metrics must be a number, got None"):
        schedule.step(None)
    assert schedule.last_epoch == 1
    with pytest.raises(TypeError, match=r"optimizer\.lr must be one number"):
        lr_scheduler.ReduceLROnPlateau(SGD(lr=np.array([0.1, 0.2])))
