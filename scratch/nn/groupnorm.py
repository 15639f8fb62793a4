"""Group normalization: each row over the channels of a group."""

import math

from scratch._settings import KW_ONLY, AtLeast0, AtLeast1, Flag
from scratch.nn.norm import Norm, standardize, standardize_backward
from scratch.typing import Array


class GroupNorm(Norm):
    r"""Normalize over groups of C/G channels and all positions, as ``torch.nn.GroupNorm``.

    .. math::
        \mu_{ng} = \tfrac1{|g|} \textstyle\sum_{i \in g} x_{ni}, \quad
        \sigma^2_{ng} = \tfrac1{|g|} \textstyle\sum_{i \in g} (x_{ni} - \mu_{ng})^2, \quad
        y_{ni} = \gamma_c\, \frac{x_{ni} - \mu_{ng}}{\sqrt{\sigma^2_{ng} + \epsilon}} + \beta_c

    where i runs over the elements of row n whose channel c is in group g: nothing depends on the
    batch, and evaluation is as training (Wu and He 2018, equations 1 to 7). One group is layer
    normalization but for γ and β, a group for each channel is instance normalization.

    Args:
        num_groups: G, which divides C.
        num_channels: C.
        eps: ε.
        affine: have γ and β, one for each channel.
        bias: have β, if affine.
        dtype: float32 or float64.
        runs: K for a stack of K runs, whose parameters then have shape (K, C).

    Attributes:
        params: ``weight`` (γ, ones) and ``bias`` (β, zeros) of shape (C,), if affine.

    ``forward`` takes (N, C, \*), with any number of axes for the \*; a stack takes (K, N, C, \*).
    In float32, deviations beyond about 1e19 have no finite square: the output is 0 where torch's
    may be NaN, and NumPy warns.

    Raises:
        ValueError: G does not divide C; x has another shape (torch without γ lets another C
            pass that G divides), is empty, or has one row of one value for each group, which
            torch refuses too, while it takes several such rows.
        TypeError: x is not an array of float32 or float64.

    >>> import numpy as np
    >>> GroupNorm(2, 4).forward(np.array([[1.0, 3.0, 10.0, 50.0]])).round(4)
    array([[-1.,  1., -1.,  1.]])
    """

    num_groups: AtLeast1
    num_channels: AtLeast1
    eps: AtLeast0 = 1e-5
    affine: Flag = True
    _: KW_ONLY
    bias: Flag = True

    def __post_init__(self) -> None:
        if self.num_channels % self.num_groups:
            raise ValueError(
                "num_groups must divide num_channels, got "
                f"{self.num_groups} and {self.num_channels}"
            )
        self._make_params(self.num_channels, weight=self.affine, bias=self.affine and self.bias)
        self._take_inputs(("N", self.num_channels, "*"))

    def forward(self, x: Array) -> Array:
        self._check_input(x)
        if math.prod(x.shape[len(self._lead) :]) == self.num_groups:
            raise ValueError(
                f"x must have more than one value for each of the {self.num_groups} groups, got "
                f"shape {x.shape}"
            )
        x_hat, self._inverse_std, _, _ = standardize(self._grouped(x), (-1,), self.eps)
        return self._scale(x_hat.reshape(x.shape), behind=x.ndim - len(self._shape) - 1)

    def backward(self, dy: Array) -> Array:
        dx_hat = self._scale_backward(dy)
        x_hat = self._grouped(self._x_hat)
        dx = standardize_backward(self._grouped(dx_hat), x_hat, self._inverse_std, (-1,))
        return dx.reshape(dy.shape)

    def _grouped(self, x: Array) -> Array:
        """(N, C, *) as (N, G, C/G · *): a group's channels lie side by side."""
        return x.reshape(*x.shape[: len(self._lead) + 1], self.num_groups, -1)
