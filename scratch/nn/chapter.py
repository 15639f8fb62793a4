"""Batch normalization as the chapter's book has it, where torch's differs."""

import numpy as np

from scratch._settings import Share
from scratch.nn.batchnorm import BatchNorm1d
from scratch.typing import Array, DTypeLike


class BatchNormalization(BatchNorm1d):
    """``BatchNorm1d`` with the book's conventions.

    ``momentum`` is the part of the running statistics that is *kept*, 0.9 where torch writes 0.1;
    the running variance is the average of the biased variances and starts at zero; ε is 1e-6.

    Args:
        num_features: C.
        momentum: the part that is kept.
        eps: ε.
        dtype: float32 or float64.
        runs: K for a stack of K runs.

    >>> bn = BatchNormalization(1, dtype=np.float64)
    >>> _ = bn.forward(np.array([[1.0], [3.0]]))
    >>> bn.running_var  # 0.9·0 + 0.1·1; BatchNorm1d has 0.9·1 + 0.1·2 = 1.1
    array([0.1])
    """

    momentum: Share = 0.9

    def __init__(
        self,
        num_features: int,
        momentum: float = 0.9,
        eps: float = 1e-6,
        *,
        dtype: DTypeLike = np.float32,
        runs: int | None = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, dtype=dtype, runs=runs)
        self.running_var[...] = 0

    def share_of_new_batch(self) -> float:
        return 1 - self.momentum

    def running_variance(self, var: Array, n: int) -> Array:
        return var
