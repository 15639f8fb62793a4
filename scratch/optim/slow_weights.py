"""Lookahead: k steps forward, one step back, around any optimizer."""

from typing import Any, TypeVar

from scratch import _check
from scratch._settings import KW_ONLY, AtLeast1, Share
from scratch.optim.adam import Adam
from scratch.optim.base import Optimizer
from scratch.optim.lbfgs import LBFGS
from scratch.typing import Array, State

Around = TypeVar("Around", bound=Optimizer)
#: One class for each, so that two of its optimizers are of one kind.
_MADE: dict[Any, Any] = {}


def lookahead(cls: type[Around]) -> type[Around]:
    r"""The class of an optimizer that looks ahead with the steps of ``cls``.

    .. math::
        w &\leftarrow \text{a step of the optimizer from } w \\
        \phi &\leftarrow \phi + \alpha (w - \phi), \quad w \leftarrow \phi
            \qquad \text{at every k-th step}

    The fast weights w explore; the slow weights φ, which begin where w begins, follow them by a
    part α of the way and call them back (Zhang et al. 2019, "Lookahead optimizer: k steps forward,
    1 step back", arXiv:1907.08610). The optimizer's own buffers go on as they are. Every parameter
    counts its own steps: one whose gradient is missing waits.

    Args:
        cls: any optimizer that takes gradients. Its class has two more settings, and one more
            buffer, ``slow`` (φ):

            * ``sync_period``: k;
            * ``slow_step_size``: α.

    >>> from scratch.optim import SGD
    >>> import numpy as np
    >>> params, optimizer = {"w": np.array([1.0])}, lookahead(SGD)(lr=0.1, sync_period=2)
    >>> for _ in range(2):
    ...     optimizer.update(params, {"w": np.array([1.0])})
    >>> params["w"]  # half of the way to 0.8
    array([0.9])
    """
    if not (isinstance(cls, type) and issubclass(cls, Optimizer)) or issubclass(cls, LBFGS):
        raise TypeError(
            "cls must be the class of an optimizer that takes a step for each gradient, such as "
            f"Adam, got {_check.shown(cls)}"
        )
    if hasattr(cls, "sync_period"):
        raise TypeError(f"cls must not be what lookahead made already, got {cls.__name__}")
    made: type[Around] = _MADE.setdefault(cls, _MADE.get(cls) or _made(cls))
    return made


def _made(cls: Any) -> Any:
    class Lookahead(cls):  # type: ignore[misc] # a class that is not known before
        __doc__ = f"{cls.__name__} with Lookahead around it; see :func:`lookahead`."

        _: KW_ONLY
        sync_period: AtLeast1 = 5
        slow_step_size: Share = 0.5

        def init_state(self, w: Array) -> State:
            return {**super().init_state(w), "slow": w.copy()}

        def rule(self, w: Array, g: Array, state: State) -> None:
            super().rule(w, g, state)
            if state["step"] % self.sync_period == 0:
                slow = state["slow"]
                slow += self.slow_step_size * (w - slow)
                w[...] = slow

    Lookahead.__name__ = Lookahead.__qualname__ = f"Lookahead{cls.__name__}"
    return Lookahead


LookaheadAdam = lookahead(Adam)
