"""A layer of the registry, and torch's own module beside it, with the same parameters."""

import numpy as np
import torch

from scratch.nn import Layer
from scratch.random import Generator
from torch_ref import nn
from torch_ref.registry import LayerPair, Settings, resolve


def layer_of(
    pair: LayerPair, case: Settings, dtype: str = "float64", runs: int | None = None, seed: int = 0
) -> Layer:
    """A layer with the settings ``case``; an ``Affine`` one goes from 5 units to 4, all zeros."""
    if pair.takes == "parameters":
        lead = () if runs is None else (runs,)
        return pair.scratch(np.zeros((*lead, 5, 4), dtype), np.zeros((*lead, 4), dtype))
    if pair.takes == "generator":
        generators = [Generator(seed + k) for k in range(runs or 1)]
        return pair.scratch(**case, generator=generators[0] if runs is None else generators)
    return pair.scratch(**case, **({"dtype": dtype, "runs": runs} if pair.statistics else {}))


def module_beside(pair: LayerPair, case: Settings, layer: Layer, dtype: str) -> torch.nn.Module:
    """Torch's module for a layer that was made with the settings ``case``.

    Where a layer draws, it is the twin that draws the same, from seed 0: torch's own takes no
    generator.

    >>> from torch_ref.registry import LAYERS
    >>> pair, case = LAYERS["LayerNorm"], {"normalized_shape": 5}
    >>> module_beside(pair, case, pair.scratch(**case), "float32").normalized_shape
    (5,)
    """
    options = {"dtype": getattr(torch, dtype)}
    if pair.takes == "generator":
        return nn.Dropout(**case, generator=torch.Generator().manual_seed(0))
    if pair.takes == "parameters":
        module = resolve(pair.torch)(*layer.params["weight"].shape, **options)
    elif pair.statistics:
        module = resolve(pair.torch)(**case, **options)
    else:
        return resolve(pair.torch)(**case)
    with torch.no_grad():
        for name, w in layer.params.items():
            getattr(module, name).copy_(torch.tensor(as_linear(pair, name, w)))
    return module


def as_linear(pair: LayerPair, name: str, w: np.ndarray) -> np.ndarray:
    """A parameter as torch has it: the weight of ``Linear`` is the transposed one."""
    return w.T.copy() if (pair.takes, name) == ("parameters", "weight") else w
