"""A training in progress, and the callbacks that it calls."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from scratch import _check

#: A training as it stands: dicts of lists, numbers, texts and arrays.
Snapshot = Mapping[str, Any]


class Callback:
    """What a training calls as it goes on; a subclass says what it does then.

    Its state is saved and resumed with the training.
    """

    def begin(self, training: "Training") -> None:
        """Called first; it may resume the training from a snapshot."""

    def before_step(self, step: int, net: Any) -> None:
        """Called before each update and after the last, when ``net`` has had ``step`` of them."""

    def after_step(self, training: "Training") -> None:
        """Called after each step, where the training can be saved."""

    def state_dict(self) -> Snapshot:
        """Return a snapshot of what it has seen."""
        return {}

    def load_state_dict(self, state_dict: Snapshot) -> None:
        """Resume from a snapshot."""


class Averaged(Protocol):
    """What averages the weights of a network: ``AveragedModel`` of ``scratch.nn`` or of torch."""

    def update_parameters(self, model: Any) -> None: ...

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


class Averaging(Callback):
    """Averages the weights as they are trained.

    Args:
        averaged: where to; ``scratch.nn.AveragedModel``, or torch's, of the network trained.
        start: the number of updates after which it begins; 0 for the weights before the first.
        every: so many updates lie between two weights that are averaged.

    >>> from scratch import nn, optim, train
    >>> import numpy as np
    >>> net = nn.MultiLayerNet(2, [3], 2)
    >>> averaged = nn.AveragedModel(net, nn.get_ema_avg_fn(0.9))
    >>> images, labels = np.zeros((4, 2), np.uint8), np.array([0, 1, 1, 1])
    >>> _ = train.fit(
    ...     net,
    ...     optim.SGD(lr=0.1),
    ...     images,
    ...     labels,
    ...     iterations=5,
    ...     batch_size=2,
    ...     callbacks=[Averaging(averaged, start=2)],
    ... )
    >>> averaged.n_averaged  # after 2, 3, 4 and 5 updates
    4
    """

    def __init__(self, averaged: Averaged, start: int = 0, every: int = 1) -> None:
        if not callable(getattr(averaged, "update_parameters", None)):
            raise TypeError(f"averaged must be an AveragedModel, got {_check.shown(averaged)}")
        self.averaged = averaged
        self.start = _check.integer("start", start, at_least=0)
        self.every = _check.integer("every", every, at_least=1)

    def before_step(self, step: int, net: Any) -> None:
        """Average, if it is time for that."""
        if step >= self.start and (step - self.start) % self.every == 0:
            self.averaged.update_parameters(net)

    def state_dict(self) -> Snapshot:
        """Return that of the average."""
        return dict(self.averaged.state_dict())

    def load_state_dict(self, state_dict: Snapshot) -> None:
        """Go on with the average of a snapshot."""
        self.averaged.load_state_dict(state_dict)


class Training:
    """A training as it stands.

    Args:
        steps: of the whole training.
        callbacks: what it calls.
        rehearse: takes a step on copies, and raises if a snapshot cannot be resumed from.
        pack: turns the state of the parts into what a snapshot may hold,
        unpack: and back.
        parts: everything that training changes, by name, each with ``state_dict`` and
            ``load_state_dict``; a part that is ``None`` is left out.

    Attributes:
        step: the next one; ``steps`` for the evaluation after the last, and then one more.
    """

    def __init__(
        self,
        steps: int,
        callbacks: Sequence[Callback],
        rehearse: Callable[[], None] = lambda: None,
        pack: Callable[[Any], Any] = lambda state: state,
        unpack: Callable[[Any], Any] = lambda state: state,
        **parts: Any,
    ) -> None:
        self.step, self.steps, self.callbacks = 0, steps, callbacks
        self._rehearse, self._pack, self._unpack = rehearse, pack, unpack
        self._parts = {name: part for name, part in parts.items() if part is not None}
        self._parts |= {f"callback {i}": callback for i, callback in enumerate(callbacks)}

    @property
    def finished(self) -> bool:
        """Whether no step is left, nor an evaluation."""
        return self.step > self.steps

    def state_dict(self) -> Snapshot:
        """Return a snapshot of all parts."""
        parts = {name: self._pack(part.state_dict()) for name, part in self._parts.items()}
        return {"step": self.step, **parts}

    def load_state_dict(self, state_dict: Snapshot) -> None:
        """Resume from a snapshot; where that raises, everything is as before."""
        step, before = _check.integer("step", state_dict["step"], at_least=0), self.state_dict()
        if step > self.steps + 1:
            raise ValueError(f"step must be at most {self.steps + 1}, got {step}")
        try:
            self._load(state_dict)
            self._rehearse()
        except Exception:
            self._load(before)
            raise
        self.step = step

    def _load(self, state_dict: Snapshot) -> None:
        for name, part in self._parts.items():
            part.load_state_dict(self._unpack(state_dict[name]))
