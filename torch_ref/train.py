"""The twin of ``scratch.train``: the same batches, the same loop, on any device."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from scratch import _check
from scratch.train import EVALUATION_ROWS, History, Progress, check_data, check_stack
from torch_ref import graph
from torch_ref.device import put
from torch_ref.lr_scheduler import Schedule
from torch_ref.nn import MultiLayerNet
from torch_ref.optim import Twin

REPORT_EVERY = 50  # reading a loss waits for the device
DRAWN_AHEAD = 2**20  # bytes


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
    progress: Progress | None = None,
    compiled: bool = False,
) -> History:
    """Train ``net`` on its device; arguments and result as ``scratch.train.fit``'s.

    Args:
        compiled: on a CUDA device, run the layers through ``torch.compile``.

    A run counts as diverged from the first step on whose loss is not finite.
    """
    _check.integer("iterations", iterations, at_least=1)
    check_stack(optimizer.pair.scratch, net.runs)
    check_data(images, labels, batch_size)
    take_step = _stepper(net, optimizer, *(_put(array, net) for array in (images, labels)))
    if schedule:
        schedule.bind(net.params)
    if compiled and graph.has_graphs(net.device):
        net.layers.compile()
    held_out = [_put(array, net) for array in evaluate or ()]
    losses = torch.empty(iterations, net.runs or 1, dtype=net.dtype, device=net.device)
    accuracy, evaluated = [], []
    draws = drawn(net, len(images), batch_size, iterations)
    for i in range(iterations + 1):
        if held_out and (i == iterations or (every and i % every == 0)):
            accuracy.append(accuracy_on(net, *held_out))
            evaluated.append(i)
        if i < iterations:
            losses[i] = take_step(*next(draws))
            if schedule:
                schedule.step()
            if progress and ((i + 1) % REPORT_EVERY == 0 or i + 1 == iterations):
                progress(i + 1, losses[i].cpu().numpy())
    measured = torch.stack(accuracy, dim=1).cpu().numpy() if accuracy else np.array([])
    return _history(losses.T.cpu().double().numpy(), measured, np.array(evaluated))


def drawn(
    net: MultiLayerNet, rows: int, batch_size: int, iterations: int
) -> Iterator[tuple[Tensor, ...]]:
    """For each step its random numbers, on the net's device: the batch, and what dropout keeps.

    They come from the net's generators, on the CPU, in the order of a loop that draws them when it
    needs them, but many steps at a time: a device gets them in one copy, and waits for none.

    Args:
        rows: of the data, to draw from.

    Yields:
        The rows of the batch (K, N), and a mask for each dropout layer.
    """
    masks = sum(units for _, units in net.dropouts)
    ahead = max(1, DRAWN_AHEAD // (len(net.generators) * batch_size * (8 + masks)))
    for start in range(0, iterations, ahead):
        count = min(ahead, iterations - start)
        if net.dropouts:
            steps = [_drawn_once(net, rows, batch_size) for _ in range(count)]
            block = [torch.stack(tensors) for tensors in zip(*steps, strict=True)]
        else:
            shape = (count, batch_size)
            block = [torch.stack([_rows(rows, shape, g) for g in net.generators], dim=1)]
        yield from zip(*(put(tensor, net.device) for tensor in block), strict=True)


def _drawn_once(net: MultiLayerNet, rows: int, batch_size: int) -> list[Tensor]:
    batch = torch.stack([_rows(rows, (batch_size,), g) for g in net.generators])
    return [batch, *(layer.draw((batch_size, units)) for layer, units in net.dropouts)]


def _rows(rows: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(rows, shape, generator=generator)


def _stepper(
    net: MultiLayerNet, optimizer: Twin, images: Tensor, labels: Tensor
) -> Callable[..., Tensor]:
    """A function of what :func:`drawn` yields: it takes a step and gives the losses (K,).

    On a CUDA device it is a graph, with the update in it where that can be recorded.
    """

    def gradient(rows: Tensor, *kept: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        with net.keeping(kept):
            return _loss_and_gradient(net, scaled(images[rows], net.dtype), labels[rows])

    def update(*inputs: Tensor) -> Tensor:
        with recorded.recording():
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
