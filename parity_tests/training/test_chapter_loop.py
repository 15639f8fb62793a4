"""The chapter's own code, in place of ours."""

from typing import Any

import numpy as np
import pytest

from parity_tests.helpers import normal
from scratch import nn, optim
from scratch.random import Generator

pytestmark = pytest.mark.arithmetic


class ChapterSGD:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params.keys():  # noqa: SIM118
            params[key] -= self.lr * grads[key]


class ChapterMomentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr = lr
        self.momentum = momentum
        self.v = None

    def update(self, params, grads):
        if self.v is None:
            self.v = {}
            for key, val in params.items():
                self.v[key] = np.zeros_like(val)

        for key in params.keys():  # noqa: SIM118
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class ChapterAdaGrad:
    def __init__(self, lr=0.01):
        self.lr = lr
        self.h = None

    def update(self, params, grads):
        if self.h is None:
            self.h = {}
            for key, val in params.items():
                self.h[key] = np.zeros_like(val)

        for key in params.keys():  # noqa: SIM118
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)


CHAPTER = (ChapterSGD, ChapterMomentum, ChapterAdaGrad)
OURS = (optim.SGD, optim.Momentum, optim.AdaGrad)


X = normal(1, (200, 8))
T = X[:, :5].argmax(axis=1)


def get_mini_batch(i: int) -> tuple[np.ndarray, np.ndarray]:
    rows = Generator(i).randint(0, len(X), (20,))
    return X[rows], T[rows]


def chapter_loop(optimizer: Any, steps: int = 60) -> nn.TwoLayerNet:
    """The loop of section 6.1.2."""
    network = nn.TwoLayerNet(8, 7, 5, dtype=np.float64)
    for i in range(steps):
        x_batch, t_batch = get_mini_batch(i)
        grads = network.gradient(x_batch, t_batch)
        params = network.params
        optimizer.update(params, grads)
    return network


@pytest.mark.parametrize("optimizer", [*CHAPTER, *OURS, optim.Adam, optim.RMSProp])
def test_the_chapters_loop_runs_unchanged_and_lowers_the_loss(optimizer: type) -> None:
    before = nn.TwoLayerNet(8, 7, 5, dtype=np.float64).loss(X, T)
    assert chapter_loop(optimizer()).loss(X, T) < before


@pytest.mark.parametrize(
    ("theirs", "ours"), list(zip(CHAPTER, OURS, strict=True)), ids=lambda c: c.__name__
)
def test_the_chapters_classes_take_the_same_path_as_ours(theirs: type, ours: type) -> None:
    expected = chapter_loop(theirs(lr=0.01)).params
    for name, w in chapter_loop(ours(lr=0.01)).params.items():
        np.testing.assert_allclose(w, expected[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_parameter_that_an_optimizer_replaces_is_the_one_that_is_used() -> None:
    network = nn.TwoLayerNet(8, 7, 5, dtype=np.float64)
    before = network.loss(X, T)
    network.params = {name: w - 0.1 for name, w in network.params.items()}
    assert network.loss(X, T) != before
