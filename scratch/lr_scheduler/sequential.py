"""One schedule after another."""

from bisect import bisect_right
from collections.abc import Sequence

from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler._composite import CompositeLR
from scratch.lr_scheduler.base import LRScheduler, StepwiseLR
from scratch.optim import Optimizer


class SequentialLR(CompositeLR):
    """One schedule after another, as ``torch.optim.lr_scheduler.SequentialLR``.

    At each milestone the next one begins at its own step 0, from the learning rate that the
    optimizer had before any schedule.

    Inside of another ``SequentialLR`` its clock is one step ahead, as torch's is, and each of the
    steps that its first schedule takes is an ordinary one, step 0 included.

    Args:
        schedulers: schedules of this optimizer. Only the first may be a ``SequentialLR`` or
            ``ChainedScheduler``: torch has no way to begin one at a milestone, and fails there.
        milestones: the steps at which the second and each further one begins, in rising order.

    >>> from scratch.lr_scheduler import ConstantLR, ExponentialLR
    >>> from scratch.optim import SGD
    >>> sgd = SGD(lr=1.0)
    >>> warmup, decay = ConstantLR(sgd, factor=0.1), ExponentialLR(sgd, gamma=0.5)
    >>> schedule = SequentialLR(sgd, [warmup, decay], milestones=[2])
    >>> for _ in range(5):
    ...     print(sgd.lr, end=" ")
    ...     schedule.step()
    0.1 0.1 1.0 0.5 0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
    ) -> None:
        super().__init__(optimizer, schedulers)
        self.milestones = _arguments.milestones(milestones)
        if len(self.milestones) != len(schedulers) - 1:
            raise ValueError(
                f"milestones must be one fewer than the schedulers, {len(schedulers) - 1}, got "
                f"{len(self.milestones)}"
            )
        if self.milestones != sorted(self.milestones):
            raise ValueError(f"milestones must be in rising order, got {self.milestones}")
        for i, schedule in enumerate(schedulers[1:], start=1):
            if not isinstance(schedule, StepwiseLR):
                raise ValueError(
                    f"schedulers[{i}] must be able to begin at a milestone; "
                    f"{type(schedule).__name__} is only possible as the first"
                )
        self.last_epoch = 0
        for rates in self.rates:
            rates.lr = rates.initial_lr
        self.undo()
        first = self.schedulers[bisect_right(self.milestones, 0)]
        first.begin()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        t = self.last_epoch + 1
        i = bisect_right(self.milestones, t)
        schedule = self.schedulers[i]
        if i > 0 and self.milestones[i - 1] == t:
            schedule.restart()
        else:
            schedule.step()
        self.last_epoch = t
        self._last_lr = schedule.get_last_lr()
