"""The reference for a check: an entry of the registry, by its name."""

from dataclasses import dataclass, field
from typing import Any

from scratch import _check
from scratch.optim import clip_grad_norm, clip_grad_value
from torch_ref import extras, registry
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.compare.sides import as_adapter, is_torchs
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.optimizers.recipe import arguments
from torch_ref.registry import OptimizerPair, Pair

Settings = dict[str, Any]

#: The kinds of what can be checked.
OPTIMIZER, NORM, INITIALIZER, SCHEDULE = "optimizer", "norm", "initializer", "schedule"
CLIP = "clipping"
#: Torch's functions that clip gradients, and ours.
CLIPPERS = {"clip_grad_norm_": clip_grad_norm, "clip_grad_value_": clip_grad_value}

#: How torch computes, not what; and in which groups.
_IMPLEMENTATION = frozenset(
    {"params", "foreach", "capturable", "differentiable", "fused", "groups", "generator", "dtype"}
)


@dataclass(frozen=True)
class Reference:
    """One side of a pair, as a check needs it.

    Attributes:
        name: dotted, as it is imported.
        kind: "optimizer", "norm", "initializer", "schedule" or "clipping".
        target: the class or function.
        pair: in the registry; ``None`` for a subclass of ``torch.optim.Optimizer`` of one's own.
        settings: that the registry adds to those of torch's function.
        stands_for: what of torch's it stands in for, where torch is not installed: the hand-written
            side of the pair, which is proven equal to it.
    """

    name: str
    kind: str
    target: Any
    pair: Pair | None = None
    settings: Settings = field(default_factory=dict)
    stands_for: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether it is the hand-written class: torch has none like it, or is not installed."""
        return self.name.startswith("scratch.")

    @property
    def owner(self) -> str:
        """The owner of the rule, for a sentence: torch, or the hand-written class."""
        by_hand = self.by_hand and not self.stands_for
        return self.name.removeprefix("scratch.optim.") if by_hand else "torch"

    @property
    def optimizer(self) -> OptimizerPair | None:
        """The pair, where it is an optimizer's."""
        return self.pair if isinstance(self.pair, OptimizerPair) else None

    @property
    def axes(self) -> int:
        """How many axes an optimizer's parameters must have; 0 for any number."""
        return self.optimizer.axes if self.optimizer else 0

    def parameters(self) -> Settings:
        """The hyperparameters and their defaults.

        >>> find("Adagrad").parameters()["eps"], find("AdaGrad").parameters()["eps"]
        (1e-10, 1e-07)
        """
        # The parameters, tensor or optimizer that torch's are given, or the shape that ours are.
        skip = int(self.kind != OPTIMIZER or not self.by_hand)
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
        if not self.by_hand or self.stands_for or not self.optimizer:
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
    if is_torchs(against):
        return Reference(f"{against.__module__}.{against.__name__}", OPTIMIZER, against)
    name = against if isinstance(against, str) else getattr(against, "__name__", "")
    if (clipper := f"{name.rpartition('.')[2].rstrip('_')}_") in CLIPPERS:
        return _clipping(clipper)
    _refuse_unchecked(name)
    near = " or ".join(map(repr, registry.nearest(name)))
    kinds = "it may be an optimizer, a normalization layer, an initializer or a schedule"
    did_you_mean = f"did you mean {near}?" if near else kinds
    shown = _check.shown(name or against)
    raise CandidateError(f"torch has no {shown}, nor has the chapter; {did_you_mean}")


def _reference(entry: registry.Entry) -> Reference:
    pair, (kind, settings) = entry.pair, _kind(entry.pair)
    if kind == OPTIMIZER and entry.by_hand:
        return Reference(entry.name, kind, pair.scratch, pair)
    if not extras.has_torch():
        return _stand_in(pair, kind, settings)
    if kind == OPTIMIZER and pair.since and not registry.torch_since(pair.since):
        raise CandidateError(f"{entry.name} came with torch {pair.since}; this one has none")
    return Reference(pair.torch, kind, registry.resolve(pair.torch), pair, settings)


def _clipping(name: str) -> Reference:
    """Torch's function that clips, by hand where torch is not installed."""
    dotted, ours = f"torch.nn.utils.{name}", CLIPPERS[name]
    if extras.has_torch():
        return Reference(dotted, CLIP, registry.resolve(dotted))
    return Reference(f"scratch.optim.{ours.__name__}", CLIP, ours, stands_for=dotted)


def _kind(pair: Pair) -> tuple[str, Settings]:
    """The kind of what a pair is of, and the settings that torch's side needs to equal ours."""
    if isinstance(pair, registry.OptimizerPair):
        return OPTIMIZER, {}
    if isinstance(pair, registry.SchedulePair):
        return SCHEDULE, {}
    if isinstance(pair, registry.InitializerPair) and pair.distribution:
        return INITIALIZER, pair.settings
    if isinstance(pair, registry.LayerPair) and pair.statistics:
        return NORM, {}
    _refuse_unchecked(pair.torch)
    raise CandidateError(f"there is no check for {pair.torch}")


def _stand_in(pair: Pair, kind: str, settings: Settings) -> Reference:
    """The hand-written side of the pair that has torch's name: not of ``he``, but of its like."""
    same = registry.find(pair.torch)
    pair = same.pair if same else pair
    name = f"{pair.scratch.__module__.rpartition('.')[0]}.{pair.scratch.__name__}"
    return Reference(name, kind, pair.scratch, pair, settings, pair.torch)


def _refuse_unchecked(name: str) -> None:
    """Raise if torch has a layer or an initializer of that name, for which there is no check."""
    layers = [pair.torch for pair in registry.LAYERS.values() if pair.statistics]
    drawn = [pair.torch for pair in registry.INITIALIZERS.values() if pair.distribution]
    for home, checked in (("torch.nn", layers), ("torch.nn.init", drawn)):
        last = name.rpartition(".")[2]
        if f".{home}.{last}".endswith(f".{name}") and (_has(home, last) or _has(home, f"{last}_")):
            names = ", ".join(sorted({each.rpartition(".")[2] for each in checked}))
            raise CandidateError(
                f"there is no check for {home}.{last}; of {home} there is one for {names}"
            )


def _has(home: str, name: str) -> bool:
    """Whether a module of torch has such a name; of one that is not there, the table knows."""
    if extras.has_torch():
        return hasattr(extras.imported(home), name)
    return any(
        pair.torch == f"{home}.{name}"
        for table in registry.TABLES.values()
        for pair in table.values()
    )
