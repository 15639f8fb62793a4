"""Gradient clipping against ``torch.nn.utils``."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scratch.optim import clip_grad_norm, clip_grad_value

pytestmark = pytest.mark.arithmetic

NORMS = (1.0, 2.0, 3.5, math.inf, 0.0)
SHAPES = {"W": (4, 3), "b": (3,), "s": (), "empty": (0, 2)}


def gradients(dtype: str, seed: int = 0, lead: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: np.asarray(random.normal(size=lead + shape), dtype) for name, shape in SHAPES.items()
    }


def clipped_by_torch(grads: dict[str, np.ndarray], clip, *args: float) -> tuple[list, object]:
    tensors = []
    for g in grads.values():
        tensors.append(torch.zeros(g.shape, dtype=getattr(torch, g.dtype.name)))
        tensors[-1].grad = torch.tensor(g)
    total = clip(tensors, *args)
    return [w.grad.numpy() for w in tensors], total


@pytest.mark.parametrize("norm_type", NORMS)
@pytest.mark.parametrize("max_norm", [0.0, 0.1, 1.0, 100.0, math.inf])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-14), ("float32", 1e-6)])
def test_the_norm_and_the_clipped_gradients_are_torchs(
    dtype: str, tolerance: float, max_norm: float, norm_type: float
) -> None:
    grads = gradients(dtype)
    if norm_type == math.inf:
        del grads["empty"]  # torch raises: the largest of nothing
    clip = torch.nn.utils.clip_grad_norm_
    expected, total = clipped_by_torch(grads, clip, max_norm, norm_type)
    assert clip_grad_norm(grads, max_norm, norm_type) == pytest.approx(float(total), rel=tolerance)
    for g, theirs in zip(grads.values(), expected, strict=True):
        np.testing.assert_allclose(g, theirs, rtol=tolerance, strict=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_any_gradient_is_clipped_by_value_as_torch_does(dtype: str, data) -> None:
    width = {"float64": 64, "float32": 32}[dtype]
    values = st.floats(-1e3, 1e3, width=width)
    g = data.draw(arrays.arrays(dtype, arrays.array_shapes(min_dims=0), elements=values))
    bound = data.draw(st.floats(0, 100))
    grads = {"w": g.copy()}
    expected, _ = clipped_by_torch(grads, torch.nn.utils.clip_grad_value_, bound)
    clip_grad_value(grads, bound)
    np.testing.assert_array_equal(grads["w"], expected[0], strict=True)


def test_a_missing_gradient_is_left_out() -> None:
    grads = {"w": np.array([3.0, 4.0]), "frozen": None}
    assert clip_grad_norm(grads, 1.0) == 5.0
    clip_grad_value(grads, 0.1)
    assert grads["frozen"] is None
    assert clip_grad_norm({}, 1.0) == clip_grad_norm({"w": None}, 1.0) == 0.0


def test_each_run_of_a_stack_is_clipped_alone() -> None:
    stack = gradients("float64", lead=(3,))
    alone = [{name: np.array(g[k]) for name, g in stack.items()} for k in range(3)]
    totals = clip_grad_norm(stack, 2.0, runs=3)
    assert totals.shape == (3,)
    for k, grads in enumerate(alone):
        assert totals[k] == pytest.approx(clip_grad_norm(grads, 2.0), rel=1e-14)
        for name, g in grads.items():
            np.testing.assert_allclose(stack[name][k], g, rtol=1e-14)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_norm_that_is_not_finite_does_what_it_does_in_torch_or_is_refused(value: float) -> None:
    grads = {"v": np.array([9.0]), "w": np.array([1.0, value])}
    with pytest.raises(ValueError, match="grads must have a finite norm to be clipped, got "):
        clip_grad_norm(grads, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(grads["v"], [9.0])
    expected, _ = clipped_by_torch(grads, torch.nn.utils.clip_grad_norm_, 1.0)
    clip_grad_norm(grads, 1.0)
    for g, theirs in zip(grads.values(), expected, strict=True):
        np.testing.assert_array_equal(g, theirs)


FIXED = np.array([3.0])
FIXED.setflags(write=False)


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ([1.0], "grads must be a dict, got"),
        ({"w": [1.0]}, r"grads\['w'\] must be an array of float32 or float64, got \[1.0\]"),
        ({"w": np.array([1])}, r"grads\['w'\] must be an array of float32 or float64, got int64"),
        ({"v": np.array([9.0]), "w": FIXED}, r"grads\['w'\] is read-only; pass a copy"),
    ],
)
def test_what_are_no_gradients_to_clip_is_refused(clip: Any, grads: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        clip(grads, 1.0)
    assert "v" not in grads or grads["v"] == 9


def test_a_gradient_without_the_axis_of_runs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"leading axis of runs=3, got shape \(2,\)"):
        clip_grad_norm({"w": np.ones(2)}, 1.0, runs=3)


def test_an_empty_gradient_has_no_part_in_the_largest_magnitude() -> None:
    assert clip_grad_norm({"w": np.array([-2.0]), "empty": np.ones(0)}, 1.0, math.inf) == 2.0
