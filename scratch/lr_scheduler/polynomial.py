"""Decay to zero on a power of a line."""

from scratch import _check
from scratch.lr_scheduler.base import StepwiseLR
from scratch.optim import Optimizer
from scratch.typing import Rate


class PolynomialLR(StepwiseLR):
    r"""Decay to zero in T steps, as ``torch.optim.lr_scheduler.PolynomialLR``.

    .. math:: \eta_t = \eta_0 \left(1 - \frac{\min(t, T)}{T}\right)^p

    Args:
        total_iters: T. With 0 the rate stays, in a ``SequentialLR`` too, where torch divides by T
            at the milestone.
        power: p; 1 is a line.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = PolynomialLR(sgd, total_iters=4)
    >>> for _ in range(6):
    ...     print(f"{sgd.lr:.2f}", end=" ")
    ...     schedule.step()
    1.00 0.75 0.50 0.25 0.00 0.00
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = _check.integer("total_iters", total_iters, at_least=0)
        self.power = _check.number("power", power, at_least=0)
        super().__init__(optimizer)

    def next_lr(self, lr: Rate, i: int) -> Rate:
        t, T = self.last_epoch, self.total_iters
        if t > T or T == 0:
            return lr
        factor: float = ((1.0 - t / T) / (1.0 - (t - 1) / T)) ** self.power
        return lr * factor
