"""Times a factor: now and then, at every step, on a power of a line, or by a given function."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from scratch import _check
from scratch._settings import AtLeast0, AtLeast1
from scratch.lr_scheduler.base import LRScheduler, Steps, StepwiseLR, per_group
from scratch.typing import Rate

Factor = Callable[[int], Rate]


def check_milestones(name: str, value: Any) -> list[int]:
    """Return whole numbers >= 0, in the order given, or raise."""
    try:
        steps = list(value)
    except TypeError:
        raise TypeError(f"{name} must be a list of steps, got {_check.shown(value)}") from None
    return [_check.integer(f"{name}[{i}]", step, at_least=0) for i, step in enumerate(steps)]


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

    step_size: AtLeast1
    gamma: AtLeast0 = 0.1

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

    milestones: Annotated[Sequence[int], check_milestones]
    gamma: AtLeast0 = 0.1

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self.gamma ** self.milestones.count(self.last_epoch)

    first_lr = next_lr


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

    gamma: AtLeast0

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self.gamma


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

    total_iters: Steps = 5
    power: AtLeast0 = 1.0

    def next_lr(self, lr: Rate, i: int) -> Rate:
        t, T = self.last_epoch, self.total_iters
        if t > T or T == 0:
            return lr
        factor: float = ((1.0 - t / T) / (1.0 - (t - 1) / T)) ** self.power
        return lr * factor


class FunctionLR(StepwiseLR):
    """A schedule that multiplies by a function λ that the user gives."""

    unsaved = LRScheduler.unsaved | {"lr_lambda", "lr_lambdas"}

    lr_lambda: Factor | Sequence[Factor]

    def __post_init__(self) -> None:
        self.lr_lambdas = per_group("lr_lambda", self.lr_lambda, self.optimizer, _check.function)
        super().__post_init__()

    def _factor(self, i: int) -> Rate:
        """The i-th λ at the step ``last_epoch``."""
        t = self.last_epoch
        return _check.rate(f"lr_lambda({t})", self.lr_lambdas[i](t))


class LambdaLR(FunctionLR):
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

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return self.base_lrs[i] * self._factor(i)

    first_lr = restart_lr = next_lr


class MultiplicativeLR(FunctionLR):
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

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return lr * self._factor(i)

    restart_lr = next_lr
