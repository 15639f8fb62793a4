"""Another learning rate for the first steps: constant, or growing (or falling) on a line."""

from typing import Annotated

from scratch._settings import Share, number
from scratch.lr_scheduler.base import Steps, StepwiseLR
from scratch.typing import Rate

PositiveShare = Annotated[float, number(above=0, at_most=1)]


class ConstantLR(StepwiseLR):
    r"""A part of the rate, then all of it, as ``torch.optim.lr_scheduler.ConstantLR``.

    .. math:: \eta_t = f\, \eta_0 \text{ for } t < T, \qquad \eta_0 \text{ from } T \text{ on}

    With T = 0 the rate stays at f·η₀ for ever, as torch's does.

    Args:
        factor: f, > 0 and <= 1. Torch takes 0, and divides by it at step T.
        total_iters: T.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = ConstantLR(sgd, factor=0.5, total_iters=2)
    >>> for _ in range(4):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    0.5 0.5 1.0 1.0
    """

    factor: PositiveShare = 1 / 3
    total_iters: Steps = 5

    def first_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self.factor

    def restart_lr(self, lr: Rate, i: int) -> Rate:
        f, over = self.factor, self.last_epoch >= self.total_iters
        return self.base_lrs[i] * (f + over * (1 - f))

    def next_lr(self, lr: Rate, i: int) -> Rate:
        if self.last_epoch == 0:
            return self.first_lr(lr, i)
        return lr * (1.0 / self.factor) if self.last_epoch == self.total_iters else lr


class LinearLR(StepwiseLR):
    r"""From one part of the rate to another on a line, as ``torch.optim.lr_scheduler.LinearLR``.

    .. math::
        \eta_t = \eta_0 \left(s + (e - s)\, \frac{\min(t, T)}{T}\right), \qquad
        \frac{\eta_t}{\eta_{t-1}} = 1 + \frac{e - s}{T s + (t - 1)(e - s)}

    The second form is the first one's ratio, and it is what a step multiplies by, so that several
    schedules can share a learning rate.

    Args:
        start_factor: s, > 0 and <= 1.
        end_factor: e, in [0, 1].
        total_iters: T. With 0 the rate stays at s·η₀, in a ``SequentialLR`` too, where torch
            divides by T at the milestone.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = LinearLR(sgd, start_factor=0.25, total_iters=3)
    >>> for _ in range(5):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    0.25 0.5 0.75 1.0 1.0
    """

    start_factor: PositiveShare = 1 / 3
    end_factor: Share = 1.0
    total_iters: Steps = 5

    def first_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self.start_factor

    def next_lr(self, lr: Rate, i: int) -> Rate:
        t, T = self.last_epoch, self.total_iters
        if t == 0:
            return self.first_lr(lr, i)
        if t > T:
            return lr
        s, e = self.start_factor, self.end_factor
        return lr * (1.0 + (e - s) / (T * s + (t - 1) * (e - s)))
