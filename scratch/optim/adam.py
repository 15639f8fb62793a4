"""Adam (section 6.1.6): momentum and RMSprop together, corrected for their start at zero."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Betas, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class Adam(Optimizer):
    r"""Adam, as ``torch.optim.Adam``.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, g, & \hat m &= m / (1 - \beta_1^t) \\
        v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2, & \hat v &= v / (1 - \beta_2^t) \\
        w &\leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)

    m and v start at zero and are too small at first; dividing by 1 − βᵗ corrects that (Kingma and
    Ba 2015, algorithm 1). ε stands beside √v̂, after the correction. The chapter's code follows the
    paper's faster form and adds an ε̂ to √v, before it; see ``chapter.Adam``.

    Args:
        lr: η.
        betas: (β₁, β₂).
        eps: ε.
        weight_decay: λ of the decay.
        amsgrad: divide by the largest v so far instead of v (Reddi, Kale and Kumar 2018); torch
            takes the maximum before the correction.
        maximize: go uphill.
        decoupled_weight_decay: decay w itself, w ← w − ηλw, which is ``AdamW``; coupled with the
            gradient otherwise, g ← g + λw.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m), ``exp_avg_sq`` (v), and ``max_exp_avg_sq`` with ``amsgrad``.

    >>> params = {"w": np.array([1.0, 1.0])}
    >>> Adam(lr=0.1).update(params, {"w": np.array([0.001, 1000.0])})
    >>> params["w"]  # the first step is η for every element, whatever its gradient's size
    array([0.900001, 0.9     ])
    """

    lr: LearningRate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: AtLeast0 = 1e-8
    weight_decay: AtLeast0 = 0.0
    amsgrad: Flag = False
    _: KW_ONLY
    maximize: Flag = False
    decoupled_weight_decay: Flag = False

    def init_state(self, w: Array) -> State:
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * self.amsgrad
        return {name: np.zeros_like(w) for name in names}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        beta1, beta2 = self.betas
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        if self.amsgrad:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        lr = self.lr / (1 - beta1**t)
        w -= lr * m / (np.sqrt(v) / (1 - beta2**t) ** 0.5 + self.eps)
