"""Runs that diverge: they are marked, and the others do not notice."""

import math

import numpy as np
import pytest

from parity_tests.helpers import IMAGES, LABELS, snapshot
from parity_tests.optimizer_helpers import ELEMENTWISE
from scratch import nn, optim, train
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.registry import OptimizerPair, Settings

pytestmark = pytest.mark.arithmetic

FIT = {"iterations": 12, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 4}


def stack(init: list[str | float], **options: object) -> nn.MultiLayerNet:
    return nn.MultiLayerNet(12, [9, 7], 5, init=init, seed=range(len(init)), **options)


@ELEMENTWISE
@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "weight_decay": 0.01}], ids=str)
@pytest.mark.parametrize("slot", [0, 2])
def test_a_diverging_run_is_marked_and_the_others_do_not_notice(
    pair: OptimizerPair, options: Settings, slot: int
) -> None:
    inits = ["he", 0.1, "xavier", "he"]
    nets, histories = [], []
    for init in (inits[slot], 1e30):
        net = stack([*inits[:slot], init, *inits[slot + 1 :]], **options)
        nets.append(net)
        histories.append(train.fit(net, pair.scratch(), IMAGES, LABELS, **FIT))
    sane, broken = histories
    assert (sane.diverged == -1).all()
    others = np.arange(4) != slot
    assert broken.diverged[slot] == 0
    assert np.isnan(broken.loss[slot]).all()
    assert np.isnan(broken.accuracy[slot, 1:]).all()
    assert (broken.diverged[others] == -1).all()
    np.testing.assert_array_equal(broken.loss[others], sane.loss[others])
    np.testing.assert_array_equal(broken.accuracy[others], sane.accuracy[others])
    for name, w in nets[0].params.items():
        np.testing.assert_array_equal(nets[1].params[name][others], w[others], err_msg=name)


def test_a_run_that_diverges_later_keeps_its_losses_until_then() -> None:
    net, optimizer = stack(["he", "he"]), optim.SGD(lr=0.1)
    inner = net.loss_and_gradient

    def spoilt(x: np.ndarray, t: np.ndarray) -> tuple:
        losses, grads = inner(x, t)
        if optimizer.state and optimizer.state["W1"]["step"] == 5:
            grads["W2"][1, 0, 0] = math.inf
        return losses, grads

    net.loss_and_gradient = spoilt
    history = train.fit(net, optimizer, IMAGES, LABELS, **FIT)
    assert history.diverged.tolist() == [-1, 5]
    assert np.isfinite(history.loss[0]).all()
    assert np.isfinite(history.loss[1]).tolist() == [step < 5 for step in range(12)]
    assert np.isfinite(history.accuracy[1]).tolist() == [True, True, False, False]


def test_a_loss_that_is_not_finite_marks_its_run_even_where_the_gradient_is() -> None:
    net = stack([0.1, 0.1], weight_decay=1e-30)
    net.params["W1"][1] = 1e25  # its square overflows, its decay does not
    net.params["W2"][1] = 0
    history = train.fit(net, optim.SGD(), IMAGES, LABELS, iterations=3, batch_size=10)
    assert history.diverged.tolist() == [-1, 0]
    assert np.isfinite(history.loss[0]).all()
    assert np.isnan(history.loss[1]).all()


def test_a_single_network_that_diverges_raises_and_is_not_changed() -> None:
    net = nn.MultiLayerNet(12, [9, 7], 5, init=1e30)
    before = snapshot(net)
    with pytest.raises(optim.NonFiniteGradientError, match=r"grads\['.*'\] must be finite"):
        train.fit(net, optim.SGD(), IMAGES, LABELS, **FIT)
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("images", "labels", "options", "message"),
    [
        (IMAGES[:0], LABELS[:0], {}, "images and labels must be as many.*, got 0 and 0"),
        (IMAGES, LABELS[:9], {}, "images and labels must be as many.*, got 60 and 9"),
        (IMAGES, LABELS, {"iterations": 0}, "iterations must be a whole number >= 1, got 0"),
        (IMAGES, LABELS, {"batch_size": 0}, "batch_size must be a whole number >= 1, got 0"),
        (IMAGES, LABELS + 5, {}, "labels must hold class numbers from 0 to 4, got "),
        (IMAGES[:, :9], LABELS, {}, r"x must have shape \(N, 12\).*, got \(10, 9\)"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_anything_is_changed(
    images: np.ndarray, labels: np.ndarray, options: Settings, message: str
) -> None:
    net, optimizer = nn.MultiLayerNet(12, [9], 5), optim.Adam()
    before = snapshot(net)
    with pytest.raises(ValueError, match=message):
        train.fit(net, optimizer, images, labels, **{"iterations": 2, "batch_size": 10} | options)
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert optimizer.state == {}


@pytest.mark.parametrize("backend", ["scratch", "torch"])
def test_a_stack_is_not_trained_by_an_optimizer_that_would_mix_its_runs(backend: str) -> None:
    sides = {"scratch": (nn, train, optim.Adafactor()), "torch": (torch_nn, torch_train, None)}
    networks, loop, optimizer = sides[backend]
    net = networks.MultiLayerNet(12, [9], 5, seed=[0, 1])
    message = "optimizer must take every element alone to train a stack of 2 runs, and Adafactor"
    with pytest.raises(ValueError, match=message):
        loop.fit(net, optimizer or torch_optim.by_name("Adafactor"), IMAGES, LABELS, **FIT)
