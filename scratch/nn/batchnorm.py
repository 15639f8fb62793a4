"""Batch normalization (section 6.3)."""

import numpy as np

from scratch import _check
from scratch.nn.layer import Layer


class BatchNorm1d(Layer):
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
        eps: ε.
        momentum: m, the weight of the *new* batch; ``None`` for the plain mean of all batches.
        affine: have γ and β.
        track_running_stats: have running statistics; without, evaluation uses the batch's too.
        dtype: float32 or float64.
        runs: K for a stack of K runs, whose parameters then have shape (K, C).

    Attributes:
        params: ``weight`` (γ, ones) and ``bias`` (β, zeros) of shape (C,), if affine.
        running_mean, running_var: of shape (C,), zeros and ones at the start, or ``None``.
        num_batches_tracked: the number of training batches seen, or ``None``.

    ``forward`` takes (N, C), or (N, C, L) and then normalizes over N and L; a stack takes
    (K, N, C) or (K, N, C, L).

    >>> bn = BatchNorm1d(2, dtype=np.float64)
    >>> bn.forward(np.array([[1.0, 10.0], [3.0, 30.0]])).round(4)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> bn.running_mean, bn.running_var  # 0.9·0 + 0.1·mean, 0.9·1 + 0.1·(unbiased variance)
    (array([0.2, 2. ]), array([ 1.1, 20.9]))
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: np.typing.DTypeLike = np.float32,
        runs: int | None = None,
    ) -> None:
        super().__init__()
        self.num_features = _check.integer("num_features", num_features, at_least=1)
        self.eps = _check.number("eps", eps, at_least=0)
        if momentum is not None:
            momentum = _check.number("momentum", momentum, at_least=0, at_most=1)
        self.momentum = momentum
        self.affine, self.track_running_stats = bool(affine), bool(track_running_stats)
        self.runs = None if runs is None else _check.integer("runs", runs, at_least=1)
        self._shape = (num_features,) if runs is None else (runs, num_features)
        dtype = _check.floating(dtype)
        if self.affine:
            self.params = {"weight": np.ones(self._shape, dtype)}
            self.params["bias"] = np.zeros(self._shape, dtype)
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if self.track_running_stats:
            self.running_mean = np.zeros(self._shape, dtype)
            self.running_var = np.ones(self._shape, dtype)
            self.num_batches_tracked = 0

    def forward(self, x: np.ndarray) -> np.ndarray:
        axes = self._axes(x)
        self._batch_size = int(np.prod([x.shape[axis] for axis in axes]))
        self._from_batch = self.training or not self.track_running_stats
        if self._from_batch:
            if self._batch_size < 2:
                raise ValueError(
                    "x must have more than one value per feature to be normalized by its own "
                    f"statistics, got shape {x.shape}; use a larger batch, or eval()"
                )
            mean = x.mean(axis=axes, keepdims=True)
            centred = x - mean
            var = (centred * centred).mean(axis=axes, keepdims=True)
            if self.training and self.track_running_stats:
                self._track(mean.reshape(self._shape), var.reshape(self._shape))
        else:
            centred = x - self._spread(self.running_mean, x.ndim)
            var = self._spread(self.running_var, x.ndim)
        self._inverse_std = 1 / np.sqrt(var + self.eps)
        self._x_hat = centred * self._inverse_std
        if not self.affine:
            return self._x_hat
        weight, bias = (self._spread(self.params[name], x.ndim) for name in ("weight", "bias"))
        return weight * self._x_hat + bias

    def backward(self, dy: np.ndarray) -> np.ndarray:
        axes = self._axes(dy)
        dy_sum = dy.sum(axis=axes, keepdims=True)
        dy_x_hat_sum = (dy * self._x_hat).sum(axis=axes, keepdims=True)
        scale = self._inverse_std
        if self.affine:
            self.grads = {
                "weight": dy_x_hat_sum.reshape(self._shape),
                "bias": dy_sum.reshape(self._shape),
            }
            scale = scale * self._spread(self.params["weight"], dy.ndim)
        if self._from_batch:  # μ and σ² depend on x too
            dy = dy - (dy_sum + self._x_hat * dy_x_hat_sum) / self._batch_size
        return scale * dy

    def share_of_new_batch(self) -> float:
        """m, the weight of the batch that ``num_batches_tracked`` has just counted."""
        return 1 / self.num_batches_tracked if self.momentum is None else self.momentum

    def running_variance(self, var: np.ndarray, n: int) -> np.ndarray:
        """What a batch of ``n`` values with the biased variance ``var`` adds to ``running_var``."""
        return var * (n / (n - 1))

    def _track(self, mean: np.ndarray, var: np.ndarray) -> None:
        self.num_batches_tracked += 1
        m = self.share_of_new_batch()
        var = self.running_variance(var, self._batch_size)
        self.running_mean *= 1 - m
        self.running_mean += m * mean
        self.running_var *= 1 - m
        self.running_var += m * var

    def _axes(self, x: np.ndarray) -> tuple[int, ...]:
        """The axes to average over, N and perhaps L; raises if ``x`` does not fit the layer."""
        lead = len(self._shape) - 1
        if (
            x.ndim not in (lead + 2, lead + 3)
            or (*x.shape[:lead], x.shape[lead + 1]) != self._shape
        ):
            stack = f"{self.runs}, " if lead else ""
            raise ValueError(
                f"x must have shape ({stack}N, {self.num_features}) or "
                f"({stack}N, {self.num_features}, L), got {x.shape}"
            )
        if x.size == 0:
            raise ValueError(f"x must not be empty, got shape {x.shape}")
        return (lead,) if x.ndim == lead + 2 else (lead, lead + 2)

    def _spread(self, values: np.ndarray, ndim: int) -> np.ndarray:
        """``values`` of shape (C,) or (K, C), with axes of length 1 for N and L."""
        values = values[..., None, :]
        return values[..., None] if ndim - len(self._shape) == 2 else values
