"""Batch normalization (section 6.3)."""

import math

import numpy as np

from scratch.nn.norm import axes_but, standardize
from scratch.nn.running import RunningNorm
from scratch.typing import Array, DTypeLike


class BatchNorm(RunningNorm):
    """What ``BatchNorm1d``, ``2d`` and ``3d`` share: all but the inputs that they take."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
        runs: int | None = None,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, dtype, runs
        )

    def share_of_new_batch(self) -> float:
        """m, the weight of the batch that ``num_batches_tracked`` has just counted."""
        return 1 / self.num_batches_tracked if self.momentum is None else self.momentum

    def _check_counts(self, shape: tuple[int, ...], names: tuple[str, ...]) -> None:
        if not self._from_batch:
            return
        if math.prod(shape[i] for i in axes_but(names, "C")) < 2:
            raise ValueError(
                "x must have more than one value per feature to be normalized by its own "
                f"statistics, got shape {shape}; use a larger batch, or eval()"
            )
        if self.eps == 0:
            raise ValueError("eps must be > 0 to normalize a batch by its own statistics, got 0.0")

    def _normalize(self, x: Array) -> Array:
        self._n = None  # the number of values that μ and σ² were taken of, if they were
        if not self._from_batch:
            return self._normalize_by_running(x)
        axes = axes_but(self._names, "C")
        self._n = n = math.prod(x.shape[axis] for axis in axes)
        x_hat, self._inverse_std, mean, var = standardize(x, axes, self.eps)
        if self.training and self.track_running_stats:
            self.num_batches_tracked += 1
            self._track(mean.reshape(self._shape), var.reshape(self._shape), n)
        return x_hat

    def backward(self, dy: Array) -> Array:
        # γ is one number along the averaged axes, so that the means of ∂x̂ and ∂x̂·x̂ are
        # γ·∂β/n and γ·∂γ/n: sums that are at hand.
        self._check_gradient(dy, self._kept("_x_hat").shape)
        axes = axes_but(self._names, "C")
        dy_sum: Array = dy.sum(axis=axes, keepdims=True)
        dy_x_hat_sum: Array = (dy * self._x_hat).sum(axis=axes, keepdims=True)
        sums = {"weight": dy_x_hat_sum, "bias": dy_sum}
        self.grads = {name: sums[name].reshape(self._shape) for name in self.params}
        scale = self._inverse_std
        if self.affine:
            scale = scale * self._spread(self.params["weight"])
        if self._n is not None:  # μ and σ² depend on x too
            dy = dy - (dy_sum + self._x_hat * dy_x_hat_sum) / self._n
        return scale * dy


class BatchNorm1d(BatchNorm):
    r"""Normalize each feature over the batch, as ``torch.nn.BatchNorm1d``.

    .. math::
        \mu = \tfrac1n \textstyle\sum_i x_i, \quad
        \sigma^2 = \tfrac1n \textstyle\sum_i (x_i - \mu)^2, \quad
        \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}, \quad
        y_i = \gamma \hat x_i + \beta

    (Ioffe and Szegedy 2015, algorithm 1; equations 6.7 and 6.8 of the chapter.) In evaluation the
    running statistics stand in for μ and σ²:

    .. math::
        \text{running} \leftarrow (1 - m)\,\text{running} + m\,\text{batch}

    As in torch, the batch is normalized by its biased variance, while the running variance is fed
    the unbiased one, σ²·n/(n − 1). The chapter's layer, ``BatchNormalization``, uses the biased
    one in both places.

    Args:
        num_features: C.
        eps: ε; 0 is for evaluation alone.
        momentum: m, the weight of the *new* batch; ``None`` for the plain mean of all batches.
        affine: have γ and β.
        track_running_stats: have running statistics; without, evaluation uses the batch's too.
        bias: have β, if affine.
        dtype: float32 or float64.
        runs: K for a stack of K runs, whose parameters then have shape (K, C).

    Attributes:
        params: ``weight`` (γ, ones) and ``bias`` (β, zeros) of shape (C,), if affine.
        running_mean, running_var: of shape (C,), zeros and ones at the start, or ``None``.
        num_batches_tracked: the number of training batches seen, or ``None``.

    ``forward`` takes (N, C), or (N, C, L) and then normalizes over N and L; a stack takes
    (K, N, C) or (K, N, C, L). In float32, deviations beyond about 1e19 have no finite square: the
    output is 0, as torch's, and NumPy warns.

    Raises:
        ValueError: x has another shape or is empty (of which torch makes an empty y, and counts
            the batch); or has one value for each feature, or ε is 0, in training.
        TypeError: x is no array of float32 or float64.

    >>> bn = BatchNorm1d(2, dtype=np.float64)
    >>> bn.forward(np.array([[1.0, 10.0], [3.0, 30.0]])).round(4)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> bn.running_mean, bn.running_var  # 0.9·0 + 0.1·mean, 0.9·1 + 0.1·(unbiased variance)
    (array([0.2, 2. ]), array([ 1.1, 20.9]))
    """

    LAYOUTS = ("N C", "N C L")


class BatchNorm2d(BatchNorm):
    """Normalize each channel of images over N, H and W, as ``torch.nn.BatchNorm2d``.

    All but the shape of x, (N, C, H, W), is as for :class:`BatchNorm1d`; a stack takes
    (K, N, C, H, W).

    >>> bn = BatchNorm2d(2, dtype=np.float64)
    >>> y = bn.forward(np.arange(16.0).reshape(2, 2, 2, 2))
    >>> y.mean(axis=(0, 2, 3)), bn.running_mean.round(2)
    (array([0., 0.]), array([0.55, 0.95]))
    """

    LAYOUTS = ("N C H W",)


class BatchNorm3d(BatchNorm):
    """Normalize each channel of volumes over N, D, H and W, as ``torch.nn.BatchNorm3d``.

    All but the shape of x, (N, C, D, H, W), is as for :class:`BatchNorm1d`; a stack takes
    (K, N, C, D, H, W).

    >>> BatchNorm3d(3).forward(np.ones((2, 3, 4, 4, 4), np.float32)).max()
    np.float32(0.0)
    """

    LAYOUTS = ("N C D H W",)
