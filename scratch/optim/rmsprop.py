"""RMSprop (section 6.1.5): Adagrad that forgets."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


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

    lr: LearningRate = 1e-2
    alpha: AtLeast0 = 0.99
    eps: AtLeast0 = 1e-8
    weight_decay: AtLeast0 = 0.0
    momentum: AtLeast0 = 0.0
    centered: Flag = False
    _: KW_ONLY
    maximize: Flag = False

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
