"""The training loop: draw a batch, compute the gradient, update."""

import copy
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scratch import _check, loop
from scratch.callbacks import Callback, Training
from scratch.history import History as History
from scratch.history import Record
from scratch.lr_scheduler import LRScheduler
from scratch.nn.network import MultiLayerNet
from scratch.optim import NonFiniteGradientError, Optimizer
from scratch.optim.fitting import check_finite
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Integers

EVALUATION_ROWS = 1000  # a stack's activations for all of MNIST at once would be large


def batches(
    images: Integers,
    labels: Integers,
    batch_size: int,
    generators: list[Generator],
    dtype: DTypeLike = np.float32,
) -> Iterator[tuple[Array, Integers]]:
    """Batches for ever, drawn with replacement as in the chapter, each run from its generator.

    Args:
        images: (n, D), uint8 as MNIST has them.
        labels: (n,).

    Yields:
        x (K, N, D) in [0, 1], scaled as it is drawn, and t (K, N).
    """
    loop.check_data(images, labels, batch_size)
    for generator in _check.sequence("generators", generators):
        _check.instance("generators", generator, Generator)
    return _drawn(images, labels, batch_size, generators, _check.floating(dtype))


def _drawn(
    images: Integers,
    labels: Integers,
    batch_size: int,
    generators: list[Generator],
    dtype: np.dtype,
) -> Iterator[tuple[Array, Integers]]:
    while True:
        rows = np.stack([g.randint(0, len(images), (batch_size,)) for g in generators])
        yield scaled(images.take(rows, axis=0), dtype), labels[rows]  # faster than images[rows]


def scaled(images: Integers | Array, dtype: DTypeLike = np.float32) -> Array:
    """uint8 images as floating-point numbers in [0, 1]."""
    if not isinstance(images, np.ndarray) or images.dtype.kind not in "uif":
        raise TypeError(f"images must be an array of numbers, got {_check.shown(images)}")
    return np.divide(images, 255, dtype=_check.floating(dtype))


def fit(
    net: MultiLayerNet,
    optimizer: Optimizer,
    images: Integers,
    labels: Integers,
    *,
    iterations: int,
    batch_size: int,
    evaluate: tuple[Integers, Integers] | None = None,
    every: int = 0,
    schedule: LRScheduler | None = None,
    progress: loop.Progress | None = None,
    callbacks: Sequence[Callback] = (),
    accumulate: int = 1,
) -> History:
    """Train ``net``, one network or a stack of K.

    Args:
        images, labels: uint8 (n, D) and (n,); the batches are drawn from them.
        iterations: the number of updates.
        batch_size: N.
        evaluate: images and labels to measure the accuracy on,
        every: so many updates, from before the first to after the last; 0 for only after the last.
        schedule: of this optimizer, and none whose step needs a metric; stepped after each update.
        progress: called with (step, losses) after each update.
        callbacks: look at the network as it is trained; one may save the training and resume it,
            and every number is then what it would have been.
        accumulate: how many parts a batch goes through the network in, one after another, where it
            is too large for the memory. Their gradients are added up, each by its rows: to rounding
            those of the whole batch. But batch normalization then normalizes each part by its own
            rows, and dropout draws other masks.

    A single network whose gradient is not finite raises; in a stack a run whose loss or gradient is
    not finite is marked, and its gradient is zero from there on, while the others go on.

    Raises:
        TypeError, ValueError: an argument is not as above; nothing was changed.
    """
    _check.instance("net", net, MultiLayerNet)
    checked = iterations, batch_size, evaluate, every, progress, callbacks
    loop.check_arguments(net, type(optimizer), images, labels, *checked)
    loop.check_schedule(schedule, optimizer)
    parts = loop.parts(batch_size, accumulate)
    record = Record.empty(net.runs or 1, iterations)
    training = Training(
        iterations,
        callbacks,
        partial(_rehearse, net, optimizer),
        network=net,
        optimizer=optimizer,
        schedule=schedule,
        record=record,
    )
    accuracy = partial(accuracy_on, net, *evaluate) if evaluate else None
    draw = batches(images, labels, batch_size, net.generators, net.dtype)
    for step in loop.steps(training, record, net, every, accuracy):
        x, t = next(draw)
        with np.errstate(all="ignore"):  # a diverging run overflows before it is found out
            record.loss[:, step] = _step(net, optimizer, x, t, parts, step, record.diverged)
        if schedule:
            schedule.step()
        if progress:
            progress(step + 1, record.loss[:, step])
    return record.history()


def accuracy_on(net: MultiLayerNet, images: Integers, labels: Integers) -> Array:
    """The accuracy (K,) on uint8 ``images``, a thousand rows at a time."""
    _check.instance("net", net, MultiLayerNet)
    loop.check_images("images and labels", images, labels)
    hits = np.zeros(net.runs or 1)
    for start in range(0, len(images), EVALUATION_ROWS):
        rows = slice(start, start + EVALUATION_ROWS)
        with np.errstate(all="ignore"):
            x = scaled(images[rows], net.dtype)
            hits += net.accuracy(x, labels[rows]) * len(x)
    return hits / len(images)


def _step(
    net: MultiLayerNet,
    optimizer: Optimizer,
    x: Array,
    t: Integers,
    parts: list[slice],
    step: int,
    diverged: Integers,
) -> Array:
    """Take one step; returns the losses (K,) and marks runs that diverge in ``diverged``."""
    if net.runs is None:
        x, t = x[0], t[0]
    losses, grads = loop.accumulated(
        parts, lambda part: net.loss_and_gradient(x[..., part, :], t[..., part])
    )
    if net.runs is None:
        _update(net, optimizer, grads)
        return np.array([losses])
    diverged[(diverged < 0) & ~np.isfinite(losses)] = step
    _stop(grads, diverged >= 0)
    try:
        _update(net, optimizer, grads)
    except NonFiniteGradientError:  # raised before anything changed, so that it can be tried again
        finite = [np.isfinite(g).reshape(net.runs, -1).all(axis=1) for g in grads.values()]
        diverged[~np.all(finite, axis=0)] = step
        _stop(grads, diverged >= 0)
        _update(net, optimizer, grads)
    return np.where(diverged < 0, losses, np.nan)


def _update(net: MultiLayerNet, optimizer: Optimizer, grads: dict[str, Array]) -> None:
    if not optimizer.finite_only:
        for name, g in grads.items():
            check_finite(name, g)
    optimizer.update(net.params, grads)


def _rehearse(net: MultiLayerNet, optimizer: Optimizer) -> None:
    """Take a step on copies: it raises where the optimizer's state is not of these parameters."""
    params = {name: w.copy() for name, w in net.params.items()}
    with np.errstate(all="ignore"):
        copy.deepcopy(optimizer).update(params, {n: np.zeros_like(w) for n, w in params.items()})


def _stop(grads: dict[str, Array], runs: NDArray[np.bool]) -> None:
    if runs.any():
        for g in grads.values():
            g[runs] = 0
