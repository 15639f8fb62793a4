"""A training that is interrupted goes on, and every number is what it would have been."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.helpers import IMAGES, LABELS, SIZES
from parity_tests.optimizer_helpers import ELEMENTWISE
from parity_tests.training.interrupted import FIT, OPTIONS, Interrupting, Interruption
from scratch import lr_scheduler, nn, optim, train
from scratch.callbacks import Training
from scratch.train import History
from torch_ref import checkpoint, draws
from torch_ref import lr_scheduler as torch_lr_scheduler
from torch_ref import nn as torch_nn
from torch_ref import train as torch_train
from torch_ref.optim import Twin
from torch_ref.registry import OptimizerPair


@pytest.fixture(params=["scratch", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept.safetensors"


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


def assert_goes_on(
    path: Path, backend: str, optimizer: optim.Optimizer, at: int = 5, **options: Any
) -> None:
    """Interrupted and resumed, by a file and nothing else, it ends the same."""
    whole = fit(backend, optimizer, **options)
    with pytest.raises(Interruption):
        fit(backend, optimizer, callbacks=[Interrupting(path, at)], **options)
    pieced = fit(backend, optimizer, callbacks=[Interrupting(path)], **options)
    for name, expected in vars(whole).items():
        np.testing.assert_array_equal(getattr(pieced, name), expected, err_msg=name, strict=True)


@ELEMENTWISE
def test_every_optimizer_goes_on_bit_for_bit(
    tmp_path: Path, backend: str, pair: OptimizerPair
) -> None:
    for i, case in enumerate(pair.cases):
        assert_goes_on(tmp_path / f"{i}.safetensors", backend, pair.scratch(**case))


@pytest.mark.arithmetic
def test_a_schedule_goes_on(kept: Path, backend: str) -> None:
    assert_goes_on(kept, backend, optim.SGD(lr=0.1, momentum=0.9), schedule="ExponentialLR")


def test_rates_of_their_own_go_on(kept: Path, backend: str) -> None:
    assert_goes_on(kept, backend, optim.Adam(lr=np.array([0.1, 0.001])))


@pytest.mark.arithmetic
def test_a_run_that_diverged_before_stays_so(kept: Path, backend: str) -> None:
    sgd = optim.SGD(lr=np.array([1e30, 0.01]))
    assert fit(backend, sgd).diverged[0] < 3
    assert_goes_on(kept, backend, sgd)


@pytest.mark.arithmetic
def test_a_training_can_be_left_after_any_step(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "DRAWN_AHEAD", 3000)  # a block is two or three steps
    for at in range(1, FIT["iterations"] + 2):
        assert_goes_on(tmp_path / f"{at}.safetensors", backend, optim.Adam(), at)


def test_a_finished_training_is_not_trained_again(kept: Path, backend: str) -> None:
    steps: list[Any] = []
    assert_goes_on(kept, backend, optim.Adam(), FIT["iterations"] + 1)
    fit(backend, optim.Adam(), callbacks=[Interrupting(kept)], progress=lambda *s: steps.append(s))
    assert not steps


@pytest.mark.parametrize("changed", ["iterations", "network", "optimizer", "step"])
def test_what_was_kept_of_another_training_is_refused_and_changes_nothing(
    kept: Path, backend: str, changed: str
) -> None:
    adam, refused = optim.Adam(), []
    with pytest.raises(Interruption):
        fit(backend, adam, callbacks=[Interrupting(kept, 4)])
    found = checkpoint.load(kept)
    if changed in found:
        checkpoint.save(kept, found | {changed: 99 if changed == "step" else {}})

    class Careful(Interrupting):
        def begin(self, training: Training) -> None:
            try:
                super().begin(training)
            except (ValueError, KeyError, TypeError, RuntimeError) as error:
                refused.append(error)

    iterations = FIT["iterations"] + (changed == "iterations")
    whole = fit(backend, adam, iterations=iterations)
    anew = fit(backend, adam, iterations=iterations, callbacks=[Careful(kept)])
    assert refused
    np.testing.assert_array_equal(anew.loss, whole.loss)


def test_what_is_no_callback_is_refused(backend: str) -> None:
    for callbacks in (Interrupting, [Interrupting], [lambda *_: None], None):
        with pytest.raises(TypeError, match=r"callbacks must be a"):
            fit(backend, optim.Adam(), callbacks=callbacks)
