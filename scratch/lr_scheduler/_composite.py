"""What schedules made of schedules have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

from scratch import _check
from scratch.lr_scheduler.base import LRScheduler
from scratch.lr_scheduler.plateau import ReduceLROnPlateau
from scratch.optim import Optimizer


class CompositeLR(LRScheduler):
    """A schedule that steps others of the same optimizer.

    Raises:
        TypeError, ValueError: there are none, one is no schedule, is a ``ReduceLROnPlateau``,
            whose step needs a metric, or is of another optimizer.
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
