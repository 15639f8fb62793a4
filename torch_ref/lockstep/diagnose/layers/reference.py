"""Torch's module beside which a layer is checked; the hand-written one where there is no torch."""

import numpy as np

from torch_ref.extras import has_torch
from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings
from torch_ref.lockstep.frameworks.layers import Layer
from torch_ref.lockstep.frameworks.layers.arrays import ArrayLayer
from torch_ref.lockstep.frameworks.layers.torch_ import ModuleLayer
from torch_ref.registry import LAYERS, resolve


def reference(norm: Normalization, sizes: Settings, settings: Settings, dtype: np.dtype) -> Layer:
    """Torch's module, without its bias if there is to be none; ours, where there is no torch.

    Before 2.12 most of torch's norms take no ``bias``, yet compute without one.
    """
    if not has_torch():
        return ArrayLayer(LAYERS[norm.name].scratch(**sizes, **settings, dtype=dtype))
    known = {name: value for name, value in settings.items() if name != "bias"}
    module = resolve(f"torch.nn.{norm.name}")(**sizes, **known)
    if not settings.get("bias", True):
        module.register_parameter("bias", None)
    return ModuleLayer(module, dtype)
