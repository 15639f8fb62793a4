"""Ctrl-C, at whatever line it comes, or no memory, leaves an update or a load done or not."""

import copy
import signal
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest

from parity_tests.lr_scheduler.schedule_pairs import fits
from parity_tests.optimizer_helpers import STEPPED, STREAMED, shapes_for
from scratch import lr_scheduler, nn, optim
from scratch.optim import RowGradient
from torch_ref.lr_scheduler import by_hand
from torch_ref.registry import SCHEDULES, OptimizerPair, SchedulePair


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Python's own handler, which a program that was started in the background has not.

    And NumPy's error state: an ``errstate`` that is interrupted as it is entered leaves it changed.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with np.errstate():
        yield
    signal.signal(signal.SIGINT, before)


def interrupted_at(line: int, work: Callable[[], object]) -> bool:
    """Do the work, with SIGINT at its nth line; returns whether it has so many."""
    seen = 0

    def trace(frame: object, event: str, argument: object) -> Any:
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == line:
                signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        work()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return seen >= line


def values_of(subject: Any) -> list[Any]:
    """All numbers in dicts and lists, in order, as lists."""
    if isinstance(subject, dict):
        return [values_of(subject[key]) for key in sorted(subject, key=str)]
    if isinstance(subject, list | tuple):
        return [values_of(each) for each in subject]
    return np.asarray(subject).tolist()


def assert_done_or_not(
    start: Callable[[], Any], work: Callable[[Any], object], read: Callable[[Any], Any]
) -> None:
    """Whatever the line, what ``read`` sees is as before the work, or as after it."""
    finished = start()
    before = values_of(read(finished))
    work(finished)
    after = values_of(read(finished))
    assert before != after
    for line in count(1):
        subject = start()
        reached = interrupted_at(line, lambda it=subject: work(it))
        assert values_of(read(subject)) in (before, after), f"half done after line {line}"
        if not reached:
            return


@pytest.mark.parametrize("pair", STEPPED.values(), ids=STEPPED)
def test_an_update_is_done_or_not(pair: OptimizerPair) -> None:
    random = np.random.default_rng(0)
    shapes = shapes_for(pair, (3, 2), (2,), (2, 2))
    params = {f"w{i}": random.normal(size=shape) for i, shape in enumerate(shapes)}
    grads: dict[str, Any] = {name: random.normal(size=w.shape) for name, w in params.items()}
    if pair.gradients == "rows":
        grads = {name: RowGradient.of(g) for name, g in grads.items()}
    optimizer = pair.scratch()
    optimizer.update(params, grads)
    assert_done_or_not(
        lambda: copy.deepcopy((optimizer, params)),
        lambda it: it[0].update(it[1], grads),
        lambda it: (it[1], it[0].state),
    )


@STREAMED
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rule_needs_no_more_memory_than_is_reserved(pair: OptimizerPair, dtype: str) -> None:
    for case in pair.cases:
        optimizer, params = pair.scratch(**case), {"w": np.ones((300, 200), dtype)}
        grads = {"w": np.full((300, 200), 0.5, dtype)}
        optimizer.update(params, grads)
        tracemalloc.start()
        optimizer.update(params, grads)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < optimizer.temporaries * params["w"].nbytes * 1.02 + 2**14, case


def test_without_room_for_its_temporaries_an_update_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params, grads, optimizer = {"w": np.ones(5)}, {"w": np.ones(5)}, optim.Adam()
    optimizer.update(params, grads)
    before = copy.deepcopy((params, optimizer.state))
    monkeypatch.setattr(optim.Adam, "temporaries", 2**50)
    params["later"], grads["later"] = np.ones(5), np.ones(5)
    before[0]["later"] = np.ones(5)
    with pytest.raises(MemoryError):
        optimizer.update(params, grads)
    assert values_of((params, optimizer.state)) == values_of(before)


def test_a_load_of_a_network_is_done_or_not() -> None:
    net = nn.MultiLayerNet(3, [3], 2, batch_norm=True)
    snapshot = nn.MultiLayerNet(3, [3], 2, batch_norm=True, seed=1).state_dict()
    assert_done_or_not(
        lambda: copy.deepcopy(net),
        lambda it: it.load_state_dict(snapshot),
        lambda it: it.state_dict(),
    )


def test_a_load_of_an_optimizer_is_done_or_not() -> None:
    params, grads = {"w": np.ones(2)}, {"w": np.ones(2)}
    optimizer = optim.Adam(lr=0.5, groups={"w": {"lr": 0.1}})
    optimizer.update(params, grads)
    snapshot = optimizer.state_dict()
    assert_done_or_not(optim.Adam, lambda it: it.load_state_dict(snapshot), lambda it: vars(it))


def test_a_load_of_a_schedule_is_done_or_not() -> None:
    def start() -> lr_scheduler.StepLR:
        optimizer = optim.SGD(lr=1.0, groups={"b": {"lr": 0.1}, "W": {"lr": 0.2}})
        return lr_scheduler.StepLR(optimizer, 1)

    moved = start()
    moved.step()
    snapshot = moved.state_dict()

    def read(schedule: lr_scheduler.StepLR) -> Any:
        optimizer = schedule.optimizer
        return schedule.state_dict(), optimizer.lr, optimizer.groups

    assert_done_or_not(start, lambda it: it.load_state_dict(snapshot), read)


@pytest.mark.parametrize("pair", SCHEDULES.values(), ids=SCHEDULES)
def test_a_step_of_a_schedule_is_done_or_not(pair: SchedulePair) -> None:
    groups = {"b": {"lr": 0.1}}
    fit = [case for case in pair.cases if fits(pair, case, groups)]
    schedule = by_hand(pair.name, optim.SGD(lr=1.0, momentum=0.5, groups=groups), **fit[0])
    given = (1.0,) if pair.metric else ()

    def read(it: lr_scheduler.LRScheduler) -> Any:
        return it.state_dict(), it.optimizer.settings, it.optimizer.groups

    assert_done_or_not(lambda: copy.deepcopy(schedule), lambda it: it.step(*given), read)


def of_lbfgs() -> tuple[optim.Optimizer, dict[str, Any]]:
    return optim.LBFGS(max_iter=2), {"a": np.array([1.0, 2.0]), "b": np.array([3.0])}


def bowl(params: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    loss = sum(float((w**2).sum()) for w in params.values())
    return loss, {name: 2 * w for name, w in params.items()}


def small_net() -> nn.MultiLayerNet:
    return nn.MultiLayerNet(2, [2], 2, batch_norm=True)


X = np.array([[0.0, 1.0], [2.0, -1.0], [1.0, 3.0]], np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "work", "read"),
    [
        (of_lbfgs, lambda it: it[0].update(it[1], closure=lambda: bowl(it[1])), lambda it: it),
        (small_net, lambda it: nn.lsuv(it, X), lambda it: it.state_dict()),
        (small_net, lambda it: nn.update_bn([X, X + 1], it), lambda it: it.state_dict()),
    ],
    ids=["LBFGS", "lsuv", "update_bn"],
)
def test_what_may_take_long_is_done_or_not(start: Any, work: Any, read: Any) -> None:
    def values(it: Any) -> Any:
        seen = read(it)
        return (seen[1], seen[0].state) if isinstance(seen, tuple) else seen

    assert_done_or_not(start, work, values)


def test_after_an_error_in_a_step_of_several_schedules_all_are_as_before() -> None:
    sgd = optim.SGD(lr=1.0, groups={"b": {"lr": 0.5}})
    first = lr_scheduler.ExponentialLR(sgd, 0.5)
    second = lr_scheduler.LambdaLR(sgd, lambda t: 1 / (1 - t))
    schedule = lr_scheduler.ChainedScheduler([first, second])
    before = copy.deepcopy((schedule.state_dict(), sgd.lr, sgd.groups))
    with pytest.raises(ZeroDivisionError):
        schedule.step()
    assert (schedule.state_dict(), sgd.lr, sgd.groups) == before


def test_a_second_interrupt_does_not_wait_for_a_rule_that_never_ends() -> None:
    class Endless(optim.SGD):
        def rule(self, w: np.ndarray, g: np.ndarray, state: dict) -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it has waited")

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Endless().update({"w": np.ones(2)}, {"w": np.ones(2)})
    assert signal.getsignal(signal.SIGINT) is handler
