"""The optimizers refuse bad input by its name and its value, and change nothing."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import NOT_FINITE, NOT_NUMBERS
from parity_tests.optimizer_helpers import ALL, PAIRS, STREAMED, assert_refused, defaults, fresh
from scratch import optim
from torch_ref.registry import OPTIMIZERS, OptimizerPair, Settings, resolve

NAMES = r"params and grads must have the same keys; grads lacks "
LIKE = r"grads\['b'\] must be like params\['b'\], float64 of shape \(2,\), got "
FLOATS = r"params\['b'\] must be a float, or an array of float32 or float64, got "
ONES, HALF, WHOLE, FIXED = np.ones(2), np.ones(2, np.float16), np.array([1, 2]), np.ones(2)
FIXED.setflags(write=False)
#: What takes the place of ``b`` in the parameters and in the gradients, and what is said of it.
SPOILT: tuple[tuple[Any, Any, type[Exception], str], ...] = (
    (ONES, [1.0, 2.0], TypeError, LIKE + r"\[1.0, 2.0\]"),
    (ONES, 1.0, TypeError, LIKE + "1.0"),
    (ONES, np.ones((2, 1)), ValueError, LIKE + r"float64 of shape \(2, 1\)"),
    (ONES, np.ones(1), ValueError, LIKE + r"float64 of shape \(1,\)"),  # it would broadcast
    (ONES, np.ones(2, np.float32), ValueError, LIKE + r"float32 of shape \(2,\)"),
    (
        1.0,
        ONES,
        TypeError,
        r"grads\['b'\] must be a float like params\['b'\], got float64 of shape",
    ),
    (WHOLE, WHOLE, TypeError, FLOATS + "int64 of shape"),
    (HALF, HALF, TypeError, FLOATS + r"float16 of shape \(2,\)"),
    ([1.0, 2.0], ONES, TypeError, FLOATS + r"\[1.0, 2.0\]"),
    (FIXED, ONES, ValueError, r"params\['b'\] is read-only; pass a copy"),
)


@PAIRS
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_parameters_and_gradients_that_do_not_fit_change_nothing(
    pair: OptimizerPair, used: bool
) -> None:
    for w, g, error, message in SPOILT:
        optimizer, (params, grads) = pair.scratch(), fresh()
        if used:
            optimizer.update(params, grads)
        assert_refused(optimizer, params | {"b": w}, grads | {"b": g}, error, message)
    for names, message in (
        (("W",), r"\['b'\] and has \[\] besides"),
        (("W", "b", "c"), r"\[\] and has \['c'\] besides"),
        (("W", "c"), r"\['b'\] and has \['c'\] besides"),
    ):
        others = dict.fromkeys(names, ONES)
        assert_refused(optimizer, params, others, KeyError, NAMES + message)


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


@pytest.mark.parametrize("lr", [np.float64(0.1), np.float32(0.1), np.array(0.1), 1, 0])
def test_a_learning_rate_of_another_type_does_not_promote_float32(lr: object) -> None:
    for optimizer in (optim.SGD(lr), optim.Adam()):
        optimizer.lr = lr
        params, grads = fresh("float32")
        optimizer.update(params, grads)
        assert type(optimizer.lr) is float
        assert {w.dtype for w in params.values()} == {np.dtype("float32")}


NUMBERS = (*NOT_FINITE, *NOT_NUMBERS)


def bad_values(name: str, default: Any) -> Iterator[tuple[Any, str]]:
    """What an argument with this ``default`` cannot be, and what is said of it."""
    if isinstance(default, bool):
        for value in ("no", 1, None):
            yield value, f"{name} must be True or False, got {value!r}"
    elif isinstance(default, float | int):
        for value in (*NUMBERS, *((-5e-324, -1) if name == "lr" else ())):
            yield value, f"{name} must be a (finite|whole) number.*, got {re.escape(repr(value))}"
    elif isinstance(default, tuple):
        for value in (0.9, default[:1], (*default, 0.5), None):
            yield value, f"{name} must be (two|three) numbers, got "
        for i, value in product(range(len(default)), NUMBERS):
            if (default[i], value) != (None, None):
                message = rf"{name}\[{i}\] must be a finite number.*, got {re.escape(repr(value))}"
                yield (*default[:i], value, *default[i + 1 :]), message


@ALL
def test_a_setting_is_refused_in_the_same_words_wherever_it_is_set(pair: OptimizerPair) -> None:
    optimizer = pair.scratch()
    before = optimizer.state_dict()
    for name, default in defaults(pair).items():
        for value, message in bad_values(name, default):
            bad, groups = {name: value}, {"w": {name: value}}
            tried: list[Callable[[], Any]] = [
                lambda bad=bad: pair.scratch(**bad),
                lambda bad=bad: setattr(optimizer, *next(iter(bad.items()))),
                lambda bad=bad: optimizer.load_state_dict(
                    before | {"settings": before["settings"] | bad}
                ),
            ]
            if pair.gradients != "closure":
                tried.append(lambda groups=groups: pair.scratch(groups=groups))
                tried.append(lambda groups=groups: setattr(optimizer, "groups", groups))
            for i, refuse in enumerate(tried):
                where = r"groups\['w'\]: " if i > 2 else "^"
                with pytest.raises((TypeError, ValueError), match=where + message):
                    refuse()
            assert optimizer.state_dict() == before


@pytest.mark.parametrize(
    "lr",
    [np.ones((2, 2)), np.ones(0), np.array(["0.1"]), np.array([0.1, -1]), np.array([0.1, np.nan])],
    ids=repr,
)
def test_learning_rates_that_are_none_are_refused(lr: np.ndarray) -> None:
    message, optimizer = r"lr(\[1\])? must be a finite number >= 0", optim.Adam()
    with pytest.raises((TypeError, ValueError), match=message):
        optim.Adam(lr=lr)
    with pytest.raises((TypeError, ValueError), match=message):
        optimizer.lr = lr
    assert optimizer.lr == 1e-3


def test_what_was_changed_in_place_is_refused_by_the_update() -> None:
    rates, group = optim.Adam(lr=np.array([0.1, 0.2])), optim.Adam(groups={"b": {"eps": 1.0}})
    rates.lr[1] = -1
    group.groups["b"]["eps"] = -1.0
    params, grads = fresh()
    for optimizer, message in (
        (rates, r"lr\[1\] must be a finite number >= 0, got"),
        (group, r"groups\['b'\]: eps must be a finite number >= 0, got"),
    ):
        assert_refused(optimizer, params, grads, ValueError, message)
    group.groups["b"] = {"epsilon": 1.0}
    assert_refused(group, params, grads, ValueError, "a setting in groups.'b'. must be one of lr")


@STREAMED
def test_groups_that_are_none_are_refused(pair: OptimizerPair) -> None:
    optimizer, among = pair.scratch(groups={"b": {"lr": 0.5}}), r"groups\['w'\] must be one of lr, "
    for groups, message in (
        (None, "groups must be a dict, got None"),
        ([("w", {"lr": 1.0})], "groups must be a dict, got"),
        ({"w": 0.1}, r"groups\['w'\] must be a dict, got 0.1"),
        ({"w": {"learning_rate": 0.1}}, f"a setting in {among}.*'learning_rate'"),
        ({"w": {"groups": {}}}, f"a setting in {among}.*'groups'"),
        ({0: {"lr": 1.0}}, "a pattern in groups must be a str, got 0"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            pair.scratch(groups=groups)
        with pytest.raises((TypeError, ValueError), match=message):
            optimizer.groups = groups
    assert optimizer.groups == {"b": {"lr": 0.5}}


#: What is out of the range of some setting.
OUT_OF_RANGE = (-1.0, 0.5, 1.0, 1.1, "adamw")
OUT_OF_RANGE += ((1.0, 0.9), (0.9, -0.1), (0.0, 1.2), (0.5, 1.0), (-1.0, 1e-3), (None, -1.0))


def refused_by_torch(pair: OptimizerPair, case: Settings) -> bool:
    optimizer = pair.scratch()
    vars(optimizer).update(case)  # past the checks, to see torch refuse the same
    try:
        resolve(pair.torch)([torch.zeros([1] * pair.axes)], **pair.to_torch(optimizer))
    except ValueError:
        return True
    except (TypeError, IndexError):  # it asks for no type, and trips over some
        pass
    return False


@ALL
def test_what_torch_refuses_is_refused(pair: OptimizerPair) -> None:
    values = [{name: value} for name in defaults(pair) for value in OUT_OF_RANGE]
    refused = [case for case in (*values, *pair.refused) if refused_by_torch(pair, case)]
    assert all(case in refused for case in ({"lr": -1.0}, *pair.refused))
    for case in refused:
        with pytest.raises((TypeError, ValueError), match="|".join(case)):
            pair.scratch(**case)


@pytest.mark.parametrize("name", ["lambd", "alpha"])
def test_asgd_refuses_what_torch_does_only_from_2_15_on(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a finite number >= 0, got -1.0"):
        OPTIMIZERS["ASGD"].scratch(**{name: -1.0})


@PAIRS
def test_an_optimizer_refuses_parameters_that_changed_their_shape(pair: OptimizerPair) -> None:
    for case in pair.cases:
        optimizer, (params, grads) = pair.scratch(**case), fresh()
        optimizer.update(params, grads)
        if not any(isinstance(buffer, np.ndarray) for buffer in optimizer.state["b"].values()):
            continue  # it has nothing that another shape would not fit
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
