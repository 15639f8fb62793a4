"""The twin of ``scratch.train``: the same batches, the same loop, on any device."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scratch import _check, loop
from scratch.callbacks import Callback, Training
from scratch.history import History, check_evaluations, check_recorded
from scratch.train import EVALUATION_ROWS
from torch_ref import _check as _torch_check
from torch_ref import graph, snapshots
from torch_ref.draws import Draws
from torch_ref.lr_scheduler import Schedule
from torch_ref.nn import MultiLayerNet
from torch_ref.twin import Twin

REPORT_EVERY = 50  # reading a loss waits for the device


def batches(
    images: Tensor,
    labels: Tensor,
    batch_size: int,
    generators: list[torch.Generator],
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever: rows drawn on the CPU, gathered and scaled where the images are."""
    loop.check_data(images, labels, batch_size, torch.uint8)
    for name, value in (("images", images), ("labels", labels)):
        _check.instance(name, value, Tensor)
    if not isinstance(generators, list | tuple):
        raise TypeError(f"generators must be a list, got {_check.shown(generators)}")
    _torch_check.generators("generators", generators)
    _torch_check.floating(dtype)
    while True:
        drawn = [torch.randint(len(images), (batch_size,), generator=g) for g in generators]
        rows = torch.stack(drawn).to(images.device)
        yield scaled(images[rows], dtype), labels[rows]


def scaled(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 images as floating-point numbers in [0, 1]."""
    if not isinstance(images, Tensor) or images.is_complex():
        raise TypeError(f"images must be a tensor of numbers, got {_torch_check.shown(images)}")
    return images.to(_torch_check.floating(dtype)) / 255


def step(net: MultiLayerNet, optimizer: Twin, x: Tensor, t: Tensor) -> Tensor:
    """Take one step; returns the losses (K,), still on the device."""
    _check.instance("net", net, MultiLayerNet)
    _check.instance("optimizer", optimizer, Twin)
    for name, value in (("x", x), ("t", t)):
        if not isinstance(value, Tensor) or value.shape[:1] != (net.runs or 1,):
            raise ValueError(
                f"{name} must be a tensor with a leading axis of {net.runs or 1}, the runs, got "
                f"{_torch_check.shown(value)}"
            )
    return _updated(net, optimizer, *_loss_and_gradient(net, x, t))


def fit(
    net: MultiLayerNet,
    optimizer: Twin,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    iterations: int,
    batch_size: int,
    evaluate: tuple[np.ndarray, np.ndarray] | None = None,
    every: int = 0,
    schedule: Schedule | None = None,
    progress: loop.Progress | None = None,
    callbacks: Sequence[Callback] = (),
    accumulate: int = 1,
    compiled: bool = False,
) -> History:
    """Train ``net`` on its device; arguments and result as ``scratch.train.fit``'s.

    Args:
        compiled: on a CUDA device, run the layers through ``torch.compile``.

    A run counts as diverged from the first step on whose loss is not finite.
    """
    _check.instance("net", net, MultiLayerNet)
    by_hand = _check.instance("optimizer", optimizer, Twin).pair.scratch
    checked = iterations, batch_size, evaluate, every, progress, callbacks
    loop.check_arguments(net, by_hand, images, labels, *checked)
    _check_schedule(schedule, optimizer)
    compiled = _check.flag("compiled", compiled)
    record = Record(net, iterations)
    parts = loop.parts(batch_size, accumulate)
    draws = Draws(net, len(images), parts, iterations)
    take_step = _stepper(net, optimizer, parts, *(_put(array, net) for array in (images, labels)))
    optimizer.bind(net.params)
    if schedule:
        schedule.bind(net.params)
    if compiled and graph.has_graphs(net.device):
        net.layers.compile()
    state = snapshots.OptimizerState(optimizer.torch)
    training = Training(
        iterations,
        callbacks,
        state.rehearse,
        snapshots.packed,
        partial(snapshots.unpacked, device=net.device),
        network=net,
        optimizer=state,
        schedule=schedule.torch if schedule else None,
        draws=draws,
        record=record,
    )
    accuracy = None
    if evaluate:
        accuracy = partial(accuracy_on, net, *(_put(array, net) for array in evaluate))
    for i in loop.steps(training, record, net, every, accuracy):
        record.loss[i] = take_step(*next(draws))
        if schedule:
            schedule.step()
        if progress and ((i + 1) % REPORT_EVERY == 0 or i + 1 == iterations):
            progress(i + 1, record.loss[i].cpu().numpy())
    return record.history()


def _check_schedule(schedule: Schedule | None, optimizer: Twin) -> None:
    if schedule is None:
        return
    if not isinstance(schedule, Schedule):
        raise TypeError(
            f"schedule must be a torch_ref.lr_scheduler.Schedule or None, got "
            f"{_check.shown(schedule)}"
        )
    if schedule.twin is not optimizer:
        raise ValueError(f"schedule must be of the optimizer {optimizer!r}, got one of another")


class Record:
    """The history so far; it stays on the device until it is asked for.

    Attributes:
        loss: (iterations, K).
        accuracy: (K,) each, for each of the steps in ``evaluated``.
    """

    def __init__(self, net: MultiLayerNet, iterations: int) -> None:
        shape = iterations, net.runs or 1
        self.loss = torch.full(shape, torch.nan, dtype=net.dtype, device=net.device)
        self.accuracy: list[Tensor] = []
        self.evaluated: list[int] = []

    def evaluation(self, step: int, accuracy: Tensor) -> None:
        """Note the accuracies (K,) after ``step`` updates."""
        self.accuracy.append(accuracy)
        self.evaluated.append(step)

    def state_dict(self) -> dict[str, Any]:
        """A snapshot."""
        return dict(vars(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a snapshot of as many runs and iterations."""
        found = {name: state_dict[name] for name in vars(self)}
        check_recorded("loss", found["loss"].cpu(), tuple(self.loss.shape))
        accuracy = [each.cpu() for each in found["accuracy"]]
        check_evaluations(accuracy, found["evaluated"], self.loss.shape[1])
        vars(self).update(found)

    def history(self) -> History:
        """As ``scratch.train`` has it; a run is lost from the first loss on that is not finite."""
        loss, evaluated = self.loss.T.cpu().double().numpy(), np.array(self.evaluated, int)
        accuracy = np.empty((len(loss), 0))
        if self.accuracy:
            accuracy = torch.stack(self.accuracy, dim=1).cpu().numpy()
        lost = ~np.isfinite(loss)
        diverged = np.where(lost.any(axis=1), lost.argmax(axis=1), -1)
        for k in np.flatnonzero(diverged >= 0):
            loss[k, diverged[k] :] = np.nan
            accuracy[k, evaluated > diverged[k]] = np.nan
        return History(loss, accuracy, evaluated, diverged)


def _stepper(
    net: MultiLayerNet, optimizer: Twin, parts: list[slice], images: Tensor, labels: Tensor
) -> Callable[..., Tensor]:
    """A function of what ``Draws`` gives: it takes a step and gives the losses (K,).

    On a CUDA device it is a graph, with the update in it where that can be recorded.
    """

    def gradient(rows: Tensor, *kept: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        def of(part: slice) -> tuple[Tensor, dict[str, Tensor]]:
            own = rows[:, part]
            with net.keeping([mask[..., part, :] for mask in kept]):
                return _loss_and_gradient(net, scaled(images[own], net.dtype), labels[own])

        return loop.accumulated(parts, of)

    def update(*inputs: Tensor) -> Tensor:
        with recorded.recording() if recorded else nullcontext():
            return _updated(net, optimizer, *gradient(*inputs))

    recorded = graph.recordable(optimizer, net)
    gradients, whole = graph.captured(gradient, net.device), graph.captured(update, net.device)

    def take_step(*inputs: Tensor) -> Tensor:
        if recorded and recorded.up_to_date():
            return whole(*inputs)
        return _updated(net, optimizer, *gradients(*inputs))

    return take_step


def _loss_and_gradient(
    net: MultiLayerNet, x: Tensor, t: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    return net.loss_and_gradient(x, t) if net.runs else net.loss_and_gradient(x[0], t[0])


def _updated(
    net: MultiLayerNet, optimizer: Twin, losses: Tensor, grads: dict[str, Tensor]
) -> Tensor:
    optimizer.update(net.params, grads)
    return losses.reshape(-1)


def _put(array: np.ndarray, net: MultiLayerNet) -> Tensor:
    return torch.tensor(array, device=net.device)


def accuracy_on(net: MultiLayerNet, images: Tensor, labels: Tensor) -> Tensor:
    """The accuracy (K,) on uint8 ``images``, a thousand rows at a time."""
    hits = []
    for x, t in zip(images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True):
        hits.append(net.accuracy(scaled(x, net.dtype), t).reshape(-1) * len(x))
    return torch.stack(hits).sum(dim=0) / len(images)
