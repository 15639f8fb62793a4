"""The contract of every optimizer: ``update(params, grads)``, in place, all or nothing."""

import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from numbers import Real
from typing import Any

import numpy as np

from scratch import _check

# A rule makes a few temporaries of its block's size. At 2¹⁵ elements they all stay in a core's L2
# cache, while the cost of calling NumPy is already small beside the work.
BLOCK = 2**15

State = dict[str, np.ndarray | int]


class NonFiniteGradientError(ValueError):
    """A gradient holds inf or NaN; nothing was changed."""


class Optimizer:
    """An update rule, applied to every parameter.

    A subclass says what it remembers of a parameter (:meth:`init_state`) and how one step changes
    it (:meth:`rule`); the rest is here.

    Args:
        lr: the learning rate η, >= 0. It may be assigned anew between two updates.
        weight_decay: λ of the coupled decay g ← g + λ·w, >= 0.
        maximize: go uphill, g ← −g.

    Attributes:
        state: for each parameter's name, its number of steps as ``"step"`` and its buffers, arrays
            of the parameter's shape and dtype, by the names torch gives them.
    """

    def __init__(self, lr: float, weight_decay: float = 0.0, maximize: bool = False) -> None:
        self.lr = _check.number("lr", lr, at_least=0)
        self.weight_decay = _check.number("weight_decay", weight_decay, at_least=0)
        self.maximize = bool(maximize)
        self.state: dict[str, State] = {}

    def init_state(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """The buffers for a parameter ``w`` before its first step."""
        return {}

    def rule(self, w: np.ndarray, g: np.ndarray, state: State) -> None:
        """Change ``w`` and the buffers in ``state`` by one step along the gradient ``g``, in place.

        ``state["step"]`` counts from 1. The rule must treat every element alike and alone: large
        arrays arrive in blocks.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    def update(
        self,
        params: MutableMapping[str, np.ndarray | float],
        grads: Mapping[str, np.ndarray | float | None],
    ) -> None:
        """Take one step: change every array of ``params`` in place.

        Args:
            params: name → float32 or float64 array, or a plain float as in the chapter's first
                example, which is replaced.
            grads: the same names → gradients of the same shape and dtype; ``None`` skips the
                parameter for this step, as torch does where ``p.grad is None``.

        Raises:
            KeyError: the names differ.
            TypeError, ValueError: a shape or dtype differs, or an array cannot be changed.
            NonFiniteGradientError: a gradient holds inf or NaN.

        Everything is checked before anything is changed.
        """
        self.lr = _check.number("lr", self.lr, at_least=0)
        arrays = _checked(params, grads)
        new = {}
        for name, (w, _) in arrays.items():
            if name in self.state:
                _check_state(name, w, self.state[name])
            else:
                new[name] = {"step": 0, **self.init_state(w)}
        self.state |= new
        # As in torch, what overflows is inf; NumPy would warn.
        with np.errstate(all="ignore"):
            for name, (w, g) in arrays.items():
                self.state[name]["step"] += 1
                for block in _blocks(w, g, self.state[name]):
                    self.rule(*block)
                if w is not params[name]:
                    params[name] = w[()] if isinstance(params[name], np.floating) else w.item()

    def regularized(self, w: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The gradient with ``maximize`` and the coupled weight decay, in torch's order."""
        if self.maximize:
            g = -g
        if self.weight_decay:
            g = g + self.weight_decay * w
        return g

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, as they stand now."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{type(self).__name__}({settings})"


def _checked(params: Mapping, grads: Mapping) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The (parameter, gradient) pairs to be changed, floats as arrays; raises if one is unfit."""
    if params.keys() != grads.keys():
        missing, unknown = params.keys() - grads.keys(), grads.keys() - params.keys()
        raise KeyError(
            f"params and grads must have the same keys; grads lacks {sorted(missing)} "
            f"and has {sorted(unknown)} besides"
        )
    arrays = {}
    for name, w in params.items():
        g = grads[name]
        if g is None:
            continue
        if isinstance(w, Real) and isinstance(g, Real):
            w = np.array(w, dtype=w.dtype if isinstance(w, np.floating) else np.float64)
        if isinstance(g, Real) and isinstance(w, np.ndarray) and w.ndim == 0:
            g = np.array(g, dtype=w.dtype)  # arithmetic on arrays of no axes gives plain numbers
        _check_pair(name, w, g)
        arrays[name] = w, g
    return arrays


def _check_pair(name: str, w: np.ndarray, g: np.ndarray) -> None:
    if isinstance(w, Real):
        raise TypeError(f"grads[{name!r}] must be a float like params[{name!r}], got {_kind(g)}")
    if not isinstance(w, np.ndarray) or w.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"params[{name!r}] must be a float, or an array of float32 or float64, got {_kind(w)}"
        )
    if not isinstance(g, np.ndarray) or (g.dtype, g.shape) != (w.dtype, w.shape):
        raise (ValueError if isinstance(g, np.ndarray) else TypeError)(
            f"grads[{name!r}] must be like params[{name!r}], {_kind(w)}, got {_kind(g)}"
        )
    if not w.flags.writeable:
        raise ValueError(f"params[{name!r}] is read-only; pass a copy")
    finite = np.isfinite(g)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise NonFiniteGradientError(
            f"grads[{name!r}] must be finite, got {g.size - np.count_nonzero(finite)} of {g.size} "
            f"elements inf or NaN, the first at {first}: {g[first]}"
        )


def _check_state(name: str, w: np.ndarray, state: State) -> None:
    for key, buffer in state.items():
        if key != "step" and (buffer.shape, buffer.dtype) != (w.shape, w.dtype):
            raise ValueError(
                f"params[{name!r}] is {_kind(w)}, but this optimizer's buffer {key!r} for it is "
                f"{_kind(buffer)}; use a new optimizer for new parameters"
            )


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"{value!r} ({type(value).__name__})"


def _blocks(w: np.ndarray, g: np.ndarray, state: State) -> Iterator[tuple]:
    """(w, g, state) in pieces of BLOCK elements that share the originals' memory."""
    step = state["step"]
    buffers = {key: buffer for key, buffer in state.items() if key != "step"}
    # Where an array is not contiguous, reshape would copy it, and the changes would be lost.
    if w.size <= BLOCK or not all(a.flags.c_contiguous for a in (w, *buffers.values())):
        yield w, g, state
        return
    buffers = {key: buffer.reshape(-1) for key, buffer in buffers.items()}
    w, g = w.reshape(-1), g.reshape(-1)
    for start in range(0, w.size, BLOCK):
        part = slice(start, start + BLOCK)
        yield w[part], g[part], {"step": step, **{key: b[part] for key, b in buffers.items()}}
