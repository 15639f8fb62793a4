"""Instance normalization: each channel of each row on its own."""

import math
from typing import ClassVar

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, AtLeast1, Flag, Share
from scratch.nn.norm import Norm, standardize, standardize_backward
from scratch.typing import Array


class InstanceNorm(Norm):
    """The base of ``InstanceNorm1d``, ``2d`` and ``3d``, which differ only in their inputs."""

    #: The axes of x behind the channels'.
    POSITIONS: ClassVar[str]

    num_features: AtLeast1
    eps: AtLeast0 = 1e-5
    momentum: Share | None = 0.1
    affine: Flag = False
    track_running_stats: Flag = False
    _: KW_ONLY
    bias: Flag = True

    def __post_init__(self) -> None:
        self._make_params(self.num_features, weight=self.affine, bias=self.affine and self.bias)
        row = self.num_features, *self.POSITIONS
        self._take_inputs(("N", *row), row)
        self._axes = tuple(range(-len(self.POSITIONS), 0))
        self._start_statistics(self.track_running_stats)

    def forward(self, x: Array) -> Array:
        behind, from_row = len(self.POSITIONS), self.training or not self.track_running_stats
        self._check_input(x)
        n = math.prod(x.shape[-behind:])
        if from_row and n < 2:
            raise ValueError(
                "x must have more than one value for each channel of a row to be normalized by "
                f"its own statistics, got shape {x.shape}"
            )
        self._from_row = from_row
        if from_row:
            x_hat, self._inverse_std, mean, var = standardize(x, self._axes, self.eps)
            if self.training and self.track_running_stats:
                self._track(mean, var, n)
        else:
            beside = self._beside(x, behind)
            self._inverse_std = 1 / np.sqrt(self.running_var.reshape(beside) + self.eps)
            x_hat = (x - self.running_mean.reshape(beside)) * self._inverse_std
        return self._scale(x_hat, behind)

    def _track(self, mean: Array, var: Array, n: int) -> None:
        """running ← (1 − m)·running + m·(the rows' mean); as in torch m is 0 where it is None."""
        m = 0.0 if self.momentum is None else self.momentum
        rows = tuple(range(len(self._lead), mean.ndim - len(self.POSITIONS) - 1)) + self._axes
        mean, var = (s.mean(axis=rows).reshape(self._shape) for s in (mean, var))
        self.running_mean *= 1 - m
        self.running_mean += m * mean
        self.running_var *= 1 - m
        self.running_var += m * (var * (n / (n - 1)))

    def backward(self, dy: Array) -> Array:
        dx_hat = self._scale_backward(dy)
        if not self._from_row:  # μ and σ² do not depend on x
            return self._inverse_std * dx_hat
        return standardize_backward(dx_hat, self._x_hat, self._inverse_std, self._axes)


class InstanceNorm1d(InstanceNorm):
    r"""Normalize each channel of each row over L, as ``torch.nn.InstanceNorm1d``.

    .. math::
        \mu_{nc} = \tfrac1L \textstyle\sum_l x_{ncl}, \quad
        \sigma^2_{nc} = \tfrac1L \textstyle\sum_l (x_{ncl} - \mu_{nc})^2, \quad
        y_{ncl} = \gamma_c\, \frac{x_{ncl} - \mu_{nc}}{\sqrt{\sigma^2_{nc} + \epsilon}} + \beta_c

    (Ulyanov, Vedaldi and Lempitsky 2016.) Evaluation does the same, unless running statistics are
    tracked: the means over the batch of μ and of the unbiased σ²·L/(L − 1).

    Args:
        num_features: C.
        eps: ε.
        momentum: the weight of the *new* batch in the running statistics. With ``None`` they stay
            as they were at the start: what torch does, where its ``BatchNorm`` takes the mean.
        affine: have γ and β; by default not.
        track_running_stats: have running statistics; by default not.
        bias: have β, if affine.
        dtype: float32 or float64.
        runs: K for a stack of K runs, whose parameters then have shape (K, C).

    Attributes:
        params: ``weight`` (γ, ones) and ``bias`` (β, zeros) of shape (C,), if affine.
        running_mean, running_var: of shape (C,), zeros and ones at the start, or ``None``.
        num_batches_tracked: 0, as torch's, which never counts here; or ``None``.

    ``forward`` takes (N, C, L), or a row alone, (C, L); a stack takes (K, N, C, L) or (K, C, L).

    Raises:
        ValueError: x has another shape (torch only warns of another C if neither affine nor
            tracking), is empty, or has L = 1 where it is normalized by its own statistics.
        TypeError: x is not an array of float32 or float64.

    >>> InstanceNorm1d(2).forward(np.array([[1.0, 3.0], [10.0, 50.0]])).round(4)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    POSITIONS = "L"


class InstanceNorm2d(InstanceNorm):
    """Normalize each channel of each image over H and W, as ``torch.nn.InstanceNorm2d``.

    All but the shape of x, (N, C, H, W) or (C, H, W), is as for :class:`InstanceNorm1d`; a stack
    takes one leading axis more.

    >>> y = InstanceNorm2d(3).forward(np.arange(48.0).reshape(3, 4, 4))
    >>> y.mean(axis=(1, 2)).round(12), y.std(axis=(1, 2)).round(4)
    (array([0., 0., 0.]), array([1., 1., 1.]))
    """

    POSITIONS = "HW"


class InstanceNorm3d(InstanceNorm):
    """Normalize each channel of each volume over D, H and W, as ``torch.nn.InstanceNorm3d``.

    All but the shape of x, (N, C, D, H, W) or (C, D, H, W), is as for :class:`InstanceNorm1d`; a
    stack takes one leading axis more.

    >>> InstanceNorm3d(3, affine=True).forward(np.ones((2, 3, 4, 4, 4), np.float32)).max()
    np.float32(0.0)
    """

    POSITIONS = "DHW"
