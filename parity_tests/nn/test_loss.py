"""The loss: torch's for any labels and any scores, and its gradient the numerical one."""

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import DTYPES, LOSS, TOLERANCE, assert_close, normal
from scratch import nn
from torch_ref.registry import LAYERS, resolve

pytestmark = pytest.mark.arithmetic


@DTYPES
def test_the_loss_and_its_gradient_are_torchs_and_finite_for_huge_scores(dtype: str) -> None:
    scores = [normal(1, shape, dtype) for shape in LAYERS[LOSS].shapes]
    for x in (*scores, np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]], dtype)):
        t, loss = np.random.default_rng(2).integers(0, x.shape[1], len(x)), nn.CrossEntropyLoss()
        their_x = torch.tensor(x, requires_grad=True)
        mine, theirs = loss.forward(x, t), resolve(LAYERS[LOSS].torch)()(their_x, torch.tensor(t))
        theirs.backward()
        assert np.isfinite(mine)
        assert_close(mine, theirs, TOLERANCE[dtype])
        assert_close(loss.backward(), their_x.grad, TOLERANCE[dtype])


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


def test_softmax_is_torchs() -> None:
    x = normal(1, (2, 6, 5)) * 100
    assert_close(nn.softmax(x), torch.softmax(torch.tensor(x), dim=-1), 1e-12)
