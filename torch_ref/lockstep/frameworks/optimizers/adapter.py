"""Anything that optimizes, behind one interface: start from parameters, step along gradients."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]
#: The loss and the gradients at parameters.
Evaluate = Callable[[Arrays], tuple[float, Arrays]]


class Adapter(Protocol):
    """One implementation in a run.

    Attributes:
        name: what it is called in a report.
        strict: whether its buffers must agree too, and not only the parameters: where they are
            known to be in torch's names and units.
        pair: in the registry, if it is one side of one: it says which gradients it takes.
    """

    name: str
    strict: bool
    pair: Any

    def start(self, params: Arrays) -> None:
        """Begin anew with copies of ``params``."""

    def step(self, grads: Arrays) -> None:
        """Take one step; a gradient may be ``None``."""

    def minimize(self, evaluate: Evaluate) -> None:
        """Take one step that may evaluate loss and gradients several times, if it takes such."""

    def add(self, name: str, w: np.ndarray) -> None:
        """Take a copy of one more parameter, between two steps."""

    def kept(self, grads: Arrays) -> Arrays:
        """The gradients of the last step, where the optimizer has them: ``grads``, or copies."""

    def params(self) -> Arrays:
        """The parameters as they stand."""

    def state(self) -> dict[str, Arrays]:
        """Return the known buffers by parameter, under the side's own names."""

    def scale_lr(self, factor: float) -> bool:
        """Multiply the learning rate, between two steps; ``False`` where it cannot be."""


@contextmanager
def as_quiet_as_torch() -> Iterator[None]:
    """Let what overflows be inf and the mean of nothing NaN, as in torch; NumPy would warn.

    >>> with as_quiet_as_torch():
    ...     print(np.float64(1e308) * 10, np.mean([]))
    inf nan
    """
    with (
        np.errstate(all="ignore"),
        warnings.catch_warnings(action="ignore", category=RuntimeWarning),
    ):
        yield


def gradients_of(side: Adapter) -> str:
    """Return the kind of gradients a side takes; see ``OptimizerPair.gradients``."""
    pair = getattr(side, "pair", None)
    return pair.gradients if pair else "dense"
