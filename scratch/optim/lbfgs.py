"""LBFGS: the curvature, from the steps it has taken."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Annotated, Any

import numpy as np

from scratch import _check
from scratch._settings import KW_ONLY, AtLeast0, AtLeast1, Flag, Number, choice
from scratch._signals import SignalsWait
from scratch.optim.base import Groups, Optimizer
from scratch.optim.fitting import (
    Closure,
    Grads,
    Kind,
    Params,
    as_arrays,
    check_names,
    evaluated,
    gradient_like,
    kind,
    replace_number,
)
from scratch.optim.line_search import Point, strong_wolfe
from scratch.typing import Array, State


class LBFGS(Optimizer):
    r"""Limited-memory BFGS, as ``torch.optim.LBFGS``.

    .. math::
        d = -H g, \qquad w \leftarrow w + t d

    H, the inverse of the second derivatives, is estimated from how the gradient changed in the last
    steps: see :class:`Curvature`. One update takes up to ``max_iter`` such steps, evaluating loss
    and gradient anew for each, and is therefore given a closure. For full batches: it takes the
    noise of small ones for curvature (Nocedal 1980, "Updating quasi-Newton matrices with limited
    storage"; Liu and Nocedal 1989, "On the limited memory BFGS method for large scale
    optimization").

    Args:
        lr: t without a line search, and with one the t to try first; times min(1, 1/Σ|g|) in the
            very first step, whose direction is −g.
        max_iter: the most steps in an update, >= 1.
        max_eval: the most evaluations in an update, >= 1, looked at after each step (a line search
            may take one more); 5/4 of ``max_iter`` if ``None``.
        tolerance_grad: an update ends where no element of the gradient is larger.
        tolerance_change: an update ends where no parameter, or not the loss, changes by more, or
            the slope along d is flatter.
        history_size: how many steps H is estimated from, >= 1.
        line_search_fn: ``None``, or "strong_wolfe": see ``line_search.strong_wolfe``. Without one
            the loss may grow.
        maximize: go uphill.
        groups: must be left out: H is one for all parameters.

    A gradient that is ``None`` is zero. Where a step leads to a gradient that is not finite, or the
    closure raises, all is put back as it was before the update.

    State: as in torch it is that of all parameters as one vector of n elements, in the order of
    ``params``, and kept with the first: the directions ``d``, the length ``t``, the last m changes
    of the gradient ``old_dirs`` (m, n) and of the parameters ``old_stps`` (m, n), ``ro`` (m,),
    ``H_diag``, ``prev_flat_grad``, ``prev_loss``, and how many steps and evaluations there were,
    ``n_iter`` and ``func_evals``. In torch the histories are lists. Of state that is loaded only
    the number of elements tells which parameters it is for.

    >>> params = {"x": np.array(-7.0), "y": np.array(2.0)}
    >>> def closure():  # the chapter's surface, x²/20 + y²
    ...     x, y = params["x"], params["y"]
    ...     return float(x * x / 20 + y * y), {"x": x / 10, "y": 2 * y}
    >>> LBFGS(line_search_fn="strong_wolfe").update(params, closure=closure)  # the loss before
    6.45
    >>> closure()[0] < 1e-9
    True
    """

    lr: AtLeast0 = 1
    max_iter: AtLeast1 = 20
    max_eval: AtLeast1 | None = None
    tolerance_grad: Number = 1e-7
    tolerance_change: Number = 1e-9
    history_size: AtLeast1 = 100
    line_search_fn: Annotated[str, choice("strong_wolfe")] | None = None
    _: KW_ONLY
    maximize: Flag = False

    elementwise = False

    def _checked_groups(self, groups: Any) -> Groups:
        if _check.mapping("groups", groups):
            raise ValueError(
                "groups must be left out: LBFGS estimates one curvature for all parameters, so "
                f"that none can have settings of its own; got {_check.shown(groups)}"
            )
        return {}

    def init_state(self, w: Array) -> State:
        return {"func_evals": 0, "n_iter": 0}  # the rest comes with the first step

    def update(
        self, params: Params, grads: Grads | None = None, closure: Closure | None = None
    ) -> float | None:
        """Take up to ``max_iter`` steps: change every array of ``params`` in place.

        Args:
            params: name → float32 or float64 array, or a plain float, which is replaced. The same
                in every update.
            grads: must be left out: the closure gives them.
            closure: gives (loss, grads) where ``params`` stand; called several times.

        Returns:
            The loss before the first step.

        Raises:
            KeyError, TypeError, ValueError, NonFiniteGradientError: as every optimizer.
        """
        if grads is not None or closure is None:
            raise TypeError(
                "LBFGS takes no grads but a closure, as it evaluates them several times: "
                "update(params, closure=…) with a function that returns (loss, grads)"
            )
        landscape = _Landscape(params, closure, self)
        loss, g = landscape.evaluate()
        landscape.check_finite(g)
        if g.size:
            state = self._state_for(landscape, g)
            start, before = landscape.position(), (self.state, self._fitting)
            try:
                with self.quiet():
                    self._descend(landscape, loss, g, state)
                self.state = {next(iter(params)): state}
                self._fitting = {name: (state, fits) for name, fits in landscape.kinds.items()}
            except BaseException:
                with SignalsWait():
                    landscape.move_to(start)
                    self.state, self._fitting = before
                raise
        return -loss if self.maximize else loss

    def _descend(self, landscape: "_Landscape", loss: float, g: Array, state: State) -> None:
        """Take the steps, and keep in ``state`` what the next update needs."""
        state["step"] += 1
        state["func_evals"] += 1
        if _largest(g) <= self.tolerance_grad:
            return
        max_eval = self.max_iter * 5 // 4 if self.max_eval is None else self.max_eval
        curvature, evaluations = Curvature(self.history_size, state), 1
        for iteration in range(1, self.max_iter + 1):
            landscape.check_finite(g)
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, t = -g, min(1.0, 1.0 / np.abs(g).sum()) * self.lr
            else:
                curvature.add(g - state["prev_flat_grad"], state["d"] * state["t"])
                d, t = -curvature.inverse_times(g), self.lr
            state |= {"d": d, "t": float(t), "prev_flat_grad": g, "prev_loss": loss}
            slope = g @ d
            if slope > -self.tolerance_change:
                break
            here, used, x = Point(0.0, loss, g, slope), 0, landscape.position()
            if self.line_search_fn is not None:
                line, left = landscape.along(x, d), max_eval - evaluations
                (t, loss, g, _), used = strong_wolfe(line, here, t, _largest(d), left)
                landscape.move_to(x + t * d)
            else:
                landscape.move_to(x + t * d)
                if iteration < self.max_iter:  # after the last step the loss is not needed
                    (loss, g), used = landscape.evaluate(), 1
            state["t"] = float(t)
            state["func_evals"] += used
            evaluations += used
            if (
                evaluations >= max_eval
                or _largest(g) <= self.tolerance_grad
                or _largest(d * t) <= self.tolerance_change
                or abs(loss - here.loss) < self.tolerance_change
            ):
                break
        state |= curvature.state(g)

    def _state_for(self, landscape: "_Landscape", g: Array) -> State:
        """The state before an update, to be changed."""
        kinds, first = landscape.kinds, next(iter(landscape.kinds))
        if not self.state:
            return {"step": 0, **self.init_state(g)}
        state = self.state.get(first)
        known = {name: fits for name, (of, fits) in self._fitting.items() if of is state}
        if state is not None:
            _check_curvature(first, state)
            if not known and kind(state.get("d", g)) == kind(g):  # loaded
                known = kinds
        if list(known.items()) != list(kinds.items()):
            raise ValueError(
                "params must have the names, order, shapes and dtypes that they had in the last "
                f"update, {_shown(known) or 'of others'}, got {_shown(kinds)}; use a new optimizer "
                "for new parameters"
            )
        return dict(state or {})


def _check_curvature(name: str, state: State) -> None:
    """Raise unless a loaded state is one that an update left."""
    if not state.get("n_iter"):
        return
    vectors, histories = ("d", "prev_flat_grad"), ("old_dirs", "old_stps")
    missing = {*vectors, *histories, "t", "ro", "H_diag", "prev_loss"} - state.keys()
    if missing:
        raise ValueError(f"the state of {name!r} lacks {', '.join(sorted(missing))}")
    n, m = np.size(state["d"]), np.size(state["ro"])
    shapes = dict.fromkeys(vectors, (n,)) | dict.fromkeys(histories, (m, n)) | {"ro": (m,)}
    for key, shape in shapes.items():
        if np.shape(state[key]) != shape:
            raise ValueError(
                f"the state of {name!r} must have {key} of shape {shape}, as d and ro have it, "
                f"got {np.shape(state[key])}"
            )


class Curvature:
    r"""The inverse Hessian H as the last m steps s and gradient changes y show it.

    H is γ·I, corrected for each pair in turn so that H·y = s:

    .. math::
        H \leftarrow (I - \rho s y^T)\, H\, (I - \rho y s^T) + \rho s s^T,
        \qquad \rho = \frac1{y^T s}, \qquad \gamma = \frac{y^T s}{y^T y} \text{ of the last pair}

    It is never formed: the product with a vector takes two loops over the pairs (Nocedal and Wright
    2006, "Numerical optimization", algorithm 7.4).

    Args:
        size: how many pairs are kept.
        state: of an optimizer, to resume from.

    >>> curvature = Curvature(size=5)
    >>> curvature.add(y=np.array([8.0, 0.0]), s=np.array([2.0, 0.0]))  # 4 is the second derivative
    >>> curvature.inverse_times(np.array([1.0, 0.0]))
    array([0.25, 0.  ])
    """

    def __init__(self, size: int, state: State | None = None) -> None:
        state = state or {}
        histories = (state.get(key, ()) for key in ("old_dirs", "old_stps", "ro"))
        self._pairs = deque(zip(*histories, strict=True), maxlen=size)
        self._scale = state.get("H_diag", 1.0)

    def add(self, y: Array, s: Array) -> None:
        """Take a step s into account that changed the gradient by y."""
        ys = y @ s
        if ys > 1e-10:  # otherwise H would no longer point downhill
            self._pairs.append((y, s, 1.0 / ys))
            self._scale = ys / (y @ y)

    def inverse_times(self, g: Array) -> Array:
        """H·g."""
        q: Array = g
        alphas: list[Any] = []
        for y, s, rho in reversed(self._pairs):
            alphas.append((s @ q) * rho)
            q = q - alphas[-1] * y
        r: Array = self._scale * q
        for (y, s, rho), alpha in zip(self._pairs, reversed(alphas), strict=True):
            r = r + (alpha - (y @ r) * rho) * s
        return r

    def state(self, g: Array) -> State:
        """The pairs as arrays of the dtype of ``g``, by torch's names."""
        y, s, rho = zip(*self._pairs, strict=True) if self._pairs else ((), (), ())
        return {
            "old_dirs": np.array(y, g.dtype).reshape(-1, g.size),
            "old_stps": np.array(s, g.dtype).reshape(-1, g.size),
            "ro": np.array(rho, g.dtype),
            "H_diag": float(self._scale),
        }


class _Landscape:
    """The loss as a function of one vector of all parameters; its negative to go uphill."""

    def __init__(self, params: Params, closure: Closure, optimizer: LBFGS) -> None:
        self._params, self._closure, self._optimizer = params, closure, optimizer
        self._sign = -1 if optimizer.maximize else 1
        self.kinds: dict[str, Kind] = {}

    def evaluate(self) -> tuple[float, Array]:
        """The loss and its gradient where the parameters stand."""
        loss, grads = evaluated(self._closure)
        if not _is_number(loss):
            raise TypeError(
                f"closure must return (loss, grads), loss a number, got {_check.shown(loss)}"
            )
        check_names(self._params, grads)
        parts = []
        for name, value in self._params.items():
            given: object = grads[name]
            if given is None:
                given = np.zeros_like(value) if isinstance(value, np.ndarray) else 0.0
            w, g = as_arrays(self._params, name, given)
            self.kinds[name] = kind(w)
            parts.append(gradient_like(name, w, g).ravel())
        return self._sign * float(loss), self._sign * _joined(parts)

    def along(self, x: Array, d: Array) -> Callable[[float], Point]:
        """The line x + t·d."""

        def at(t: float) -> Point:
            self.move_to(x + t * d)
            loss, g = self.evaluate()
            return Point(t, loss, g, g @ d)

        return at

    def position(self) -> Array:
        """Return the parameters as one vector."""
        return _joined([np.ravel(w) for w in self._params.values()])

    def move_to(self, x: Array) -> None:
        """Put the parameters there."""
        for name, part in self._split(x):
            w = self._params[name]
            if isinstance(w, np.ndarray):
                w[...] = part
            else:
                replace_number(self._params, name, part)

    def check_finite(self, g: Array) -> None:
        """Raise if an element of the gradient is inf or NaN."""
        if not np.isfinite(g).all():
            for name, part in self._split(self._sign * g):
                self._optimizer.check_finite(name, part)

    def _split(self, x: Array) -> Iterator[tuple[str, Array]]:
        start = 0
        for name, (shape, _) in self.kinds.items():
            size = math.prod(shape)
            yield name, x[start : start + size].reshape(shape)
            start += size


def _joined(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(0)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _largest(x: Array) -> float:
    """The largest magnitude of an element."""
    largest: float = np.abs(x).max()
    return largest


def _shown(kinds: dict[str, Kind]) -> str:
    return ", ".join(f"{name} {dtype} {shape}" for name, (shape, dtype) in kinds.items())
