"""Softmax with cross-entropy, the loss of a classifier."""

import numpy as np

from scratch import _check
from scratch.typing import Array, Integers, Labels


def softmax(x: Array) -> Array:
    """exp(x) / Σ exp(x) along the last axis.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    if _check.array("x", x).ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have numbers along a last axis, got shape {x.shape}")
    # The largest is exp(0): no overflow.
    exponentials: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    total: Array = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / total


class CrossEntropyLoss:
    r"""The mean negative log-likelihood of the labels, as ``torch.nn.CrossEntropyLoss``.

    .. math::
        L = -\tfrac1N \textstyle\sum_n \log \mathrm{softmax}(x_n)_{t_n}, \qquad
        \partial x = (\mathrm{softmax}(x) - \mathrm{onehot}(t)) / N

    The book calls it SoftmaxWithLoss.

    >>> CrossEntropyLoss().forward(np.zeros((2, 10)), np.array([3, 4]))  # ln 10
    np.float64(2.302585092994046)
    """

    def forward(self, x: Array, t: Labels) -> Array:
        """The loss of the scores ``x`` (N, C) for the labels ``t``.

        Args:
            x: scores (N, C), or (K, N, C) for K runs.
            t: class numbers (N,) or one-hot rows (N, C); for K runs also (K, N) or (K, N, C).

        Returns:
            A scalar, or (K,) for K runs, of the dtype of ``x``.
        """
        labels = class_numbers(t, _check.array("x", x).shape)
        shifted = x - x.max(axis=-1, keepdims=True)
        self._softmax = np.exp(shifted)
        total = self._softmax.sum(axis=-1, keepdims=True)
        self._softmax /= total
        # Where the labels' scores are among all, one row after the other.
        self._places = np.arange(labels.size) * x.shape[-1] + labels.ravel().astype(np.intp)
        shifted_of_labels = shifted.take(self._places).reshape(labels.shape)
        loss: Array = (np.log(total[..., 0]) - shifted_of_labels).mean(axis=-1)
        return loss

    def backward(self) -> Array:
        """∂L/∂x; for K runs the gradient of each run's own loss."""
        dx: Array = self._softmax.copy()
        dx.reshape(-1)[self._places] -= 1
        dx /= dx.shape[-2]
        return dx


def class_numbers(t: Labels, scores_shape: tuple[int, ...], name: str = "t") -> Integers:
    """The labels ``t`` as class numbers of shape ``scores_shape[:-1]``, from either form."""
    t = _check.as_array(name, t)
    if len(scores_shape) < 2:
        raise ValueError(f"x must hold scores of shape (N, C), got {scores_shape}")
    *_, n, classes = scores_shape
    if n == 0:
        raise ValueError(f"x and t must not be empty, got scores of shape {scores_shape}")
    if t.shape in (scores_shape[:-1], (n,)) and np.issubdtype(t.dtype, np.integer):
        if t.min() < 0 or t.max() >= classes:
            bad = t[(t < 0) | (t >= classes)].flat[0]
            raise ValueError(f"{name} must hold class numbers from 0 to {classes - 1}, got {bad}")
    elif t.shape in (scores_shape, (n, classes)):
        one_hot = ((t == 0) | (t == 1)).all(axis=-1) & (t.sum(axis=-1) == 1)
        if not one_hot.all():
            raise ValueError(
                f"{name} must be one-hot, a single 1 in each row and 0 elsewhere, "
                f"got the row {t[~one_hot][0].tolist()}"
            )
        t = t.argmax(axis=-1)
    else:
        raise ValueError(
            f"{name} must hold whole numbers of shape ({n},), or one-hot rows of shape ({n}, "
            f"{classes}), got {t.dtype} of shape {t.shape}"
        )
    return np.broadcast_to(t, scores_shape[:-1])
