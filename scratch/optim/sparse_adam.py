"""SparseAdam: Adam for gradients of a few rows, as an embedding's are."""

from dataclasses import dataclass

import numpy as np

from scratch import _check
from scratch.optim import _arrays
from scratch.optim.base import Groups, Optimizer, State


@dataclass(frozen=True, eq=False, repr=False)
class RowGradient:
    """The gradient of a parameter of which only some rows were used; it is zero in all others.

    Args:
        rows: (n,) whole numbers, the indices of the rows. One may come several times, as a word
            does in a sentence: its gradient is the sum of what is given for it.
        values: (n, …), the gradients of these rows, in the parameter's dtype.

    Raises:
        TypeError, ValueError: they are no such arrays.

    >>> RowGradient(np.array([2, 0, 2]), np.array([[1.0, 1.0], [3.0, 4.0], [0.5, 0.0]])).summed()
    (array([0, 2]), array([[3. , 4. ],
           [1.5, 1. ]]))
    """

    rows: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        rows, values = self.rows, self.values
        if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "iu":
            raise TypeError(f"rows must be an array of whole numbers, got {_arrays.shown(rows)}")
        if not isinstance(values, np.ndarray):
            raise TypeError(f"values must be an array, got {_arrays.shown(values)}")
        if rows.ndim != 1 or values.shape[:1] != rows.shape:
            raise ValueError(
                "rows must be of shape (n,) and values of shape (n, …), got "
                f"{rows.shape} and {values.shape}"
            )

    @classmethod
    def of(cls, g: np.ndarray) -> "RowGradient":
        """The rows of the array ``g`` that are not all zero."""
        if np.ndim(g) == 0:
            raise ValueError(f"g must have rows, got {_arrays.shown(g)}")
        rows = np.flatnonzero(g.reshape(len(g), -1).any(axis=1)) if g.size else np.arange(0)
        return cls(rows, g[rows])

    def summed(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows in order, each once, and their gradients."""
        rows, where = np.unique(self.rows, return_inverse=True)
        values = np.zeros((len(rows), *self.values.shape[1:]), self.values.dtype)
        np.add.at(values, where, self.values)
        return rows, values

    def __repr__(self) -> str:
        return f"RowGradient({len(self.rows)} rows, values {_arrays.shown(self.values)})"


class SparseAdam(Optimizer):
    r"""SparseAdam, as ``torch.optim.SparseAdam``: in the rows that the gradient has,

    .. math::
        m &\leftarrow m + (1 - \beta_1)(g - m), \qquad v \leftarrow v + (1 - \beta_2)(g^2 - v) \\
        w &\leftarrow w - \eta\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\,
        \frac{m}{\sqrt v + \epsilon}

    and nothing changes in the others. Adam would move them too, by their old momentum, and have
    to read the whole matrix for it: an embedding has a row for every word, of which a batch uses
    a few.

    A lazy Adam and not the same method: m and v forget only when their row is used, while t counts
    all steps, those without any row too. ε stands beside the uncorrected √v, as in section 2 of
    Kingma and Ba 2015, "Adam: a method for stochastic optimization" (there ε̂).

    Args:
        lr: η, > 0.
        betas: (β₁, β₂).
        eps: ε, > 0.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Gradients are :class:`RowGradient`, of parameters with at least one axis; a dense one raises
    TypeError.

    Buffers: ``exp_avg`` (m), ``exp_avg_sq`` (v).

    >>> params, adam = {"embedding": np.zeros((4, 2))}, SparseAdam(lr=0.1)
    >>> g = RowGradient(rows=np.array([2]), values=np.array([[3.0, -5.0]]))
    >>> adam.update(params, {"embedding": g})
    >>> params["embedding"].round(6)
    array([[ 0. ,  0. ],
           [ 0. ,  0. ],
           [-0.1,  0.1],
           [ 0. ,  0. ]])
    """

    elementwise = False

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
        *,
        groups: Groups | None = None,
    ) -> None:
        # A schedule may take it to zero later on, but it cannot start there.
        if not (isinstance(lr, np.ndarray) and lr.ndim):
            _check.number("lr", lr, above=0)
        super().__init__(lr, maximize=maximize, groups=groups)
        self.betas = _check.betas(betas)
        self.eps = _check.number("eps", eps, above=0)

    def init_state(self, w: np.ndarray) -> State:
        return {"exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def rule(self, w: np.ndarray, g: RowGradient, state: State) -> None:
        rows, g = g.summed()
        if self.maximize:
            g = -g
        beta1, beta2 = self.betas
        t, m, v = state["step"], state["exp_avg"], state["exp_avg_sq"]
        m[rows] += (1 - beta1) * (g - m[rows])
        v[rows] += (1 - beta2) * (g * g - v[rows])
        step_size = self.lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        w[rows] -= step_size * (m[rows] / (np.sqrt(v[rows]) + self.eps))

    def check_gradient(self, name: str, w: np.ndarray, g: object) -> None:
        if not isinstance(g, RowGradient):
            raise TypeError(
                f"grads[{name!r}] must be a RowGradient(rows, values), got {_arrays.shown(g)}; "
                "SparseAdam takes no dense gradients: use Adam, or RowGradient.of(g)"
            )
        if w.ndim == 0:
            raise ValueError(f"params[{name!r}] must have rows, got shape ()")
        if g.values.shape[1:] != w.shape[1:] or g.values.dtype != w.dtype:
            raise ValueError(
                f"grads[{name!r}].values must have rows like params[{name!r}], "
                f"{_arrays.shown(w)}, got {_arrays.shown(g.values)}"
            )
        outside = (g.rows < 0) | (g.rows >= len(w))
        if outside.any():
            raise ValueError(
                f"grads[{name!r}].rows must be >= 0 and < {len(w)}, the rows of "
                f"params[{name!r}], got {g.rows[outside][0]}"
            )
        _arrays.check_finite(f"grads[{name!r}].values", g.values)
