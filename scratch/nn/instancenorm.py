"""Instance normalization: each channel of each row on its own."""

import math

import numpy as np

from scratch.nn.norm import axes_but, standardize, standardize_backward
from scratch.nn.running import RunningNorm
from scratch.typing import Array, DTypeLike


class InstanceNorm(RunningNorm):
    """What ``InstanceNorm1d``, ``2d`` and ``3d`` share: all but the inputs that they take."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
        runs: int | None = None,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, dtype, runs
        )

    def share_of_new_batch(self) -> float:
        """m; 0 for ``None``, as in torch."""
        return 0.0 if self.momentum is None else self.momentum

    def _check_counts(self, shape: tuple[int, ...], names: tuple[str, ...]) -> None:
        if self._from_batch and math.prod(shape[i] for i in axes_but(names, "NC")) < 2:
            raise ValueError(
                "x must have more than one value for each channel of a row to be normalized by "
                f"its own statistics, got shape {shape}"
            )

    def _normalize(self, x: Array) -> Array:
        self._along = axes_but(self._names, "NC") if self._from_batch else None
        if self._along is None:
            return self._normalize_by_running(x)
        n = math.prod(x.shape[axis] for axis in self._along)
        x_hat, self._inverse_std, mean, var = standardize(x, self._along, self.eps)
        if self.training and self.track_running_stats:
            rows = axes_but(self._names, "C")
            mean, var = (s.mean(axis=rows).reshape(self._shape) for s in (mean, var))
            self._track(mean, var, n)
        return x_hat

    def _normalize_backward(self, dx_hat: Array) -> Array:
        if self._along is None:
            return self._inverse_std * dx_hat
        return standardize_backward(dx_hat, self._x_hat, self._inverse_std, self._along)


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
        TypeError: x is no array of float32 or float64.

    >>> InstanceNorm1d(2).forward(np.array([[1.0, 3.0], [10.0, 50.0]])).round(4)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    LAYOUTS = ("N C L", "C L")


class InstanceNorm2d(InstanceNorm):
    """Normalize each channel of each image over H and W, as ``torch.nn.InstanceNorm2d``.

    All but the shape of x, (N, C, H, W) or (C, H, W), is as for :class:`InstanceNorm1d`; a stack
    takes one leading axis more.

    >>> y = InstanceNorm2d(3).forward(np.arange(48.0).reshape(3, 4, 4))
    >>> y.mean(axis=(1, 2)).round(12), y.std(axis=(1, 2)).round(4)
    (array([0., 0., 0.]), array([1., 1., 1.]))
    """

    LAYOUTS = ("N C H W", "C H W")


class InstanceNorm3d(InstanceNorm):
    """Normalize each channel of each volume over D, H and W, as ``torch.nn.InstanceNorm3d``.

    All but the shape of x, (N, C, D, H, W) or (C, D, H, W), is as for :class:`InstanceNorm1d`; a
    stack takes one leading axis more.

    >>> InstanceNorm3d(3, affine=True).forward(np.ones((2, 3, 4, 4, 4), np.float32)).max()
    np.float32(0.0)
    """

    LAYOUTS = ("N C D H W", "C D H W")
