"""Schedules that go on from a snapshot, over stacks of runs, and what they refuse."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import IMAGES, LABELS, make_network
from parity_tests.schedule_sides import OPTIMIZERS, Sides, arguments, cases
from scratch import lr_scheduler, optim, train
from scratch.optim import SGD, Adagrad, Adam
from torch_ref import convert
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.lr_scheduler import Schedule, by_hand, by_torch
from torch_ref.optim import Twin
from torch_ref.registry import SCHEDULES, SchedulePair, Settings

CASES = [case for case in cases() if case[0].endswith("-one")]
WITH_CASES = pytest.mark.parametrize(
    ("pair", "case", "optimizer"), [pytest.param(*rest, id=name) for name, *rest in CASES]
)
SHOWN = {
    "StepLR": {"step_size": 3},
    "MultiStepLR": {"milestones": [2, 5]},
    "ExponentialLR": {"gamma": 0.9},
    "ConstantLR": {},
    "LinearLR": {},
    "PolynomialLR": {},
    "CosineAnnealingLR": {"T_max": 4},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
    "LambdaLR": {"lr_lambda": lambda t: 1 / (1 + t)},
    "MultiplicativeLR": {"lr_lambda": lambda t: 0.9},
    "SWALR": {"swa_lr": 0.3},
}
WARM_UP, DECAY = ("LinearLR", {}), ("ExponentialLR", {"gamma": 0.9})


@WITH_CASES
@settings(max_examples=3, deadline=None)
@given(at=st.integers(0, 29))
def test_a_snapshot_goes_on_as_torchs_does(
    pair: SchedulePair, case: Settings, optimizer: str, at: int
) -> None:
    sides, given_to_steps = Sides(*OPTIMIZERS[optimizer]), list(arguments(pair))
    mine, theirs = sides.schedules(pair.name, case)
    for given_to_step in given_to_steps[:at]:
        mine.step(*given_to_step)
        theirs.step(*given_to_step)
    later = Sides(*OPTIMIZERS[optimizer])
    my_later, their_later = later.schedules(pair.name, case)
    later.theirs.load_state_dict(sides.theirs.state_dict())
    their_later.load_state_dict(copy.deepcopy(theirs.state_dict()))
    saved = mine.state_dict()
    my_later.load_state_dict(json.loads(json.dumps(saved, allow_nan=False)))
    assert my_later.state_dict() == saved
    for given_to_step in given_to_steps[at:29]:
        assert later.my_rates() == sides.my_rates() == later.their_rates()
        assert my_later.get_last_lr() == their_later.get_last_lr()
        for schedule in (mine, my_later, their_later):
            schedule.step(*given_to_step)
    assert later.my_rates() == sides.my_rates() == later.their_rates()


def test_a_snapshot_is_not_changed_by_further_steps() -> None:
    schedule = lr_scheduler.MultiStepLR(SGD(lr=0.1), [2, 3])
    saved = schedule.state_dict()
    before = copy.deepcopy(saved)
    schedule.load_state_dict(saved)
    for _ in range(5):
        schedule.step()
    schedule.milestones.append(9)
    assert saved == before


def test_a_snapshot_goes_on_in_the_optimizer_too() -> None:
    """Torch's schedule restores its own counters only; the rate that stands is the optimizer's."""
    schedule = lr_scheduler.ExponentialLR(SGD(lr=0.1), gamma=0.5)
    schedule.step()
    sgd = SGD(lr=0.1)
    lr_scheduler.ExponentialLR(sgd, gamma=0.5).load_state_dict(schedule.state_dict())
    assert sgd.lr == 0.05


@pytest.mark.parametrize(
    "spoil",
    [
        lambda saved: None,
        lambda saved: {},
        lambda saved: {**saved, "scheduler": "LinearLR"},
        lambda saved: {**saved, "more": 1},
        lambda saved: {k: v for k, v in saved.items() if k != "gamma"},
        lambda saved: {**saved, "lr": [0.1, 0.2]},
    ],
    ids=["no dict", "empty", "another class", "more", "less", "more groups"],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(spoil) -> None:
    sgd = SGD(lr=0.1)
    schedule = lr_scheduler.StepLR(sgd, step_size=3)
    saved = schedule.state_dict()
    with pytest.raises((ValueError, TypeError), match="state_dict"):
        schedule.load_state_dict(spoil(saved | {"gamma": 9.0, "lr": [7.0]}))
    assert schedule.state_dict() == saved


def test_a_snapshot_of_fewer_schedules_is_refused() -> None:
    sgd = SGD(lr=0.1)
    one = by_hand("ChainedScheduler", sgd, schedulers=[DECAY])
    two = by_hand("ChainedScheduler", sgd, schedulers=[DECAY, DECAY])
    with pytest.raises(ValueError, match="state_dict must have 2 schedulers, got 1"):
        two.load_state_dict(one.state_dict())


def test_an_optimizer_that_goes_on_from_a_snapshot_keeps_its_schedule() -> None:
    adam = Adam(lr=0.1, groups={"b*": {"lr": 0.2}})
    schedule = lr_scheduler.ExponentialLR(adam, gamma=0.5)
    schedule.step()
    adam.load_state_dict(adam.state_dict())
    schedule.step()
    assert (adam.lr, adam.groups["b*"]["lr"]) == (0.025, 0.05)


@pytest.mark.parametrize("name", SHOWN)
def test_a_rate_for_each_run_is_each_runs_own(name: str) -> None:
    rates = [0.1, 0.02]
    stack, alone = SGD(lr=np.array(rates)), [SGD(lr=lr) for lr in rates]
    schedules = [by_hand(name, sgd, **SHOWN[name]) for sgd in (stack, *alone)]
    for step in range(12):
        np.testing.assert_array_equal(stack.lr * np.ones(2), [sgd.lr for sgd in alone])
        if step == 7:
            saved = json.loads(json.dumps(schedules[0].state_dict()))
            stack = SGD(lr=np.array(rates))
            schedules[0] = by_hand(name, stack, **SHOWN[name])
            schedules[0].load_state_dict(saved)
        for schedule in schedules:
            schedule.step()
    stack.update({"w": np.ones((2, 3))}, {"w": np.ones((2, 3))})


def test_momentum_moves_in_groups_with_and_without_a_rate_of_their_own() -> None:
    groups = {"a": {"lr": 0.3}, "b": {"betas": (0.5, 0.8)}, "c": {"weight_decay": 0.1}}
    adam = Adam(groups=groups)
    lr_scheduler.CyclicLR(adam, base_lr=[0.1, 0.2], max_lr=0.5, max_momentum=[0.9, 0.7])
    assert adam.betas == (0.9, 0.999)
    assert adam.groups == {
        "a": {"lr": 0.2, "betas": (0.7, 0.999)},
        "b": {"betas": (0.9, 0.8)},
        "c": {"weight_decay": 0.1},
    }


def test_the_chapters_adam_cycles_beta1() -> None:
    adam = optim.chapter.Adam(groups={"b": {"lr": 0.3}})
    schedule = lr_scheduler.CyclicLR(adam, base_lr=0.1, max_lr=0.5, step_size_up=2)
    schedule.step()
    assert adam.betas == (pytest.approx(0.85), 0.999)
    assert adam.groups["b"] == {"lr": pytest.approx(0.3), "beta1": pytest.approx(0.85)}
    assert schedule.state_dict()["momentum"] == [pytest.approx(0.85)] * 2


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


@pytest.mark.parametrize(
    ("name", "options"),
    [("ExponentialLR", {"gamma": 0.9}), ("OneCycleLR", {"max_lr": 0.2, "total_steps": 20})],
)
def test_a_training_with_a_schedule_is_the_same_on_both_sides(name: str, options: dict) -> None:
    fit = {"iterations": 20, "batch_size": 10}
    net, sgd = make_network(seed=3), SGD(lr=0.1, momentum=0.5)
    twin_net, twin = convert.network_to_torch(net), torch_optim.SGD(lr=0.1, momentum=0.5)
    schedule, their_schedule = by_hand(name, sgd, **options), Schedule(name, twin, **options)
    mine = train.fit(net, sgd, IMAGES, LABELS, schedule=schedule, **fit)
    theirs = torch_train.fit(twin_net, twin, IMAGES, LABELS, schedule=their_schedule, **fit)
    assert schedule.last_epoch == 20
    assert their_schedule.torch.get_last_lr() == [sgd.lr]
    np.testing.assert_allclose(mine.loss, theirs.loss, rtol=1e-12)
    plain = train.fit(make_network(seed=3), SGD(lr=0.1), IMAGES, LABELS, **fit)
    assert not np.allclose(mine.loss, plain.loss)


@pytest.mark.parametrize(
    "groups", [{"b*": {"lr": 0.03}}, {"w": {"weight_decay": 0.1}, "b*": {"lr": 0.03}}]
)
@pytest.mark.parametrize("name", ["ExponentialLR", "OneCycleLR"])
def test_a_twins_groups_are_scheduled_as_the_hand_written(name: str, groups: dict) -> None:
    options = {"ExponentialLR": {"gamma": 0.9}, "OneCycleLR": {"max_lr": 0.3, "total_steps": 20}}
    mine, params = SGD(lr=0.1, momentum=0.5, groups=groups), {"w": np.ones(3), "b": np.ones(2)}
    twin, tensors = Twin(mine), {key: torch.tensor(w) for key, w in params.items()}
    schedule = by_hand(name, mine, **options[name])
    their_schedule = Schedule(name, twin, **options[name])
    their_schedule.bind(tensors)
    for _ in range(15):
        mine.update(params, {key: w.copy() for key, w in params.items()})
        twin.update(tensors, {key: w.clone() for key, w in tensors.items()})
        schedule.step()
        their_schedule.step()
    for key, w in params.items():
        np.testing.assert_allclose(w, tensors[key].numpy(), rtol=1e-12)


def test_an_optimizer_without_momentum_has_its_rate_cycled() -> None:
    adagrad = Adagrad()
    schedule = lr_scheduler.CyclicLR(adagrad, 0.1, 0.2, step_size_up=2, cycle_momentum=False)
    schedule.step()
    assert adagrad.lr == pytest.approx(0.15)
    assert "momentum" not in schedule.state_dict()
