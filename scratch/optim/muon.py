"""Muon: momentum made orthogonal."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import numpy as np

from scratch import _check
from scratch._settings import AtLeast0, Flag, choice, each, number
from scratch.optim.base import Optimizer
from scratch.typing import Array, State

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ADJUSTMENTS = ("original", "match_rms_adamw", "spectral_unclamped")


class Muon(Optimizer):
    r"""Muon, as ``torch.optim.Muon``; for matrices only.

    .. math::
        b &\leftarrow \mu b + (1 - \mu)\, g \\
        u &= \mu b + (1 - \mu)\, g \text{ with Nesterov's look ahead, } b \text{ without} \\
        w &\leftarrow w - \eta\lambda w - \eta\, s\, \mathrm{NS}(u)

    NS(u) is nearly U·Vᵀ where u = U·Σ·Vᵀ: the step goes equally far in all directions that the
    momentum has, not only in the few that are large in it (Jordan et al. 2024, "Muon: an optimizer
    for hidden layers in neural networks"); see :func:`newton_schulz`. Vectors, and the first
    and last layer, belong to another optimizer, such as AdamW.

    Args:
        lr: η.
        weight_decay: λ of the decoupled decay.
        momentum: μ, >= 0.
        nesterov: look ahead.
        ns_coefficients: (a, b, c) of the iteration.
        eps: the least norm that u is divided by, >= 0.
        ns_steps: of the iteration, >= 0 and < 100.
        adjust_lr_fn: s for a matrix (n, m): "original", as ``None``, is √max(1, n/m);
            "match_rms_adamw" is 0.2·√max(n, m), for the rates and decays of AdamW (Liu et al. 2025,
            "Muon is scalable for LLM training"); "spectral_unclamped" is √(n/m).
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Torch iterates in bfloat16, whatever dtype the parameters have, and so does this. The order in
    which torch sums up a product depends on the processor; another one decides the last of the 8
    bits of some elements, and the next steps carry that on to others. At worst all roundings are
    independent: that is 2 to 3 % of the step's norm, in the root mean square.

    Buffers: ``momentum_buffer`` (b).

    >>> params, muon = {"W": np.zeros((2, 2))}, Muon(lr=0.1)
    >>> muon.update(params, {"W": np.array([[300.0, 0.0], [0.0, -4.0]])})
    >>> params["W"].round(2)  # both about 0.1, as good as it gets in 5 steps
    array([[-0.07,  0.  ],
           [ 0.  ,  0.09]])
    """

    lr: AtLeast0 = 1e-3
    weight_decay: AtLeast0 = 0.1
    momentum: AtLeast0 = 0.95
    nesterov: Flag = True
    ns_coefficients: Annotated[tuple[float, float, float], each(*[number()] * 3)] = COEFFICIENTS
    eps: AtLeast0 = 1e-7
    ns_steps: Annotated[int, partial(_check.integer, at_least=0, below=100)] = 5
    adjust_lr_fn: Annotated[str, choice(*_ADJUSTMENTS)] | None = None

    elementwise = False
    temporaries = 8
    decoupled_weight_decay = True

    def init_state(self, w: Array) -> State:
        return {"momentum_buffer": np.zeros_like(w)}

    def rule(self, w: Array, g: Array, state: State) -> None:
        if w.size == 0:
            return
        g, b = self.regularized(w, g), state["momentum_buffer"]
        b *= self.momentum
        b += (1 - self.momentum) * g
        u = self.momentum * b + (1 - self.momentum) * g if self.nesterov else b
        direction = newton_schulz(u, self.ns_coefficients, self.ns_steps, self.eps)
        w -= self.lr * self._scale(*w.shape) * direction.astype(w.dtype)

    def check_gradient(self, name: str, w: Array, g: object) -> None:
        if w.ndim != 2:
            raise ValueError(
                f"params[{name!r}] must be a matrix, got shape {w.shape}; "
                "Muon is for matrices only: give others an optimizer of their own, such as AdamW"
            )
        super().check_gradient(name, w, g)

    def _scale(self, n: int, m: int) -> float:
        if self.adjust_lr_fn == "match_rms_adamw":
            return float(0.2 * max(n, m) ** 0.5)
        if self.adjust_lr_fn == "spectral_unclamped":
            return float((n / m) ** 0.5)
        return float(max(1, n / m) ** 0.5)


def bfloat16(x: Array) -> Array:
    """The numbers of bfloat16 that are nearest to ``x``, as float32.

    They have float32's exponents and its first 8 significant bits; what lies halfway between two
    goes to the even one. From float64 it is rounded to float32 first, as in torch.

    >>> bfloat16(np.array([0.1, 1 + 2**-8, 1 + 3 * 2**-8]))
    array([0.10009766, 1.        , 1.015625  ], dtype=float32)
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    halfway = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return ((bits + halfway) & np.uint32(0xFFFF0000)).view(np.float32)


def newton_schulz(
    u: Array,
    coefficients: tuple[float, float, float],
    steps: int,
    eps: float,
    rounded: Callable[[Array], Array] = bfloat16,
) -> Array:
    r"""A matrix with the singular vectors of ``u`` and singular values near 1.

    .. math::
        x \leftarrow u / \max(\|u\|, \epsilon), \qquad
        x \leftarrow a x + \left(b\, x x^T + c\, (x x^T)^2\right) x \quad \text{in every step}

    That applies the polynomial a·σ + b·σ³ + c·σ⁵ to every singular value σ again and again, with
    nothing but products of matrices. The usual coefficients are chosen to lift small σ fast; they
    do not converge to 1 but stay between about 0.7 and 1.2.

    Args:
        u: (n, m).
        coefficients: (a, b, c).
        steps: how many.
        eps: ε.
        rounded: what becomes of the result of each operation.
    """
    a, b, c = coefficients
    x = rounded(u)
    if len(u) > u.shape[1]:  # x·xᵀ is the smaller one of the two possible squares
        x = x.T
    x = rounded(x / rounded(np.maximum(np.sqrt(np.sum(x * x)), eps)))
    for _ in range(steps):
        square = rounded(x @ x.T)
        polynomial = rounded(b * square + c * (square @ square))
        x = rounded(a * x + polynomial @ x)
    return x.T if len(u) > u.shape[1] else x
