"""Root mean square layer normalization: layer normalization without the mean."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from scratch._settings import AtLeast0, Flag
from scratch.nn.norm import Norm, lengths
from scratch.typing import Array


class RMSNorm(Norm):
    r"""Divide by the root mean square of the last axes, as ``torch.nn.RMSNorm``.

    .. math::
        y_i = \gamma_i \hat x_i, \qquad
        \hat x_i = \frac{x_i}{\sqrt{\tfrac1n \sum_j x_j^2 + \epsilon}}

    (Zhang and Sennrich 2019, equation 4, which has no ε.) There is no β.

    Args:
        normalized_shape: the lengths of the last axes; a whole number for the last one alone.
        eps: ε; ``None`` for the machine epsilon of x's dtype, 2⁻²³ or 2⁻⁵².
        elementwise_affine: have γ, one for each element of the last axes.
        dtype: float32 or float64.
        runs: K for a stack of K runs, whose γ then has one leading axis more.

    Attributes:
        params: ``weight`` (γ, ones) of shape ``normalized_shape``, if affine.

    ``forward`` takes ``(*, *normalized_shape)``, with any number of axes for the first *; a stack
    takes ``(K, *, *normalized_shape)``. In float32, values beyond about 1e19 have no finite
    square: the output is 0, as torch's, and NumPy warns.

    Raises:
        ValueError: x has another shape, or is empty (of which torch makes an empty y).
        TypeError: x is not an array of float32 or float64.

    >>> RMSNorm(2).forward(np.array([[3.0, 4.0], [30.0, 40.0]])).round(4)
    array([[0.8485, 1.1314],
           [0.8485, 1.1314]])
    """

    normalized_shape: Annotated[int | Sequence[int], lengths]
    eps: AtLeast0 | None = None
    elementwise_affine: Flag = True

    def __post_init__(self) -> None:
        last: Any = self.normalized_shape  # a tuple, as ``lengths`` returns it
        self._axes = tuple(range(-len(last), 0))
        self._make_params(*last, weight=self.elementwise_affine, bias=False)
        self._take_inputs(("*", *last))

    def forward(self, x: Array) -> Array:
        self._check_input(x)
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        self._inverse_rms: Array = 1 / np.sqrt((x * x).mean(axis=self._axes, keepdims=True) + eps)
        return self._scale(x * self._inverse_rms)

    def backward(self, dy: Array) -> Array:
        dx_hat = self._scale_backward(dy)
        along_x_hat: Array = (dx_hat * self._x_hat).mean(axis=self._axes, keepdims=True)
        return self._inverse_rms * (dx_hat - self._x_hat * along_x_hat)
