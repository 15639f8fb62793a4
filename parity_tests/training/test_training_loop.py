"""The training loop: its batches, its accuracy, runs that diverge, and what it refuses."""

import math

import numpy as np
import pytest
import torch

from parity_tests.helpers import IMAGES, LABELS, assert_unchanged, make_network, refused, snapshot
from parity_tests.optimizer_helpers import ELEMENTWISE
from scratch import optim, train
from scratch.lr_scheduler import ExponentialLR, ReduceLROnPlateau
from scratch.random import Generator
from torch_ref import convert
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.registry import OptimizerPair, Settings

pytestmark = pytest.mark.arithmetic

FIT = {"iterations": 12, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 4}
SIDES = pytest.mark.parametrize("side", [train, torch_train], ids=["scratch", "torch"])


def test_a_stack_trains_as_its_networks_do_alone() -> None:
    options, fit = {"batch_norm": True, "dropout": 0.3}, FIT | {"iterations": 15, "every": 5}
    stack = train.fit(make_network(**options, seed=[3, 4]), optim.Adam(), IMAGES, LABELS, **fit)
    assert stack.loss.shape == (2, 15)
    assert stack.accuracy.shape == (2, 4)
    for k, seed in enumerate((3, 4)):
        alone = train.fit(make_network(**options, seed=seed), optim.Adam(), IMAGES, LABELS, **fit)
        np.testing.assert_allclose(stack.loss[k], alone.loss[0], rtol=1e-12)
        np.testing.assert_array_equal(stack.accuracy[k], alone.accuracy[0])


def test_batches_are_drawn_with_replacement_and_scaled() -> None:
    generators = [Generator(1), Generator(2)]
    x, t = next(train.batches(IMAGES, LABELS, 10, generators))
    assert (x.shape, x.dtype, t.shape) == ((2, 10, 12), np.float32, (2, 10))
    for k, seed in enumerate((1, 2)):
        rows = Generator(seed).randint(0, 60, (10,))
        np.testing.assert_allclose(x[k], IMAGES[rows] / 255, rtol=1e-6)
        np.testing.assert_array_equal(t[k], LABELS[rows])


@SIDES
def test_accuracy_is_of_all_rows(side: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side, "EVALUATION_ROWS", 7)  # 60 rows in pieces of 7
    net = make_network(seed=[0, 1])
    expected = net.accuracy(IMAGES / 255, LABELS)
    if side is train:
        measured = train.accuracy_on(net, IMAGES, LABELS)
    else:
        tensors = torch.tensor(IMAGES), torch.tensor(LABELS)
        measured = torch_train.accuracy_on(convert.network_to_torch(net), *tensors).numpy()
    np.testing.assert_allclose(measured, expected)


def test_without_evaluation_there_is_no_accuracy_of_each_run() -> None:
    net = make_network(seed=[0, 1, 2])
    history = train.fit(net, optim.SGD(), IMAGES, LABELS, iterations=1, batch_size=2)
    assert (history.accuracy.shape, history.evaluated.shape) == ((3, 0), (0,))


# Runs that diverge are marked, and the others do not notice.


@ELEMENTWISE
@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "weight_decay": 0.01}], ids=str)
@pytest.mark.parametrize("slot", [0, 2])
def test_a_diverging_run_is_marked_and_the_others_do_not_notice(
    pair: OptimizerPair, options: Settings, slot: int
) -> None:
    inits: list[str | float] = ["he", 0.1, "xavier", "he"]
    nets, histories = [], []
    for init in (inits[slot], 1e30):
        inits[slot] = init
        nets.append(make_network("float32", init=inits, seed=range(4), **options))
        histories.append(train.fit(nets[-1], pair.scratch(), IMAGES, LABELS, **FIT))
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
    net, optimizer = make_network("float32", seed=[0, 1]), optim.SGD(lr=0.1)
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
    net = make_network("float32", init=[0.1, 0.1], seed=[0, 1], weight_decay=1e-30)
    net.params["W1"][1] = 1e25  # its square overflows, its decay does not
    net.params["W2"][1] = 0
    history = train.fit(net, optim.SGD(), IMAGES, LABELS, iterations=3, batch_size=10)
    assert history.diverged.tolist() == [-1, 0]
    assert np.isfinite(history.loss[0]).all()
    assert np.isnan(history.loss[1]).all()


def test_a_single_network_that_diverges_raises_and_is_not_changed() -> None:
    net = make_network("float32", init=1e30)
    before = snapshot(net)
    with pytest.raises(optim.NonFiniteGradientError, match=r"grads\['.*'\] must be finite"):
        train.fit(net, optim.SGD(), IMAGES, LABELS, **FIT)
    assert_unchanged(net, before)


# What cannot be trained is refused before the first update.

UINT8 = "must have images of uint8, .*, got (torch.)?"
BAD_TRAININGS: dict[str, tuple[dict[str, object], str]] = {
    "no step": ({"iterations": 0}, "iterations must be a whole number >= 1, got 0"),
    "no batch": ({"batch_size": 0}, "batch_size must be a whole number >= 1, got 0"),
    "no images": (
        {"images": IMAGES[:0], "labels": LABELS[:0]},
        "images and labels must be as many, and not none, got 0 and 0",
    ),
    "few labels": ({"labels": LABELS[:9]}, "images and labels must be as many.*, got 60 and 9"),
    "other labels": ({"labels": LABELS + 5}, "labels must hold class numbers from 0 to 4, got "),
    "numbers": ({"images": IMAGES / 255}, f"{UINT8}float64"),
    "not to measure on": (
        {"evaluate": IMAGES},
        r"evaluate must be \(images, labels\) or None, got ",
    ),
    "none to measure on": (
        {"evaluate": (IMAGES[:0], LABELS[:0])},
        "evaluate must be as many, and not none, got 0 and 0",
    ),
    "few to measure on": (
        {"evaluate": (IMAGES, LABELS[:3])},
        "evaluate must be as many, and not none, got 60 and 3",
    ),
    "narrow ones": (
        {"evaluate": (IMAGES[:, :7], LABELS)},
        r"evaluate must have images of shape \(12,\) each, got \(7,\)",
    ),
    "numbers to measure on": ({"evaluate": (IMAGES / 255, LABELS)}, f"evaluate {UINT8}float64"),
    "a list": ({"evaluate": (IMAGES.tolist(), LABELS)}, f"evaluate {UINT8}list"),
}
BAD_SCHEDULES = {
    "another optimizer's": (
        lambda sgd: ExponentialLR(optim.SGD(), 0.5),
        "schedule must be of the optimizer SGD",
    ),
    "needs a metric": (
        ReduceLROnPlateau,
        "schedule must be .* whose step needs no metric, .*ReduceLROnPlateau",
    ),
    "a class": (lambda sgd: ExponentialLR, "schedule must be a schedule .*, got <class"),
    "a name": (lambda sgd: "ExponentialLR", "schedule must be a schedule .*, got 'ExponentialLR'"),
}


@SIDES
@pytest.mark.parametrize(("changed", "message"), BAD_TRAININGS.values(), ids=BAD_TRAININGS)
def test_a_training_that_cannot_be_is_refused(side: object, changed: dict, message: str) -> None:
    net, optimizer = make_network(), optim.Adam()
    arguments = {"images": IMAGES, "labels": LABELS, "iterations": 1, "batch_size": 2} | changed
    with refused(message, net):
        if side is train:
            train.fit(net, optimizer, **arguments)
        else:
            torch_train.fit(convert.network_to_torch(net), torch_optim.Adam(), **arguments)
    assert optimizer.state == {}


def test_images_that_the_network_does_not_take_are_refused_at_the_first_step() -> None:
    net, optimizer = make_network(), optim.Adam()
    with refused(r"x must have shape \(N, 12\).*, got \(10, 9\)", net):
        train.fit(net, optimizer, IMAGES[:, :9], LABELS, iterations=2, batch_size=10)
    assert optimizer.state == {}


@pytest.mark.parametrize(("of", "message"), BAD_SCHEDULES.values(), ids=BAD_SCHEDULES)
def test_what_cannot_be_stepped_is_refused(of: object, message: str) -> None:
    net, sgd = make_network(), optim.SGD()
    with refused(message, net):
        train.fit(net, sgd, IMAGES, LABELS, iterations=1, batch_size=2, schedule=of(sgd))


@SIDES
def test_a_stack_is_not_trained_by_an_optimizer_that_would_mix_its_runs(side: object) -> None:
    net = make_network(seed=[0, 1])
    sides = {train: (net, optim.Adafactor())}
    sides[torch_train] = (convert.network_to_torch(net), torch_optim.Adafactor())
    message = "optimizer must take every element alone to train a stack of 2 runs, and Adafactor"
    with refused(message, net):
        side.fit(*sides[side], IMAGES, LABELS, **FIT)
