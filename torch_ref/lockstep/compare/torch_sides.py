"""The sides that torch steps: its classes, and the twins of the hand-written ones."""

import copy
from collections.abc import Mapping
from typing import Any

import torch

from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.optimizers.torch import TorchAdapter
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS


class TwinAdapter(TorchAdapter):
    """The twin of a hand-written optimizer, on torch's side of a pair."""

    strict = True

    def __init__(self, twin: Twin) -> None:
        self._twin, self.name, self.pair = twin, str(twin), twin.pair

    def made(self) -> torch.optim.Optimizer:
        twin = copy.copy(self._twin)
        twin.torch = None  # so that it is bound anew, to these tensors
        return _bound(twin, self.tensors)


def _bound(twin: Twin, tensors: dict[str, torch.Tensor]) -> torch.optim.Optimizer:
    twin.bind(tensors)
    optimizer: torch.optim.Optimizer = twin.torch
    return optimizer


def of(candidate: Any, settings: Mapping[str, Any]) -> Adapter:
    """The side of a twin, or of a class of torch with its settings."""
    if isinstance(candidate, Twin):
        return TwinAdapter(candidate)
    side = TorchAdapter(candidate, **settings)
    # The first pair whose side in torch is the class.
    side.pair = next((pair for pair in OPTIMIZERS.values() if pair.torch == side.name), None)
    return side
