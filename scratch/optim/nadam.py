"""NAdam: Adam with Nesterov's look ahead."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Betas, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class NAdam(Optimizer):
    r"""NAdam, as ``torch.optim.NAdam``.

    .. math::
        \mu_t &= \beta_1 (1 - \tfrac12 \cdot 0.96^{\,t\psi}), \qquad
        \Pi_t = \textstyle\prod_{i \le t} \mu_i \\
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad \hat v = v / (1 - \beta_2^t) \\
        w &\leftarrow w - \eta \left( \frac{1 - \mu_t}{1 - \Pi_t}\, g
        + \frac{\mu_{t+1}}{1 - \Pi_{t+1}}\, m \right) / (\sqrt{\hat v} + \epsilon)

    Adam steps along m, which holds the gradient of now with a weight of 1 − β₁; this looks one step
    of the momentum ahead (Dozat 2016, "Incorporating Nesterov momentum into Adam"). The momentum
    warms up from β₁/2 to β₁ at a pace of ψ, and Π corrects for its start as β₁ᵗ does in Adam.

    Torch keeps Π in float32, whatever the parameters are, so with float64 parameters its steps are
    accurate to 1e-7 only. So it is here, to be the same.

    Args:
        lr: η.
        betas: (β₁, β₂).
        eps: ε.
        weight_decay: λ of the decay.
        momentum_decay: ψ.
        decoupled_weight_decay: decay w itself, w ← w − ηλw, and not g ← g + λw.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m), ``exp_avg_sq`` (v); ``mu_product`` (Π), a number.

    >>> params = {"w": np.array([1.0])}
    >>> NAdam(lr=0.1).update(params, {"w": np.array([1000.0])})
    >>> params["w"].round(4)  # η for the gradient, and a little for m
    array([0.8944])
    """

    lr: LearningRate = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: AtLeast0 = 1e-8
    weight_decay: AtLeast0 = 0.0
    momentum_decay: AtLeast0 = 4e-3
    decoupled_weight_decay: Flag = False
    _: KW_ONLY
    maximize: Flag = False

    numbers = ("step", "mu_product")

    def init_state(self, w: Array) -> State:
        return {"mu_product": 1.0, "exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        beta1, beta2 = self.betas
        product, next_mu = self._product(state), self._mu(t + 1)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        root = np.sqrt(v / (1 - beta2**t)) + self.eps
        w -= self.lr * (1 - self._mu(t)) / (1 - product) * g / root
        w -= self.lr * next_mu / (1 - product * next_mu) * m / root

    def finish(self, state: State) -> None:
        state["mu_product"] = self._product(state)

    def _mu(self, t: int) -> float:
        return float(self.betas[0] * (1 - 0.5 * 0.96 ** (t * self.momentum_decay)))

    def _product(self, state: State) -> float:
        """Π of this step from that of the one before."""
        return float(np.float32(state["mu_product"]) * np.float32(self._mu(state["step"])))
