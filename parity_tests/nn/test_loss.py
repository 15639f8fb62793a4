"""The loss: torch's for any labels and any scores, and its gradient the numerical one."""

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import DTYPES, LOSS, TOLERANCE, assert_close, normal
from scratch import nn
from scratch.nn import numerical_gradient
from torch_ref.registry import LAYERS, resolve

pytestmark = pytest.mark.arithmetic


@DTYPES
def test_the_loss_and_its_gradient_are_torchs(dtype: str) -> None:
    for shape in LAYERS[LOSS].shapes:
        x, t = normal(1, shape, dtype), np.random.default_rng(2).integers(0, shape[1], shape[0])
        loss, their_x = nn.CrossEntropyLoss(), torch.tensor(x, requires_grad=True)
        mine, theirs = loss.forward(x, t), resolve(LAYERS[LOSS].torch)()(their_x, torch.tensor(t))
        theirs.backward()
        assert_close(mine, theirs, TOLERANCE[dtype])
        assert_close(loss.backward(), their_x.grad, TOLERANCE[dtype])


@pytest.mark.parametrize("lead", [(), (3,)], ids=["single", "stack"])
def test_the_gradient_of_the_loss_is_the_numerical_one(lead: tuple[int, ...]) -> None:
    loss, x, t = nn.CrossEntropyLoss(), normal(1, (*lead, 6, 5)), np.array([0, 4, 1, 1, 2, 3])
    loss.forward(x, t)
    dx = loss.backward()
    numerical = numerical_gradient(lambda: loss.forward(x, t), x)
    np.testing.assert_allclose(dx, numerical, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("lead", [(), (2,)], ids=["single", "stack"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64", "bool", "float32"])
def test_labels_of_any_dtype_and_one_hot_ones_give_the_same_loss(
    dtype: str, lead: tuple[int, ...]
) -> None:
    x, t = normal(1, (*lead, 6, 5)), np.array([0, 4, 1, 1, 2, 3])
    loss = nn.CrossEntropyLoss()
    expected, dx = loss.forward(x, t), loss.backward()
    forms: list[Any] = [np.eye(5)[t].astype(dtype)]
    if np.issubdtype(dtype, np.integer):
        forms += [t.astype(dtype), t.tolist()]
    for form in [*forms, *(np.broadcast_to(form, (*lead, *np.shape(form))) for form in forms)]:
        np.testing.assert_array_equal(loss.forward(x, form), expected, strict=True)
        np.testing.assert_array_equal(loss.backward(), dx, strict=True)


@DTYPES
def test_the_loss_of_huge_scores_is_finite_and_torchs(dtype: str) -> None:
    x = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]], dtype)
    t = np.array([1, 2])
    loss, their_x = nn.CrossEntropyLoss(), torch.tensor(x, requires_grad=True)
    theirs = torch.nn.CrossEntropyLoss()(their_x, torch.tensor(t))
    theirs.backward()
    assert np.isfinite(loss.forward(x, t))
    assert_close(loss.forward(x, t), theirs, TOLERANCE[dtype])
    assert_close(loss.backward(), their_x.grad, TOLERANCE[dtype])


def test_softmax_is_torchs() -> None:
    x = normal(1, (2, 6, 5)) * 100
    assert_close(nn.softmax(x), torch.softmax(torch.tensor(x), dim=-1), 1e-12)
