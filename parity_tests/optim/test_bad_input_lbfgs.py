"""LBFGS refuses bad input, at the start and in the middle of an update, and changes nothing."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scratch.optim import LBFGS, NonFiniteGradientError
from torch_ref.lockstep import QuadraticBowl
from torch_ref.lockstep.compare.problems import Arrays, Landscape, Rosenbrock
from torch_ref.registry import Settings

SEARCHING = {"line_search_fn": "strong_wolfe"}


def closure_of(landscape: Landscape, params: Arrays) -> Callable[[], tuple[float, Arrays]]:
    return lambda: landscape.evaluate(params)


def spoilt(value: Any, after: int) -> tuple[Arrays, Callable[[], tuple[float, Any]]]:
    """Parameters, and a closure whose gradient is another after some evaluations."""
    landscape, calls = QuadraticBowl(4), []
    params = {"w": landscape.params["w"]}

    def closure() -> tuple[float, Any]:
        calls.append(None)
        loss, grads = landscape.evaluate(params)
        return (loss, grads) if len(calls) <= after else (loss, {"w": value})

    return params, closure


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            np.array([1.0, np.nan, 0.0, 0.0]),
            NonFiniteGradientError,
            r"grads\['w'\] must be finite, got 1 of 4 elements .*, the first at \(1,\): nan",
        ),
        (np.ones(3), ValueError, r"grads\['w'\] must be like params\['w'\], .*got float64 of"),
        (np.ones(4, np.float32), ValueError, r"grads\['w'\] must be like .*, got float32"),
        ([1.0] * 4, TypeError, r"grads\['w'\] must be like .*"),
    ],
    ids=["not finite", "shape", "dtype", "list"],
)
def test_a_gradient_that_does_not_fit_changes_nothing_whenever_it_comes(
    value: Any, error: type[Exception], message: str, after: int
) -> None:
    params, closure = spoilt(value, after)
    start, optimizer = params["w"].copy(), LBFGS()
    with pytest.raises(error, match=message):
        optimizer.update(params, closure=closure)
    np.testing.assert_array_equal(params["w"], start)
    assert optimizer.state == {}


def test_a_closure_that_raises_in_the_middle_leaves_all_as_it_was() -> None:
    landscape = Rosenbrock()
    params, optimizer = landscape.params, LBFGS(max_iter=5, **SEARCHING)
    optimizer.update(params, closure=closure_of(landscape, params))
    before = copy.deepcopy((params, optimizer.state))
    evaluations = iter(range(3))

    def closure() -> tuple[float, Arrays]:
        next(evaluations)
        return landscape.evaluate(params)

    with pytest.raises(StopIteration):
        optimizer.update(params, closure=closure)
    assert params == before[0]
    np.testing.assert_equal(optimizer.state, before[1])


@pytest.mark.parametrize(
    ("params", "given", "error", "message"),
    [
        ({"w": np.ones(2)}, (1.0, {}), KeyError, r"same keys; grads lacks \['w'\]"),
        ({"w": np.ones(2)}, 1.0, TypeError, r"closure must be .* \(loss, grads\), got 1.0"),
        ({"w": np.ones(2)}, ("1", {"w": None}), TypeError, "loss a number, got"),
        ({"w": np.ones(2)}, (np.ones(2), {"w": None}), TypeError, "loss a number, got"),
        ({"w": [1.0]}, (1.0, {"w": None}), TypeError, r"params\['w'\] must be a float, or an"),
        ({"w": np.arange(2)}, (1.0, {"w": None}), TypeError, r"params\['w'\] .*, got int64"),
    ],
)
def test_what_a_closure_returns_must_fit(
    params: dict, given: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LBFGS().update(params, closure=lambda: given)


def test_a_parameter_that_cannot_be_changed_is_refused() -> None:
    params = {"w": np.ones(2)}
    params["w"].setflags(write=False)
    with pytest.raises(ValueError, match=r"params\['w'\] is read-only; pass a copy"):
        LBFGS().update(params, closure=lambda: (1.0, {"w": np.ones(2)}))


@pytest.mark.parametrize("arguments", [{"grads": {"w": np.ones(2)}}, {}], ids=["grads", "nothing"])
def test_gradients_in_place_of_a_closure_are_refused(arguments: dict) -> None:
    with pytest.raises(TypeError, match="LBFGS takes no grads but a closure"):
        LBFGS().update({"w": np.ones(2)}, **arguments)


@pytest.mark.parametrize(
    "others",
    [
        {"w": np.ones(3)},
        {"v": np.ones(4)},
        {"w": np.ones(4, np.float32)},
        {"w": np.ones(4), "b": np.ones(1)},
    ],
    ids=["shape", "name", "dtype", "one more"],
)
@pytest.mark.parametrize("loaded", [False, True], ids=["used", "loaded"])
def test_other_parameters_than_those_of_the_first_update_are_refused(
    others: Arrays, loaded: bool
) -> None:
    landscape, optimizer = QuadraticBowl(4), LBFGS(max_iter=2)
    optimizer.update(landscape.params, closure=closure_of(landscape, landscape.params))
    if loaded:
        other = LBFGS()
        other.load_state_dict(optimizer.state_dict())
        optimizer = other
    with pytest.raises(ValueError, match=r"params must have the names, order, .* last update, "):
        optimizer.update(others, closure=lambda: (1.0, {n: w * 1 for n, w in others.items()}))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"lr": np.array([1.0, 1.0])}, "lr must be a finite number >= 0, got float64 of"),
        ({"max_iter": 0}, "max_iter must be a whole number >= 1, got 0"),
        ({"max_eval": 0}, "max_eval must be a whole number >= 1, got 0"),
        ({"max_eval": 2.5}, "max_eval must be a whole number >= 1, got 2.5"),
        ({"history_size": 0}, "history_size must be a whole number >= 1, got 0"),
        ({"line_search_fn": "armijo"}, "line_search_fn must be one of strong_wolfe, got 'armijo'"),
        ({"groups": {"b*": {"lr": 0.1}}}, "groups must be left out: LBFGS estimates one curvature"),
    ],
    ids=str,
)
def test_bad_settings_are_refused(bad: Settings, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        LBFGS(**bad)
