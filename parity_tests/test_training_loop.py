"""The training loop: its batches, its accuracy, and a stack as its networks alone."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import IMAGES, LABELS, make_network, snapshot
from scratch import optim, train
from scratch.lr_scheduler import ExponentialLR, ReduceLROnPlateau
from scratch.random import Generator
from torch_ref import convert
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train

pytestmark = pytest.mark.arithmetic


def test_a_stack_trains_as_its_networks_do_alone() -> None:
    options = {"batch_norm": True, "dropout": 0.3}
    fit = {"iterations": 15, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 5}
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


@pytest.mark.parametrize("of", [train, torch_train])
def test_accuracy_is_of_all_rows(of: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "EVALUATION_ROWS", 7)  # 60 rows in pieces of 7
    net = make_network(seed=[0, 1])
    expected = net.accuracy(IMAGES / 255, LABELS)
    if of is train:
        measured = train.accuracy_on(net, IMAGES, LABELS)
    else:
        tensors = torch.tensor(IMAGES), torch.tensor(LABELS)
        measured = torch_train.accuracy_on(convert.network_to_torch(net), *tensors).numpy()
    np.testing.assert_allclose(measured, expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"iterations": 0}, "iterations must be a whole number >= 1, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1, got 0"),
        ({"labels": LABELS[:-1]}, "images and labels must be as many, and not none, got 60 and 59"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "got 0 and 0"),
        ({"images": IMAGES / 255}, "must have images of uint8, .*, got (torch.)?float64"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("of", [train, torch_train])
def test_a_training_that_cannot_be_is_refused(of: object, changed: dict, message: str) -> None:
    net, optimizer = make_network(), optim.SGD()
    if of is torch_train:
        net, optimizer = convert.network_to_torch(net), torch_optim.SGD()
    arguments = {"images": IMAGES, "labels": LABELS, "iterations": 1, "batch_size": 2} | changed
    with pytest.raises((TypeError, ValueError), match=message):
        of.fit(net, optimizer, **arguments)


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        (IMAGES, r"evaluate must be \(images, labels\) or None, got "),
        ((IMAGES[:0], LABELS[:0]), "evaluate must be as many, and not none, got 0 and 0"),
        ((IMAGES, LABELS[:3]), "evaluate must be as many, and not none, got 60 and 3"),
        ((IMAGES[:, :7], LABELS), r"evaluate must have images of shape \(12,\) each, got \(7,\)"),
        ((IMAGES / 255, LABELS), "evaluate must have images of uint8, .*, got float64"),
        ((IMAGES.tolist(), LABELS), "evaluate must have images of uint8, .*, got list"),
    ],
    ids=["no pair", "empty", "few labels", "narrow", "floats", "a list"],
)
def test_what_cannot_be_measured_on_is_refused_before_the_first_update(
    evaluate: object, message: str
) -> None:
    net = make_network()
    before = snapshot(net)
    fit = {"iterations": 1, "batch_size": 2, "evaluate": evaluate}
    with pytest.raises((TypeError, ValueError), match=message):
        train.fit(net, optim.SGD(), IMAGES, LABELS, **fit)
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (lambda sgd: ExponentialLR(optim.SGD(), 0.5), "schedule must be of the optimizer SGD"),
        (ReduceLROnPlateau, "schedule must be .* whose step needs no metric, .*ReduceLROnPlateau"),
        (lambda sgd: ExponentialLR, "schedule must be a schedule .*, got <class"),
        (lambda sgd: "ExponentialLR", "schedule must be a schedule .*, got 'ExponentialLR'"),
    ],
    ids=["another optimizer's", "needs a metric", "a class", "a name"],
)
def test_what_cannot_be_stepped_is_refused_before_the_first_update(
    of: object, message: str
) -> None:
    net, sgd = make_network(), optim.SGD()
    before = snapshot(net)
    with pytest.raises((TypeError, ValueError), match=message):
        train.fit(net, sgd, IMAGES, LABELS, iterations=1, batch_size=2, schedule=of(sgd))
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_without_evaluation_there_is_no_accuracy_of_each_run() -> None:
    net = make_network(seed=[0, 1, 2])
    history = train.fit(net, optim.SGD(), IMAGES, LABELS, iterations=1, batch_size=2)
    assert (history.accuracy.shape, history.evaluated.shape) == ((3, 0), (0,))
