"""The frame of a training loop, here and in ``torch_ref``: checks and callbacks."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from scratch import _check
from scratch.callbacks import Callback, Training
from scratch.lr_scheduler import LRScheduler, ReduceLROnPlateau
from scratch.nn.loss import class_numbers
from scratch.optim import Optimizer

#: Called with (step, losses) after each update.
Progress = Callable[[int, Any], None]


def steps(
    training: Training,
    record: Any,
    net: Any,
    every: int,
    accuracy: Callable[[], Any] | None,
) -> Iterator[int]:
    """Yield the remaining steps.

    Before each of them, and after the last, the ``accuracy`` is noted in the ``record`` if it is
    time for that, and the callbacks look at the ``net``; after each the training can be saved.
    """
    for callback in training.callbacks:
        callback.begin(training)
    for step in range(training.step, training.steps + 1):
        if accuracy and (step == training.steps or (every and step % every == 0)):
            record.evaluation(step, accuracy())
        for callback in training.callbacks:
            callback.before_step(step, net)
        if step < training.steps:
            yield step
        training.step = step + 1
        for callback in training.callbacks:
            callback.after_step(training)


def parts(batch_size: int, accumulate: object) -> list[slice]:
    """The rows of each part of a batch; they differ by one where it cannot be cut into equal parts.

    >>> parts(7, 2)
    [slice(0, 3, None), slice(3, 7, None)]
    """
    count = _check.integer("accumulate", accumulate, at_least=1)
    if count > batch_size:
        raise ValueError(f"accumulate must be at most batch_size, {batch_size}, got {count}")
    ends = [batch_size * i // count for i in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def accumulated(parts: list[slice], of: Callable[[slice], tuple[Any, dict[str, Any]]]) -> Any:
    """The loss and the gradients of a batch from those ``of`` its parts: each counts by its rows.

    >>> accumulated(parts(8, 2), lambda part: (part.stop, {"w": np.array([part.stop])}))
    (6.0, {'w': array([6.])})
    """
    if len(parts) == 1:
        return of(parts[0])
    rows, loss = parts[-1].stop, 0.0
    grads: dict[str, Any] = {}
    for part in parts:
        share = (part.stop - part.start) / rows
        own_loss, own = of(part)
        loss = loss + share * own_loss
        grads = {name: share * g + grads.get(name, 0) for name, g in own.items()}
    return loss, grads


def check_arguments(
    net: Any,
    optimizer: type[Optimizer],
    images: Any,
    labels: Any,
    iterations: object,
    batch_size: int,
    evaluate: object,
    every: object,
    progress: object,
    callbacks: Any,
) -> None:
    """Raise if ``fit`` cannot do what it is asked to; ``net`` is a network of either side."""
    _check.integer("iterations", iterations, at_least=1)
    _check.integer("every", every, at_least=0)
    check_stack(optimizer, net.runs)
    check_data(images, labels, batch_size)
    class_numbers(labels, (len(images), net.sizes[-1]), "labels")
    if evaluate is not None:
        _check_evaluation(evaluate, images.shape[1:])
    if progress is not None:
        _check.function("progress", progress)
    if not _check.is_sequence(callbacks):
        raise TypeError(f"callbacks must be a list, got {_check.shown(callbacks)}")
    for callback in callbacks:
        _check.instance("callbacks", callback, Callback)


def check_stack(optimizer: type[Optimizer], runs: int | None) -> None:
    """Raise if the runs of a stack would not be independent."""
    if not (isinstance(optimizer, type) and issubclass(optimizer, Optimizer)):
        raise TypeError(f"optimizer must be an Optimizer, got one of {_check.shown(optimizer)}")
    if runs is not None and not optimizer.elementwise:
        raise ValueError(
            f"optimizer must take every element alone to train a stack of {runs} runs, and "
            f"{optimizer.__name__} does not; train one network at a time"
        )


def check_data(images: Any, labels: Any, batch_size: int, uint8: object = np.uint8) -> None:
    """Raise if no batch can be drawn; ``uint8`` is what the library of ``images`` calls so."""
    _check.integer("batch_size", batch_size, at_least=1)
    check_images("images and labels", images, labels, uint8)


def check_images(name: str, images: Any, labels: Any, uint8: object = np.uint8) -> None:
    """Raise unless they are uint8 images and as many labels."""
    dtype = getattr(images, "dtype", type(images).__name__)
    if dtype != uint8:
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


def _check_evaluation(evaluate: object, shape: tuple[int, ...]) -> None:
    """Raise unless ``evaluate`` is (images, labels) to measure on, with images of ``shape``."""
    if not isinstance(evaluate, list | tuple) or len(evaluate) != 2:
        raise TypeError(f"evaluate must be (images, labels) or None, got {_check.shown(evaluate)}")
    check_images("evaluate", *evaluate)
    found = tuple(evaluate[0].shape[1:])
    if found != shape:
        raise ValueError(f"evaluate must have images of shape {shape} each, got {found}")


def check_schedule(schedule: object, optimizer: Optimizer) -> None:
    """Raise if ``schedule`` cannot be stepped after each update of ``optimizer``."""
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
