"""The training loop: draw a batch, compute the gradient, update."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scratch import _check
from scratch.keeper import Held, Keeper, Observer
from scratch.lr_scheduler import LRScheduler, ReduceLROnPlateau
from scratch.nn.loss import class_numbers
from scratch.nn.network import MultiLayerNet
from scratch.optim import NonFiniteGradientError, Optimizer
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Integers

Progress = Callable[[int, Array], None]

EVALUATION_ROWS = 1000  # a stack's activations for all of MNIST at once would be large


@dataclass(frozen=True)
class History:
    """What happened in a training of K runs.

    Attributes:
        loss: (K, iterations), the loss of each step's batch before the step.
        accuracy: (K, E), at each of the steps in ``evaluated``.
        evaluated: (E,), the number of updates done at each evaluation.
        diverged: (K,), the step at which a run's loss or gradient was not finite, −1 for never;
            its losses and accuracies are NaN from there on.
    """

    loss: Array
    accuracy: Array
    evaluated: Integers
    diverged: Integers


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
    check_data(images, labels, batch_size)
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


def check_data(images: Any, labels: Any, batch_size: int, classes: int | None = None) -> None:
    """Raise where no batch can be drawn, or not all labels are of that many ``classes``."""
    _check.integer("batch_size", batch_size, at_least=1)
    _check_images("images and labels", images, labels)
    if classes is not None:
        class_numbers(labels, (len(images), classes), "labels")


def check_evaluation(evaluate: object, images: Any) -> None:
    """Raise where ``evaluate`` is no (images, labels) to measure on, of the size of ``images``."""
    if evaluate is None:
        return
    if not isinstance(evaluate, list | tuple) or len(evaluate) != 2:
        raise TypeError(f"evaluate must be (images, labels) or None, got {_check.shown(evaluate)}")
    _check_images("evaluate", *evaluate)
    shape, expected = tuple(evaluate[0].shape), tuple(images.shape[1:])
    if shape[1:] != expected:
        raise ValueError(f"evaluate must have images of shape {expected} each, got {shape[1:]}")


def check_schedule(schedule: object, optimizer: Optimizer) -> None:
    """Raise where ``schedule`` cannot be stepped after each update of ``optimizer``."""
    if schedule is None:
        return
    if not isinstance(schedule, LRScheduler) or isinstance(schedule, ReduceLROnPlateau):
        raise TypeError(
            "schedule must be a schedule of scratch.lr_scheduler whose step needs no metric, or "
            f"None, got {_check.shown(schedule)}"
        )
    if schedule.optimizer is not optimizer:
        raise ValueError(
            f"schedule must be of the optimizer {optimizer!r}, got one of {schedule.optimizer!r}"
        )


def _check_images(name: str, images: Any, labels: Any) -> None:
    dtype = getattr(images, "dtype", type(images).__name__)
    if str(dtype).removeprefix("torch.") != "uint8":
        raise TypeError(f"{name} must have images of uint8, which are divided by 255, got {dtype}")
    if not getattr(labels, "shape", ()) or not images.shape:
        raise TypeError(
            f"{name} must be arrays with a row for each image, got {_check.shown(images)} and "
            f"{_check.shown(labels)}"
        )
    if len(images) == 0 or len(images) != len(labels):
        raise ValueError(
            f"{name} must be as many, and not none, got {len(images)} and {len(labels)}"
        )


def check_stack(optimizer: type[Optimizer], runs: int | None) -> None:
    """Raise where the runs of a stack would not be independent of each other."""
    if not (isinstance(optimizer, type) and issubclass(optimizer, Optimizer)):
        raise TypeError(f"optimizer must be an Optimizer, got one of {_check.shown(optimizer)}")
    if runs is not None and not optimizer.elementwise:
        raise ValueError(
            f"optimizer must take every element alone to train a stack of {runs} runs, and "
            f"{optimizer.__name__} does not; train one network at a time"
        )


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
    progress: Progress | None = None,
    keeper: Keeper | None = None,
    observer: Observer | None = None,
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
        keeper: keeps the training while it goes on, and gives back what it has kept: the training
            then goes on from there, and every number is what it would have been.
        observer: looks at the network before each update and after the last, and leaves it as it
            is.

    A single network whose gradient is not finite raises; in a stack a run whose loss or gradient is
    not finite is marked, and its gradient is zero from there on, while the others go on.

    Raises:
        TypeError, ValueError: an argument is not as above; nothing was changed.
    """
    iterations = _check.integer("iterations", iterations, at_least=1)
    every = _check.integer("every", every, at_least=0)
    _check.instance("net", net, MultiLayerNet)
    check_stack(type(optimizer), net.runs)
    check_data(images, labels, batch_size, net.sizes[-1])
    check_evaluation(evaluate, images)
    check_schedule(schedule, optimizer)
    if progress is not None:
        _check.function("progress", progress)
    record = Record.empty(net.runs or 1, iterations)
    held = Held(
        keeper,
        iterations,
        partial(_rehearse, net, optimizer),
        network=net,
        optimizer=optimizer,
        schedule=schedule,
        record=record,
        observer=observer,
    )
    draw = batches(images, labels, batch_size, net.generators, net.dtype)
    for step in range(held.begin(), iterations + 1):
        held.at(step)
        if evaluate and (step == iterations or (every and step % every == 0)):
            record.evaluation(step, accuracy_on(net, *evaluate, between=held.pause))
        if observer:
            observer.look(step, net)
        if step < iterations:
            x, t = next(draw)
            with np.errstate(all="ignore"):  # a diverging run overflows before it is found out
                record.loss[:, step] = _step(net, optimizer, x, t, step, record.diverged)
            if schedule:
                schedule.step()
            if progress:
                progress(step + 1, record.loss[:, step])
    held.end()
    return record.history()


@dataclass
class Record:
    """What has happened in a training so far; see :class:`History`."""

    loss: Array
    diverged: Integers
    accuracy: list[Array]
    evaluated: list[int]

    @classmethod
    def empty(cls, runs: int, iterations: int) -> Self:
        """Of K runs, before the first step."""
        return cls(np.full((runs, iterations), np.nan), np.full(runs, -1), [], [])

    def evaluation(self, step: int, accuracy: Array) -> None:
        """Note the accuracies (K,) after ``step`` updates."""
        self.accuracy.append(np.where(self.diverged < 0, accuracy, np.nan))
        self.evaluated.append(step)

    def history(self) -> History:
        """For the caller of :func:`fit`."""
        accuracy = np.array(self.accuracy).reshape(-1, len(self.loss)).T
        return History(self.loss, accuracy, np.array(self.evaluated, int), self.diverged)

    def state_dict(self) -> dict[str, Any]:
        """A snapshot."""
        return copy.deepcopy(vars(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a snapshot of as many runs and iterations."""
        found = {name: copy.deepcopy(state_dict[name]) for name in vars(self)}
        for name, mine in (("loss", self.loss), ("diverged", self.diverged)):
            check_recorded(name, found[name], mine.shape, mine.dtype.kind)
        check_evaluations(found["accuracy"], found["evaluated"], self.loss.shape[0])
        vars(self).update(found)


def check_recorded(name: str, found: Any, shape: tuple[int, ...], kind: str = "f") -> None:
    """Raise if something in a snapshot is no array of this shape and kind."""
    array = np.asarray(found)
    if not hasattr(found, "shape") or array.shape != shape or array.dtype.kind != kind:
        raise ValueError(f"{name} must be an array of shape {shape}, got {_check.shown(found)}")


def check_evaluations(accuracy: Any, evaluated: Any, runs: int) -> None:
    """Raise if they are no lists of accuracies (K,) and of the steps that they were after."""
    if not (isinstance(accuracy, list) and isinstance(evaluated, list)):
        raise TypeError("accuracy and evaluated must be lists")
    if len(accuracy) != len(evaluated):
        raise ValueError(f"{len(accuracy)} accuracies, but {len(evaluated)} steps in evaluated")
    for each in accuracy:
        check_recorded("accuracy", each, (runs,))
    for step in evaluated:
        _check.integer("evaluated", step, at_least=0)


def accuracy_on(
    net: MultiLayerNet,
    images: Integers,
    labels: Integers,
    between: Callable[[], None] = lambda: None,
) -> Array:
    """The accuracy (K,) on uint8 ``images``, a thousand rows at a time, calling ``between``."""
    _check.instance("net", net, MultiLayerNet)
    _check_images("images and labels", images, labels)
    _check.function("between", between)
    hits = np.zeros(net.runs or 1)
    for start in range(0, len(images), EVALUATION_ROWS):
        between()
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
    step: int,
    diverged: Integers,
) -> Array:
    """One update; returns the losses (K,) and marks the runs that diverge in ``diverged``."""
    if net.runs is None:
        losses, grads = net.loss_and_gradient(x[0], t[0])
        optimizer.update(net.params, grads)
        return np.array([losses])
    losses, grads = net.loss_and_gradient(x, t)
    diverged[(diverged < 0) & ~np.isfinite(losses)] = step
    _stop(grads, diverged >= 0)
    try:
        optimizer.update(net.params, grads)
    except NonFiniteGradientError:  # raised before anything changed, so that it can be tried again
        finite = [np.isfinite(g).reshape(net.runs, -1).all(axis=1) for g in grads.values()]
        diverged[~np.all(finite, axis=0)] = step
        _stop(grads, diverged >= 0)
        optimizer.update(net.params, grads)
    return np.where(diverged < 0, losses, np.nan)


def _rehearse(net: MultiLayerNet, optimizer: Optimizer) -> None:
    """Take a step on copies: it raises where the optimizer's state is not of these parameters."""
    params = {name: w.copy() for name, w in net.params.items()}
    with np.errstate(all="ignore"):
        copy.deepcopy(optimizer).update(params, {n: np.zeros_like(w) for n, w in params.items()})


def _stop(grads: dict[str, Array], runs: NDArray[np.bool]) -> None:
    if runs.any():
        for g in grads.values():
            g[runs] = 0
