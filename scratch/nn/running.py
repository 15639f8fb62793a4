"""Running statistics, which stand in for the batch's own in evaluation."""

from typing import Any

import numpy as np

from scratch import _check
from scratch.nn.norm import ChannelNorm
from scratch.typing import Array, DTypeLike


class RunningNorm(ChannelNorm):
    r"""A ``ChannelNorm`` that may track its mean and variance, for evaluation.

    .. math::
        \text{running} \leftarrow (1 - m)\,\text{running} + m\,\text{batch}

    Args:
        num_features: C.
        eps: ε.
        momentum: m, the weight of the *new* batch, or ``None``.
        affine: have γ.
        track_running_stats: have running statistics.
        bias: have β, if affine.
        dtype: float32 or float64.
        runs: K for a stack of K runs.
    """

    _inverse_std: Array

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        dtype: DTypeLike,
        runs: int | None,
    ) -> None:
        self.num_features = _check.integer("num_features", num_features, at_least=1)
        if momentum is not None:
            momentum = _check.number("momentum", momentum, at_least=0, at_most=1)
        self.momentum = momentum
        self.affine = _check.flag("affine", affine)
        self.track_running_stats = _check.flag("track_running_stats", track_running_stats)
        super().__init__((self.num_features,), eps, affine, bias, dtype, runs)
        # None where nothing is tracked, but whoever tracks need not ask.
        self.running_mean: Array | Any = None
        self.running_var: Array | Any = None
        self.num_batches_tracked: int | Any = None
        if self.track_running_stats:
            self.running_mean = np.zeros(self._shape, dtype)
            self.running_var = np.ones(self._shape, dtype)
            self.num_batches_tracked = 0

    def share_of_new_batch(self) -> float:
        """m, the weight of the batch that is being tracked."""
        raise NotImplementedError(f"{type(self).__name__} has no share_of_new_batch")

    def running_variance(self, var: Array, n: int) -> Array:
        """What a batch of ``n`` values with the biased variance ``var`` adds to ``running_var``."""
        return var * (n / (n - 1))

    @property
    def _from_batch(self) -> bool:
        """Whether x is normalized by its own statistics."""
        return self.training or not self.track_running_stats

    def _track(self, mean: Array, var: Array, n: int) -> None:
        """Update the running statistics by those of ``n`` values, both of γ's shape."""
        m = self.share_of_new_batch()
        var = self.running_variance(var, n)
        self.running_mean *= 1 - m
        self.running_mean += m * mean
        self.running_var *= 1 - m
        self.running_var += m * var

    def _normalize_by_running(self, x: Array) -> Array:
        self._inverse_std = 1 / np.sqrt(self._spread(self.running_var) + self.eps)
        return (x - self._spread(self.running_mean)) * self._inverse_std
