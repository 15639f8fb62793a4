"""Adamax: Adam with the largest gradient in place of their root mean square."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Betas, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class Adamax(Optimizer):
    r"""Adamax, as ``torch.optim.Adamax``.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
        u &\leftarrow \max(\beta_2 u,\ |g| + \epsilon) \\
        w &\leftarrow w - \frac{\eta}{1 - \beta_1^t} \cdot \frac{m}{u}

    Adam's √v is a 2-norm of the past gradients; this is the same for the ∞-norm, which needs no
    correction for its start (Kingma and Ba 2015, algorithm 2). The paper has no ε; torch adds it to
    |g|, not to u.

    Args:
        lr: η.
        betas: (β₁, β₂).
        eps: ε.
        weight_decay: λ of the coupled decay, g ← g + λw.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m), ``exp_inf`` (u).

    >>> params = {"w": np.array([1.0, 1.0])}
    >>> Adamax(lr=0.1).update(params, {"w": np.array([0.001, -1000.0])})
    >>> params["w"].round(5)  # the first step is η for every element
    array([0.9, 1.1])
    """

    lr: LearningRate = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: AtLeast0 = 1e-8
    weight_decay: AtLeast0 = 0.0
    _: KW_ONLY
    maximize: Flag = False

    def init_state(self, w: Array) -> State:
        return {"exp_avg": np.zeros_like(w), "exp_inf": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        m, u = state["exp_avg"], state["exp_inf"]
        beta1, beta2 = self.betas
        m *= beta1
        m += (1 - beta1) * g
        u[...] = np.maximum(beta2 * u, np.abs(g) + self.eps)
        w -= self.lr / (1 - beta1 ** state["step"]) * m / u
