"""SparseAdam against torch's on gradients of rows: repeated, none at all, out of an embedding."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch.optim import Adam, NonFiniteGradientError, RowGradient, SparseAdam
from torch_ref import convert
from torch_ref.lockstep import lockstep
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, Settings

pytestmark = pytest.mark.arithmetic

PAIR = OPTIMIZERS["SparseAdam"]
CASES = pytest.mark.parametrize("case", PAIR.cases, ids=str)


def rows_of(random: np.random.Generator, w: np.ndarray, count: int) -> RowGradient:
    """The gradient of ``count`` rows; one may come several times."""
    values = random.normal(size=(count, *w.shape[1:]))
    return RowGradient(random.integers(0, len(w), count), np.asarray(values, w.dtype))


def as_sparse(g: RowGradient, w: torch.Tensor) -> torch.Tensor:
    return torch.sparse_coo_tensor(
        torch.tensor(g.rows)[None], torch.tensor(g.values), w.shape, check_invariants=True
    )


@CASES
@settings(max_examples=20, deadline=None)
@given(
    shape=st.sampled_from([(6,), (5, 3), (4, 2, 3), (1, 1)]),
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=12),
    seed=st.integers(0, 1000),
)
def test_rows_that_come_several_times_or_not_at_all_are_torchs(
    case: Settings, shape: tuple[int, ...], counts: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    mine = {"w": random.normal(size=shape)}
    optimizer, theirs = SparseAdam(**case), convert.to_torch(mine)
    twin = Twin(optimizer)
    for count in counts:
        g = rows_of(random, mine["w"], count)
        optimizer.update(mine, {"w": g})
        twin.update(theirs, {"w": as_sparse(g, theirs["w"])})
    np.testing.assert_allclose(mine["w"], theirs["w"].numpy(), rtol=1e-13, atol=1e-15)
    state = twin.state(theirs)["w"]
    assert optimizer.state["w"]["step"] == state["step"] == len(counts)
    for key in ("exp_avg", "exp_avg_sq"):
        np.testing.assert_allclose(optimizer.state["w"][key], state[key].numpy(), rtol=1e-13)


def test_rows_without_a_gradient_keep_their_bits_and_their_momentum() -> None:
    random = np.random.default_rng(0)
    params, optimizer = {"w": random.normal(size=(5, 2))}, SparseAdam()
    optimizer.update(params, {"w": RowGradient(np.arange(5), random.normal(size=(5, 2)))})
    before = params["w"].copy(), copy.deepcopy(optimizer.state["w"])
    optimizer.update(params, {"w": RowGradient(np.array([3]), np.ones((1, 2)))})
    others = [0, 1, 2, 4]
    np.testing.assert_array_equal(params["w"][others], before[0][others])
    assert (params["w"][3] != before[0][3]).all()
    for key in ("exp_avg", "exp_avg_sq"):
        np.testing.assert_array_equal(optimizer.state["w"][key][others], before[1][key][others])


def test_the_rows_of_an_array_are_those_that_are_not_all_zero() -> None:
    g = RowGradient.of(np.array([[0.0, 0.0], [0.0, 2.0], [-0.0, 0.0], [np.nan, 0.0]]))
    np.testing.assert_array_equal(g.rows, [1, 3])
    np.testing.assert_array_equal(g.values, [[0.0, 2.0], [np.nan, 0.0]])
    for shape in ((0, 3), (3, 0), (0,)):
        assert RowGradient.of(np.zeros(shape)).values.shape == (0, *shape[1:])
    with pytest.raises(ValueError, match=r"g must have rows, got array\(1.\)"):
        RowGradient.of(np.array(1.0))


def test_the_gradient_given_is_not_changed() -> None:
    g = RowGradient(np.array([1, 1, 0]), np.ones((3, 2)))
    SparseAdam(maximize=True).update({"w": np.zeros((2, 2))}, {"w": g})
    np.testing.assert_array_equal(g.rows, [1, 1, 0])
    np.testing.assert_array_equal(g.values, np.ones((3, 2)))


def test_lockstep_gives_torch_the_rows_without_being_told() -> None:
    report = lockstep(SparseAdam(lr=0.01), torch.optim.SparseAdam, lr=0.01, steps=50)
    report.raise_if_diverged()
    assert {quantity for _, quantity in report.drifts} >= {"exp_avg", "exp_avg_sq", "parameter"}
    dense = lockstep(Adam(lr=0.01), torch.optim.SparseAdam, lr=0.01, steps=50)
    assert dense.first is not None  # where a row was zero


LIKE = r"grads\['w'\].values must have rows like params\['w'\], float64 of shape \(3, 2\), got "
OUTSIDE = r"grads\['w'\].rows must be >= 0 and < 3, the rows of params\['w'\], got "
FINITE = r"grads\['w'\].values must be finite, got 1 of 4 elements .*, the first at \(1, 0\): inf"
DENSE = r"grads\['w'\] must be a RowGradient\(rows, values\), got float64 of .*: use Adam"
INFINITE = np.array([[1.0, 1.0], [np.inf, 1.0]])
BAD_GRADIENTS: tuple[tuple[Any, type[Exception], str], ...] = (
    (np.ones(3), TypeError, DENSE),
    (RowGradient(np.array([0, 3]), np.ones((2, 2))), ValueError, OUTSIDE + "3"),
    (RowGradient(np.array([-1]), np.ones((1, 2))), ValueError, OUTSIDE + "-1"),
    (RowGradient(np.array([0]), np.ones((1, 1))), ValueError, LIKE + r"float64 of shape \(1, 1\)"),
    (RowGradient(np.array([0]), np.ones((1, 2), np.float32)), ValueError, LIKE + "float32"),
    (RowGradient(np.array([0, 1]), INFINITE), NonFiniteGradientError, FINITE),
)


def test_a_gradient_that_does_not_fit_changes_nothing() -> None:
    params, fits = {"v": np.zeros((3, 2)), "w": np.zeros((3, 2))}, np.ones((1, 2))
    for g, error, message in BAD_GRADIENTS:
        optimizer, grads = SparseAdam(), {"v": RowGradient(np.array([0]), fits), "w": g}
        with pytest.raises(error, match=message):
            optimizer.update(params, grads)
        assert not params["v"].any()
        assert optimizer.state == {}
    with pytest.raises(ValueError, match=r"params\['w'\] must have rows, got shape \(\)"):
        SparseAdam().update({"w": np.array(1.0)}, {"w": RowGradient(np.arange(1), np.ones(1))})


@pytest.mark.parametrize(
    ("rows", "values", "error", "message"),
    [
        ([0], np.ones((1, 2)), TypeError, "rows must be an array of whole numbers, got "),
        (np.array([0.0]), np.ones((1, 2)), TypeError, "rows must be .*, got float64"),
        (np.array([True]), np.ones((1, 2)), TypeError, "rows must be .*, got bool"),
        (np.array([0]), [1.0], TypeError, r"values must be an array, got \[1.0\]"),
        (np.array([[0]]), np.ones((1, 2)), ValueError, r"rows must be of shape \(n,\)"),
        (np.array([0, 1]), np.ones((1, 2)), ValueError, r"got \(2,\) and \(1, 2\)"),
        (np.array([0]), np.array(1.0), ValueError, r"got \(1,\) and \(\)"),
    ],
)
def test_rows_and_values_that_do_not_belong_together_are_refused(
    rows: object, values: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        RowGradient(rows, values)


def test_a_schedule_may_take_the_learning_rate_to_zero() -> None:
    params, optimizer = {"w": np.ones((2, 2))}, SparseAdam()
    optimizer.lr = 0.0
    optimizer.update(params, {"w": RowGradient(np.array([1]), np.ones((1, 2)))})
    np.testing.assert_array_equal(params["w"], np.ones((2, 2)))
    assert optimizer.state["w"]["exp_avg"][1].all()
