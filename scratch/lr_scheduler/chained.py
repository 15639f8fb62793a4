"""Several schedules at once."""

from collections.abc import Sequence

from scratch.lr_scheduler._composite import CompositeLR
from scratch.lr_scheduler.base import LRScheduler
from scratch.optim import Optimizer


class ChainedScheduler(CompositeLR):
    """Several schedules at once, as ``torch.optim.lr_scheduler.ChainedScheduler``.

    Each step is a step of every schedule, one after another: those that multiply the learning rate
    multiply, and one with a formula (``LambdaLR``, ``CyclicLR``, …) replaces what is before it.

    Args:
        schedulers: schedules of one optimizer.
        optimizer: that one; ``None`` takes it from the first schedule.

    >>> from scratch.lr_scheduler import ConstantLR, ExponentialLR
    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> warmup = ConstantLR(sgd, factor=0.5, total_iters=2)
    >>> schedule = ChainedScheduler([warmup, ExponentialLR(sgd, gamma=0.5)])
    >>> for _ in range(4):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    0.5 0.25 0.25 0.125
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if optimizer is None and isinstance(schedulers, list | tuple) and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        super().__init__(optimizer, schedulers)

    def step(self) -> None:
        for schedule in self.schedulers:
            schedule.step()
        self._last_lr = [rates.lr for rates in self.rates]
