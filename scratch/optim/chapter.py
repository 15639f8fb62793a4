"""The optimizers as the chapter has them: its names, its defaults, its formulas.

They take the place of the book's own: gradients may have further names, and another dtype than
their parameters, which they are converted to; inf and NaN go through, with NumPy's warning
(``finite_only``); what they remember is there by the book's names, ``v``, ``h``, ``m``, ``iter``.

``SGD`` is torch's without momentum, with the chapter's default. ``AdaGrad`` and ``RMSProp`` are
torch's rules with the chapter's defaults. ``Momentum``, ``Nesterov`` and ``Adam`` are the same
methods written differently, and each says when that makes a difference.
"""

import numpy as np

from scratch._settings import AtLeast0, Below1, LearningRate
from scratch.optim.base import Optimizer
from scratch.optim.fitting import Closure, Grads, Params, like_parameters, loss_and_grads
from scratch.typing import Array, State


def _remembered(key: str) -> property:
    """The buffers of all parameters that are called ``key``; ``None`` before the first step."""

    def buffers(self: Optimizer) -> dict[str, Array] | None:
        return {name: state[key] for name, state in self.state.items()} or None

    return property(buffers, doc=f"``{key}`` of every parameter, or ``None`` before the first step")


class _OfTheBook(Optimizer):
    """Takes gradients as the book's optimizers do."""

    finite_only = False

    def update(
        self, params: Params, grads: Grads | None = None, closure: Closure | None = None
    ) -> float | None:
        loss, given = loss_and_grads(grads, closure)
        super().update(params, like_parameters(params, given))
        return loss


class SGD(_OfTheBook):
    r"""The chapter's stochastic gradient descent (section 6.1.2).

    .. math:: w \leftarrow w - \eta g

    Args:
        lr: η; torch's ``SGD`` has 0.001.

    >>> params = {"w": np.array([1.0, -2.0])}
    >>> SGD().update(params, {"w": np.array([1.0, 1.0])})
    >>> params["w"]
    array([ 0.99, -2.01])
    """

    lr: LearningRate = 0.01

    def rule(self, w: Array, g: Array, state: State) -> None:
        w -= self.lr * g


class Momentum(_OfTheBook):
    r"""The chapter's momentum (section 6.1.4): a ball that rolls down a bowl.

    .. math::
        v &\leftarrow \alpha v - \eta g \\
        w &\leftarrow w + v

    v = −η·b with the b of ``SGD(momentum=α)``, so the two agree as long as η stays. When η
    changes, the ball keeps its speed here; there it changes with η at once.

    Args:
        lr: η.
        momentum: α, the friction.

    Buffers: ``v``.

    >>> params, momentum = {"w": np.array([1.0])}, Momentum(lr=0.1)
    >>> for _ in range(2):
    ...     momentum.update(params, {"w": np.array([1.0])})
    >>> params["w"]  # 1 − 0.1 − 0.19
    array([0.71])
    """

    lr: LearningRate = 0.01
    momentum: AtLeast0 = 0.9

    v = _remembered("v")

    def init_state(self, w: Array) -> State:
        return {"v": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        v = state["v"]
        v *= self.momentum
        v -= self.lr * g
        w += v


class Nesterov(Momentum):
    r"""Nesterov's momentum: the gradient after the momentum step, in the chapter's variables.

    .. math::
        v &\leftarrow \alpha v - \eta g \\
        w &\leftarrow w + \alpha v - \eta g

    This is ``SGD(nesterov=True)`` for a constant η. Code that is widely copied computes
    w + α²·v − (1 + α)·η·g (Bengio, Boulanger-Lewandowski and Pascanu 2013, equation 7, where v is
    the velocity *before* the step) with the v that was already updated: that is another method.
    """

    def rule(self, w: Array, g: Array, state: State) -> None:
        v = state["v"]
        v *= self.momentum
        v -= self.lr * g
        w += self.momentum * v - self.lr * g


class AdaGrad(_OfTheBook):
    r"""The chapter's AdaGrad (section 6.1.5): ``Adagrad`` with ε = 1e-7.

    .. math::
        h &\leftarrow h + g \odot g \\
        w &\leftarrow w - \eta\, g / (\sqrt{h} + 10^{-7})

    Buffers: ``sum`` (h).
    """

    lr: LearningRate = 0.01
    eps: AtLeast0 = 1e-7

    h = _remembered("sum")

    def init_state(self, w: Array) -> State:
        return {"sum": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        h = state["sum"]
        h += g * g
        w -= self.lr * g / (np.sqrt(h) + self.eps)


class RMSProp(_OfTheBook):
    r"""The chapter's RMSProp (section 6.1.5): ``RMSprop`` with ε = 1e-7.

    .. math::
        h &\leftarrow \rho h + (1 - \rho)\, g \odot g \\
        w &\leftarrow w - \eta\, g / (\sqrt{h} + 10^{-7})

    Args:
        lr: η.
        decay_rate: ρ, the part of the average that is kept; torch's ``alpha``.
        eps: ε.

    Buffers: ``square_avg`` (h).
    """

    lr: LearningRate = 0.01
    decay_rate: AtLeast0 = 0.99
    eps: AtLeast0 = 1e-7

    h = _remembered("square_avg")

    def init_state(self, w: Array) -> State:
        return {"square_avg": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        h = state["square_avg"]
        h *= self.decay_rate
        h += (1 - self.decay_rate) * g * g
        w -= self.lr * (g / (np.sqrt(h) + self.eps))


class Adam(_OfTheBook):
    r"""The chapter's Adam (section 6.1.6), in the faster form at the end of the paper's section 2.

    .. math::
        \eta_t &= \eta \sqrt{1 - \beta_2^t} / (1 - \beta_1^t) \\
        w &\leftarrow w - \eta_t\, m / (\sqrt{v} + \hat\epsilon)

    ε̂ is added to the uncorrected √v. So this is torch's Adam with an ε of ε̂/√(1 − β₂ᵗ), which
    falls from 32·ε̂ at the first step to ε̂. Where gradients are as small as that, the two differ.

    >>> params = {"w": np.array([1.0])}
    >>> Adam(lr=0.1).update(params, {"w": np.array([1e-5])})
    >>> params["w"]  # ε̂ = 1e-7 against √v = 3e-7; torch's Adam with eps=1e-7 takes 99 % of lr
    array([0.92402531])
    """

    lr: LearningRate = 0.001
    beta1: Below1 = 0.9
    beta2: Below1 = 0.999
    eps: AtLeast0 = 1e-7

    m, v = _remembered("exp_avg"), _remembered("exp_avg_sq")

    @property
    def iter(self) -> int:
        """The number of updates."""
        return max((state["step"] for state in self.state.values()), default=0)

    def init_state(self, w: Array) -> State:
        return {"exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        lr_t = self.lr * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        w -= lr_t * m / (np.sqrt(v) + self.eps)
