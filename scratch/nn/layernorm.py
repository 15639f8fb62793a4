"""Layer normalization: each row over its own features."""

from collections.abc import Sequence
from typing import Annotated, Any

from scratch._settings import AtLeast0, Flag
from scratch.nn.norm import Norm, lengths, standardize, standardize_backward
from scratch.typing import Array


class LayerNorm(Norm):
    r"""Normalize over the last axes, as ``torch.nn.LayerNorm``.

    .. math::
        \mu = \tfrac1n \textstyle\sum_i x_i, \quad
        \sigma^2 = \tfrac1n \textstyle\sum_i (x_i - \mu)^2, \quad
        y_i = \gamma_i\, \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta_i

    where i runs over the n elements of the last axes: nothing depends on the batch, and
    evaluation is as training (Ba, Kiros and Hinton 2016, equations 3 and 4).

    Args:
        normalized_shape: the lengths of the last axes; a whole number for the last one alone.
        eps: ε.
        elementwise_affine: have γ and β, one for each element of the last axes.
        bias: have β, if affine.
        dtype: float32 or float64.
        runs: K for a stack of K runs, whose parameters then have one leading axis more.

    Attributes:
        params: ``weight`` (γ, ones) and ``bias`` (β, zeros) of shape ``normalized_shape``, if
            affine.

    ``forward`` takes ``(*, *normalized_shape)``, with any number of axes for the first *; a stack
    takes ``(K, *, *normalized_shape)``. In float32, deviations beyond about 1e19 have no finite
    square: the output is 0 where torch's may be NaN, and NumPy warns.

    Raises:
        ValueError: x has another shape, or is empty (of which torch makes an empty y).
        TypeError: x is not an array of float32 or float64.

    >>> import numpy as np
    >>> LayerNorm(2).forward(np.array([[1.0, 3.0], [10.0, 50.0]])).round(4)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    normalized_shape: Annotated[int | Sequence[int], lengths]
    eps: AtLeast0 = 1e-5
    elementwise_affine: Flag = True
    bias: Flag = True

    def __post_init__(self) -> None:
        last: Any = self.normalized_shape  # a tuple, as ``lengths`` returns it
        self._axes = tuple(range(-len(last), 0))
        affine = self.elementwise_affine
        self._make_params(*last, weight=affine, bias=affine and self.bias)
        self._take_inputs(("*", *last))

    def forward(self, x: Array) -> Array:
        self._check_input(x)
        x_hat, self._inverse_std, _, _ = standardize(x, self._axes, self.eps)
        return self._scale(x_hat)

    def backward(self, dy: Array) -> Array:
        dx_hat = self._scale_backward(dy)
        return standardize_backward(dx_hat, self._x_hat, self._inverse_std, self._axes)
