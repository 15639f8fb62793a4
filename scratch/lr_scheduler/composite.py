"""Several schedules: at once, or one after another."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from scratch import _check
from scratch._check import Check
from scratch.lr_scheduler.base import LRScheduler, StepwiseLR
from scratch.lr_scheduler.decay import check_milestones
from scratch.lr_scheduler.plateau import ReduceLROnPlateau
from scratch.optim import Optimizer


class CompositeLR(LRScheduler):
    """A schedule that steps others of the same optimizer.

    Raises:
        TypeError, ValueError: there are none, or one is not a schedule, is a
            ``ReduceLROnPlateau``, whose step needs a metric, or is of another optimizer.
    """

    unsaved = LRScheduler.unsaved | {"schedulers"}

    def __init__(self, optimizer: Optimizer | None, schedulers: Sequence[LRScheduler]) -> None:
        if not isinstance(schedulers, list | tuple):
            raise TypeError(
                f"schedulers must be a list of schedules, got {_check.shown(schedulers)}"
            )
        if not schedulers:
            raise ValueError("schedulers must be one schedule at least, got none")
        for i, schedule in enumerate(schedulers):
            if not isinstance(schedule, LRScheduler):
                raise TypeError(f"schedulers[{i}] must be a schedule, got {_check.shown(schedule)}")
            if isinstance(schedule, ReduceLROnPlateau):
                raise ValueError(
                    f"schedulers[{i}] must not be ReduceLROnPlateau, whose step needs a metric"
                )
            _check.instance("optimizer", optimizer, Optimizer)
            if schedule.optimizer is not optimizer:
                raise ValueError(
                    f"schedulers[{i}] must be of this optimizer, {optimizer!r}, got one of "
                    f"{schedule.optimizer!r}"
                )
        super().__init__(_check.instance("optimizer", optimizer, Optimizer))
        self.schedulers = list(schedulers)

    @property
    def moves_momentum(self) -> bool:
        return any(schedule.moves_momentum for schedule in self.schedulers)

    def put_back(self) -> Callable[[], None]:
        all_back = [super().put_back(), *(schedule.put_back() for schedule in self.schedulers)]

        def back() -> None:
            for of_one in all_back:
                of_one()

        return back

    def begin(self) -> None:
        """Take the first step inside of another schedule: an ordinary step, as torch's."""
        self.step()

    def undo(self) -> None:
        """Take back the first step of every schedule."""
        for schedule in self.schedulers:
            schedule.undo()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.check_state(state_dict)
        for schedule, state in zip(self.schedulers, state_dict["schedulers"], strict=True):
            schedule.load_state_dict(state)
        super().load_state_dict(state_dict)

    def check_state(self, state_dict: Mapping[str, Any]) -> None:
        super().check_state(state_dict)
        states = state_dict["schedulers"]
        if not isinstance(states, list | tuple):
            raise TypeError(f"state_dict['schedulers'] must be a list, got {_check.shown(states)}")
        if len(states) != len(self.schedulers):
            raise ValueError(
                f"state_dict must have {len(self.schedulers)} schedulers, got {len(states)}"
            )
        for schedule, state in zip(self.schedulers, states, strict=True):
            schedule.check_state(state)


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

    remembered: ClassVar[Mapping[str, Check]] = {"milestones": check_milestones}

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
    ) -> None:
        super().__init__(optimizer, schedulers)
        self.milestones: Sequence[int] = milestones
        self.check_together()
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

    def check_together(self) -> None:
        others = len(self.schedulers) - 1
        if len(self.milestones) != others:
            raise ValueError(
                f"milestones must be one fewer than the schedulers, {others}, got "
                f"{len(self.milestones)}"
            )
        if self.milestones != sorted(self.milestones):
            raise ValueError(f"milestones must be in rising order, got {self.milestones}")

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
