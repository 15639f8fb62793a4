"""The optimizers refuse bad input by its name and its value, and change nothing."""

import copy
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import NOT_FINITE
from parity_tests.optimizer_helpers import PAIRS, STREAMED, assert_refused, defaults, fresh
from scratch import nn, optim, train
from torch_ref.registry import OPTIMIZERS, OptimizerPair, Settings, resolve

NAMES = r"params and grads must have the same keys; grads lacks "
LIKE = r"grads\['b'\] must be like params\['b'\], float64 of shape \(2,\), got "
FLOATS = r"params\['b'\] must be a float, or an array of float64, float32, .*complex128, got "
FLOAT = r"grads\['b'\] must be a float like params\['b'\], got float64 of shape"
FINITE = r"grads\['b'\] must be finite, got 1 of {} elements .*, the first at {}: {}"
RUNS = r"params\['[Wb]'\] must have a leading axis of 4, as many runs as lr has values, got shape"
ONES, LONG, WHOLE, FIXED = np.ones(2), np.ones(2, np.longdouble), np.array([1, 2]), np.ones(2)
FIXED.setflags(write=False)
#: What takes the place of ``b`` in the parameters and in the gradients, and what is said of it.
SPOILT: tuple[tuple[Any, Any, type[Exception], str], ...] = (
    (ONES, [1.0, 2.0], TypeError, LIKE + r"\[1.0, 2.0\]"),
    (ONES, 1.0, TypeError, LIKE + "1.0"),
    (ONES, np.ones((2, 1)), ValueError, LIKE + r"float64 of shape \(2, 1\)"),
    (ONES, np.ones(1), ValueError, LIKE + r"float64 of shape \(1,\)"),  # it would broadcast
    (ONES, np.ones(2, np.float32), ValueError, LIKE + r"float32 of shape \(2,\)"),
    (1.0, ONES, TypeError, FLOAT),
    (WHOLE, WHOLE, TypeError, FLOATS + "int64 of shape"),
    (LONG, LONG, TypeError, FLOATS + rf"{LONG.dtype} of shape \(2,\)"),
    ([1.0, 2.0], ONES, TypeError, FLOATS + r"\[1.0, 2.0\]"),
    (ONES[None].view(np.matrix), ONES[None], TypeError, FLOATS + "matrix of float64 of shape"),
    (ONES, np.ma.masked_array(ONES, [True, False]), TypeError, LIKE + "MaskedArray of float64"),
    (FIXED, ONES, ValueError, r"params\['b'\] is read-only; pass a copy"),
    *(
        (ONES, np.array([1.0, bad]), optim.NonFiniteGradientError, FINITE.format(2, r"\(1,\)", bad))
        for bad in NOT_FINITE
    ),
    *(
        (1.0, bad, optim.NonFiniteGradientError, FINITE.format(1, r"\(\)", bad))
        for bad in NOT_FINITE
    ),
)


@PAIRS
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_parameters_and_gradients_that_do_not_fit_change_nothing(
    pair: OptimizerPair, used: bool
) -> None:
    for w, g, error, message in SPOILT:
        other_dtype = getattr(g, "dtype", None) == np.float32
        if pair.of_chapter and (error is optim.NonFiniteGradientError or other_dtype):
            continue
        optimizer, (params, grads) = pair.scratch(), fresh()
        if used:
            optimizer.update(params, grads)
        assert_refused(optimizer, params | {"b": w}, grads | {"b": g}, error, message)
    for names, message in (
        (("W",), r"\['b'\] and has \[\] besides"),
        (("W", "b", "c"), r"\[\] and has \['c'\] besides"),
        (("W", "c"), r"\['b'\] and has \['c'\] besides"),
        (("W", 1, "c"), r"\['b'\] and has \[1, 'c'\] besides"),
    ):
        if pair.of_chapter:  # further names are none of its business
            if "b" in names:
                continue
            message = r"\['b'\] and has \[\] besides"
        others = dict.fromkeys(names, ONES)
        assert_refused(optimizer, params, others, KeyError, NAMES + message)
    if pair.scratch.elementwise:
        optimizer = pair.scratch(lr=np.full(4, 0.1))
        for shape in ((3, 4), (4, 2), ()):
            others = params | {"b": np.ones(shape)}, grads | {"b": np.ones(shape)}
            assert_refused(optimizer, *others, ValueError, RUNS)


@pytest.mark.parametrize("bad", NOT_FINITE)
@PAIRS
def test_where_it_is_allowed_what_is_not_finite_goes_through(
    pair: OptimizerPair, bad: float
) -> None:
    """NumPy warns, as it does for the book's own optimizers; elements of their own go on."""
    optimizer, (params, grads) = pair.scratch(), fresh()
    assert optimizer.finite_only is not pair.of_chapter
    before, optimizer.finite_only = copy.deepcopy(params), False
    grads["b"][1] = bad
    with np.errstate(all="ignore"):
        for _ in range(3):
            optimizer.update(params, grads)
    assert np.isfinite(params["b"][0]) or not pair.scratch.elementwise
    assert not np.array_equal(params["W"], before["W"])
    optimizer.finite_only = True
    message = r"grads\['b'\] must be finite"
    assert_refused(optimizer, params, grads, optim.NonFiniteGradientError, message)
    with pytest.raises(TypeError, match="finite_only must be True or False, got 3"):
        optimizer.finite_only = 3


def test_the_chapters_optimizers_take_the_books_gradients_and_have_its_names() -> None:
    chapter = optim.chapter
    for cls, names in (
        (chapter.SGD, ()),
        (chapter.Momentum, ("v",)),
        (chapter.Nesterov, ("v",)),
        (chapter.AdaGrad, ("h",)),
        (chapter.RMSProp, ("h",)),
        (chapter.Adam, ("m", "v")),
    ):
        params, g = {"W": np.ones(2, np.float32)}, np.array([0.5, np.nan])
        optimizer = cls()
        assert all(getattr(optimizer, name) is None for name in names)
        with np.errstate(invalid="ignore"):
            optimizer.update(params, {"W": g, "t": np.ones(7)})
        assert params["W"][0] < 1
        assert np.isnan(params["W"][1])
        assert all(getattr(optimizer, name)["W"].dtype == np.float32 for name in names)
    assert (optimizer.iter, cls().iter, chapter.SGD().lr) == (1, 0, 0.01)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        chapter.SGD().update({"W": np.array([np.inf])}, {"W": np.array([np.inf])})
    images, broken = np.ones((4, 3), np.uint8), nn.MultiLayerNet(3, [4], 2)
    broken.params["W1"][0] = np.nan
    with pytest.raises(optim.NonFiniteGradientError):
        train.fit(broken, chapter.SGD(), images, np.zeros(4, int), iterations=2, batch_size=4)


class Frozen(dict):
    """A dict that refuses to be changed, and does not say so by its type."""

    def __setitem__(self, name: Any, value: Any) -> None:
        raise TypeError("frozen")


def test_a_number_that_cannot_be_replaced_is_found_out_before_anything_changes() -> None:
    params, sgd = Frozen(a=np.ones(2), b=1.0, c=np.ones(2)), optim.SGD()
    with pytest.raises(TypeError, match="frozen"):
        sgd.update(params, {**params})
    assert (params["a"] == 1).all()
    assert not sgd.state


@PAIRS
def test_one_array_under_two_names_is_refused(pair: OptimizerPair) -> None:
    params, grads = fresh()
    params["again"], grads["again"] = params["W"], grads["W"]
    message = r"params\['again'\] must have memory of its own, got that of params\['W'\]"
    assert_refused(pair.scratch(), params, grads, ValueError, message)
    params["again"], optimizer = params["W"].copy(), pair.scratch()
    optimizer.update(params, grads)
    params["again"] = params["W"]
    assert_refused(optimizer, params, grads, ValueError, message)


def test_arrays_that_overlap_are_refused_and_those_that_interleave_are_not() -> None:
    a, sgd = np.ones(6), optim.SGD()
    message = r"params\['c'\] must have memory of its own, got that of params\['b'\]"
    params = {"a": np.ones(3), "b": a[:4], "c": a[2:]}
    grads = {name: np.ones(w.shape) for name, w in params.items()}
    assert_refused(sgd, params, grads, ValueError, message)
    sgd.update({"b": a[::2], "c": a[1::2]}, {"b": np.ones(3), "c": np.ones(3)})


@PAIRS
def test_a_number_that_cannot_be_replaced_is_refused(pair: OptimizerPair) -> None:
    optimizer, params = pair.scratch(), {"W": np.ones((3, 2)), "x": -7.0}
    with pytest.raises(TypeError, match=r"the number params\['x'\] to be .*, got a mappingproxy"):
        optimizer.update(MappingProxyType(params), {"W": np.ones((3, 2)), "x": 1.0})
    assert not optimizer.state
    np.testing.assert_array_equal(params["W"], 1)


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
        for refuse in (pair.scratch, lambda groups: setattr(optimizer, "groups", groups)):
            with pytest.raises((TypeError, ValueError), match=message):
                refuse(groups=groups)
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


@pytest.mark.parametrize("pair", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_what_torch_refuses_is_refused(pair: OptimizerPair) -> None:
    values = [{name: value} for name in defaults(pair) for value in OUT_OF_RANGE]
    refused = [case for case in (*values, *pair.refused) if refused_by_torch(pair, case)]
    assert all(case in refused for case in ({"lr": -1.0}, *pair.refused))
    for case in refused:
        with pytest.raises((TypeError, ValueError), match="|".join(case)):
            pair.scratch(**case)


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
