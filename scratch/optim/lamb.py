"""LAMB: Adam whose step is as long, of every parameter, as the parameter is."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Betas, Flag
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class LAMB(Optimizer):
    r"""LAMB, layer-wise adaptive moments for large batches, which torch does not have.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \\
        u &= \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} + \lambda\, w \\
        w &\leftarrow w - \eta\, \frac{\|w\|}{\|u\|}\, u

    The direction u is AdamW's; its length is replaced by that of the whole parameter w, so that in
    a step every layer moves by the same part η of itself. Where ‖w‖ or ‖u‖ is 0, their ratio
    counts as 1 (You et al. 2020, "Large batch optimization for deep learning: training BERT in 76
    minutes", arXiv:1904.00962, algorithm 2 with φ(x) = x).

    Many programs that are called so differ: they clip all gradients together first, bound ‖w‖ by
    10, leave the bias corrections out, or take the ratio only where there is weight decay.

    Args:
        lr: η, one number: the norms would be those of all runs of a stack together.
        betas: (β₁, β₂).
        eps: ε.
        weight_decay: λ; it is part of u, and so of its length.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m), ``exp_avg_sq`` (v).

    >>> params, lamb = {"w": np.array([3.0, 4.0])}, LAMB(lr=0.1)
    >>> lamb.update(params, {"w": np.array([0.001, 0.0])})
    >>> params["w"].round(3)  # 0.1·‖w‖, whatever the gradient's size
    array([2.5, 4. ])
    """

    lr: AtLeast0 = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: AtLeast0 = 1e-6
    weight_decay: AtLeast0 = 0.0
    _: KW_ONLY
    maximize: Flag = False

    elementwise = False
    temporaries = 7

    def init_state(self, w: Array) -> State:
        return {"exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = -g if self.maximize else g
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        beta1, beta2 = self.betas
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        u = m_hat / (np.sqrt(v_hat) + self.eps) + self.weight_decay * w
        w -= self.lr * trust_ratio(w, u) * u


def trust_ratio(w: Array, u: Array) -> float:
    """‖w‖/‖u‖; 1 where one of them is 0."""
    length, step = norm(w), norm(u)
    return length / step if length and step else 1.0


def norm(x: Array) -> float:
    """The Euclidean norm of all elements."""
    return float(np.linalg.norm(x))
