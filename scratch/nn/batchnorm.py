"""Batch normalization (section 6.3): each feature over the batch."""

from typing import ClassVar

import numpy as np

from scratch._settings import KW_ONLY, AtLeast0, AtLeast1, Flag, Share
from scratch.nn.norm import Norm
from scratch.typing import Array


class BatchNorm(Norm):
    """The base of ``BatchNorm1d``, ``2d`` and ``3d``, which differ only in their inputs."""

    #: The axes that x may have behind the channels'.
    POSITIONS: ClassVar[tuple[str, ...]]

    num_features: AtLeast1
    eps: AtLeast0 = 1e-5
    momentum: Share | None = 0.1
    affine: Flag = True
    track_running_stats: Flag = True
    _: KW_ONLY
    bias: Flag = True

    def __post_init__(self) -> None:
        self._make_params(self.num_features, weight=self.affine, bias=self.affine and self.bias)
        rows = ("N", self.num_features)
        self._take_inputs(*((*rows, *positions) for positions in self.POSITIONS))
        self._start_statistics(self.track_running_stats)

    def forward(self, x: Array) -> Array:
        from_batch = self.training or not self.track_running_stats
        n = self._count(x, from_batch)
        # From here on nothing is refused: what backward needs of the last x was kept up to here.
        self._n = n if from_batch else None
        axes = self._axes(x)
        self._spread = beside = self._beside(x, behind=x.ndim - len(self._shape) - 1)
        if from_batch:
            mean = x.mean(axis=axes, keepdims=True)
            centred = x - mean
            var = (centred * centred).mean(axis=axes, keepdims=True)
            if self.training and self.track_running_stats:
                self._track(mean.reshape(self._shape), var.reshape(self._shape), n)
        else:
            centred = x - self.running_mean.reshape(beside)
            var = self.running_var.reshape(beside)
        self._inverse_std: Array = 1 / np.sqrt(var + self.eps)
        centred *= self._inverse_std
        self._x_hat = centred
        if "weight" not in self.params:
            return self._x_hat.copy()  # the caller's to change, while x̂ is backward's
        y = self.params["weight"].reshape(beside) * self._x_hat
        if "bias" in self.params:
            y += self.params["bias"].reshape(beside)
        return y

    def _track(self, mean: Array, var: Array, n: int) -> None:
        """running ← (1 − m)·running + m·batch, for a batch of ``n`` values."""
        self.num_batches_tracked += 1
        m = self.share_of_new_batch()
        var = self.running_variance(var, n)
        for running, batch in ((self.running_mean, mean), (self.running_var, var)):
            running *= 1 - m
            running += m * batch

    def share_of_new_batch(self) -> float:
        """m, the weight of the batch that ``num_batches_tracked`` has just counted."""
        return 1 / self.num_batches_tracked if self.momentum is None else self.momentum

    def running_variance(self, var: Array, n: int) -> Array:
        """Return what ``n`` values with the biased variance ``var`` add to ``running_var``."""
        return var * (n / (n - 1))

    def backward(self, dy: Array) -> Array:
        # ∂x = γ/σ·(∂y − mean(∂y) − x̂·mean(∂y·x̂)): ∂β and ∂γ are n times these means.
        self._check_gradient(dy, self._kept("_x_hat").shape)
        axes = self._axes(dy)
        dbeta: Array = dy.sum(axis=axes, keepdims=True)
        dgamma: Array = (dy * self._x_hat).sum(axis=axes, keepdims=True)
        sums = {"weight": dgamma, "bias": dbeta}
        self.grads = {name: sums[name].reshape(self._shape) for name in self.params}
        scale = self._inverse_std
        if "weight" in self.params:
            scale = scale * self.params["weight"].reshape(self._spread)
        if self._n is not None:  # μ and σ² depend on x too
            dy = dy - (dbeta + self._x_hat * dgamma) / self._n
        return scale * dy

    def _axes(self, x: Array) -> tuple[int, ...]:
        """The axes that μ and σ² are taken along."""
        lead = len(self._lead)
        return (lead, *range(lead + 2, x.ndim))

    def _count(self, x: Array, from_batch: bool) -> int:
        """Over how many values; raises if ``x`` cannot be normalized."""
        self._check_input(x)
        n = x.size // (self.num_features * (self.runs or 1))
        if from_batch and n < 2:
            raise ValueError(
                "x must have more than one value per feature to be normalized by its own "
                f"statistics, got shape {x.shape}; use a larger batch, or eval()"
            )
        if from_batch and self.eps == 0:
            raise ValueError("eps must be > 0 to normalize a batch by its own statistics, got 0.0")
        return n


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
        TypeError: x is not an array of float32 or float64.

    >>> bn = BatchNorm1d(2, dtype=np.float64)
    >>> bn.forward(np.array([[1.0, 10.0], [3.0, 30.0]])).round(4)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> bn.running_mean, bn.running_var  # 0.9·0 + 0.1·mean, 0.9·1 + 0.1·(unbiased variance)
    (array([0.2, 2. ]), array([ 1.1, 20.9]))
    """

    POSITIONS = ("", "L")


class BatchNorm2d(BatchNorm):
    """Normalize each channel of images over N, H and W, as ``torch.nn.BatchNorm2d``.

    All but the shape of x, (N, C, H, W), is as for :class:`BatchNorm1d`; a stack takes
    (K, N, C, H, W).

    >>> bn = BatchNorm2d(2, dtype=np.float64)
    >>> y = bn.forward(np.arange(16.0).reshape(2, 2, 2, 2))
    >>> y.mean(axis=(0, 2, 3)), bn.running_mean.round(2)
    (array([0., 0.]), array([0.55, 0.95]))
    """

    POSITIONS = ("HW",)


class BatchNorm3d(BatchNorm):
    """Normalize each channel of volumes over N, D, H and W, as ``torch.nn.BatchNorm3d``.

    All but the shape of x, (N, C, D, H, W), is as for :class:`BatchNorm1d`; a stack takes
    (K, N, C, D, H, W).

    >>> BatchNorm3d(3).forward(np.ones((2, 3, 4, 4, 4), np.float32)).max()
    np.float32(0.0)
    """

    POSITIONS = ("DHW",)
