"""Trainings that can be interrupted: saved through callbacks, and resumed."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from scratch import _check

#: A training as it stands: dicts of lists, numbers, texts and arrays.
Snapshot = Mapping[str, Any]


class Keeper(Protocol):
    """A callback that saves a training as it goes on and resumes it."""

    def begin(self, load: Callable[[Snapshot], None]) -> None:
        """Pass the snapshot to resume from to ``load``, if there is one.

        Where ``load`` raises, the snapshot is of another training, and nothing was changed.
        """

    def due(self) -> bool:
        """Return whether to save now; called before every step."""

    def keep(self, snapshot: Snapshot) -> None:
        """Save a snapshot; an exception ends the training."""

    def end(self, snapshot: Callable[[], Snapshot]) -> None:
        """Called when the training is finished; ``snapshot`` returns the last one."""


class Observer(Protocol):
    """A callback that looks at a training and changes nothing.

    It is saved and resumed with the training.
    """

    def look(self, step: int, net: Any) -> None:
        """Called before each update and after the last; ``net`` has had ``step`` of them."""

    def state_dict(self) -> Snapshot:
        """Return a snapshot of what it has seen."""

    def load_state_dict(self, state_dict: Snapshot) -> None:
        """Resume from a snapshot."""


class Held:
    """A training with its keeper, if it has one.

    Args:
        keeper: saves the training; ``None`` for no saving.
        steps: of the whole training.
        rehearse: takes a step on copies, and raises if a snapshot cannot be resumed from.
        parts: everything that training changes, by name, each with ``state_dict`` and
            ``load_state_dict``; a part that is ``None`` is left out.
    """

    def __init__(
        self,
        keeper: Keeper | None,
        steps: int,
        rehearse: Callable[[], None] = lambda: None,
        **parts: Any,
    ) -> None:
        _check.methods("keeper", keeper, "begin", "due", "keep", "end")
        _check.methods("observer", parts.get("observer"), "look", "state_dict", "load_state_dict")
        self._keeper, self._step, self._steps = keeper, 0, steps
        self._rehearse = rehearse
        self._parts = {name: part for name, part in parts.items() if part is not None}

    def begin(self) -> int:
        """Resume from what was saved; returns the next step."""
        if self._keeper:
            self._keeper.begin(self._load)
        return self._step

    def at(self, step: int) -> None:
        """Note that ``step`` comes next, and save if that is due."""
        self._step = step
        self.pause()

    def pause(self) -> None:
        """Save if that is due; called where nothing is half done."""
        if self._keeper and self._keeper.due():
            self._keeper.keep(self._snapshot())

    def end(self) -> None:
        """Tell the keeper that the training is finished."""
        if self._keeper:
            self._step += 1
            self._keeper.end(self._snapshot)

    def _snapshot(self) -> Snapshot:
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        return {"step": self._step, **parts}

    def _load(self, snapshot: Snapshot) -> None:
        step, before = _check.integer("step", snapshot["step"], at_least=0), self._snapshot()
        if step > self._steps + 1:  # the one after the last: it is finished
            raise ValueError(f"step must be at most {self._steps + 1}, got {step}")
        try:
            for name, part in self._parts.items():
                part.load_state_dict(snapshot[name])
            self._rehearse()
        except Exception:
            for name, part in self._parts.items():
                part.load_state_dict(before[name])
            raise
        self._step = step
