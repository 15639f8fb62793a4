"""ASGD: gradient descent that also keeps the average of where it has been."""

import numpy as np

from scratch._settings import AtLeast0, Flag, LearningRate, Number
from scratch.optim.base import Optimizer
from scratch.optim.blocks import per_run
from scratch.typing import Array, Rate, State


class ASGD(Optimizer):
    r"""Averaged stochastic gradient descent, as ``torch.optim.ASGD``.

    .. math::
        w &\leftarrow (1 - \lambda \eta_t)\, w - \eta_t\, g, \qquad
        \eta_{t+1} = \frac{\eta}{(1 + \lambda \eta t)^\alpha} \\
        a &\leftarrow a + \mu_t (w - a), \qquad \mu_t = \frac{1}{\max(1,\ t - 1 - t_0)}

    The average a of the iterates, from step t₀ on, is less noisy than the last one (Polyak and
    Juditsky 1992, "Acceleration of stochastic approximation by averaging"). Torch updates w and
    leaves a to be read from the state, as ``ax``.

    The rate of a step is set at the end of the one before, and so follows a change of ``lr`` one
    step late. Torch keeps it, and μ, in float32, whatever the parameters are. So it is here, to be
    the same.

    Args:
        lr: η.
        lambd: λ.
        alpha: α, how fast the rate falls.
        t0: t₀; at the default of 1e6, a is w for the first million steps.
        weight_decay: of the coupled decay, g ← g + weight_decay·w, on top of λ's.
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``ax`` (a); ``eta`` (η_t), ``mu`` (μ_t), numbers.

    >>> params, asgd = {"w": np.array([0.0])}, ASGD(lr=0.5, lambd=0.0, t0=0)
    >>> for g in (1.0, -1.0, 1.0):
    ...     asgd.update(params, {"w": np.array([g])})
    >>> params["w"], asgd.state["w"]["ax"]  # −0.5, 0, −0.5, and their running mean from t = 2
    (array([-0.5]), array([-0.25]))
    """

    lr: LearningRate = 1e-2
    lambd: AtLeast0 = 1e-4
    alpha: AtLeast0 = 0.75
    t0: Number = 1e6
    weight_decay: AtLeast0 = 0.0
    maximize: Flag = False

    numbers = ("step", "eta", "mu")

    def init_state(self, w: Array) -> State:
        return {"eta": _single(self.lr), "mu": 1.0, "ax": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        a, eta, mu = state["ax"], state["eta"], state["mu"]
        eta = per_run(eta, w)
        w *= 1 - self.lambd * eta
        w -= eta * g
        if mu == 1:
            a[...] = w
        else:
            a += mu * (w - a)

    def finish(self, state: State) -> None:
        t = state["step"]
        state["eta"] = _single(self.lr / (1 + self.lambd * self.lr * t) ** self.alpha)
        state["mu"] = _single(1 / max(1, t - self.t0))


def _single(value: Rate) -> Rate:
    """The value rounded to float32."""
    return value.astype(np.float32) if isinstance(value, np.ndarray) else float(np.float32(value))
