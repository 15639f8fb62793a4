"""The reference for a check: an entry of the registry, by its name."""

from dataclasses import dataclass, field
from typing import Any

import torch

from scratch import _check
from torch_ref import registry
from torch_ref.lockstep.candidates.candidate import CandidateError, arguments
from torch_ref.lockstep.compare.sides import as_adapter
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.registry import OptimizerPair, Pair

Settings = dict[str, Any]

#: The kinds of what can be checked.
OPTIMIZER, NORM, INITIALIZER, SCHEDULE = "optimizer", "norm", "initializer", "schedule"

#: How torch computes, not what; and in which groups.
_IMPLEMENTATION = frozenset(
    {"params", "foreach", "capturable", "differentiable", "fused", "groups"}
)


@dataclass(frozen=True)
class Reference:
    """One side of a pair, as a check needs it.

    Attributes:
        name: dotted, as it is imported.
        kind: "optimizer", "norm", "initializer" or "schedule".
        target: the class or function.
        pair: in the registry; ``None`` for a subclass of ``torch.optim.Optimizer`` of one's own.
        settings: that the registry adds to those of torch's function.
    """

    name: str
    kind: str
    target: Any
    pair: Pair | None = None
    settings: Settings = field(default_factory=dict)

    @property
    def by_hand(self) -> bool:
        """Whether it is the hand-written class, because torch has none that means the same."""
        return self.name.startswith("scratch.")

    @property
    def owner(self) -> str:
        """The owner of the rule, for a sentence: torch, or the hand-written class."""
        return self.name.removeprefix("scratch.optim.") if self.by_hand else "torch"

    @property
    def optimizer(self) -> OptimizerPair | None:
        """The pair, where it is an optimizer's."""
        return self.pair if isinstance(self.pair, OptimizerPair) else None

    def parameters(self) -> Settings:
        """The hyperparameters and their defaults.

        >>> find("Adagrad").parameters()["eps"], find("AdaGrad").parameters()["eps"]
        (1e-10, 1e-07)
        """
        skip = int(not self.by_hand)  # the parameters, tensor or optimizer that torch's are given
        return {
            name: parameter.default
            for name, parameter in arguments(self.target, skip).items()
            if name not in _IMPLEMENTATION
        }

    def side(self, settings: Settings) -> Adapter:
        """An optimizer's side of a run."""
        if not self.by_hand:
            return as_adapter(self.target, **settings)
        side = as_adapter(self.target(**settings))
        side.name = self.name
        return side

    def torchs_settings(self, settings: Settings) -> Settings:
        """An optimizer's settings as torch has them."""
        if not self.by_hand or not self.optimizer:
            return settings
        return self.optimizer.to_torch(self.target(**settings))


def find(against: Any) -> Reference:
    """The reference for a name, dotted or not, or for the thing itself.

    Raises:
        CandidateError: the registry has none of that name, or there is no check for it; the message
            says which are near, or which there are.

    >>> find("Adam").name, find("chapter.Adam").name, find("Momentum").kind
    ('torch.optim.Adam', 'scratch.optim.chapter.Adam', 'optimizer')
    >>> find("torch.nn.init.xavier_normal_").kind, find("StepLR").kind, find("BatchNorm1d").kind
    ('initializer', 'schedule', 'norm')
    """
    entry = registry.find(against) if isinstance(against, str) else registry.entry_of(against)
    if entry is not None:
        return _reference(entry)
    if isinstance(against, type) and issubclass(against, torch.optim.Optimizer):
        return Reference(f"{against.__module__}.{against.__name__}", OPTIMIZER, against)
    name = against if isinstance(against, str) else getattr(against, "__name__", "")
    _refuse_unchecked(name)
    near = " or ".join(map(repr, registry.nearest(name)))
    kinds = "it may be an optimizer, a normalization layer, an initializer or a schedule"
    did_you_mean = f"did you mean {near}?" if near else kinds
    shown = _check.shown(name or against)
    raise CandidateError(f"torch has no {shown}, nor has the chapter; {did_you_mean}")


def _reference(entry: registry.Entry) -> Reference:
    pair, torchs = entry.pair, entry.pair.torch
    if isinstance(pair, registry.OptimizerPair):
        if not entry.by_hand and pair.since and not registry.torch_since(pair.since):
            raise CandidateError(f"{entry.name} came with torch {pair.since}; this one has none")
        target = pair.scratch if entry.by_hand else registry.resolve(torchs)
        return Reference(entry.name, OPTIMIZER, target, pair)
    if isinstance(pair, registry.SchedulePair):
        return Reference(torchs, SCHEDULE, registry.resolve(torchs), pair)
    if isinstance(pair, registry.InitializerPair) and pair.distribution:
        return Reference(torchs, INITIALIZER, registry.resolve(torchs), pair, pair.settings)
    if isinstance(pair, registry.LayerPair) and pair.statistics:
        return Reference(torchs, NORM, registry.resolve(torchs), pair)
    _refuse_unchecked(torchs)
    raise CandidateError(f"there is no check for {entry.name}")


def _refuse_unchecked(name: str) -> None:
    """Raise if torch has a layer or an initializer of that name, for which there is no check."""
    layers = [pair.torch for pair in registry.LAYERS.values() if pair.statistics]
    drawn = [pair.torch for pair in registry.INITIALIZERS.values() if pair.distribution]
    for module, checked in ((torch.nn, layers), (torch.nn.init, drawn)):
        home, last = module.__name__, name.rpartition(".")[2]
        named = f".{home}.{last}".endswith(f".{name}")
        if named and (hasattr(module, last) or hasattr(module, f"{last}_")):
            names = ", ".join(sorted({each.rpartition(".")[2] for each in checked}))
            raise CandidateError(
                f"there is no check for {home}.{last}; of {home} there is one for {names}"
            )
