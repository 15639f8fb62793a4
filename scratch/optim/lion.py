"""Lion: only the sign of the momentum counts."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Betas, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class Lion(Optimizer):
    r"""Lion, which torch does not have.

    .. math::
        w &\leftarrow w - \eta\,\lambda\, w \\
        w &\leftarrow w - \eta\, \text{sign}(\beta_1 m + (1 - \beta_1)\, g) \\
        m &\leftarrow \beta_2 m + (1 - \beta_2)\, g

    Every element takes a step of the same length η, in the direction of an average in which the
    gradient of now weighs 1 − β₁; what is remembered of it weighs 1 − β₂, and is updated after the
    step. There is one buffer where Adam has two. The steps are larger than Adam's, so η is to be
    three to ten times smaller, and λ as many times larger (Chen et al. 2023, "Symbolic discovery of
    optimization algorithms", arXiv:2302.06675, found by a search over programs).

    Args:
        lr: η.
        betas: (β₁, β₂).
        weight_decay: λ of the decoupled decay.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m).

    >>> params, lion = {"w": np.array([1.0, 1.0, 1.0])}, Lion(lr=0.1)
    >>> lion.update(params, {"w": np.array([0.001, -1000.0, 0.0])})
    >>> params["w"]  # η, whatever the gradient's size
    array([0.9, 1.1, 1. ])
    """

    lr: LearningRate = 1e-4
    betas: Betas = (0.9, 0.99)
    weight_decay: AtLeast0 = 0.0
    _: KW_ONLY
    maximize: Flag = False

    decoupled_weight_decay = True

    def init_state(self, w: Array) -> State:
        return {"exp_avg": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g, m = self.regularized(w, g), state["exp_avg"]
        beta1, beta2 = self.betas
        w -= self.lr * np.sign(beta1 * m + (1 - beta1) * g)
        m *= beta2
        m += (1 - beta2) * g
