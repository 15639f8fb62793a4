"""How an answer that is a function is held beside the project's own."""

from collections.abc import Callable
from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError
from torch_ref.lockstep.check import check
from torch_ref.lockstep.result import Result


def weights(against: str) -> Callable[[Any], Result]:
    """The check of ``f(n_in, n_out)``, whose weights are (in, out) as in the chapter."""

    def mark(answer: Callable[[int, int], Any]) -> Result:
        def draw(shape: tuple[int, int]) -> np.ndarray:
            n_out, n_in = shape
            return np.asarray(answer(n_in, n_out)).T

        _look_at_shape(answer, (48, 64))
        return check(_in_place_of(answer, draw), against)

    return mark


def _look_at_shape(answer: Callable[[int, int], Any], wanted: tuple[int, int]) -> None:
    with Candidate.of(answer).blamed("it raised"):
        found = np.shape(answer(*wanted))
    if found != wanted:
        raise CandidateError(f"it gave the shape {found} in place of {wanted}")


def forward(answer: Callable[..., Any]) -> Result:
    """The check of ``f(x, gamma, beta)``, in training."""
    return check(answer, "BatchNorm1d")


def backward(answer: Callable[..., Any]) -> Result:
    """The check of ``f(dy, x, gamma, eps)``, behind a forward pass that is right."""

    class Layer:
        def __init__(self, num_features: int, eps: float = 1e-5) -> None:
            self.gamma, self.beta, self.eps = np.ones(num_features), np.zeros(num_features), eps

        def forward(self, x: np.ndarray) -> np.ndarray:
            self.x = x
            std = np.sqrt(x.var(axis=0) + self.eps)
            return self.gamma * (x - x.mean(axis=0)) / std + self.beta

        def backward(self, dy: np.ndarray) -> Any:
            dx, self.dgamma, self.dbeta = answer(dy, self.x, self.gamma, self.eps)
            return dx

    return check(_in_place_of(answer, Layer), "BatchNorm1d")


def _in_place_of(answer: Any, target: Any) -> Candidate:
    """What is run for an answer, under its name; what it raises has the line in its file."""
    target.__name__ = answer.__name__
    return Candidate(answer.__name__, target, Candidate.of(answer).file)
