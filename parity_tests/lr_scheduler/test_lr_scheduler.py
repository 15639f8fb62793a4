"""Every schedule against its twin: the same learning rates and momentum, step by step."""

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from parity_tests.helpers import loops_over
from parity_tests.lr_scheduler.schedule_pairs import (
    OPTIMIZERS,
    Sides,
    arguments,
    cases,
    fits,
)
from scratch import lr_scheduler, optim
from torch_ref.lr_scheduler import by_hand, by_torch
from torch_ref.registry import SCHEDULES, SchedulePair, Settings, resolve

TOLERANCE = 1e-12
CASES = loops_over("pair case optimizer", cases())
PAIRS = pytest.mark.parametrize("pair", SCHEDULES.values(), ids=SCHEDULES)
WITH_OPTIMIZERS = pytest.mark.parametrize("name", OPTIMIZERS)

iterations, lengths, momenta = st.integers(0, 30), st.integers(1, 30), st.floats(0, 0.99)
COUNTS, RATIOS = st.integers(0, 4), st.floats(0.01, 1)
#: What to draw for an argument, by its name.
VALUES: dict[str, st.SearchStrategy] = {
    **dict.fromkeys(("step_size", "T_max", "T_0", "step_size_up"), lengths),
    **dict.fromkeys(("total_iters", "anneal_epochs"), iterations),
    **dict.fromkeys(("patience", "cooldown"), COUNTS),
    **dict.fromkeys(("gamma", "start_factor"), RATIOS),
    **dict.fromkeys(("eta_min", "swa_lr", "base_lr", "max_lr"), st.floats(1e-5, 1)),
    **dict.fromkeys(("end_factor", "pct_start"), st.floats(0, 1)),
    **dict.fromkeys(("base_momentum", "max_momentum"), momenta),
    **dict.fromkeys(("cycle_momentum", "three_phase"), st.booleans()),
    "milestones": st.lists(iterations, max_size=6),
    "power": st.floats(0, 3),
    "T_mult": st.integers(1, 4),
    "anneal_strategy": st.sampled_from(["cos", "linear"]),
    "threshold": st.floats(0, 0.5),
    "threshold_mode": st.sampled_from(["rel", "abs"]),
    "min_lr": st.floats(0, 0.1),
    "eps": st.floats(0, 1e-3),
    "step_size_down": st.none() | iterations,
    "total_steps": st.integers(1, 60),
    "div_factor": st.floats(1, 100),
    "final_div_factor": st.floats(1, 1e5),
}
#: What is of another kind in one schedule.
OTHERS: dict[str, dict[str, st.SearchStrategy]] = {
    "ConstantLR": {"factor": RATIOS},
    "ReduceLROnPlateau": {"mode": st.sampled_from(["min", "max"]), "factor": momenta},
    "CyclicLR": {"mode": st.sampled_from(["triangular", "triangular2", "exp_range"])},
}
DRAWN: dict[str, dict[str, st.SearchStrategy]] = {
    name: {key: VALUES[key] for key in inspect.signature(pair.scratch).parameters if key in VALUES}
    | OTHERS.get(name, {})
    for name, pair in SCHEDULES.items()
    if not any(callable(v) or key == "schedulers" for key, v in pair.cases[0].items())
}
WITH_FUNCTIONS, COMPOSITE = {"LambdaLR", "MultiplicativeLR"}, {"ChainedScheduler", "SequentialLR"}


def both_step(mine: Any, theirs: Any, *metric: float) -> bool:
    """Step both; False where both refuse to go on."""
    try:
        theirs.step(*metric)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(ValueError, match="total_steps"):
            mine.step(*metric)
        return False
    mine.step(*metric)
    return True


def compared(pair: SchedulePair, case: Settings, optimizer: str, seed: int = 0) -> np.ndarray:
    """All rates of both sides, (2, steps, rates), as far as they go together."""
    sides, rows = Sides(*OPTIMIZERS[optimizer]), []
    mine, theirs = sides.schedules(pair.name, case)
    for metric in arguments(pair, seed):
        rows.append((sides.my_rates(), sides.their_rates()))
        assert mine.get_last_lr() == sides.my_rates()[::2]
        assert theirs.get_last_lr() == sides.their_rates()[::2]
        if hasattr(theirs, "last_epoch"):
            assert mine.last_epoch == theirs.last_epoch
        if not both_step(mine, theirs, *metric):
            break
    return np.array(rows).transpose(1, 0, 2)


def relative(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest distance, each number's by its own size."""
    least = np.finfo(np.float64).smallest_normal
    return float((np.abs(mine - theirs) / np.maximum(np.abs(theirs), least)).max())


@CASES
def test_the_same_rates_for_500_steps(
    pair: SchedulePair, case: Settings, optimizer: str, record_parity
) -> None:
    mine, theirs = compared(pair, case, optimizer)
    assert len(mine) >= 30
    ulp = (np.abs(mine - theirs) / np.spacing(np.abs(theirs))).max()
    apart = relative(mine, theirs)
    record_parity(pair.name, "float64", "learning rates", len(mine), apart, float(ulp))
    assert apart <= TOLERANCE


@PAIRS
def test_arguments_and_defaults_are_torchs_and_each_is_in_some_case(pair: SchedulePair) -> None:
    mine, theirs = (
        {p.name: (p.default, p.kind) for p in inspect.signature(cls).parameters.values()}
        for cls in (pair.scratch, resolve(pair.torch))
    )
    assert mine == {name: said for name, said in theirs.items() if name != "last_epoch"}
    assert set().union(*pair.cases) == mine.keys() - {"optimizer"}


def test_every_schedule_of_torch_is_there() -> None:
    theirs = set(torch.optim.lr_scheduler.__all__) | {"SWALR"}
    of_torch = {name for name, pair in SCHEDULES.items() if pair.torch.startswith("torch.")}
    assert of_torch == theirs - {"LRScheduler"}
    assert SCHEDULES.keys() == set(lr_scheduler.__all__) - {"LRScheduler"}
    assert DRAWN.keys() | WITH_FUNCTIONS | COMPOSITE == of_torch


@pytest.mark.parametrize("name", DRAWN)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_settings(name: str, data: st.DataObject) -> None:
    case = data.draw(st.fixed_dictionaries(DRAWN[name]))
    optimizer = data.draw(st.sampled_from(list(OPTIMIZERS)))
    try:
        by_torch(name, Sides(*OPTIMIZERS[optimizer]).theirs, **case)
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="pct_start must leave the first phase a length"):
            getattr(lr_scheduler, name)(Sides(*OPTIMIZERS[optimizer]).mine, **case)
        return
    seed = data.draw(st.integers(0, 99))
    assert relative(*compared(SCHEDULES[name], case, optimizer, seed)) <= TOLERANCE


SIMPLE = ["StepLR", "ExponentialLR", "LinearLR", "PolynomialLR", "CosineAnnealingLR", "SWALR"]
SIMPLE += ["CosineAnnealingWarmRestarts", "MultiStepLR", "CyclicLR"]
simple = st.sampled_from(SIMPLE).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(DRAWN[name]))
)
chained = st.lists(simple, min_size=1, max_size=3).map(
    lambda inner: ("ChainedScheduler", {"schedulers": inner})
)


@settings(max_examples=60, deadline=None)
@given(first=simple | chained, rest=st.lists(simple, max_size=2), data=st.data())
def test_any_sequence(first: tuple, rest: list[tuple], data: st.DataObject) -> None:
    """Of those that torch can begin at a milestone: it divides by a total_iters of 0 there.

    And with one SWALR at most: torch keeps swa_lr in the optimizer, where a second overwrites it.
    """
    chain = first[1]["schedulers"] if first[0] == "ChainedScheduler" else [first]
    assume([name for name, _ in (*chain, *rest)].count("SWALR") < 2)
    for _, options in rest:
        options |= {"total_iters": options["total_iters"] + 1} if "total_iters" in options else {}
    for _, options in chain:  # as there at the first step inside of another
        if "total_iters" in options:
            options["total_iters"] += 1
    sizes = {"min_size": len(rest), "max_size": len(rest)}
    milestones = sorted(data.draw(st.lists(st.integers(1, 60), **sizes)))
    inner = ("SequentialLR", {"schedulers": [first, *rest], "milestones": milestones})
    outer = data.draw(st.sampled_from(["plain", "chained", "sequential"]))
    name, case = inner
    if outer == "chained":
        name, case = "ChainedScheduler", {"schedulers": [inner, ("StepLR", {"step_size": 9})]}
    if outer == "sequential":
        last = ("ExponentialLR", {"gamma": 0.9})
        case = {"schedulers": [inner, last], "milestones": [data.draw(st.integers(1, 60))]}
    optimizer = data.draw(st.sampled_from(list(OPTIMIZERS)))
    assert relative(*compared(SCHEDULES[name], case, optimizer)) <= TOLERANCE


metric = st.floats(-10, 10) | st.sampled_from([float("nan"), float("inf"), -float("inf")])


@settings(max_examples=60, deadline=None)
@given(
    case=st.fixed_dictionaries(DRAWN["ReduceLROnPlateau"]),
    stream=st.lists(metric | st.integers(-3, 3), max_size=60),
)
def test_any_stream_of_metrics(case: Settings, stream: list[float]) -> None:
    sides = Sides(*OPTIMIZERS["SGD-one"])
    mine, theirs = sides.schedules("ReduceLROnPlateau", case)
    for value in stream:
        mine.step(value)
        theirs.step(value)
        assert sides.my_rates() == sides.their_rates()
        assert mine.get_last_lr() == theirs.get_last_lr()


@settings(max_examples=60, deadline=None)
@given(
    case=st.fixed_dictionaries(DRAWN["CosineAnnealingWarmRestarts"]),
    epochs=st.lists(st.none() | iterations | st.floats(0, 100), max_size=20),
)
def test_warm_restarts_jump_to_any_epoch(case: Settings, epochs: list[float | None]) -> None:
    sides = Sides(*OPTIMIZERS["SGD-one"])
    mine, theirs = sides.schedules("CosineAnnealingWarmRestarts", case)
    for epoch in epochs:
        mine.step(epoch)
        theirs.step(epoch)
        assert sides.my_rates() == sides.their_rates()
        assert mine.last_epoch == theirs.last_epoch


#: What is out of the range of some setting, or a list of too many.
OUT_OF_RANGE = (0.0, -1, -0.1, 1.5, "other", [0.1, 0.1, 0.1])


def refused_by_torch(pair: SchedulePair, case: Settings, optimizer: str) -> bool:
    with warnings.catch_warnings(action="ignore"):
        try:
            by_torch(pair.name, Sides(*OPTIMIZERS[optimizer]).theirs, **case)
        except (ValueError, TypeError, ZeroDivisionError):
            return True
    return False


@WITH_OPTIMIZERS
@PAIRS
def test_settings_that_torch_refuses_are_refused(pair: SchedulePair, name: str) -> None:
    asked = [n for n in inspect.signature(pair.scratch).parameters if n != "optimizer"]
    tried = [pair.cases[0] | {n: value} for n in asked for value in OUT_OF_RANGE]
    refused = [case for case in (*tried, *pair.refused) if refused_by_torch(pair, case, name)]
    assert all(case in refused for case in pair.refused)
    for case in refused:
        sides = Sides(*OPTIMIZERS[name])
        before = sides.my_rates()
        with pytest.raises((ValueError, TypeError)):
            by_hand(pair.name, sides.mine, **case)
        if "schedulers" not in case:
            assert sides.my_rates() == before


def test_momentum_is_not_cycled_where_there_is_none() -> None:
    w, adagrad = torch.zeros(1, requires_grad=True), optim.Adagrad()
    sides = ((adagrad, lr_scheduler), (torch.optim.Adagrad([w]), torch.optim.lr_scheduler))
    for optimizer, of in sides:
        with pytest.raises(ValueError, match="cycle_momentum"):
            of.CyclicLR(optimizer, base_lr=0.1, max_lr=0.2)
        with pytest.raises(ValueError, match="cycle_momentum"):
            of.OneCycleLR(optimizer, max_lr=0.2, total_steps=9)
        of.OneCycleLR(optimizer, max_lr=0.2, total_steps=9, cycle_momentum=False)
    schedule = lr_scheduler.CyclicLR(adagrad, 0.1, 0.2, step_size_up=2, cycle_momentum=False)
    schedule.step()
    assert adagrad.lr == pytest.approx(0.15)
    assert "momentum" not in schedule.state_dict()


def test_the_lists_of_cases_are_tried() -> None:
    tried = [(pair.name, optimizer) for pair, _, optimizer in cases()]
    assert {name for name, _ in tried} == SCHEDULES.keys()
    assert {optimizer for _, optimizer in tried} == OPTIMIZERS.keys()
    assert not fits(SCHEDULES["CyclicLR"], SCHEDULES["CyclicLR"].cases[-1], {})
