"""What an update needs to know of arrays: whether they fit, and how to take them block by block."""

import copy
import math
from collections.abc import Iterator, Mapping, MutableMapping
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from scratch import _check
from scratch.typing import Array, Rate, Shape, State

if TYPE_CHECKING:
    from scratch.optim.base import Optimizer

# A rule makes a few temporaries of its block's size. At 2¹⁷ elements they stay in the processor's
# last cache, and the cost of calling NumPy is small beside the work. From 2¹⁶ elements of float32
# on NumPy also puts a result into the place of a temporary that nobody needs any more.
BLOCK = 2**17

_FLOATING = (np.dtype(np.float32), np.dtype(np.float64))

Kind = tuple[Shape, np.dtype]


class NonFiniteGradientError(ValueError):
    """A gradient holds inf or NaN; nothing was changed."""


def replaceable(name: str, params: Mapping[str, object]) -> MutableMapping[str, object]:
    """Return ``params``, or raise if a number in it cannot be replaced by another."""
    if not isinstance(params, MutableMapping):
        raise TypeError(
            f"params must be a dict for the number params[{name!r}] to be replaced, got a "
            f"{type(params).__name__}"
        )
    return params


def replace_number(params: Mapping[str, object], name: str, w: Array) -> None:
    """Put the number in ``w`` in the place of the plain one that it was made of."""
    before = params[name]
    number = type(before)(w.item()) if isinstance(before, np.floating) else w.item()
    replaceable(name, params)[name] = number


def kind(w: Array) -> Kind:
    """What must stay the same of a parameter from one update to the next."""
    return w.shape, w.dtype


def per_run(values: Rate, w: Array) -> Rate:
    """Values (K,) so that they multiply something like ``w``, as (K, 1, …); a number as it is."""
    if not isinstance(values, np.ndarray):
        return values
    return values.astype(w.dtype).reshape(-1, *[1] * (w.ndim - 1))


def check_names(params: Mapping[str, object], grads: Mapping[str, object]) -> None:
    """Raise if the two do not have the same keys."""
    _check.mapping("params", params)
    _check.mapping("grads", grads)
    if params.keys() != grads.keys():
        missing, unknown = params.keys() - grads.keys(), grads.keys() - params.keys()
        raise KeyError(
            f"params and grads must have the same keys; grads lacks {sorted(missing)} "
            f"and has {sorted(unknown)} besides"
        )


def as_arrays(w: object, g: object) -> tuple[object, object]:
    """A plain number and its gradient as arrays; what is no number as it is."""
    if isinstance(w, np.ndarray) and isinstance(g, np.ndarray):
        return w, g
    if isinstance(w, Real) and isinstance(g, Real):
        w = np.array(w, dtype=w.dtype if isinstance(w, np.floating) else np.float64)
    if isinstance(g, Real) and isinstance(w, np.ndarray) and w.ndim == 0:
        g = np.array(g, dtype=w.dtype)  # arithmetic on arrays of no axes gives plain numbers
    return w, g


def parameter(name: str, w: object, g: object) -> Array:
    """Return ``w``, or raise if it is no array that can be changed; ``g`` is for the message."""
    if not isinstance(w, np.ndarray) or w.dtype not in _FLOATING:
        if isinstance(w, Real):
            raise TypeError(
                f"grads[{name!r}] must be a float like params[{name!r}], got {shown(g)}"
            )
        raise TypeError(
            f"params[{name!r}] must be a float, or an array of float32 or float64, got {shown(w)}"
        )
    if not w.flags.writeable:
        raise ValueError(f"params[{name!r}] is read-only; pass a copy")
    return w


def check_gradient(name: str, w: Array, g: object) -> None:
    """Raise if ``g`` is no finite array like ``w``."""
    check_finite(f"grads[{name!r}]", gradient(name, w, g))


def gradient(name: str, w: Array, g: object) -> Array:
    """Return ``g``, or raise if it is no array like ``w``."""
    if not isinstance(g, np.ndarray) or g.shape != w.shape or g.dtype != w.dtype:
        raise (ValueError if isinstance(g, np.ndarray) else TypeError)(
            f"grads[{name!r}] must be like params[{name!r}], {shown(w)}, got {shown(g)}"
        )
    return g


def check_finite(name: str, g: Array) -> None:
    """Raise if an element of ``g`` is inf or NaN."""
    # One that is not finite makes the sum of squares so. It is the fastest sum there is, and only
    # where it overflows is there anything to look for.
    if math.isfinite(np.vdot(g, g)):
        return
    finite = np.isfinite(g)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise NonFiniteGradientError(
            f"{name} must be finite, got {g.size - np.count_nonzero(finite)} of {g.size} "
            f"elements inf or NaN, the first at {first}: {g[first]}"
        )


def check_runs(name: str, w: Array, lr: Rate) -> None:
    """Raise if there is a learning rate for each run, and ``w`` has not as many runs."""
    if isinstance(lr, np.ndarray) and w.shape[:1] != lr.shape:
        raise ValueError(
            f"params[{name!r}] must have a leading axis of {len(lr)}, as many runs as lr has "
            f"values, got shape {w.shape}"
        )


def check_state(
    name: str, w: Array, state: State, expected: State, numbers: tuple[str, ...]
) -> None:
    """Raise if the ``state`` of a parameter is not one that ``w`` can have."""
    if not state.keys() >= expected.keys():
        raise ValueError(
            f"the state of {name!r} must hold {', '.join(expected)}, got {_check.names(state)}; "
            "it began with other settings: use a new optimizer, or settings as they were"
        )
    for key, buffer in expected.items():
        if key in numbers:
            if not np.isfinite(state[key]).all():
                raise ValueError(
                    f"the state of {name!r} must be finite, got {key}={_check.shown(state[key])}"
                )
        elif not isinstance(state[key], np.ndarray) or kind(state[key]) != kind(buffer):
            raise ValueError(
                f"params[{name!r}] is {shown(w)}, but this optimizer's buffer {key!r} for it is "
                f"{shown(state[key])}; use a new optimizer for new parameters"
            )
        elif not state[key].flags.writeable:
            raise ValueError(f"the buffer {key!r} of {name!r} is read-only; pass a copy")


def shown(value: object) -> str:
    """A value for a message: an array by its dtype and shape."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"{_check.shown(value)} ({type(value).__name__})"


def blocks(
    optimizer: "Optimizer", w: Array, g: Array, state: State
) -> Iterator[tuple["Optimizer", Array, Array, State]]:
    """(optimizer, w, g, state) in pieces of about BLOCK elements that share the originals' memory.

    Where ``optimizer.lr`` is an array (K,), the pieces are (K, n), and that of the optimizer that
    comes with them is (K, 1).
    """
    if isinstance(optimizer.lr, np.ndarray):
        optimizer = copy.copy(optimizer)
        optimizer.lr = optimizer.lr_for(w)
    if w.size <= BLOCK or not optimizer.elementwise:
        yield optimizer, w, g, state
        return
    buffers = {key: b for key, b in state.items() if np.shape(b) == w.shape and w.ndim}
    # Where an array is not contiguous, reshape would copy it, and the changes would be lost.
    contiguous = all(a.flags.c_contiguous for a in (w, *buffers.values()))
    if not contiguous:
        yield optimizer, w, g, state
        return
    rows = 1
    if isinstance(optimizer.lr, np.ndarray):
        rows = len(optimizer.lr)
        optimizer.lr = optimizer.lr.reshape(-1, 1)
    w, g = w.reshape(rows, -1), g.reshape(rows, -1)
    buffers = {key: buffer.reshape(rows, -1) for key, buffer in buffers.items()}
    width = max(1, BLOCK // rows)
    for start in range(0, w.shape[1], width):
        part = np.s_[:, start : start + width]
        yield optimizer, w[part], g[part], state | {key: b[part] for key, b in buffers.items()}
