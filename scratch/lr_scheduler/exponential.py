"""Decay by a factor at every step."""

from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler.base import StepwiseLR
from scratch.optim import Optimizer
from scratch.typing import Rate


class ExponentialLR(StepwiseLR):
    r"""Multiply by γ at every step, as ``torch.optim.lr_scheduler.ExponentialLR``.

    The simplest form of the learning rate decay that section 6.1.5 begins with: all parameters'
    rate falls alike; AdaGrad's falls for each element as far as that has moved.

    .. math:: \eta_t = \eta_0\, \gamma^t

    Args:
        gamma: γ, >= 0.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = ExponentialLR(sgd, gamma=0.5)
    >>> for _ in range(4):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    1.0 0.5 0.25 0.125
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = _arguments.not_negative("gamma", gamma)
        super().__init__(optimizer)

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self.gamma
