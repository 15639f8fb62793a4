"""RAdam: Adam that waits with adapting until it has seen enough."""

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, Betas, Flag, LearningRate
from scratch.optim.base import Optimizer
from scratch.typing import Array, State


class RAdam(Optimizer):
    r"""RAdam, as ``torch.optim.RAdam``.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, g, & \hat m &= m / (1 - \beta_1^t) \\
        v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \\
        \rho_\infty &= \tfrac{2}{1 - \beta_2} - 1, &
        \rho_t &= \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t} \\
        w &\leftarrow w - \eta\, \hat m \cdot r_t \frac{\sqrt{1 - \beta_2^t}}{\sqrt v + \epsilon}
        \quad (\rho_t > 5), & w &\leftarrow w - \eta\, \hat m \quad (\text{otherwise})

    ρ_t is how many gradients v has averaged, in effect. From too few, 1/√v varies wildly, and Adam
    needs a warm-up; this is momentum at first, and then multiplies by r_t, which grows to 1 (Liu et
    al. 2020, "On the variance of the adaptive learning rate and beyond"):

    .. math::
        r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\,\rho_\infty}
        {(\rho_\infty - 4)(\rho_\infty - 2)\,\rho_t}}

    ε is beside the uncorrected √v, as the paper's ε̂ for Adam, and unlike torch's Adam.

    Args:
        lr: η.
        betas: (β₁, β₂).
        eps: ε.
        weight_decay: λ of the decay.
        decoupled_weight_decay: decay w itself, w ← w − ηλw, and not g ← g + λw.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m), ``exp_avg_sq`` (v).

    >>> params = {"w": np.array([1.0, 1.0])}
    >>> RAdam(lr=0.1).update(params, {"w": np.array([0.5, 2.0])})
    >>> params["w"]  # w − η·g: it has seen one gradient
    array([0.95, 0.8 ])
    """

    lr: LearningRate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: AtLeast0 = 1e-8
    weight_decay: AtLeast0 = 0.0
    decoupled_weight_decay: Flag = False
    _: KW_ONLY
    maximize: Flag = False

    def init_state(self, w: Array) -> State:
        return {"exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        beta1, beta2 = self.betas
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        step = m / (1 - beta1**t) * self.lr
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        if length > 5:
            rectified = (length - 4) * (length - 2) * longest
            rectified /= (longest - 4) * (longest - 2) * length
            step *= (1 - beta2**t) ** 0.5 / (np.sqrt(v) + self.eps) * rectified**0.5
        w -= step
