"""To a constant learning rate, for the averaging of weights."""

import math
from collections.abc import Callable, Sequence

from scratch import _check
from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler._rates import rates_of
from scratch.lr_scheduler.base import StepwiseLR
from scratch.optim import Optimizer
from scratch.typing import Rate

SHARES: dict[str, Callable[[float], float]] = {
    "cos": lambda part: (1 - math.cos(math.pi * part)) / 2,
    "linear": lambda part: part,
}


class SWALR(StepwiseLR):
    r"""Over to a rate that then stays, as ``torch.optim.swa_utils.SWALR``.

    .. math:: \eta_t = \alpha_t\, \eta_{swa} + (1 - \alpha_t)\, \eta_0

    α goes from 0 to 1 in ``anneal_epochs`` steps. η₀ is where the rate stands: it is computed back
    from the last one, as another schedule may have moved that (Izmailov et al. 2018, "Averaging
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

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Rate | Sequence[Rate],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
    ) -> None:
        self.swa_lrs = _arguments.rates("swa_lr", swa_lr, [own.lr for own in rates_of(optimizer)])
        self.anneal_epochs = _check.integer("anneal_epochs", anneal_epochs, at_least=0)
        self.anneal_strategy = _check.choice("anneal_strategy", anneal_strategy, SHARES)
        super().__init__(optimizer)

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
        return SHARES[self.anneal_strategy](part)
