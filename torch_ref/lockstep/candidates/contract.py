"""A candidate's side in a run, watched for what no comparison of numbers would tell."""

from typing import Any

import numpy as np

from torch_ref.errors import LockstepError
from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate, as_quiet_as_torch


class ContractError(LockstepError):
    """The candidate did what the run cannot go on after; the message is a sentence about it."""


class Monitored:
    """A side that fails with the user's own line and notes what must not happen.

    Args:
        candidate: that the side is made from.
        settings: of its constructor.

    Attributes:
        changed_gradient: a sentence on the first gradient that it changed; or nothing.
        non_finite: a sentence on the first parameter that became inf or NaN; or nothing.
        precision: the only dtype that it can be run in, or nothing.
        remark: a sentence on what the run does not show, or nothing.

    >>> class Careless:
    ...     def update(self, params, grads):
    ...         grads["w"] *= 0.1
    >>> side = Monitored(Candidate.of(Careless), {})
    >>> side.start({"w": np.ones(2)})
    >>> side.step({"w": np.ones(2)})
    >>> side.changed_gradient
    "changes the gradients it is given: grads['w'] at step 1"
    """

    def __init__(self, candidate: Candidate, settings: dict[str, Any]) -> None:
        self._candidate, self._side = candidate, candidate.side(settings)
        self.name, self.strict = self._side.name, self._side.strict
        self.precision: str = getattr(self._side, "precision", "")
        self.remark: str = getattr(self._side, "remark", "")

    @property
    def optimizer(self) -> Any:
        """The object that takes the steps, whose lr may be assigned; ``None`` for a pair."""
        return getattr(self._side, "optimizer", None)

    @property
    def updates(self) -> bool:
        """Whether it is an object with ``update(params, grads)``."""
        return hasattr(self.optimizer, "update") or bool(getattr(self._side, "updates", False))

    def start(self, params: Arrays) -> None:
        self.steps, self._kinds = 0, {name: kind(w) for name, w in params.items()}
        self.changed_gradient = self.non_finite = ""
        doing = "the constructor" if self._candidate.takes_parameters else "its start"
        with self._candidate.blamed(f"{doing} raised"):
            self._side.start(params)

    def step(self, grads: Arrays) -> None:
        self.steps += 1
        given = {name: None if g is None else g.copy() for name, g in grads.items()}
        with as_quiet_as_torch(), self._candidate.blamed(f"step {self.steps} raised"):
            self._side.step(given)
            params = self._side.params()
        self._watch_gradients(grads, self._side.kept(given))
        self._watch_params(params, grads)

    def minimize(self, evaluate: Evaluate) -> None:
        self.steps += 1
        with self._candidate.blamed(f"step {self.steps} raised"):
            self._side.minimize(evaluate)
            params = self._side.params()
        self._watch_params(params, evaluate(params)[1])

    def params(self) -> Arrays:
        return self._side.params()

    def state(self) -> dict[str, Arrays]:
        return self._side.state()

    def scale_lr(self, factor: float) -> bool:
        return self._side.scale_lr(factor)

    def _watch_gradients(self, grads: Arrays, after: Arrays) -> None:
        for name, g in grads.items():
            if g is None or after.get(name) is None or self.changed_gradient:
                continue
            if not np.array_equal(g, after[name], equal_nan=True):
                self.changed_gradient = (
                    f"changes the gradients it is given: grads[{name!r}] at step {self.steps}"
                )

    def _watch_params(self, params: Arrays, grads: Arrays) -> None:
        for name, before in self._kinds.items():
            if name not in params:
                raise ContractError(f"takes {name!r} out of params at step {self.steps}")
            w = params[name]
            if kind(w) != before:
                raise ContractError(
                    f"turns params[{name!r}] from {before} into {kind(w)} at step {self.steps}"
                )
            bad = ~np.isfinite(w)
            if bad.any() and not self.non_finite:
                at = tuple(int(i) for i in np.argwhere(bad)[0])
                where = f"{name}[{', '.join(map(str, at))}]" if at else name
                g = (
                    ""
                    if grads[name] is None
                    else f", where the gradient is {float(grads[name][at]):g}"
                )
                self.non_finite = f"makes {where} {w[at]} at step {self.steps}{g}"


def kind(w: np.ndarray) -> str:
    """The dtype and the shape of a parameter.

    Raises:
        CandidateError: it has no numbers.

    >>> kind(np.zeros(2))
    'float64 of shape (2,)'
    """
    if not np.issubdtype(w.dtype, np.number) and w.dtype.name != "bfloat16":
        raise CandidateError(f"a parameter became {w.dtype}, not an array of numbers")
    return f"{w.dtype} of shape {w.shape}"
