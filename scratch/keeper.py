"""A training that can be interrupted: what it is kept by, and how it goes on."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from scratch import _check

#: A training as it stands: dicts of lists, numbers, texts and arrays.
Snapshot = Mapping[str, Any]


class Keeper(Protocol):
    """Keeps a training while it goes on; ``experiments.engine.checkpoints`` has one, in files."""

    def begin(self, load: Callable[[Snapshot], None]) -> None:
        """Give ``load`` the snapshot to go on from, if there is one.

        Where ``load`` raises, the snapshot is of another training, and nothing was changed.
        """

    def due(self) -> bool:
        """Whether the training is to be kept now; asked before every step."""

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; what it raises ends the training."""

    def end(self, snapshot: Callable[[], Snapshot]) -> None:
        """The training is finished; ``snapshot`` gives the last one."""


class Observer(Protocol):
    """Looks at a training while it goes on, and changes nothing of it.

    ``experiments.engine.watching`` has one. It is kept with the training, and goes on with it.
    """

    def look(self, step: int, net: Any) -> None:
        """``net`` has had ``step`` updates; called before each of them, and after the last."""

    def state_dict(self) -> Snapshot:
        """What it has seen so far."""

    def load_state_dict(self, state_dict: Snapshot) -> None:
        """Go on from what it had seen."""


class Held:
    """A training in the hands of a keeper, or of none.

    Args:
        keeper: the keeper.
        steps: of the whole training.
        rehearse: takes a step on copies, and raises where what was kept cannot be gone on from.
        parts: all that training changes: what has ``state_dict`` and ``load_state_dict``, by name;
            a part that is ``None`` is left out.
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
        """Go on from what was kept; returns the next step."""
        if self._keeper:
            self._keeper.begin(self._load)
        return self._step

    def at(self, step: int) -> None:
        """The training stands before ``step``."""
        self._step = step
        self.pause()

    def pause(self) -> None:
        """Where nothing is half done: keep the training, or even leave it."""
        if self._keeper and self._keeper.due():
            self._keeper.keep(self._snapshot())

    def end(self) -> None:
        """There are no more steps."""
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
