"""RMSprop (section 6.1.5): Adagrad that forgets."""

import numpy as np

from scratch import _check
from scratch.optim.base import Groups, Optimizer
from scratch.typing import Array, Rate, State


class RMSprop(Optimizer):
    r"""RMSprop, as ``torch.optim.RMSprop``.

    .. math::
        h &\leftarrow \alpha h + (1 - \alpha) g^2 \\
        w &\leftarrow w - \eta \frac{g}{\sqrt{h} + \epsilon}

    An exponential moving average in place of Adagrad's sum, so that the steps do not shrink for
    ever (Tieleman and Hinton 2012, lecture 6.5). ``centered`` divides by the standard deviation
    instead, √(h − m²) with m the moving average of g (Graves 2013, "Generating sequences"); where
    gradients hardly vary, rounding can make h − m² negative and the step NaN, as in torch.

    Args:
        lr: η.
        alpha: α, the part of the average that is kept; the chapter's ``decay_rate``.
        eps: ε; outside of the root, where TensorFlow's is inside.
        weight_decay: λ of the coupled decay, g ← g + λw.
        momentum: μ; the step is then along b ← μb + g/(√h + ε).
        centered: subtract the square of the mean.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``square_avg`` (h); ``grad_avg`` (m) if centered; ``momentum_buffer`` (b) if there is
    momentum.

    >>> params = {"w": np.array([1.0])}
    >>> RMSprop(lr=0.01).update(params, {"w": np.array([5.0])})
    >>> params["w"].round(6)  # h starts at 0, so the first step is η/√(1 − α) = 10·η
    array([0.9])
    """

    def __init__(
        self,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, maximize, groups=groups)
        self.alpha = _check.number("alpha", alpha, at_least=0)
        self.eps = _check.number("eps", eps, at_least=0)
        self.momentum = _check.number("momentum", momentum, at_least=0)
        self.centered = _check.flag("centered", centered)

    def init_state(self, w: Array) -> State:
        names = ["square_avg"]
        names += ["momentum_buffer"] if self.momentum else []
        names += ["grad_avg"] if self.centered else []
        return {name: np.zeros_like(w) for name in names}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        h = state["square_avg"]
        h *= self.alpha
        h += (1 - self.alpha) * g * g
        variance = h
        if self.centered:
            m = state["grad_avg"]
            m *= self.alpha
            m += (1 - self.alpha) * g
            variance = h - m * m
        step = g / (np.sqrt(variance) + self.eps)
        if self.momentum:
            b = state["momentum_buffer"]
            b *= self.momentum
            b += step
            step = b
        w -= self.lr * step
