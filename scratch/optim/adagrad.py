"""Adagrad (section 6.1.5): a learning rate of its own for every element."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class Adagrad(Optimizer):
    r"""Adagrad, as ``torch.optim.Adagrad``.

    .. math::
        h &\leftarrow h + g^2 \\
        w &\leftarrow w - \frac{\eta}{1 + (t - 1)\,\delta} \cdot \frac{g}{\sqrt{h} + \epsilon}

    An element that moved far has a large h and moves less from then on (Duchi, Hazan and Singer
    2011, "Adaptive subgradient methods").

    Args:
        lr: η.
        lr_decay: δ.
        weight_decay: λ of the coupled decay, g ← g + λw.
        initial_accumulator_value: what h starts from.
        eps: ε; the chapter's is 1e-7.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``sum`` (h).

    >>> params = {"w": np.array([1.0, 1.0])}
    >>> Adagrad(lr=0.1).update(params, {"w": np.array([0.001, 1000.0])})
    >>> params["w"]  # the first step is η for every element, whatever its gradient's size
    array([0.90000001, 0.9       ])
    """

    lr: LearningRate = 1e-2
    lr_decay: AtLeast0 = 0.0
    weight_decay: AtLeast0 = 0.0
    initial_accumulator_value: AtLeast0 = 0.0
    eps: AtLeast0 = 1e-10
    _: KW_ONLY
    maximize: Flag = False

    def init_state(self, w: Array) -> State:
        return {"sum": np.full_like(w, self.initial_accumulator_value)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        h = state["sum"]
        h += g * g
        lr = self.lr / (1 + (state["step"] - 1) * self.lr_decay)
        w -= lr * g / (np.sqrt(h) + self.eps)
