"""A learning rate by a function of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

from scratch import _check
from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler._rates import rates_of
from scratch.lr_scheduler.base import FormulaLR, LRScheduler, StepwiseLR
from scratch.optim import Optimizer
from scratch.typing import Rate

Factor = Callable[[int], Rate]


class LambdaLR(FormulaLR):
    r"""Times a function of the step, as ``torch.optim.lr_scheduler.LambdaLR``.

    .. math:: \eta_t = \eta_0\, \lambda(t)

    Args:
        lr_lambda: λ >= 0, or one for each group. A snapshot does not have it.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = LambdaLR(sgd, lambda t: 1 / (1 + t))
    >>> for _ in range(4):
    ...     print(f"{sgd.lr:.3f}", end=" ")
    ...     schedule.step()
    1.000 0.500 0.333 0.250
    """

    unsaved = LRScheduler.unsaved | {"lr_lambdas"}

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor]) -> None:
        self.lr_lambdas = _functions(optimizer, lr_lambda)
        super().__init__(optimizer)

    def lr_at(self, i: int) -> Rate:
        return self.base_lrs[i] * _factor(self.lr_lambdas[i], self.last_epoch)


class MultiplicativeLR(StepwiseLR):
    r"""Times a function at every step, as ``torch.optim.lr_scheduler.MultiplicativeLR``.

    .. math:: \eta_t = \eta_{t-1}\, \lambda(t), \qquad t \ge 1

    Args:
        lr_lambda: λ >= 0, or one for each group. A snapshot does not have it.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = MultiplicativeLR(sgd, lambda t: 1 / t)
    >>> for _ in range(4):
    ...     print(f"{sgd.lr:.3f}", end=" ")
    ...     schedule.step()
    1.000 1.000 0.500 0.167
    """

    unsaved = LRScheduler.unsaved | {"lr_lambdas"}

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor]) -> None:
        self.lr_lambdas = _functions(optimizer, lr_lambda)
        super().__init__(optimizer)

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return lr * _factor(self.lr_lambdas[i], self.last_epoch)

    restart_lr = next_lr


def _factor(lr_lambda: Factor, t: int) -> Rate:
    return _check.rate(f"lr_lambda({t})", lr_lambda(t))


def _check_factor(name: str, value: Any) -> Factor:
    factor: Factor = _check.function(name, value)
    return factor


def _functions(optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor]) -> list[Factor]:
    groups = len(rates_of(optimizer))
    return _arguments.per_group("lr_lambda", lr_lambda, groups, _check_factor)
