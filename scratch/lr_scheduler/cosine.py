"""Decay along half a cosine, once or again and again."""

import math

from scratch import _check
from scratch.lr_scheduler.base import FormulaLR, StepwiseLR
from scratch.optim import Optimizer
from scratch.typing import Rate


class CosineAnnealingLR(StepwiseLR):
    r"""Down to η_min on a cosine, as ``torch.optim.lr_scheduler.CosineAnnealingLR``.

    .. math::
        \eta_t = \eta_{min} + \tfrac12 (\eta_0 - \eta_{min})
            \left(1 + \cos\frac{\pi t}{T}\right), \qquad
        \frac{\eta_t - \eta_{min}}{\eta_{t-1} - \eta_{min}}
            = \frac{1 + \cos(\pi t / T)}{1 + \cos(\pi (t - 1) / T)}

    The second form is the first one's ratio, and it is what a step multiplies by. It is 0/0 right
    after the bottom, t = T + 1, where the step is added instead. After T the rate rises again
    (Loshchilov and Hutter 2017, "SGDR", without the restarts).

    Args:
        T_max: T, >= 1.
        eta_min: η_min, >= 0.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = CosineAnnealingLR(sgd, T_max=4)
    >>> for _ in range(6):
    ...     print(f"{sgd.lr:.3f}", end=" ")
    ...     schedule.step()
    1.000 0.854 0.500 0.146 0.000 0.146
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = _check.integer("T_max", T_max, at_least=1)
        self.eta_min = _check.number("eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def restart_lr(self, lr: Rate, i: int) -> Rate:
        return self.eta_min + (self.base_lrs[i] - self.eta_min) * 2 / 2

    def next_lr(self, lr: Rate, i: int) -> Rate:
        t, T, eta_min = self.last_epoch, self.T_max, self.eta_min
        if (t - 1 - T) % (2 * T) == 0:
            return lr + (self.base_lrs[i] - eta_min) * (1 - math.cos(math.pi / T)) / 2
        ratio = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return ratio * (lr - eta_min) + eta_min


class CosineAnnealingWarmRestarts(FormulaLR):
    r"""Cosines with restarts, as ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.

    .. math::
        \eta_t = \eta_{min} + \tfrac12 (\eta_0 - \eta_{min})
            \left(1 + \cos\frac{\pi\, T_{cur}}{T_i}\right)

    T_cur counts from the last restart; at T_cur = T_i it starts again, with the next
    T_i ← T_mult·T_i (Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm
    restarts").

    Args:
        T_0: the steps until the first restart, >= 1.
        T_mult: by how much each period is longer than the one before, a whole number >= 1.
        eta_min: η_min, >= 0.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = CosineAnnealingWarmRestarts(sgd, T_0=2, T_mult=2)
    >>> for _ in range(7):
    ...     print(f"{sgd.lr:.3f}", end=" ")
    ...     schedule.step()
    1.000 0.500 1.000 0.854 0.500 0.146 1.000
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0
    ) -> None:
        self.T_0 = self.T_i = _check.integer("T_0", T_0, at_least=1)
        self.T_mult = _check.integer("T_mult", T_mult, at_least=1)
        self.eta_min = _check.number("eta_min", eta_min, at_least=0)
        self.T_cur: float = 0
        super().__init__(optimizer)

    def lr_at(self, i: int) -> Rate:
        cosine = math.cos(math.pi * self.T_cur / self.T_i)
        return self.eta_min + (self.base_lrs[i] - self.eta_min) * (1 + cosine) / 2

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step, or to ``epoch``, which may lie between two: epoch + batch/batches.

        Raises:
            ValueError: ``epoch`` is < 0.
        """
        if epoch is not None:
            self._jump(_check.number("epoch", epoch, at_least=0))
        elif self.last_epoch < 0:
            self._jump(0)
        else:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
            super().step()

    def _jump(self, epoch: float) -> None:
        T_0, k = self.T_0, self.T_mult
        if epoch < T_0:
            self.T_cur, self.T_i = epoch, T_0
        elif k == 1:
            self.T_cur = epoch % T_0
        else:
            # The n periods T_0, k·T_0, k²·T_0, … before this one sum up to T_0·(kⁿ − 1)/(k − 1).
            n = int(math.log(epoch / T_0 * (k - 1) + 1, k))
            self.T_cur = epoch - T_0 * (k**n - 1) / (k - 1)
            self.T_i = T_0 * k**n
        self._go(math.floor(epoch), self.next_lr)
