"""Schedules that go on from a snapshot, over stacks of runs and groups, and in a training."""

import copy
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import IMAGES, LABELS, loops_over, make_network
from parity_tests.lr_scheduler.schedule_pairs import OPTIMIZERS, Sides, arguments, with_one_group
from scratch import lr_scheduler, optim, train
from scratch.optim import SGD, Adam
from torch_ref import convert
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.lr_scheduler import Schedule, by_hand
from torch_ref.optim import Twin
from torch_ref.registry import SCHEDULES, SchedulePair, Settings

COMPOSITE = {"ChainedScheduler", "SequentialLR"}
WARM_UP, DECAY = ("LinearLR", {}), ("ExponentialLR", {"gamma": 0.9})


@loops_over("pair case optimizer", with_one_group())
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


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scheduler": "StepLR"}, " must be of CyclicLR and have .*, got one of 'StepLR' with"),
        ({"more": 1}, " must be of CyclicLR and have .* with .*more"),
        ({"lr": ...}, " must be of CyclicLR and have .*, lr, .* with "),
        ({"lr": [0.1, 0.2]}, r"\['lr'\] must have 1 values, .*, got 2"),
        ({"lr": [-1]}, r"\['lr'\]\[0\] must be a finite number >= 0, got -1"),
        ({"lr": ["a"]}, r"\['lr'\]\[0\] must be a finite number >= 0, got 'a'"),
        ({"lr": 0.1}, r"\['lr'\] must be a list, got 0.1"),
        ({"momentum": []}, r"\['momentum'\] must have 1 values, .*, got 0"),
        ({"momentum": [math.nan]}, r"\['momentum'\]\[0\] must be a finite number >= 0, got nan"),
        ({"base_lrs": 3}, r"\['base_lrs'\] must be a list, got 3"),
        ({"max_lrs": [1, 2]}, r"\['max_lrs'\] must have 1 values, .*, got 2"),
        ({"_last_lr": [None]}, r"\['_last_lr'\]\[0\] must be a finite number >= 0, got None"),
        ({"base_momentums": []}, r"\['base_momentums'\] must have 1 values, .*, got 0"),
        ({"last_epoch": "a"}, r"\['last_epoch'\] must be a whole number .*, got 'a'"),
        ({"last_epoch": 1.5}, r"\['last_epoch'\] must be a whole number .*, got 1.5"),
        (None, " must be a dict, got None"),
        ({}, " must be of CyclicLR and have .*, got one of None with"),
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(
    changed: dict | None, message: str
) -> None:
    schedule = lr_scheduler.CyclicLR(SGD(lr=0.1, momentum=0.5), 0.1, 0.2)
    before = schedule.state_dict()
    spoilt = changed and {k: v for k, v in (before | {"rising": 0.9} | changed).items() if v != ...}
    with pytest.raises((ValueError, TypeError), match="state_dict" + message):
        schedule.load_state_dict(spoilt)
    assert schedule.state_dict() == before


#: What a number, a count, a name or a list in a snapshot may have become.
SPOILT = (None, math.nan, math.inf, -math.inf, -5.0, -1, 0, 1.5, True, "x", [], {}, [1, 2], 10**400)


@pytest.mark.parametrize("pair", SCHEDULES.values(), ids=SCHEDULES)
def test_whatever_stands_in_a_snapshot_it_is_refused_or_gives_rates(pair: SchedulePair) -> None:
    def made() -> lr_scheduler.LRScheduler:
        return by_hand(pair.name, SGD(lr=0.1, momentum=0.5), **pair.cases[0])

    saved = made().state_dict()
    for name, value in itertools.product(saved, SPOILT):
        schedule = made()
        try:
            schedule.load_state_dict(saved | {name: value})
        except (TypeError, ValueError):
            assert schedule.state_dict() == saved
            continue
        for given_to_step in itertools.islice(arguments(pair), 4):
            schedule.step(*given_to_step)
            assert 0 <= schedule.optimizer.lr < math.inf, (name, value)


def test_a_spoilt_snapshot_of_an_inner_schedule_leaves_the_others_as_they_were() -> None:
    schedule = by_hand("ChainedScheduler", SGD(lr=1.0), schedulers=[DECAY, WARM_UP])
    saved, before = copy.deepcopy(schedule.state_dict()), schedule.state_dict()
    saved["schedulers"][0]["gamma"], saved["schedulers"][1]["end_factor"] = 0.5, math.nan
    with pytest.raises(ValueError, match=r"end_factor must be a finite number .*, got nan"):
        schedule.load_state_dict(saved)
    assert schedule.state_dict() == before


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [("StepLR", "last_epoch", "x"), ("CyclicLR", "period", 0), ("OneCycleLR", "ends", [])],
)
def test_what_a_load_refuses_an_assignment_refuses(name: str, attribute: str, value: Any) -> None:
    schedule = by_hand(name, SGD(lr=0.1, momentum=0.5), **SCHEDULES[name].cases[0])
    for refuse in (
        lambda: setattr(schedule, attribute, value),
        lambda: schedule.load_state_dict(schedule.state_dict() | {attribute: value}),
    ):
        with pytest.raises((TypeError, ValueError), match=f"{attribute}.* must be"):
            refuse()


@pytest.mark.parametrize("states", [3, None, [None, None], [{}]])
def test_a_snapshot_without_those_of_its_schedules_is_refused(states: object) -> None:
    schedule = by_hand("ChainedScheduler", SGD(), schedulers=[DECAY, WARM_UP])
    with pytest.raises(
        (TypeError, ValueError), match=r"state_dict.* must (be a|have 2 schedulers)"
    ):
        schedule.load_state_dict(schedule.state_dict() | {"schedulers": states})


def test_an_infinite_best_is_saved_as_pythons_json_has_it() -> None:
    schedule = lr_scheduler.ReduceLROnPlateau(SGD())
    schedule.step(-math.inf)
    later = lr_scheduler.ReduceLROnPlateau(SGD())
    later.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert later.state_dict() == schedule.state_dict()
    assert later.best == -math.inf


def test_a_copied_optimizer_has_the_rate_that_schedules_start_from_and_a_loaded_one_has_not() -> (
    None
):
    """Torch's snapshot has ``initial_lr`` too."""
    sgd, restored = SGD(lr=1.0), SGD(lr=1.0)
    lr_scheduler.ExponentialLR(sgd, gamma=0.5).step()
    restored.load_state_dict(sgd.state_dict())
    assert lr_scheduler.StepLR(copy.deepcopy(sgd), 3).base_lrs == [1.0]
    assert lr_scheduler.StepLR(restored, 3).base_lrs == [0.5]


def test_a_group_that_is_gone_is_named_and_nothing_is_changed() -> None:
    sgd = SGD(lr=0.1, groups={"b*": {"lr": 0.2}})
    schedule = lr_scheduler.ExponentialLR(sgd, gamma=0.5)
    sgd.load_state_dict(SGD(lr=0.3).state_dict())
    with pytest.raises(ValueError, match=r"optimizer\.groups must still have 'b\*', .*, got none"):
        schedule.step()
    assert (sgd.lr, schedule.last_epoch) == (0.3, 0)


def test_an_optimizer_that_goes_on_from_a_snapshot_keeps_its_schedule() -> None:
    adam = Adam(lr=0.1, groups={"b*": {"lr": 0.2}})
    schedule = lr_scheduler.ExponentialLR(adam, gamma=0.5)
    schedule.step()
    adam.load_state_dict(adam.state_dict())
    schedule.step()
    assert (adam.lr, adam.groups["b*"]["lr"]) == (0.025, 0.05)


#: One case each of those that take a rate for each run, and one for each run as an argument.
PER_RUN = [
    *(
        (n, pair.cases[0])
        for n, pair in SCHEDULES.items()
        if not pair.metric and n not in COMPOSITE
    ),
    ("CyclicLR", {"base_lr": (0.1, 0.2), "max_lr": (0.3, 0.1), "step_size_up": 3}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": (0.3, 0.1), "step_size_up": 3}),
    ("OneCycleLR", {"max_lr": (0.3, 0.1), "total_steps": 20}),
    ("SWALR", {"swa_lr": (0.3, 0.1)}),
]


@loops_over("name options", PER_RUN)
def test_each_run_has_the_rates_that_it_has_alone(name: str, options: dict) -> None:
    """The optimizer's own rates, and a schedule's argument (here a tuple) for each run."""

    def schedule(sgd: SGD, k: object) -> lr_scheduler.LRScheduler:
        own = {key: np.array(v)[k] if isinstance(v, tuple) else v for key, v in options.items()}
        return by_hand(name, sgd, **own)

    rates, every = [0.1, 0.02], (slice(None), 0, 1)
    stack, alone = SGD(lr=np.array(rates), momentum=0.5), [SGD(lr, momentum=0.5) for lr in rates]
    schedules = [schedule(sgd, k) for sgd, k in zip((stack, *alone), every, strict=True)]
    for step in range(12):
        np.testing.assert_array_equal(stack.lr * np.ones(2), [sgd.lr for sgd in alone])
        if step == 7:
            saved = json.loads(json.dumps(schedules[0].state_dict()))
            stack = SGD(lr=np.array(rates), momentum=0.5)
            schedules[0] = schedule(stack, slice(None))
            schedules[0].load_state_dict(saved)
        for each in schedules:
            each.step()
    stack.update({"w": np.ones((2, 3))}, {"w": np.ones((2, 3))})


def test_a_number_for_all_runs_leaves_each_its_rate() -> None:
    sgd = SGD(lr=np.array([0.1, 0.2]))
    lr_scheduler.CyclicLR(sgd, 0.1, 0.2)
    np.testing.assert_array_equal(sgd.lr, [0.1, 0.1])
    with pytest.raises(
        ValueError, match="max_lr must be one number, or one for each of the 2 runs"
    ):
        lr_scheduler.OneCycleLR(sgd, np.ones(3), 9)


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
    assert (adam.beta1, adam.beta2) == (pytest.approx(0.85), 0.999)
    assert adam.groups["b"] == {"lr": pytest.approx(0.3), "beta1": pytest.approx(0.85)}
    assert schedule.state_dict()["momentum"] == [pytest.approx(0.85)] * 2


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
