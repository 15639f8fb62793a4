"""LSUV: the scale of every layer's weights, measured on data instead of derived."""

from collections.abc import Callable
from functools import partial

import numpy as np

from scratch import _check
from scratch._signals import SignalsWait
from scratch.init import Initializer, orthogonal
from scratch.nn.affine import Affine
from scratch.nn.arguments import check_writeable
from scratch.nn.network import MultiLayerNet
from scratch.typing import Array


def lsuv(
    net: MultiLayerNet,
    x: Array,
    tolerance: float = 0.01,
    max_iterations: int = 10,
    *,
    start: Initializer | None = orthogonal,
) -> dict[str, float | Array]:
    r"""Layer-sequential unit variance (Mishkin and Matas 2016, "All you need is a good init").

    First the weights are replaced by orthogonal ones. Then, from the first layer to the last, each
    is divided by the standard deviation of its output for ``x``, until its variance is near 1:

    .. math::
        W_l \leftarrow W_l / \sqrt{\text{Var}(B_l)}, \qquad
        B_l = \text{the output of affine layer } l, \text{ over all rows and units}

    So no rule for the activation is needed. Without biases one division is enough.

    Args:
        net: a network, whose weights are changed in place; a stack of runs too, each by itself.
        x: a batch (N, D), or (K, N, D) with one for each run.
        tolerance: how far a variance may be from 1.
        max_iterations: how often a weight may be divided.
        start: draws the weights, from the net's generators; ``None`` keeps those it has.

    Normalization layers between use their running statistics, and no unit is dropped.

    Returns:
        By weight, the factor that it was multiplied by since its start: a number for each run.

    Raises:
        TypeError: ``net`` is not a network, or ``start`` not an initializer.
        ValueError: ``x`` is not a batch of finite numbers; or a layer's output has a variance of 0
            (inputs that are all 0, or ReLUs that are all dead) or inf, or is not within the
            tolerance after ``max_iterations`` (biases that are large). The weights and the streams
            of random numbers are then as before.

    >>> from scratch.random import Generator
    >>> net, x = MultiLayerNet(100, [100, 100], 10), Generator(1).randn(50, 100)
    >>> list(lsuv(net, x))
    ['W1', 'W2', 'W3']
    >>> lsuv(net, x, start=None)  # there is nothing left to do
    {'W1': 1.0, 'W2': 1.0, 'W3': 1.0}
    """
    _check.instance("net", net, MultiLayerNet)
    if not (start is None or callable(start)):
        raise TypeError(f"start must be an initializer or None, got {_check.shown(start)}")
    tolerance = _check.number("tolerance", tolerance, at_least=0)
    max_iterations = _check.integer("max_iterations", max_iterations, at_least=0)
    with np.errstate(all="ignore"):
        x = _check.as_array("x", x, net.dtype)
        if not np.isfinite(x).all():
            raise ValueError("x must be finite, got inf or NaN in it")
        net.predict(x)  # raises unless x is a batch
    weights = {name: w for name, w in net.params.items() if name.startswith("W")}
    check_writeable(weights)
    before = [w.copy() for w in weights.values()]
    streams = [generator.get_state() for generator in net.generators]
    try:
        if start is not None:
            for w in weights.values():
                _draw(w, net, start)
        return _scale_all(weights, net, x, tolerance, max_iterations)
    except BaseException:
        with SignalsWait():
            for w, old in zip(weights.values(), before, strict=True):
                w[...] = old
            for generator, state in zip(net.generators, streams, strict=True):
                generator.set_state(state)
        raise


def _draw(w: Array, net: MultiLayerNet, start: Initializer) -> None:
    """Fill a weight (in, out), or one for each run, with new draws."""
    runs = w if w.ndim == 3 else w[None]
    for of_run, generator in zip(runs, net.generators, strict=True):
        of_run[...] = start(of_run.shape[::-1], generator=generator, dtype=net.dtype).T


def _scale_all(
    weights: dict[str, Array], net: MultiLayerNet, x: Array, tolerance: float, max_iterations: int
) -> dict[str, float | Array]:
    """Scale one weight after the other; return the factor of each."""
    factors, names = {}, iter(weights)
    for layer in net.layers:
        if isinstance(layer, Affine):
            name = next(names)
            output = partial(layer.forward, x)
            factors[name] = _scale(name, weights[name], output, tolerance, max_iterations)
        x = layer.eval().forward(x)
    return factors


def _scale(
    name: str,
    w: Array,
    output: Callable[[], Array],
    tolerance: float,
    max_iterations: int,
) -> float | Array:
    """Divide ``w`` until the output's variance is near 1; return the factor of all divisions."""
    factor = np.ones(w.shape[:-2])
    for _ in range(max_iterations + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            variance = output().var(axis=(-2, -1), dtype=np.float64)
        if not ((variance > 0) & np.isfinite(variance)).all():
            raise ValueError(
                f"x must give every layer outputs that vary, got a variance of {variance} "
                f"behind {name}"
            )
        off = np.abs(variance - 1) > tolerance
        if not off.any():
            return factor if factor.ndim else float(factor)
        std = np.where(off, np.sqrt(variance), 1.0)
        w /= std[..., None, None]
        factor /= std
    raise ValueError(
        f"max_iterations={max_iterations} did not bring the variance behind {name} within "
        f"tolerance={tolerance:g} of 1, got {variance}"
    )
