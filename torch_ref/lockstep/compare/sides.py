"""The sides of a run: anything that optimizes, with what the registry knows of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scratch import _check
from scratch.optim import RowGradient
from torch_ref.extras import imported, is_below
from torch_ref.lockstep.frameworks.optimizers import ways
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays, gradients_of
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe
from torch_ref.lockstep.frameworks.optimizers.templates import NoWay
from torch_ref.lockstep.frameworks.optimizers.update import UpdateAdapter
from torch_ref.registry import OPTIMIZERS, OptimizerPair, state_to_torch


class HandwrittenAdapter(UpdateAdapter):
    """An optimizer of ``scratch``: the registry has its buffers in torch's names and units."""

    strict = True

    def __init__(self, optimizer: Any) -> None:
        super().__init__(Recipe(optimizer, made=True))
        self.pair = _pair_by_hand(optimizer)

    def step(self, grads: Arrays) -> None:
        if gradients_of(self) == "rows":
            rows = {name: g if g is None else RowGradient.of(g) for name, g in grads.items()}
            self.optimizer.update(self._params, rows)
        else:
            super().step(grads)

    def state(self) -> dict[str, Arrays]:
        state = state_to_torch(self.optimizer)
        return {
            name: {key: np.asarray(value) for key, value in buffers.items() if key != "step"}
            for name, buffers in state.items()
        }


def as_adapter(candidate: Any, **settings: Any) -> Adapter:
    """The side for a candidate, by what it has; ``settings`` are for what is not made yet.

    Raises:
        TypeError: it has nothing that optimizes; the message says what would do.
    """
    return named_adapter("candidate", candidate, settings)


def named_adapter(name: str, candidate: Any, settings: Mapping[str, Any]) -> Adapter:
    """The same of an argument called ``name``."""
    if hasattr(candidate, "start") and hasattr(candidate, "step") and hasattr(candidate, "strict"):
        return candidate
    if is_torchs(candidate) or is_below(type(candidate), "torch_ref.twin.Twin"):
        side: Adapter = imported("torch_ref.lockstep.compare.torch_sides").of(candidate, settings)
        return side
    if _pair_by_hand(candidate):
        made = candidate(**settings) if isinstance(candidate, type) else candidate
        return HandwrittenAdapter(made)
    try:
        return ways.make(candidate, settings)
    except NoWay as error:
        message = f"{name} must be something that optimizes, got {_check.shown(candidate)}: {error}"
        raise NoWay(message, error.shown) from None


def is_torchs(candidate: Any) -> bool:
    """Whether it is a subclass of ``torch.optim.Optimizer``; torch is not imported for it."""
    return is_below(candidate, "torch.optim.optimizer.Optimizer")


def _pair_by_hand(optimizer: Any) -> OptimizerPair | None:
    """The pair that a hand-written class, or the class of an optimizer, is in."""
    cls = optimizer if isinstance(optimizer, type) else type(optimizer)
    pairs = (pair for pair in OPTIMIZERS.values() if pair.scratch is cls)
    return next(pairs, None)
