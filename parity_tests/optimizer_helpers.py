"""What the tests of optimizers share: which there are, what fits them, and how they refuse."""

import copy
import inspect
from typing import Any

import numpy as np
import pytest

from parity_tests.helpers import RUNS
from scratch import optim
from torch_ref.registry import OPTIMIZERS, OptimizerPair, Settings

#: The optimizers that take gradients as arrays; those that take gradients at all, of rows
#: too; and those that take any array.
DENSE = {name: pair for name, pair in OPTIMIZERS.items() if pair.gradients == "dense"}
STREAMED = pytest.mark.parametrize("pair", DENSE.values(), ids=DENSE)
STEPPED = {name: pair for name, pair in OPTIMIZERS.items() if pair.gradients != "closure"}
ANY_SHAPE = {name: pair for name, pair in DENSE.items() if not pair.axes}
PAIRS = pytest.mark.parametrize("pair", ANY_SHAPE.values(), ids=ANY_SHAPE)
STACKED = {name: pair for name, pair in ANY_SHAPE.items() if pair.scratch.elementwise}
#: Those whose rule takes every element alone, so that it can update a stack of runs.
ELEMENTWISE = pytest.mark.parametrize("pair", STACKED.values(), ids=STACKED)


def shapes_for(pair: OptimizerPair, *shapes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Those of the ``shapes`` that parameters of this optimizer can have."""
    return [
        shape
        for shape in shapes
        if len(shape) == (pair.axes or len(shape)) and (shape or pair.gradients != "rows")
    ]


def cases_for(pair: OptimizerPair, runs: Settings) -> tuple[Settings, ...]:
    """All cases for a stack, and the first for a single run: no argument knows which it is."""
    return pair.cases if runs == RUNS["stack"] else pair.cases[:1]


def tried_values(pair: OptimizerPair) -> dict[str, list]:
    """For each argument, its default and every value that a case gives it."""
    return {
        name: [default, *(case[name] for case in pair.cases if name in case)]
        for name, default in defaults(pair).items()
    }


def defaults(pair: OptimizerPair) -> dict[str, Any]:
    """The arguments and their defaults, but for the groups."""
    parameters = inspect.signature(pair.scratch).parameters
    return {name: p.default for name, p in parameters.items() if name != "groups"}


def fresh(dtype: str = "float64") -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    params = {"W": random.normal(size=(3, 2)), "b": random.normal(size=2)}
    grads = {"W": random.normal(size=(3, 2)), "b": random.normal(size=2)}
    return tuple({k: np.asarray(v, dtype) for k, v in d.items()} for d in (params, grads))


def assert_same_state(now: dict, before: dict) -> None:
    assert now.keys() == before.keys()
    for name, state in before.items():
        assert now[name].keys() == state.keys()
        for key, value in state.items():
            np.testing.assert_array_equal(now[name][key], value, strict=True)


def assert_refused(
    optimizer: optim.Optimizer,
    params: dict[str, Any],
    grads: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    """The update raises, and neither parameters nor gradients nor state change."""
    before = copy.deepcopy((params, grads, optimizer.state))
    with pytest.raises(error, match=message):
        optimizer.update(params, grads)
    for now, then in zip((params, grads), before[:2], strict=True):
        assert list(now) == list(then)
        for name, value in then.items():
            assert type(now[name]) is type(value)
            np.testing.assert_array_equal(now[name], value)
    assert_same_state(optimizer.state, before[2])
