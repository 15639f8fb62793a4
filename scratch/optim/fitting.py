"""Checks that parameters, gradients and state fit together."""

import math
import warnings
from collections.abc import Callable, Mapping, MutableMapping
from fnmatch import fnmatchcase
from itertools import pairwise
from numbers import Complex, Real
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from scratch import _check
from scratch.optim.complex_numbers import as_real
from scratch.optim.row_gradient import RowGradient
from scratch.typing import Array, Rate, Shape, State

#: name → an array, which is changed in place, or a number, which is replaced by another.
Params = Mapping[str, Array | float | np.floating]
#: The same names → gradients; ``None`` skips the parameter, rows are for ``SparseAdam``.
Grads = Mapping[str, Array | float | np.floating | RowGradient | None]
#: The loss and the gradients where the parameters stand.
Closure = Callable[[], tuple[float, Grads]]

_TYPES: tuple[type, ...] = (np.float32, np.float64, np.float16, np.complex64, np.complex128)
_FLOATING = tuple(map(np.dtype, _TYPES))


#: The buffers that are sums and averages of squares, or sizes.
_NEVER_NEGATIVE = frozenset(
    ("exp_avg_sq", "max_exp_avg_sq", "square_avg", "acc_delta", "sum", "exp_inf", "step_size")
)

Kind = tuple[Shape, np.dtype]


class NonFiniteGradientError(ValueError):
    """A gradient holds inf or NaN; nothing was changed."""


def evaluated(closure: object) -> tuple[float, Grads]:
    """Return what a closure returns; raise if that is not the loss and the gradients."""
    given = closure() if callable(closure) else closure
    if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping)):
        raise TypeError(
            f"closure must be a function that returns (loss, grads), got {_check.shown(given)}"
        )
    return given


def loss_and_grads(grads: Grads | None, closure: Closure | None) -> tuple[float | None, Grads]:
    """Return the gradients an update is given, or what its closure returns."""
    if closure is not None and grads is None:
        return evaluated(closure)
    if closure is None and grads is not None:
        return None, grads
    given = "neither" if grads is None else "both"
    raise TypeError(f"update takes either grads or a closure that gives them, got {given}")


def kind(a: Array) -> Kind:
    """Return what must not change about an array from one update to the next."""
    return a.shape, a.dtype


def check_names(params: Mapping[str, Any], grads: Mapping[str, Any]) -> None:
    """Raise if the two do not have the same keys."""
    _check.mapping("params", params)
    _check.mapping("grads", grads)
    if params.keys() != grads.keys():
        missing, unknown = params.keys() - grads.keys(), grads.keys() - params.keys()
        raise KeyError(
            f"params and grads must have the same keys; grads lacks {sorted(missing, key=str)} "
            f"and has {sorted(unknown, key=str)} besides"
        )


def check_apart(params: Mapping[str, Any]) -> None:
    """Raise if two names have one array, which would take two steps at once."""
    arrays = [(name, w) for name, w in params.items() if isinstance(w, np.ndarray) and w.size]
    places = sorted((*byte_bounds(w), i) for i, (_, w) in enumerate(arrays))
    for (_, end, i), (start, _, j) in pairwise(places):
        (other, v), (name, w) = arrays[min(i, j)], arrays[max(i, j)]
        if start < end and np.shares_memory(v, w):
            raise ValueError(
                f"params[{name!r}] must have memory of its own, got that of params[{other!r}]; "
                "give the array under one name, with the sum of both gradients"
            )


def as_arrays(params: Mapping[str, Any], name: str, g: object) -> tuple[Array, Any]:
    """A parameter that can be changed, and its gradient; numbers become arrays of no axes."""
    w = params[name]
    if not isinstance(w, np.ndarray) and isinstance(w, Real):
        if not isinstance(g, Real):
            raise TypeError(
                f"grads[{name!r}] must be a float like params[{name!r}], got {_check.shown(g)}"
            )
        if not isinstance(params, MutableMapping):
            raise TypeError(
                f"params must be a dict for the number params[{name!r}] to be replaced, got a "
                f"{type(params).__name__}"
            )
        params[name] = w  # a mapping that refuses it raises here, and nothing has changed yet
        w = np.array(w, dtype=w.dtype if isinstance(w, np.floating) else np.float64)
    if not _check.is_plain(w) or not _is_floating(w.dtype):
        raise TypeError(
            f"params[{name!r}] must be a float, or an array of float64, float32, float16, "
            f"bfloat16, complex64 or complex128, got {_check.shown(w)}"
        )
    if not w.flags.writeable:
        raise ValueError(f"params[{name!r}] is read-only; pass a copy")
    # What arithmetic makes of arrays of no axes is a number, too.
    if w.ndim == 0 and isinstance(g, Complex if w.dtype.kind == "c" else Real):
        g = np.array(g, dtype=w.dtype)
    return w, g


def _is_floating(dtype: np.dtype) -> bool:
    """Whether parameters may be of it; ``bfloat16`` is that of the package ``ml_dtypes``."""
    return dtype in _FLOATING or dtype.name == "bfloat16"


def replace_number(params: Mapping[str, Any], name: str, w: Array) -> None:
    """Replace the plain number that ``w`` was made of by the number in it."""
    before: Any = params[name]
    number = type(before)(w.item()) if isinstance(before, np.floating) else w.item()
    params[name] = number  # type: ignore[index] # as_arrays has seen that it can be


def gradient_like(name: str, w: Array, g: object) -> Array:
    """Return ``g``, or raise unless it is an array like the parameter ``w``."""
    wrong: type[Exception] = TypeError
    if _check.is_plain(g):
        if g.shape == w.shape and g.dtype == w.dtype:
            return g
        wrong = ValueError
    raise wrong(
        f"grads[{name!r}] must be like params[{name!r}], {_check.shown(w)}, got {_check.shown(g)}"
    )


def like_parameters(params: Mapping[str, Any], grads: Mapping[str, Any]) -> Mapping[str, Any]:
    """The gradients of the parameters alone, real numbers in the parameters' dtypes."""
    if not isinstance(params, Mapping) or not isinstance(grads, Mapping):
        return grads  # which the update refuses
    return {name: _converted(params[name], g) for name, g in grads.items() if name in params}


def _converted(w: Any, g: Any) -> Any:
    arrays = isinstance(w, np.ndarray) and isinstance(g, np.ndarray)
    if not arrays or w.dtype.kind != "f" or g.dtype.kind not in "fiu":
        return g
    return g.astype(w.dtype, copy=False)


def check_finite(name: str, g: Array, of: str = "") -> None:
    """Raise if an element of ``g`` is inf or NaN: the gradient ``name``, or an attribute of it."""
    # An element that is not finite makes the sum of squares not finite. That is the fastest sum
    # there is, and the elements are looked at only where it overflows.
    if math.isfinite(np.vdot(g, g).real):
        return
    finite = np.isfinite(g)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise NonFiniteGradientError(
            f"grads[{name!r}]{of} must be finite, got {np.count_nonzero(~finite)} of {g.size} "
            f"elements inf or NaN, the first at {first}: {g[first]}"
        )


def check_real(name: str, w: Array, optimizer: str) -> None:
    """Raise if the parameter is complex, for an optimizer that does not take each element alone."""
    if w.dtype.kind == "c":
        raise TypeError(
            f"params[{name!r}] must be real for {optimizer}, which does not take every number "
            f"alone, got {_check.shown(w)}"
        )


def check_rate(name: str, w: Array, lr: Rate) -> None:
    """Raise if there is a learning rate for each run, and ``w`` has not as many runs."""
    if isinstance(lr, np.ndarray) and w.shape[:1] != lr.shape:
        raise ValueError(
            f"params[{name!r}] must have a leading axis of {len(lr)}, as many runs as lr has "
            f"values, got shape {w.shape}"
        )


def state_for(
    name: str,
    w: Array,
    known: State | None,
    fresh: State,
    late: tuple[str, ...],
    numbers: tuple[str, ...],
) -> State:
    """Return the ``known`` state of a parameter, with ``late`` buffers added, or a ``fresh`` one.

    Raises if the known state does not fit ``w``.
    """
    if known is None:
        return fresh
    state = {key: fresh[key] for key in late if key in fresh} | known
    if not state.keys() >= fresh.keys():
        raise ValueError(
            f"the state of {name!r} must hold {', '.join(fresh)}, got {_check.names(state)}; "
            "it began with other settings: use a new optimizer, or settings as they were"
        )
    for key, value in fresh.items():
        if key not in numbers:
            _check_buffer(name, w, key, state[key], value)
        elif not _is_number(state[key]):
            raise ValueError(
                f"the state of {name!r} must be finite and >= 0, got "
                f"{key}={_check.shown(state[key])}"
            )
    return state


def _is_number(value: Any) -> bool:
    """Whether ``value`` is a finite number >= 0, or an array of such."""
    numbers = np.asarray(value)
    return numbers.dtype.kind in "fiu" and bool((np.isfinite(numbers) & (numbers >= 0)).all())


def _check_buffer(name: str, w: Array, key: str, found: Any, expected: Array) -> None:
    if not _check.is_plain(found) or kind(found) != kind(expected):
        raise ValueError(
            f"params[{name!r}] is {_check.shown(w)}, but this optimizer's buffer {key!r} for it is "
            f"{_check.shown(found)}; use a new optimizer for new parameters"
        )
    if not found.flags.writeable:
        raise ValueError(f"the buffer {key!r} of {name!r} is read-only; pass a copy")
    if key in _NEVER_NEGATIVE and (as_real(found) < 0).any():
        raise ValueError(f"the buffer {key!r} of {name!r} must be >= 0, got {found.min()}")


def states(name: str, value: Any) -> dict[str, State]:
    """Return the states of all parameters, or raise if they are not dicts that count steps."""
    for key, state in _check.mapping(name, value).items():
        step = _check.mapping(f"{name}[{key!r}]", state).get("step")
        _check.integer(f"{name}[{key!r}]['step']", step, at_least=0)
    return dict(value)


def warn_of_idle(groups: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Warn the caller of the update of patterns that fit no name."""
    idle = [pattern for pattern in groups if not any(fnmatchcase(n, pattern) for n in params)]
    if idle:
        patterns = ", ".join(map(repr, idle))
        message = f"groups has {patterns}, which fits none of the names {_check.names(params)}"
        warnings.warn(message, stacklevel=4)
