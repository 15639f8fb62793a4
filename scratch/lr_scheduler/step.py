"""Decay by a factor every so many steps."""

from collections.abc import Iterable

from scratch import _check
from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler.base import StepwiseLR
from scratch.optim import Optimizer
from scratch.typing import Rate


class StepLR(StepwiseLR):
    r"""Multiply by γ every ``step_size`` steps, as ``torch.optim.lr_scheduler.StepLR``.

    .. math:: \eta_t = \eta_0\, \gamma^{\lfloor t / s \rfloor}

    Args:
        step_size: s, >= 1.
        gamma: γ, >= 0.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = StepLR(sgd, step_size=2, gamma=0.5)
    >>> for _ in range(5):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    1.0 1.0 0.5 0.5 0.25
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = _check.integer("step_size", step_size, at_least=1)
        self.gamma = _arguments.not_negative("gamma", gamma)
        super().__init__(optimizer)

    def next_lr(self, lr: Rate, i: int) -> Rate:
        t = self.last_epoch
        return lr * self.gamma if t > 0 and t % self.step_size == 0 else lr


class MultiStepLR(StepwiseLR):
    r"""Multiply by γ at each milestone, as ``torch.optim.lr_scheduler.MultiStepLR``.

    .. math:: \eta_t = \eta_0\, \gamma^{|\{m : m \le t\}|}

    Args:
        milestones: the steps m, in any order; one that is there twice counts twice.
        gamma: γ, >= 0.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = MultiStepLR(sgd, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(5):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    1.0 0.5 0.5 0.25 0.25
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones = _arguments.milestones(milestones)
        self.gamma = _arguments.not_negative("gamma", gamma)
        super().__init__(optimizer)

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self.gamma ** self.milestones.count(self.last_epoch)

    first_lr = next_lr
