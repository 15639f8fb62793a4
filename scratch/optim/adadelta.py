"""Adadelta: steps in the units of the weights, without a learning rate to choose."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Flag, LearningRate, Share
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class Adadelta(Optimizer):
    r"""Adadelta, as ``torch.optim.Adadelta``.

    .. math::
        v &\leftarrow \rho v + (1 - \rho)\, g^2 \\
        \Delta &= \frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}}\, g \\
        u &\leftarrow \rho u + (1 - \rho)\, \Delta^2 \\
        w &\leftarrow w - \eta\, \Delta

    Dividing a gradient by its root mean square leaves a number without units; multiplying it by
    that of the past steps gives it the units of w (Zeiler 2012, "ADADELTA: an adaptive learning
    rate method"). The paper has no η. ε stands inside of both roots, and since u starts at zero it
    sets the size of the first steps.

    Args:
        lr: η.
        rho: ρ, the part of the averages that is kept.
        eps: ε.
        weight_decay: λ of the coupled decay, g ← g + λw.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``square_avg`` (v), ``acc_delta`` (u).

    >>> params = {"w": np.array([1.0, 1.0])}
    >>> Adadelta().update(params, {"w": np.array([0.1, 1000.0])})
    >>> (1 - params["w"]).round(4)  # √ε/√(1 − ρ) for both
    array([0.0032, 0.0032])
    """

    lr: LearningRate = 1.0
    rho: Share = 0.9
    eps: AtLeast0 = 1e-6
    weight_decay: AtLeast0 = 0.0
    _: KW_ONLY
    maximize: Flag = False

    def init_state(self, w: Array) -> State:
        return {"square_avg": np.zeros_like(w), "acc_delta": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        v, u = state["square_avg"], state["acc_delta"]
        v *= self.rho
        v += (1 - self.rho) * g * g
        delta = np.sqrt(u + self.eps) / np.sqrt(v + self.eps) * g
        u *= self.rho
        u += (1 - self.rho) * delta * delta
        w -= self.lr * delta
