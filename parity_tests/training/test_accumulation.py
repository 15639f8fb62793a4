"""A batch in parts, whose gradients are added up, is the whole batch."""

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import IMAGES, LABELS, SIZES
from parity_tests.training.interrupted import FIT
from scratch import loop, nn, optim, train
from scratch.train import History
from torch_ref import nn as torch_nn
from torch_ref import train as torch_train
from torch_ref.optim import Twin

DATA = {"images": IMAGES, "labels": LABELS}
#: A single run and a stack of two.
RUNS = pytest.mark.parametrize("seed", [3, [3, 4]], ids=["single", "stack"])


def fit(backend: str, accumulate: int, seed: Any, **options: Any) -> History:
    settings = FIT | DATA | {"accumulate": accumulate}
    options |= {"seed": seed, "weight_decay": 0.1}
    sgd = optim.SGD(lr=0.1, momentum=0.9)
    if backend == "scratch":
        return train.fit(nn.MultiLayerNet(*SIZES, dtype="float64", **options), sgd, **settings)
    net = torch_nn.MultiLayerNet(*SIZES, dtype=torch.float64, **options)
    return torch_train.fit(net, Twin(sgd), **settings)


def assert_close(mine: History, theirs: History, tolerance: float) -> None:
    np.testing.assert_allclose(mine.loss, theirs.loss, rtol=tolerance)
    np.testing.assert_array_equal(mine.accuracy, theirs.accuracy)


@RUNS
@pytest.mark.parametrize("backend", ["scratch", "torch"])
def test_a_training_in_parts_is_that_with_the_whole_batches(backend: str, seed: Any) -> None:
    """To rounding: sums over fewer rows are rounded elsewhere. 3 does not divide a batch of 10."""
    whole = fit(backend, 1, seed)
    for accumulate in (2, 3, 10):
        assert_close(fit(backend, accumulate, seed), whole, 1e-13)


@RUNS
def test_both_sides_are_cut_alike_with_masks_and_statistics_of_each_part(seed: Any) -> None:
    options = {"batch_norm": True, "dropout": 0.3}
    mine, theirs = (fit(backend, 3, seed, **options) for backend in ("scratch", "torch"))
    assert_close(mine, theirs, 1e-11)
    assert not np.allclose(mine.loss, fit("scratch", 1, seed, **options).loss, rtol=1e-3)


def test_sums_that_need_no_rounding_are_those_of_the_whole_batch_bit_for_bit() -> None:
    random = np.random.default_rng(0)
    grads = random.integers(-8, 8, (16, 5)).astype("float32")

    def of(part: slice) -> tuple[Any, dict[str, Any]]:
        return grads[part, 0].mean(), {"w": grads[part].mean(axis=0)}

    loss, whole = of(slice(None))
    for count in (1, 2, 4, 8, 16):
        own_loss, found = loop.accumulated(loop.parts(16, count), of)
        np.testing.assert_array_equal(found["w"], whole["w"], strict=True)
        assert own_loss == loss


@pytest.mark.parametrize("wrong", [0, 11, 1.5, True])
def test_what_is_no_number_of_parts_is_refused_before_the_training(wrong: Any) -> None:
    for backend in ("scratch", "torch"):
        with pytest.raises((TypeError, ValueError), match="accumulate must be"):
            fit(backend, wrong, 3)
