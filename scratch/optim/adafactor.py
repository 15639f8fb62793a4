"""Adafactor: Adam's second moment of a matrix from the means of its rows and columns."""

from typing import Annotated

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Flag, each, number, optional
from scratch.optim.base import Optimizer
from scratch.typing import Array, State

_AT_LEAST_0 = number(at_least=0)


class Adafactor(Optimizer):
    r"""Adafactor, as ``torch.optim.Adafactor``.

    .. math::
        \hat\beta_t &= 1 - t^{\tau}, \qquad \rho_t = \min(\eta, 1/\sqrt t) \\
        r &\leftarrow \hat\beta_t r + (1 - \hat\beta_t)\, \text{mean}_\text{rows}(g^2), \qquad
        c \leftarrow \hat\beta_t c + (1 - \hat\beta_t)\, \text{mean}_\text{columns}(g^2) \\
        \hat v &= r c \,/\, \text{mean}(r), \qquad u = g / \sqrt{\hat v} \\
        w &\leftarrow w - \eta\lambda w - \rho_t \max(\epsilon_2, \text{RMS}(w)) \cdot
        \frac{u}{\max(1, \text{RMS}(u)/d)}

    r and c have n + m elements where v would have n·m (Shazeer and Stern 2018, "Adafactor: adaptive
    learning rates with sublinear memory cost"). Vectors keep all of v. The step is relative to the
    size of the weights, and clipped where it would be larger than d on average.

    η and ε₁ are torch's own: the paper has 0.01 for η and adds ε₁ to g², where torch takes it as
    the least mean(r), and its square as the least v̂. RMS(w) is that before the decay.

    Args:
        lr: η, the largest relative step, and the factor of the decay.
        beta2_decay: τ, <= 0.
        eps: (ε₁, ε₂); ``None`` for ε₁ is the spacing of numbers at 1 in the parameter's dtype.
            (Torch takes the first parameter's for all of a group.)
        d: the clipping threshold, >= 1.
        weight_decay: λ of the decoupled decay.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``row_var`` (r) of shape (…, n, 1) and ``col_var`` (c) of shape (…, 1, m) of a
    parameter (…, n, m); ``variance`` (v) of one with less than two axes.

    >>> params, adafactor = {"W": np.ones((3, 4))}, Adafactor(weight_decay=0.0)
    >>> adafactor.update(params, {"W": np.full((3, 4), 5.0)})
    >>> params["W"][0]  # 1 % of the weights' size
    array([0.99, 0.99, 0.99, 0.99])
    >>> {name: a.shape for name, a in adafactor.state["W"].items() if name != "step"}
    {'row_var': (3, 1), 'col_var': (1, 4)}
    """

    lr: AtLeast0 = 1e-2
    beta2_decay: Annotated[float, number(at_most=0)] = -0.8
    eps: Annotated[tuple[float | None, float], each(optional(_AT_LEAST_0), _AT_LEAST_0)] = (
        None,
        1e-3,
    )
    d: Annotated[float, number(at_least=1)] = 1.0
    weight_decay: AtLeast0 = 0.0
    _: KW_ONLY
    maximize: Flag = False

    elementwise = False
    decoupled_weight_decay = True

    def init_state(self, w: Array) -> State:
        if w.ndim < 2:
            return {"variance": np.zeros_like(w)}
        return {"row_var": np.zeros_like(w[..., :1]), "col_var": np.zeros_like(w[..., :1, :])}

    def rule(self, w: Array, g: Array, state: State) -> None:
        if w.size == 0:
            return
        eps1, eps2 = self.eps
        eps1 = _machine_epsilon(w.dtype) if eps1 is None else eps1
        step = min(self.lr, state["step"] ** -0.5) * max(eps2, _rms(w))
        g = self.regularized(w, g)
        new = state["step"] ** self.beta2_decay  # 1 − β̂
        if w.ndim < 2:
            v = state["variance"]
            v *= 1 - new
            v += new * g * g
        else:
            rows, columns = state["row_var"], state["col_var"]
            squares = g * g
            rows *= 1 - new
            rows += new * squares.mean(axis=-1, keepdims=True)
            columns *= 1 - new
            columns += new * squares.mean(axis=-2, keepdims=True)
            v = rows * columns / np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
        u = np.maximum(v, eps1 * eps1, out=np.empty_like(w))  # one array, however large, not three
        np.divide(g, np.sqrt(u, out=u), out=u)
        u *= step / max(1.0, _rms(u) / self.d)
        w -= u


def _machine_epsilon(dtype: np.dtype) -> float:
    # NumPy does not know of the 8 significant bits of bfloat16.
    return 2.0**-7 if dtype.name == "bfloat16" else float(np.finfo(dtype).eps)


def _rms(x: Array) -> float:
    """The root mean square of the elements."""
    root_n: float = x.size**0.5
    return float(np.linalg.norm(x)) / root_n
