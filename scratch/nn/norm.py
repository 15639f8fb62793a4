r"""What the normalization layers share: x̂ along some axes, its derivative, γ and β.

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

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scratch import _check
from scratch.nn.layer import Layer
from scratch.typing import Array, DTypeLike


class Standardized(NamedTuple):
    """x̂ and what it was computed with."""

    x_hat: Array
    inverse_std: Array
    mean: Array
    var: Array


def standardize(x: Array, axes: tuple[int, ...], eps: float) -> Standardized:
    """x̂ along ``axes``, with the biased variance; the statistics keep these axes, of length 1.

    >>> standardize(np.array([[1.0, 3.0]]), (1,), eps=0.0).x_hat
    array([[-1.,  1.]])
    """
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    var = (centred * centred).mean(axis=axes, keepdims=True)
    inverse_std = 1 / np.sqrt(var + eps)
    return Standardized(centred * inverse_std, inverse_std, mean, var)


def standardize_backward(
    dx_hat: Array, x_hat: Array, inverse_std: Array, axes: tuple[int, ...]
) -> Array:
    r"""∂L/∂x from ∂L/∂x̂, where x moves x̂ itself, μ and σ².

    .. math::
        \partial x = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \left(
            \partial \hat x - \overline{\partial \hat x}
            - \hat x \cdot \overline{\partial \hat x \cdot \hat x} \right)
    """
    mean: Array = dx_hat.mean(axis=axes, keepdims=True)
    along_x_hat: Array = (dx_hat * x_hat).mean(axis=axes, keepdims=True)
    return inverse_std * (dx_hat - mean - x_hat * along_x_hat)


class Norm(Layer):
    """y = γ·x̂ + β; a layer says what x̂ is, and which elements have a γ and β in common.

    Args:
        shape: of γ and β, of one run.
        eps: ε.
        affine: have γ (``weight``).
        bias: have β (``bias``) too.
        dtype: float32 or float64.
        runs: K for a stack of K runs.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        eps: float,
        affine: bool,
        bias: bool,
        dtype: DTypeLike,
        runs: int | None,
    ) -> None:
        super().__init__()
        self.eps = _check.number("eps", eps, at_least=0)
        self.runs = None if runs is None else _check.integer("runs", runs, at_least=1)
        self._lead = () if runs is None else (self.runs,)
        self._shape = (*self._lead, *shape)
        dtype, bias = _check.floating(dtype), _check.flag("bias", bias)
        if affine:
            self.params["weight"] = np.ones(self._shape, dtype)
            if bias:
                self.params["bias"] = np.zeros(self._shape, dtype)

    def forward(self, x: Array) -> Array:
        names = self._fit(_check.array("x", x))
        if x.size == 0:
            raise ValueError(f"x must not be empty, got shape {x.shape}")
        self._check_counts(x.shape, names)
        # From here on nothing is refused: what backward needs of the last x was kept up to here.
        self._names = names
        own = zip(x.shape, names, strict=True)
        self._beside_x = tuple(length if name in ("K", "C") else 1 for length, name in own)
        self._x_hat = self._normalize(x)
        if "weight" not in self.params:
            return self._x_hat.copy()  # the caller's to change, while x̂ is backward's
        y = self._spread(self.params["weight"]) * self._x_hat
        if "bias" in self.params:
            y += self._spread(self.params["bias"])
        return y

    def backward(self, dy: Array) -> Array:
        self._check_gradient(dy, self._kept("_x_hat").shape)
        if "weight" not in self.params:
            return self._normalize_backward(dy)
        self.grads = {"weight": self._sum_back(dy * self._x_hat)}
        if "bias" in self.params:
            self.grads["bias"] = self._sum_back(dy)
        return self._normalize_backward(self._spread(self.params["weight"]) * dy)

    def _fit(self, x: Array) -> tuple[str, ...]:
        """The names of x's axes: K for the runs, C for those that γ has, too.

        Raises ValueError if ``x`` does not fit the layer.
        """
        raise NotImplementedError(f"{type(self).__name__} has no _fit")

    def _check_counts(self, shape: tuple[int, ...], names: tuple[str, ...]) -> None:
        """Raise ValueError if an x that fits has too few values to be normalized."""

    def _normalize(self, x: Array) -> Array:
        """x̂; keeps what ``_normalize_backward`` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no _normalize")

    def _normalize_backward(self, dx_hat: Array) -> Array:
        """∂L/∂x from ∂L/∂x̂."""
        raise NotImplementedError(f"{type(self).__name__} has no _normalize_backward")

    def _spread(self, values: Array) -> Array:
        """``values`` of γ's shape, so that they broadcast with x."""
        return values.reshape(self._beside_x)

    def _sum_back(self, values: Array) -> Array:
        """The sum of ``values`` of x's shape over all that share a γ: the adjoint of spreading."""
        axes = tuple(axis for axis, length in enumerate(self._beside_x) if length == 1)
        total: Array = values.sum(axis=axes)
        return total.reshape(self._shape)


class ChannelNorm(Norm):
    """A ``Norm`` with one γ and β for each channel.

    Attributes:
        LAYOUTS: the inputs that the layer takes, as names of their axes; * for any number of them.
    """

    LAYOUTS: tuple[str, ...]

    def _fit(self, x: Array) -> tuple[str, ...]:
        (channels,), lead = self._shape[len(self._lead) :], len(self._lead)
        for layout in self.LAYOUTS:
            axes = layout.replace("*", " *" * (x.ndim - lead - 2)).split()
            names = (*(["K"] * lead), *axes)
            fits = (
                x.ndim == len(names)
                and x.shape[:lead] == self._lead
                and x.shape[names.index("C")] == channels
            )
            if fits:
                return names
        allowed = " or ".join(self._shown(layout, channels) for layout in self.LAYOUTS)
        raise ValueError(f"x must have shape {allowed}, got {x.shape}")

    def _shown(self, layout: str, channels: int) -> str:
        names = (str(channels) if name == "C" else name for name in layout.split())
        return f"({', '.join((*map(str, self._lead), *names))})"


def axes_but(names: tuple[str, ...], excluded: str) -> tuple[int, ...]:
    """Where the ``names`` are neither K nor ``excluded``.

    >>> axes_but(("K", "N", "C", "L"), "C")
    (1, 3)
    """
    return tuple(i for i, name in enumerate(names) if name not in ("K", *excluded))


class LastAxesNorm(Norm):
    """A ``Norm`` along the last axes, with one γ and β for each of their elements."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float,
        elementwise_affine: bool,
        bias: bool,
        dtype: DTypeLike,
        runs: int | None,
    ) -> None:
        self.normalized_shape = shape_of(normalized_shape)
        self.elementwise_affine = _check.flag("elementwise_affine", elementwise_affine)
        super().__init__(self.normalized_shape, eps, elementwise_affine, bias, dtype, runs)
        self._last = tuple(range(-len(self.normalized_shape), 0))

    def _fit(self, x: Array) -> tuple[str, ...]:
        lead, between = len(self._lead), x.ndim - len(self._shape)
        last = x.shape[lead + between :]
        if between < 0 or x.shape[:lead] != self._lead or last != self.normalized_shape:
            shape = (*self._lead, "*", *self.normalized_shape)
            raise ValueError(f"x must have shape ({', '.join(map(str, shape))}), got {x.shape}")
        return (*"K" * lead, *"*" * between, *"C" * len(self.normalized_shape))


def shape_of(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The shape as a tuple, or raise if it is neither a whole number nor some of them, all >= 1."""
    name = "normalized_shape"
    if isinstance(normalized_shape, list | tuple):
        if not normalized_shape:
            raise ValueError(f"{name} must have at least one axis, got {normalized_shape!r}")
        return _check.lengths(name, normalized_shape, at_least=1)
    return (_check.integer(name, normalized_shape, at_least=1),)
