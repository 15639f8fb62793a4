"""Up and down between two learning rates, for ever."""

import math
from collections.abc import Callable, Sequence

from scratch import _check
from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler._momentum import CyclicMomentumLR
from scratch.lr_scheduler._rates import rates_of
from scratch.lr_scheduler.base import LRScheduler
from scratch.optim import Optimizer
from scratch.typing import Rate

MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(CyclicMomentumLR):
    r"""Up and down on a line, as ``torch.optim.lr_scheduler.CyclicLR``.

    .. math::
        \eta_t = \eta_{base} + (\eta_{max} - \eta_{base})\, h_t\, s, \qquad
        \mu_t = \mu_{max} - (\mu_{max} - \mu_{base})\, h_t\, s

    The height h goes from 0 to 1 and back in each cycle; the scale s is 1 (``triangular``),
    1/2^{cycle − 1} (``triangular2``) or γᵗ (``exp_range``) (Smith 2017, "Cyclical learning rates
    for training neural networks").

    Args:
        base_lr: η_base, or one for each group; the optimizer's own ``lr`` is replaced. Each may be
            an array (K,); a number is every run's.
        max_lr: η_max, as ``base_lr``.
        step_size_up: the steps from the bottom to the top, >= 1.
        step_size_down: from there back, >= 0; ``None`` for the same.
        mode: which scale.
        gamma: γ of ``exp_range``.
        scale_fn: s itself, >= 0, in place of ``mode``. A snapshot does not have it.
        scale_mode: whether ``scale_fn`` is given the "cycle", from 1, or the "iterations", t.
        cycle_momentum: whether μ (or Adam's β₁) goes down while η goes up.
        base_momentum, max_momentum: μ_base and μ_max, or one for each group.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(momentum=0.9)
    >>> schedule = CyclicLR(sgd, base_lr=0.1, max_lr=0.5, step_size_up=2)
    >>> for _ in range(5):
    ...     print(f"{sgd.lr:.1f}/{sgd.momentum:.2f}", end=" ")
    ...     schedule.step()
    0.1/0.90 0.3/0.85 0.5/0.80 0.3/0.85 0.1/0.90
    """

    unsaved = LRScheduler.unsaved | {"scale_fn"}

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Rate | Sequence[Rate],
        max_lr: Rate | Sequence[Rate],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
    ) -> None:
        rates = rates_of(optimizer)
        base_lrs = _arguments.rates("base_lr", base_lr, [own.lr for own in rates])
        self.max_lrs = _arguments.rates("max_lr", max_lr, base_lrs)
        up = _check.integer("step_size_up", step_size_up, at_least=1)
        down = up if step_size_down is None else step_size_down
        self.period = up + _check.integer("step_size_down", down, at_least=0)
        self.rising = up / self.period
        self.mode = mode if scale_fn is not None else _check.choice("mode", mode, MODES)
        self.gamma = _arguments.not_negative("gamma", gamma)
        self.scale_fn = None if scale_fn is None else _check.function("scale_fn", scale_fn)
        self.scale_mode = _check.choice("scale_mode", scale_mode, ("cycle", "iterations"))
        self._take_momentum(optimizer, len(rates), cycle_momentum, base_momentum, max_momentum)
        self.last_epoch = 0
        self._wave()  # scale_fn may fail, and nothing has changed yet
        for own, lr in zip(rates, base_lrs, strict=True):
            own.lr = lr
        super().__init__(optimizer)
        self.base_lrs = base_lrs

    def lr_at(self, i: int) -> Rate:
        base_lr = self.base_lrs[i]
        height, scale = self._wave()
        return base_lr + (self.max_lrs[i] - base_lr) * height * scale

    def momentum_at(self, i: int) -> float:
        max_momentum = self.max_momentums[i]
        height, scale = self._wave()
        return max_momentum - (max_momentum - self.base_momentums[i]) * height * scale

    def _wave(self) -> tuple[float, float]:
        """The height and the scale at the step ``last_epoch``."""
        t = self.last_epoch
        cycle = math.floor(1 + t / self.period)
        x = 1.0 + t / self.period - cycle  # the part of the cycle that is over
        height = x / self.rising if x <= self.rising else (x - 1) / (self.rising - 1)
        if self.scale_fn:
            at = cycle if self.scale_mode == "cycle" else t
            return height, _arguments.not_negative(f"scale_fn({at})", self.scale_fn(at))
        if self.mode == "exp_range":
            return height, self.gamma**t
        return height, 1.0 if self.mode == "triangular" else 1 / (2.0 ** (cycle - 1))
