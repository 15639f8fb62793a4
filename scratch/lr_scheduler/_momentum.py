"""Schedules that lower the momentum while they raise the learning rate, and back."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from scratch import _check
from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler._rates import momentum_names
from scratch.lr_scheduler.base import FormulaLR
from scratch.optim import Optimizer
from scratch.typing import Rate


class CyclicMomentumLR(FormulaLR):
    """A schedule with a formula for the momentum, too: :meth:`momentum_at` ``last_epoch``.

    The momentum is ``momentum``, or β₁ where the optimizer has betas.
    """

    cycle_momentum: bool
    base_momentums: list[float]
    max_momentums: list[float]

    @property
    def moves_momentum(self) -> bool:
        return self.cycle_momentum

    def momentum_at(self, i: int) -> float:
        """The i-th momentum at the step ``last_epoch``."""
        raise NotImplementedError(f"{type(self).__name__} has no momentum_at")

    def _take_momentum(
        self, optimizer: Optimizer, groups: int, cycle: bool, base: Any, top: Any
    ) -> None:
        """Check and keep ``cycle_momentum``, and if it is true the two momentums."""
        self.cycle_momentum = _check.flag("cycle_momentum", cycle)
        if not self.cycle_momentum:
            self.base_momentums, self.max_momentums = [], []
            return
        names = momentum_names(optimizer)
        if not names:
            raise ValueError(
                "cycle_momentum must be False for an optimizer without momentum or betas, got "
                f"True for {type(optimizer).__name__}"
            )
        below = math.inf if names == ["momentum"] else 1
        check = partial(_check.number, at_least=0, below=below)
        self.base_momentums = _arguments.per_group("base_momentum", base, groups, check)
        self.max_momentums = _arguments.per_group("max_momentum", top, groups, check)

    def _go(self, epoch: int, lr_of: Callable[[Rate, int], Rate]) -> None:
        super()._go(epoch, lr_of)
        if self.cycle_momentum:
            for i, rates in enumerate(self.rates):
                rates.momentum = self.momentum_at(i)
