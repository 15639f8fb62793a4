"""Along half a cosine: down once, again and again, or to a constant rate."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, ClassVar

from scratch import _check
from scratch._check import Check
from scratch._settings import AtLeast0, AtLeast1, choice, number
from scratch.lr_scheduler.base import (
    FormulaLR,
    LRScheduler,
    Steps,
    StepwiseLR,
    rates_per_group,
)
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

    T_max: AtLeast1
    eta_min: AtLeast0 = 0.0

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

    T_0: AtLeast1
    T_mult: AtLeast1 = 1
    eta_min: AtLeast0 = 0.0

    remembered: ClassVar[Mapping[str, Check]] = {
        "T_i": number(at_least=1),
        "T_cur": number(at_least=0),
    }

    def __post_init__(self) -> None:
        self.T_i: float = self.T_0
        self.T_cur: float = 0
        super().__post_init__()

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


class SWALR(StepwiseLR):
    r"""Anneal to a rate that then stays constant, as ``torch.optim.swa_utils.SWALR``.

    .. math:: \eta_t = \alpha_t\, \eta_{swa} + (1 - \alpha_t)\, \eta_0

    α goes from 0 to 1 in ``anneal_epochs`` steps. η₀ is computed back from the current rate, as
    another schedule may have changed that (Izmailov et al. 2018, "Averaging
    weights leads to wider optima and better generalization").

    Each ``SWALR`` of an optimizer has its own η_swa; torch keeps it in the ``param_groups``, where
    a second ``SWALR`` overwrites the first one's.

    Args:
        swa_lr: η_swa, or one for each group, each of which may be an array (K,).
        anneal_epochs: >= 0; with 0 the rate is η_swa at once.
        anneal_strategy: "cos" or "linear".

    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> schedule = SWALR(sgd, swa_lr=0.2, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(4):
    ...     print(f"{sgd.lr:.1f}", end=" ")
    ...     schedule.step()
    1.0 0.6 0.2 0.2
    """

    swa_lr: Rate | Sequence[Rate]
    anneal_epochs: Steps = 10
    anneal_strategy: Annotated[str, choice("cos", "linear")] = "cos"

    unsaved = LRScheduler.unsaved | {"swa_lr"}
    remembered: ClassVar[Mapping[str, Check]] = {
        "steps": partial(_check.integer, at_least=0),
    }

    def __post_init__(self) -> None:
        self.swa_lrs = rates_per_group("swa_lr", self.swa_lr, self.optimizer)
        super().__post_init__()

    def begin(self) -> None:
        self.steps = 0
        super().begin()

    def step(self) -> None:
        self.steps += 1
        super().step()

    def next_lr(self, lr: Rate, i: int) -> Rate:
        steps = self.steps if self.anneal_epochs else max(1, self.steps)
        swa_lr, before, now = self.swa_lrs[i], self._alpha(steps - 1), self._alpha(steps)
        lr_0 = swa_lr if before == 1 else (lr - before * swa_lr) / (1 - before)
        return swa_lr * now + lr_0 * (1 - now)

    first_lr = restart_lr = next_lr

    def _alpha(self, steps: int) -> float:
        part = max(0, min(1, steps / max(1, self.anneal_epochs)))
        return part if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2
