"""A training that is interrupted goes on, and every number is what it would have been."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.helpers import IMAGES, LABELS, SIZES
from parity_tests.optimizer_helpers import ELEMENTWISE
from parity_tests.training.leaving import FIT, OPTIONS, Leaving, Left
from scratch import lr_scheduler, nn, optim, train
from scratch.keeper import Snapshot
from scratch.train import History
from torch_ref import checkpoint, held
from torch_ref import lr_scheduler as torch_lr_scheduler
from torch_ref import nn as torch_nn
from torch_ref import train as torch_train
from torch_ref.optim import Twin
from torch_ref.registry import OptimizerPair

pytestmark = pytest.mark.arithmetic

BACKENDS = ("scratch", "torch")


def fit(
    backend: str, optimizer: optim.Optimizer, schedule: str | None = None, **options: Any
) -> History:
    """A stack with BatchNorm and dropout, trained by a new optimizer like ``optimizer``."""
    settings = FIT | options
    settings |= {"images": IMAGES, "labels": LABELS}
    optimizer = type(optimizer)(**optimizer.settings)
    if backend == "scratch":
        if schedule:
            settings["schedule"] = getattr(lr_scheduler, schedule)(optimizer, gamma=0.8)
        return train.fit(nn.MultiLayerNet(*SIZES, **OPTIONS), optimizer, **settings)
    twin = Twin(optimizer)
    if schedule:
        settings["schedule"] = torch_lr_scheduler.Schedule(schedule, twin, gamma=0.8)
    return torch_train.fit(torch_nn.MultiLayerNet(*SIZES, **OPTIONS), twin, **settings)


def assert_goes_on(path: Path, backend: str, optimizer: optim.Optimizer, **options: Any) -> None:
    """Left and gone on with, by a file and nothing else, it ends the same."""
    whole = fit(backend, optimizer, **options)
    with pytest.raises(Left):
        fit(backend, optimizer, keeper=Leaving(path, 5), **options)
    pieced = fit(backend, optimizer, keeper=Leaving(path), **options)
    for name, expected in vars(whole).items():
        np.testing.assert_array_equal(getattr(pieced, name), expected, err_msg=name, strict=True)


@pytest.mark.parametrize("backend", BACKENDS)
@ELEMENTWISE
def test_every_optimizer_goes_on_bit_for_bit(
    tmp_path: Path, backend: str, pair: OptimizerPair
) -> None:
    for i, case in enumerate(pair.cases):
        assert_goes_on(tmp_path / f"{i}.safetensors", backend, pair.scratch(**case))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_schedule_goes_on(tmp_path: Path, backend: str) -> None:
    sgd = optim.SGD(lr=0.1, momentum=0.9)
    assert_goes_on(tmp_path / "kept.safetensors", backend, sgd, schedule="ExponentialLR")


@pytest.mark.parametrize("backend", BACKENDS)
def test_rates_of_their_own_go_on(tmp_path: Path, backend: str) -> None:
    adam = optim.Adam(lr=np.array([0.1, 0.001]))
    assert_goes_on(tmp_path / "kept.safetensors", backend, adam)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_that_diverged_before_stays_so(tmp_path: Path, backend: str) -> None:
    sgd = optim.SGD(lr=np.array([1e30, 0.01]))
    assert fit(backend, sgd).diverged[0] < 3
    assert_goes_on(tmp_path / "kept.safetensors", backend, sgd)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_training_can_be_left_at_any_pause(tmp_path: Path, backend: str) -> None:
    adam, counting = optim.Adam(), Leaving(tmp_path / "none.safetensors")
    whole = fit(backend, adam, keeper=counting)
    assert counting.pauses > FIT["iterations"]  # also between the pieces of an evaluation
    for at in range(1, counting.pauses + 1):
        path = tmp_path / f"{at}.safetensors"
        with pytest.raises(Left):
            fit(backend, adam, keeper=Leaving(path, at))
        pieced = fit(backend, adam, keeper=Leaving(path))
        np.testing.assert_array_equal(pieced.loss, whole.loss)
        np.testing.assert_array_equal(pieced.accuracy, whole.accuracy)
        np.testing.assert_array_equal(pieced.evaluated, whole.evaluated)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_finished_training_is_not_trained_again(tmp_path: Path, backend: str) -> None:
    adam, path, steps = optim.Adam(), tmp_path / "kept.safetensors", []
    keeper = Leaving(path)
    whole = fit(backend, adam, keeper=keeper)
    checkpoint.save(path, keeper.ended[0])
    again = fit(backend, adam, keeper=Leaving(path), progress=lambda *step: steps.append(step))
    np.testing.assert_array_equal(again.accuracy, whole.accuracy)
    assert not steps


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("changed", ["iterations", "network", "optimizer"])
def test_what_was_kept_of_another_training_is_refused_and_changes_nothing(
    tmp_path: Path, backend: str, changed: str
) -> None:
    path, adam = tmp_path / "kept.safetensors", optim.Adam()
    with pytest.raises(Left):
        fit(backend, adam, keeper=Leaving(path, 4))
    kept = checkpoint.load(path)
    if changed in kept:
        checkpoint.save(path, kept | {changed: {}})
    refused = []

    class Careful(Leaving):
        def begin(self, load: Callable[[Snapshot], None]) -> None:
            try:
                super().begin(load)
            except (ValueError, KeyError, TypeError, RuntimeError) as error:
                refused.append(error)

    iterations = FIT["iterations"] + (changed == "iterations")
    whole = fit(backend, adam, iterations=iterations)
    anew = fit(backend, adam, iterations=iterations, keeper=Careful(path))
    assert refused
    np.testing.assert_array_equal(anew.loss, whole.loss)


def test_random_numbers_drawn_ahead_are_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "DRAWN_AHEAD", 3000)  # a block is two or three steps
    test_a_training_can_be_left_at_any_pause(tmp_path, "torch")
