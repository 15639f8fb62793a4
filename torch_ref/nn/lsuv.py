"""The twin of ``scratch.nn.lsuv``."""

from collections.abc import Callable
from typing import Any

import torch

from scratch import _check
from torch_ref import init
from torch_ref.nn.network import MultiLayerNet


@torch.no_grad()
def lsuv(
    net: MultiLayerNet,
    x: torch.Tensor,
    tolerance: float = 0.01,
    max_iterations: int = 10,
    *,
    start: Callable[..., torch.Tensor] | None = init.orthogonal,
) -> dict[str, torch.Tensor]:
    """The twin of ``scratch.nn.lsuv``: the same arguments, and a factor for each weight.

    Raises:
        ValueError: as there; but the weights stay as far as they were scaled.
    """
    _check.instance("net", net, MultiLayerNet)
    tolerance = _check.number("tolerance", tolerance, at_least=0)
    max_iterations = _check.integer("max_iterations", max_iterations, at_least=0)
    if start is not None:
        _check.function("start", start)
    net.predict(x)  # raises for what is no batch
    names = {w: name for name, w in net.params.items() if name.startswith("W")}
    if start is not None:
        for w in names:
            _draw(w, net, start)
    net.eval()
    factors = {}
    for layer in net.layers:
        weight: Any = getattr(layer, "weight", None)
        if weight in names:
            factors[names[weight]] = _scale(weight, lambda: layer(x), tolerance, max_iterations)  # noqa: B023
        x = layer(x)
    return factors


def _draw(w: torch.Tensor, net: MultiLayerNet, start: Callable[..., torch.Tensor]) -> None:
    runs = w if w.ndim == 3 else w[None]
    for of_run, generator in zip(runs, net.generators, strict=True):
        of_run.copy_(start(of_run.T.shape, generator=generator, dtype=net.dtype).T)


def _scale(
    w: torch.Tensor, output: Callable[[], torch.Tensor], tolerance: float, max_iterations: int
) -> torch.Tensor:
    factor = torch.ones(w.shape[:-2], dtype=torch.float64)
    for _ in range(max_iterations + 1):
        variance = output().cpu().double().var(dim=(-2, -1), correction=0)
        if not ((variance > 0) & variance.isfinite()).all():
            raise ValueError(f"x must give every layer outputs that vary, got {variance.tolist()}")
        off = (variance - 1).abs() > tolerance
        if not off.any():
            return factor
        std = torch.where(off, variance.sqrt(), 1.0)
        w.div_(std[..., None, None].to(w))
        factor /= std
    raise ValueError(f"max_iterations={max_iterations} gave variances of {variance.tolist()}")
