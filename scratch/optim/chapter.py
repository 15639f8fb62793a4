"""The optimizers as the chapter has them: its names, its defaults, its formulas.

``AdaGrad``, ``RMSProp`` are torch's rules with the chapter's defaults. ``Momentum``, ``Nesterov``
and ``Adam`` are the same methods written differently, and each says when that makes a difference.
"""

import numpy as np

from scratch import _check
from scratch.optim.adagrad import Adagrad
from scratch.optim.adam import Adam as TorchAdam
from scratch.optim.base import Groups, Optimizer
from scratch.optim.rmsprop import RMSprop
from scratch.typing import Array, Rate, State


class Momentum(Optimizer):
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

    def __init__(
        self,
        lr: Rate = 0.01,
        momentum: float = 0.9,
        *,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(lr, groups=groups)
        self.momentum = _check.number("momentum", momentum, at_least=0)

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


class AdaGrad(Adagrad):
    r"""The chapter's AdaGrad (section 6.1.5): ``Adagrad`` with ε = 1e-7.

    .. math::
        h &\leftarrow h + g \odot g \\
        w &\leftarrow w - \eta\, g / (\sqrt{h} + 10^{-7})
    """

    def __init__(self, lr: Rate = 0.01, eps: float = 1e-7, *, groups: Groups | None = None) -> None:
        super().__init__(lr, eps=eps, groups=groups)


class RMSProp(RMSprop):
    r"""The chapter's RMSProp (section 6.1.5): ``RMSprop`` with ε = 1e-7.

    Args:
        lr: η.
        decay_rate: the part of the average that is kept; torch's ``alpha``.
        eps: ε.
    """

    def __init__(
        self,
        lr: Rate = 0.01,
        decay_rate: float = 0.99,
        eps: float = 1e-7,
        *,
        groups: Groups | None = None,
    ) -> None:
        decay_rate = _check.number("decay_rate", decay_rate, at_least=0)
        super().__init__(lr, alpha=decay_rate, eps=eps, groups=groups)

    @property
    def decay_rate(self) -> float:
        return self.alpha


class Adam(TorchAdam):
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

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-7,
        *,
        groups: Groups | None = None,
    ) -> None:
        beta1 = _check.number("beta1", beta1, at_least=0, below=1)
        beta2 = _check.number("beta2", beta2, at_least=0, below=1)
        super().__init__(lr, (beta1, beta2), eps, groups=groups)

    @property
    def beta1(self) -> float:
        return self.betas[0]

    @property
    def beta2(self) -> float:
        return self.betas[1]

    def rule(self, w: Array, g: Array, state: State) -> None:
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        lr_t = self.lr * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        w -= lr_t * m / (np.sqrt(v) + self.eps)
