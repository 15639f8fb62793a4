"""The twin of ``scratch.train``: the same batches, the same loop, on any device."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from scratch import _check
from scratch.train import EVALUATION_ROWS, History, Progress, check_data, check_stack
from torch_ref.lr_scheduler import Schedule
from torch_ref.nn import MultiLayerNet
from torch_ref.optim import Twin

REPORT_EVERY = 50  # reading a loss waits for the device


def batches(
    images: Tensor,
    labels: Tensor,
    batch_size: int,
    generators: list[torch.Generator],
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever: rows drawn on the CPU, gathered and scaled where the images are."""
    check_data(images, labels, batch_size)
    while True:
        rows = [torch.randint(len(images), (batch_size,), generator=g) for g in generators]
        rows = torch.stack(rows).to(images.device)
        yield scaled(images[rows], dtype), labels[rows]


def scaled(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 images as floating-point numbers in [0, 1]."""
    return images.to(dtype) / 255


def step(net: MultiLayerNet, optimizer: Twin, x: Tensor, t: Tensor) -> Tensor:
    """One update; returns the losses (K,), still on the device."""
    if net.runs is None:
        x, t = x[0], t[0]
    losses, grads = net.loss_and_gradient(x, t)
    optimizer.update(net.params, grads)
    return losses.reshape(-1)


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
    progress: Progress | None = None,
) -> History:
    """Train ``net`` on its device; arguments and result as ``scratch.train.fit``'s.

    A run counts as diverged from the first step on whose loss is not finite.
    """
    _check.integer("iterations", iterations, at_least=1)
    check_stack(optimizer.pair.scratch, net.runs)
    if schedule:
        schedule.bind(net.params)
    put = [torch.tensor(array, device=net.device) for array in (images, labels)]
    held_out = [torch.tensor(array, device=net.device) for array in evaluate or ()]
    losses = torch.empty(iterations, net.runs or 1, dtype=net.dtype, device=net.device)
    accuracy, evaluated = [], []
    draw = batches(*put, batch_size, net.generators, net.dtype)
    for i in range(iterations + 1):
        if held_out and (i == iterations or (every and i % every == 0)):
            accuracy.append(accuracy_on(net, *held_out).cpu().numpy())
            evaluated.append(i)
        if i < iterations:
            losses[i] = step(net, optimizer, *next(draw))
            if schedule:
                schedule.step()
            if progress and ((i + 1) % REPORT_EVERY == 0 or i + 1 == iterations):
                progress(i + 1, losses[i].cpu().numpy())
    return _history(losses.T.double().cpu().numpy(), np.array(accuracy).T, np.array(evaluated))


def accuracy_on(net: MultiLayerNet, images: Tensor, labels: Tensor) -> Tensor:
    """The accuracy (K,) on uint8 ``images``, a thousand rows at a time."""
    pieces = zip(images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True)
    hits = [net.accuracy(scaled(x, net.dtype), t).reshape(-1) * len(x) for x, t in pieces]
    return torch.stack(hits).sum(dim=0) / len(images)


def _history(loss: np.ndarray, accuracy: np.ndarray, evaluated: np.ndarray) -> History:
    lost = ~np.isfinite(loss)
    diverged = np.where(lost.any(axis=1), lost.argmax(axis=1), -1)
    for k in np.flatnonzero(diverged >= 0):
        loss[k, diverged[k] :] = np.nan
        accuracy[k, evaluated > diverged[k]] = np.nan
    return History(loss, accuracy, evaluated, diverged)
