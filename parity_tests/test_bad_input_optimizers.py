"""The optimizers refuse bad input by its name and its value, and change nothing."""

import inspect
import re
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import NOT_FINITE, bad_rates
from parity_tests.optimizer_helpers import PAIRS, assert_refused, fresh
from scratch import optim
from torch_ref.registry import OPTIMIZERS, OptimizerPair, Settings, resolve

bad_betas = bad_rates | st.floats(min_value=1) | st.integers(min_value=1)


# What is wrong with (params, grads), the error, and what it says.
Spoil = Callable[[dict, dict], None]
SPOILT: dict[str, tuple[Spoil, type[Exception], str]] = {
    "a gradient is missing": (
        lambda p, g: g.pop("b"),
        KeyError,
        r"same keys; grads lacks \['b'\] and has \[\] besides",
    ),
    "a gradient is too many": (
        lambda p, g: g.update(c=np.ones(2)),
        KeyError,
        r"same keys; grads lacks \[\] and has \['c'\] besides",
    ),
    "a gradient has another name": (
        lambda p, g: g.update(c=g.pop("b")),
        KeyError,
        r"same keys; grads lacks \['b'\] and has \['c'\] besides",
    ),
    "another shape": (
        lambda p, g: g.update(b=np.ones((2, 1))),
        ValueError,
        r"grads\['b'\] must be like params\['b'\], float64 of shape \(2,\), got float64 of shape "
        r"\(2, 1\)",
    ),
    "a shape that would broadcast": (
        lambda p, g: g.update(b=np.ones(1)),
        ValueError,
        r"grads\['b'\] must be like .* \(2,\), got float64 of shape \(1,\)",
    ),
    "another dtype": (
        lambda p, g: g.update(b=np.ones(2, np.float32)),
        ValueError,
        r"grads\['b'\] must be like .*float64 .*, got float32 of shape \(2,\)",
    ),
    "a list": (
        lambda p, g: g.update(b=[1.0, 2.0]),
        TypeError,
        r"grads\['b'\] must be like .*, got \[1.0, 2.0\] \(list\)",
    ),
    "a float for an array": (
        lambda p, g: g.update(b=1.0),
        TypeError,
        r"grads\['b'\] must be like .*, got 1.0 \(float\)",
    ),
    "an array for a float": (
        lambda p, g: p.update(b=1.0),
        TypeError,
        r"grads\['b'\] must be a float like params\['b'\], got float64 of shape \(2,\)",
    ),
    "integer parameters": (
        lambda p, g: (p.update(b=np.array([1, 2])), g.update(b=np.array([1, 2]))),
        TypeError,
        r"params\['b'\] must be a float, or an array of float32 or float64, got int64 of shape",
    ),
    "float16 parameters": (
        lambda p, g: (p.update(b=np.ones(2, np.float16)), g.update(b=np.ones(2, np.float16))),
        TypeError,
        r"params\['b'\] must be .*, got float16 of shape \(2,\)",
    ),
    "a list of parameters": (
        lambda p, g: p.update(b=[1.0, 2.0]),
        TypeError,
        r"params\['b'\] must be .*, got \[1.0, 2.0\] \(list\)",
    ),
    "a read-only parameter": (
        lambda p, g: p["b"].setflags(write=False),
        ValueError,
        r"params\['b'\] is read-only; pass a copy",
    ),
}


@PAIRS
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_parameters_and_gradients_that_do_not_fit_change_nothing(
    pair: OptimizerPair, used: bool
) -> None:
    for spoil, error, message in SPOILT.values():
        optimizer, (params, grads) = pair.scratch(), fresh()
        if used:
            optimizer.update(params, grads)
        spoil(params, grads)
        assert_refused(optimizer, params, grads, error, message)


@PAIRS
@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_gradient_that_is_not_finite_is_refused_by_the_name_of_its_parameter(
    pair: OptimizerPair, value: float
) -> None:
    optimizer, (params, grads) = pair.scratch(), fresh()
    optimizer.update(params, grads)
    grads["b"][1] = value
    assert_refused(
        optimizer,
        params,
        grads,
        optim.NonFiniteGradientError,
        rf"grads\['b'\] must be finite, got 1 of 2 elements .*, the first at \(1,\): {value}",
    )


@PAIRS
def test_a_number_that_cannot_be_replaced_is_refused(pair: OptimizerPair) -> None:
    optimizer, params = pair.scratch(), {"W": np.ones((3, 2)), "x": -7.0}
    with pytest.raises(TypeError, match=r"the number params\['x'\] to be .*, got a mappingproxy"):
        optimizer.update(MappingProxyType(params), {"W": np.ones((3, 2)), "x": 1.0})
    assert not optimizer.state
    np.testing.assert_array_equal(params["W"], 1)


@PAIRS
@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_float_gradient_that_is_not_finite_is_refused(pair: OptimizerPair, value: float) -> None:
    optimizer = pair.scratch()
    assert_refused(
        optimizer,
        {"x": -7.0, "y": 2.0},
        {"x": 1.0, "y": value},
        optim.NonFiniteGradientError,
        rf"grads\['y'\] must be finite, got 1 of 1 .*: {value}",
    )


@PAIRS
@given(lr=bad_rates)
@settings(deadline=None, max_examples=20)
def test_a_bad_learning_rate_is_refused_at_the_start(pair: OptimizerPair, lr: object) -> None:
    with pytest.raises((TypeError, ValueError), match="lr must be a finite number >= 0, got") as e:
        pair.scratch(lr=lr)
    assert repr(lr) in str(e.value)


@PAIRS
def test_a_bad_learning_rate_assigned_later_is_refused_by_the_update(pair: OptimizerPair) -> None:
    for lr in (*NOT_FINITE, -0.1, None, "0.1", True):
        optimizer, (params, grads) = pair.scratch(), fresh()
        optimizer.update(params, grads)
        optimizer.lr = lr
        message = f"lr must be a finite number >= 0, got {lr!r}"
        assert_refused(optimizer, params, grads, (TypeError, ValueError), message)


@pytest.mark.parametrize("lr", [np.float64(0.1), np.float32(0.1), np.array(0.1), 1, 0])
def test_a_learning_rate_of_another_type_does_not_promote_float32(lr: object) -> None:
    for optimizer in (optim.SGD(lr), optim.Adam()):
        optimizer.lr = lr
        params, grads = fresh("float32")
        optimizer.update(params, grads)
        assert type(optimizer.lr) is float
        assert {w.dtype for w in params.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("position", [0, 1])
@given(beta=bad_betas)
@settings(deadline=None, max_examples=30)
def test_betas_outside_0_to_1_are_refused(position: int, beta: object) -> None:
    betas = [0.9, 0.999]
    betas[position] = beta
    message = rf"betas\[{position}\] must be a finite number >= 0 and < 1, got "
    with pytest.raises((TypeError, ValueError), match=message) as e:
        optim.Adam(betas=tuple(betas))
    assert repr(beta) in str(e.value)
    names = {0: "beta1", 1: "beta2"}
    with pytest.raises((TypeError, ValueError), match=f"{names[position]} must be a finite"):
        optim.chapter.Adam(**{names[position]: beta})


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999), None], ids=repr)
def test_betas_that_are_not_two_are_refused(betas: object) -> None:
    with pytest.raises(TypeError, match="betas must be two numbers, got "):
        optim.Adam(betas=betas)


def numeric_arguments() -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """(optimizer, argument, default) of every argument that is a number, or several."""
    for name, pair in OPTIMIZERS.items():
        for argument, parameter in inspect.signature(pair.scratch).parameters.items():
            default = parameter.default
            if isinstance(default, tuple | float | int) and not isinstance(default, bool):
                yield name, argument, default


@pytest.mark.parametrize(("name", "argument", "default"), list(numeric_arguments()))
@given(value=st.sampled_from((*NOT_FINITE, "0.1", True, [0.1], 1j)))
@settings(deadline=None, max_examples=8)
def test_what_is_no_finite_number_is_refused_by_the_name_of_its_argument(
    name: str, argument: str, default: Any, value: object
) -> None:
    tried = {argument: value}
    if isinstance(default, tuple):
        tried = {f"{argument}[{i}]": (*default[:i], value, *default[i + 1 :]) for i in range(2)}
    for called, bad in tried.items():
        with pytest.raises((TypeError, ValueError), match=re.escape(called) + " must be ") as e:
            OPTIMIZERS[name].scratch(**{argument: bad})
        assert repr(value) in str(e.value)


def flags() -> Iterator[tuple[str, str]]:
    for name, pair in OPTIMIZERS.items():
        for argument, parameter in inspect.signature(pair.scratch).parameters.items():
            if isinstance(parameter.default, bool):
                yield name, argument


@pytest.mark.parametrize("value", ["no", 1, None])
@pytest.mark.parametrize(("name", "argument"), list(flags()))
def test_a_flag_that_is_neither_true_nor_false_is_refused(
    name: str, argument: str, value: object
) -> None:
    message = f"{argument} must be True or False, got {value!r}"
    with pytest.raises(TypeError, match=message):
        OPTIMIZERS[name].scratch(**{argument: value})


@pytest.mark.parametrize(
    ("pair", "refused"),
    [
        pytest.param(pair, refused, id=f"{name}-{refused}")
        for name, pair in OPTIMIZERS.items()
        for refused in pair.refused
    ],
)
def test_both_sides_refuse_what_the_registry_says(pair: OptimizerPair, refused: Settings) -> None:
    with pytest.raises((TypeError, ValueError), match="|".join(refused)):
        pair.scratch(**refused)
    # An instance that got past the check, to see torch refuse the same.
    optimizer = pair.scratch(**{"momentum": 0.9} if "nesterov" in refused else {})
    for name, value in refused.items():
        spoilt = {"decay_rate": "alpha"}.get(name, name)
        if name in ("beta1", "beta2"):
            spoilt, value = "betas", (value, 0.9) if name == "beta1" else (0.9, value)
        setattr(optimizer, spoilt, value)
    if refused == {"nesterov": True}:
        optimizer.momentum = 0.0
    with pytest.raises(ValueError, match=r".+"):
        resolve(pair.torch)([torch.zeros([1] * pair.axes)], **pair.to_torch(optimizer))


@pytest.mark.parametrize("name", ["lambd", "alpha"])
def test_asgd_refuses_what_torch_does_only_from_2_15_on(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a finite number >= 0, got -1.0"):
        OPTIMIZERS["ASGD"].scratch(**{name: -1.0})


@PAIRS
def test_an_optimizer_refuses_parameters_that_changed_their_shape(pair: OptimizerPair) -> None:
    case = next((c for c in pair.cases if "momentum" in c), {})
    optimizer, (params, grads) = pair.scratch(**case), fresh()
    optimizer.update(params, grads)
    params["b"], grads["b"] = np.ones(5), np.ones(5)
    # A parameter that is new to the optimizer comes first, and must not stay in its state.
    params, grads = {"new": np.ones(3)} | params, {"new": np.ones(3)} | grads
    message = r"params\['b'\] is float64 of shape \(5,\), but this optimizer's buffer "
    assert_refused(optimizer, params, grads, ValueError, message)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, int])
@PAIRS
def test_a_plain_number_is_replaced_and_can_be_updated_again(
    pair: OptimizerPair, kind: type
) -> None:
    optimizer, params = pair.scratch(), {"x": kind(-7)}
    for _ in range(3):
        optimizer.update(params, {"x": kind(1)})
        assert type(params["x"]) is (float if kind is int else kind)
    assert params["x"] < -7
