"""The state of a hand-written optimizer as torch has it."""

from typing import Any

from scratch import optim
from torch_ref.registry.optimizers import pair_of
from torch_ref.registry.pairs import Buffer


def state_to_torch(optimizer: optim.Optimizer) -> dict[str, dict[str, Any]]:
    """The state of a hand-written optimizer in torch's names and units, as arrays and numbers."""
    buffers = pair_of(optimizer).buffers
    converted: dict[str, dict[str, Any]] = {}
    for name, state in optimizer.state.items():
        group, converted[name] = optimizer.group_of(name), {}
        for key, value in state.items():
            torch_key, factor = buffers.get(key, Buffer(key, lambda _: 1))
            converted[name][torch_key] = value * factor(group)
    return converted
