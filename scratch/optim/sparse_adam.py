"""SparseAdam: Adam for gradients of a few rows, as an embedding's are."""

from typing import Annotated

import numpy as np

from scratch import _check
from scratch._settings import AtLeast0, Betas, Flag, number
from scratch.optim.base import Optimizer
from scratch.optim.row_gradient import RowGradient
from scratch.typing import Array, State


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

    lr: AtLeast0 = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Annotated[float, number(above=0)] = 1e-8
    maximize: Flag = False

    elementwise = False
    temporaries = 0  # they are of the rows' size, which changes from step to step

    def __post_init__(self) -> None:
        super().__post_init__()
        _check.number("lr", self.lr, above=0)  # a schedule may take it to 0 later on

    def init_state(self, w: Array) -> State:
        return {"exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    # The override: check_gradient has refused all other gradients.
    def rule(self, w: Array, gradient: RowGradient, state: State) -> None:  # type: ignore[override]
        rows, g = gradient.summed()
        if self.maximize:
            g = -g
        beta1, beta2 = self.betas
        t, m, v = state["step"], state["exp_avg"], state["exp_avg_sq"]
        m[rows] += (1 - beta1) * (g - m[rows])
        v[rows] += (1 - beta2) * (g * g - v[rows])
        step_size = self.lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        w[rows] -= step_size * (m[rows] / (np.sqrt(v[rows]) + self.eps))

    def check_gradient(self, name: str, w: Array, g: object) -> None:
        if not isinstance(g, RowGradient):
            raise TypeError(
                f"grads[{name!r}] must be a RowGradient(rows, values), got {_check.shown(g)}; "
                "SparseAdam takes no dense gradients: use Adam, or RowGradient.of(g)"
            )
        if w.ndim == 0:
            raise ValueError(f"params[{name!r}] must have rows, got shape ()")
        if g.values.shape[1:] != w.shape[1:] or g.values.dtype != w.dtype:
            raise ValueError(
                f"grads[{name!r}].values must have rows like params[{name!r}], "
                f"{_check.shown(w)}, got {_check.shown(g.values)}"
            )
        outside = (g.rows < 0) | (g.rows >= len(w))
        if outside.any():
            raise ValueError(
                f"grads[{name!r}].rows must be >= 0 and < {len(w)}, the rows of "
                f"params[{name!r}], got {g.rows[outside][0]}"
            )
        self.check_finite(name, g.values, of=".values")
