"""Rprop: only the sign of a gradient counts."""

from typing import Annotated

import numpy as np

from scratch._settings import KW_ONLY, Flag, LearningRate, each, number
from scratch.optim.base import Optimizer
from scratch.optim.blocks import per_run
from scratch.typing import Array, State


class Rprop(Optimizer):
    r"""Resilient backpropagation, as ``torch.optim.Rprop``.

    .. math::
        s &\leftarrow \text{clip}(s \cdot
        \begin{cases}
            \eta^+ & g \cdot g_\text{prev} > 0 \\
            \eta^- & g \cdot g_\text{prev} < 0 \\
            1 & \text{otherwise}
        \end{cases},\ s_\text{min},\ s_\text{max}) \\
        g &\leftarrow 0 \quad \text{where it changed its sign} \\
        w &\leftarrow w - \text{sign}(g)\, s

    Each element has a step of its own, which grows while the gradient keeps its sign and shrinks
    when it turns, having passed a minimum; it then waits a step (Riedmiller and Braun 1993, "A
    direct adaptive method for faster backpropagation learning"; this is the Rprop⁻ of Igel and
    Hüsken 2000). For full batches: the noise of small ones turns the signs.

    Args:
        lr: the steps at the start. What is assigned later is without effect, as in torch.
        etas: (η⁻, η⁺), with 0 < η⁻ < 1 < η⁺.
        step_sizes: (s_min, s_max).
        maximize: go uphill.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``prev`` (g_prev), ``step_size`` (s).

    >>> params, rprop = {"w": np.array([1.0])}, Rprop(lr=0.1)
    >>> for g in (3.0, 0.5, -2.0):
    ...     rprop.update(params, {"w": np.array([g])})
    >>> params["w"], rprop.state["w"]["step_size"]  # 1 − 0.1 − 0.12, and then it waits
    (array([0.78]), array([0.06]))
    """

    lr: LearningRate = 1e-2
    etas: Annotated[tuple[float, float], each(number(above=0, below=1), number(above=1))] = (
        0.5,
        1.2,
    )
    step_sizes: Annotated[tuple[float, float], each(number(), number())] = (1e-6, 50)
    _: KW_ONLY
    maximize: Flag = False

    temporaries = 7

    def init_state(self, w: Array) -> State:
        step_size = np.zeros_like(w)
        step_size += per_run(self.lr, w)
        return {"prev": np.zeros_like(w), "step_size": step_size}

    def rule(self, w: Array, g: Array, state: State) -> None:
        g = self.regularized(w, g)
        previous, step = state["prev"], state["step_size"]
        shrink, grow = self.etas
        agreement = g * previous
        step *= np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1)).astype(w.dtype)
        np.clip(step, *self.step_sizes, out=step)
        previous[...] = np.where(agreement < 0, 0, g)
        w -= np.sign(previous) * step
