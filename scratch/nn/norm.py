r"""The common parts of normalization layers: γ and β, x̂ along some axes, its derivative.

.. math::
    \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma \hat x + \beta

They differ in the axes that μ and σ² are taken along, for x of shape (N, C, L):

=============  =====  ==========================================
BatchNorm      N, L   one μ for each channel, over the batch
InstanceNorm   L      one for each channel of each row
LayerNorm      C, L   one for each row; or the last axes alone
GroupNorm      L      and the channels of a group, for each row
RMSNorm        C, L   as LayerNorm's, with μ = 0
=============  =====  ==========================================
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np

from scratch import _check
from scratch._check import Check
from scratch._settings import KW_ONLY, AtLeast1, Configurable, optional
from scratch.nn.layer import Layer
from scratch.typing import Array, DTypeLike, Shape


def lengths(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Return ``value`` as a tuple, or raise unless it is one whole number >= 1 or several."""
    if not isinstance(value, list | tuple):
        return (_check.integer(name, value, at_least=1),)
    if not value:
        raise ValueError(f"{name} must have at least one axis, got {value!r}")
    return _check.lengths(name, value, at_least=1)


class Norm(Configurable, Layer):
    """y = γ·x̂ + β. A subclass says what x̂ is, and which axes of x have a γ and β.

    Args:
        dtype: float32 or float64.
        runs: K for a stack of K runs.
    """

    remembered: ClassVar[Mapping[str, Check]] = {
        "running_mean": optional(_check.array),
        "running_var": optional(_check.variances),
        "num_batches_tracked": optional(partial(_check.integer, at_least=0)),
    }

    _: KW_ONLY
    dtype: Annotated[DTypeLike, lambda _, value: _check.floating(value)] = np.float32
    runs: AtLeast1 | None = None

    def _make_params(self, *lengths: int, weight: bool, bias: bool) -> None:
        """Make γ and β of these ``lengths`` in each run."""
        Layer.__init__(self)
        self._lead: Shape = () if self.runs is None else (self.runs,)
        self._lengths, self._shape = lengths, (*self._lead, *lengths)
        if weight:
            self.params["weight"] = np.ones(self._shape, self.dtype)
        if bias:
            self.params["bias"] = np.zeros(self._shape, self.dtype)

    def _start_statistics(self, tracked: bool) -> None:
        """Make running statistics of each channel; ``None`` for all three if not ``tracked``."""
        # Any, so that code that runs only where they are tracked need not ask for None.
        self.running_mean: Array | Any = np.zeros(self._shape, self.dtype) if tracked else None
        self.running_var: Array | Any = np.ones(self._shape, self.dtype) if tracked else None
        self.num_batches_tracked: int | Any = 0 if tracked else None

    def _take_inputs(self, *shapes: tuple[int | str, ...]) -> None:
        """Say which shapes, as ``_check.shape`` reads them, x may have in each run."""
        self._inputs = [(*self._lead, *shape) for shape in shapes]

    def _check_input(self, x: Array) -> None:
        """Raise unless ``x`` is an array that may be normalized, and not an empty one."""
        _check.shape("x", _check.array("x", x).shape, *self._inputs)
        if x.size == 0:
            raise ValueError(f"x must not be empty, got shape {x.shape}")

    def _beside(self, x: Array, behind: int = 0) -> Shape:
        """γ's shape, and 1 for each other axis of ``x``; so many of them come ``behind`` γ's."""
        between = x.ndim - len(self._shape) - behind
        return (*self._lead, *(1,) * between, *self._lengths, *(1,) * behind)

    def _scale(self, x_hat: Array, behind: int = 0) -> Array:
        """γ·x̂ + β; keeps x̂."""
        self._x_hat, self._spread = x_hat, self._beside(x_hat, behind)
        if "weight" not in self.params:
            return x_hat.copy()  # the caller's to change, while x̂ is backward's
        y = self.params["weight"].reshape(self._spread) * x_hat
        if "bias" in self.params:
            y += self.params["bias"].reshape(self._spread)
        return y

    def _scale_backward(self, dy: Array) -> Array:
        """∂L/∂x̂ from ∂L/∂y; sets ``grads`` to the sums over all elements with a γ in common."""
        self._check_gradient(dy, self._kept("_x_hat").shape)
        if "weight" not in self.params:
            return dy
        shared = tuple(axis for axis, length in enumerate(self._spread) if length == 1)
        self.grads = {"weight": (dy * self._x_hat).sum(axis=shared).reshape(self._shape)}
        if "bias" in self.params:
            self.grads["bias"] = dy.sum(axis=shared).reshape(self._shape)
        return self.params["weight"].reshape(self._spread) * dy


def standardize(x: Array, axes: Shape, eps: float) -> tuple[Array, Array, Array, Array]:
    """x̂ along ``axes``, 1/σ, μ and the biased σ²; these three keep the axes, of length 1.

    >>> standardize(np.array([[1.0, 3.0]]), (1,), eps=0.0)
    (array([[-1.,  1.]]), array([[1.]]), array([[2.]]), array([[1.]]))
    """
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    var = (centred * centred).mean(axis=axes, keepdims=True)
    inverse_std = 1 / np.sqrt(var + eps)
    return centred * inverse_std, inverse_std, mean, var


def standardize_backward(dx_hat: Array, x_hat: Array, inverse_std: Array, axes: Shape) -> Array:
    r"""∂L/∂x from ∂L/∂x̂, where x moves x̂ itself, μ and σ².

    .. math::
        \partial x = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \left(
            \partial \hat x - \overline{\partial \hat x}
            - \hat x \cdot \overline{\partial \hat x \cdot \hat x} \right)
    """
    mean: Array = dx_hat.mean(axis=axes, keepdims=True)
    along_x_hat: Array = (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    return inverse_std * (dx_hat - mean - x_hat * along_x_hat)
