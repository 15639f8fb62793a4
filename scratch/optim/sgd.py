"""Stochastic gradient descent (section 6.1.2), with momentum (section 6.1.4)."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Flag, LearningRate, Number
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class SGD(Optimizer):
    r"""Stochastic gradient descent, as ``torch.optim.SGD``.

    .. math::
        b &\leftarrow \mu b + (1 - \tau) g \qquad (b = g \text{ at the first step}) \\
        w &\leftarrow w - \eta\, b

    Without momentum b = g. With ``nesterov`` the step is along g + μb, the gradient as it would be
    if the momentum step came first (Sutskever et al. 2013, "On the importance of initialization
    and momentum in deep learning").

    Torch keeps η outside of the buffer b; the chapter's ``Momentum`` keeps it inside of its v. The
    two are the same, v = −ηb, until the learning rate changes.

    Args:
        lr: η.
        momentum: μ, 0 for none.
        dampening: τ, the part of each later gradient that momentum leaves out.
        weight_decay: λ of the coupled decay, g ← g + λw.
        nesterov: look ahead; needs momentum and no dampening.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``momentum_buffer`` (b), where there is momentum. Momentum that comes later begins with
    b = 0, which is torch's b = g where there is no dampening.

    >>> params = {"w": np.array([1.0, -2.0])}
    >>> SGD(lr=0.1).update(params, {"w": np.array([1.0, 1.0])})
    >>> params["w"]
    array([ 0.9, -2.1])
    """

    lr: LearningRate = 1e-3
    momentum: AtLeast0 = 0.0
    dampening: Number = 0.0
    weight_decay: AtLeast0 = 0.0
    nesterov: Flag = False
    _: KW_ONLY
    maximize: Flag = False

    late = ("momentum_buffer",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "nesterov needs momentum > 0 and dampening = 0, "
                f"got momentum={self.momentum!r} and dampening={self.dampening!r}"
            )

    def init_state(self, w: Array) -> State:
        return {"momentum_buffer": np.zeros_like(w)} if self.momentum else {}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        if self.momentum:
            b = state["momentum_buffer"]
            if state["step"] == 1:
                b[...] = g
            else:
                b *= self.momentum
                b += (1 - self.dampening) * g
            g = g + self.momentum * b if self.nesterov else b
        w -= self.lr * g
