"""LARS: the learning rate of every parameter follows from its length and its gradient's."""

from typing import Annotated

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Flag, number
from scratch.optim.base import Optimizer
from scratch.optim.lamb import norm
from scratch.typing import Array, State


class LARS(Optimizer):
    r"""LARS, layer-wise adaptive rate scaling, which torch does not have.

    .. math::
        \rho &= \frac{\tau\, \|w\|}{\|g\| + \lambda \|w\| + \epsilon} \\
        b &\leftarrow \mu b + \rho\, (g + \lambda w) \\
        w &\leftarrow w - \eta\, b

    SGD with momentum, in which the gradient of a layer counts by how long it is beside the layer's
    weights: no layer moves by more than about η·τ of itself in a step. Where ‖w‖ or ‖g‖ is 0, ρ
    counts as 1 (You et al. 2017, "Large batch training of convolutional networks",
    arXiv:1708.03888). The paper has η inside of b, as the chapter's ``Momentum``; here it is
    outside, as in torch's ``SGD``, which makes a difference once it changes.

    Args:
        lr: η, one number: the norms would be those of all runs of a stack together.
        momentum: μ, 0 for none.
        weight_decay: λ.
        trust_coefficient: τ; ``None`` for ρ = 1, which is SGD, as for biases in ``groups``.
        eps: ε.
        nesterov: step along ρ(g + λw) + μb.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``momentum_buffer`` (b), where there is momentum.

    >>> params, lars = {"w": np.array([3.0, 4.0])}, LARS(lr=100.0)
    >>> lars.update(params, {"w": np.array([0.001, 0.0])})
    >>> params["w"].round(3)  # 100·0.001·‖w‖
    array([2.5, 4. ])
    """

    lr: AtLeast0 = 1e-3
    momentum: AtLeast0 = 0.9
    weight_decay: AtLeast0 = 0.0
    trust_coefficient: Annotated[float, number(at_least=0)] | None = 1e-3
    eps: AtLeast0 = 1e-8
    nesterov: Flag = False
    _: KW_ONLY
    maximize: Flag = False

    elementwise = False
    late = ("momentum_buffer",)

    def init_state(self, w: Array) -> State:
        return {"momentum_buffer": np.zeros_like(w)} if self.momentum else {}

    def rule(self, w: Array, g: Array, state: State) -> None:
        ratio = self._ratio(norm(w), norm(g))
        g = ratio * self.regularized(w, g)
        if self.momentum:
            b = state["momentum_buffer"]
            b *= self.momentum
            b += g
            g = g + self.momentum * b if self.nesterov else b
        w -= self.lr * g

    def _ratio(self, w: float, g: float) -> float:
        if self.trust_coefficient is None or w == 0 or g == 0:
            return 1.0
        return self.trust_coefficient * w / (g + self.weight_decay * w + self.eps)
