"""What the table says of a pair, and how far apart its two sides may come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from scratch import init, optim

Settings = dict[str, Any]

#: By dtype, the largest relative distance allowed after 1,000 steps of the same gradients.
SAME_GRADIENTS = {"float64": 1e-12, "float32": 1e-5}
#: In float64, the largest relative norm allowed after 1,000 steps of each side's own gradients.
OWN_GRADIENTS = 1e-11


def resolve(dotted: str) -> Any:
    """The object of a dotted name, importing its module: ``resolve("torch.optim.SGD")``."""
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)


def same_settings(optimizer: optim.Optimizer) -> Settings:
    """The constructor's arguments of an optimizer, under the names they have."""
    return optimizer.settings


class Buffer(NamedTuple):
    """A state buffer that torch keeps in other units: torch's = ours × factor(optimizer)."""

    torch: str
    factor: Callable[[optim.Optimizer], float]


@dataclass(frozen=True)
class OptimizerPair:
    """An optimizer of ``scratch.optim`` and the class of torch that it is in lockstep with.

    Attributes:
        name: under which it is found in ``scratch.optim`` and ``torch_ref.optim``.
        section: of the chapter.
        cases: settings to try; each is a test of its own.
        refused: settings that both sides refuse.
        to_torch: the settings for torch's class from an instance of ours.
        buffers: those of our state buffers that torch names or scales otherwise.
        note: what the reader must know about the pair.
    """

    name: str
    scratch: type[optim.Optimizer]
    torch: str
    section: str
    cases: tuple[Settings, ...]
    refused: tuple[Settings, ...]
    to_torch: Callable[[optim.Optimizer], Settings] = same_settings
    buffers: Mapping[str, Buffer] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class InitializerPair:
    """An initializer of ``scratch.init`` and torch's function with the settings that equal it."""

    name: str
    scratch: init.Initializer
    torch: str
    section: str
    settings: Settings = field(default_factory=dict)
    cases: tuple[Settings, ...] = ({},)
    note: str = ""


@dataclass(frozen=True)
class LayerPair:
    """A layer of ``scratch.nn`` and the module of torch that it is in lockstep with."""

    name: str
    scratch: type
    torch: str
    section: str
    cases: tuple[Settings, ...] = ({},)
    shapes: tuple[tuple[int, ...], ...] = ((6, 5),)
    note: str = ""


@dataclass(frozen=True)
class SchedulePair:
    """A schedule of ``scratch.lr_scheduler`` and the class of torch that it is in lockstep with."""

    name: str
    scratch: type
    torch: str
    section: str
    cases: tuple[Settings, ...] = ({},)
    refused: tuple[Settings, ...] = ()
    note: str = ""
