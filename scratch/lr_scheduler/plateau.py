"""A smaller learning rate where a measure gets no better."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, ClassVar

import numpy as np

from scratch import _check
from scratch._check import Check
from scratch._settings import AtLeast0, Below1, Number, choice, number, optional
from scratch.lr_scheduler.base import LRScheduler, Steps, per_group


class ReduceLROnPlateau(LRScheduler):
    r"""Reduce the rate on a plateau, as ``torch.optim.lr_scheduler.ReduceLROnPlateau``.

    .. math:: \eta \leftarrow \max(f\, \eta, \eta_{min})

    when the metric has not improved on its best for more than ``patience`` steps.
    NaN is never better.

    Args:
        mode: whether the "min" or the "max" of the metric is its best.
        factor: f, in [0, 1).
        patience: the number of steps without a better metric that are tolerated, >= 0.
        threshold: the least improvement that counts as better,
        threshold_mode: as a part of the best ("rel") or in the metric's units ("abs").
        cooldown: the number of steps after a reduction that do not count, >= 0.
        min_lr: η_min, or one for each group.
        eps: a reduction by no more than this is skipped.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = ReduceLROnPlateau(sgd, factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.0, 2.0, 1.0]:
    ...     schedule.step(loss)
    ...     print(sgd.lr, end=" ")
    1.0 1.0 1.0 0.5 0.5
    """

    mode: Annotated[str, choice("min", "max")] = "min"
    factor: Below1 = 0.1
    patience: Steps = 10
    threshold: Number = 1e-4
    threshold_mode: Annotated[str, choice("rel", "abs")] = "rel"
    cooldown: Steps = 0
    min_lr: float | Sequence[float] = 0.0
    eps: AtLeast0 = 1e-8

    unsaved = LRScheduler.unsaved | {"min_lr"}
    remembered: ClassVar[Mapping[str, Check]] = {
        "best": optional(_check.number_or_inf),
        **dict.fromkeys(
            ("num_bad_epochs", "cooldown_counter"), partial(_check.integer, at_least=0)
        ),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(isinstance(lr, np.ndarray) for lr in self._last_lr):
            raise TypeError(
                "optimizer.lr must be one number: one metric cannot say which run has come to a "
                f"plateau, got an array for {type(self.optimizer).__name__}"
            )
        self.min_lrs = per_group("min_lr", self.min_lr, self.optimizer, number(at_least=0))
        self.best: float | None = None
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0

    # The override: as in torch, this step needs an argument that others do not take.
    def step(self, metrics: float) -> None:  # type: ignore[override]
        """Note the metric, a number, and reduce the learning rate if it has come to a plateau."""
        try:
            metric = float(metrics)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f"metrics must be a number, got {_check.shown(metrics)}") from None
        self.last_epoch += 1
        if self._is_better(metric):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = [rates.lr for rates in self.rates]

    def _is_better(self, metric: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        best = -sign * math.inf if self.best is None else self.best
        if self.threshold_mode == "rel":
            best *= 1.0 + sign * self.threshold
        else:
            best += sign * self.threshold
        return metric > best if self.mode == "max" else metric < best

    def _reduce(self) -> None:
        for rates, min_lr in zip(self.rates, self.min_lrs, strict=True):
            lr = max(rates.lr * self.factor, min_lr)
            if rates.lr - lr > self.eps:
                rates.lr = lr
