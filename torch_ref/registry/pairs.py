"""The fields of an entry, and the tolerances between its two sides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scratch import init, optim
from scratch.typing import Shape
from torch_ref import extras
from torch_ref.registry.distributions import Distribution

Settings = dict[str, Any]
#: By a name, the other names for the same thing.
Names = Mapping[str, tuple[str, ...]]

#: By dtype, the largest relative distance allowed after 1,000 steps of the same gradients.
SAME_GRADIENTS = {"float64": 1e-12, "float32": 1e-5}
#: In float64, the largest relative norm allowed after 1,000 steps of each side's own gradients.
OWN_GRADIENTS = 1e-11

#: Shapes of weights, (out, in) and (out, in, *kernel).
MATRICES = ((3, 4), (1, 1), (1, 7), (20, 30))
CONVOLUTIONS = ((4, 3, 5), (6, 2, 3, 3), (2, 4, 1, 2, 3))


def resolve(dotted: str) -> Any:
    """The object of a dotted name, importing its module: ``resolve("torch.optim.SGD")``.

    Raises:
        MissingPackageError: it is torch's, which is not installed.
    """
    module, _, name = dotted.rpartition(".")
    return getattr(extras.imported(module), name)


def torch_since(version: str) -> bool:
    """Return whether the installed torch is of this version or newer, without importing it.

    Where there is none, the hand-written side stands for the newest.
    """
    if not extras.has_torch():
        return True
    from importlib import metadata  # which takes a while, and is for this alone

    installed, first = (text.split(".")[:2] for text in (metadata.version("torch"), version))
    return [*map(int, installed)] >= [*map(int, first)]


def from_torch(version: str, *cases: Settings) -> tuple[Settings, ...]:
    """The cases, or none of them where the torch that is installed is too old to know them.

    >>> from_torch("2.9", {"lr": 0.1}), from_torch("99.0", {"lr": 0.1})
    (({'lr': 0.1},), ())
    """
    return cases if torch_since(version) else ()


def same_settings(optimizer: optim.Optimizer) -> Settings:
    """The constructor's arguments of an optimizer, under the names they have."""
    return optimizer.settings


class Buffer(NamedTuple):
    """A state buffer that torch keeps in other units: torch's = ours × factor(optimizer)."""

    torch: str
    factor: Callable[[optim.Optimizer], float]


@dataclass(frozen=True)
class Pair:
    """Something hand-written in ``scratch``, and what it is in lockstep with.

    Attributes:
        name: under which it is found in its package of ``scratch``, and in that of ``torch_ref``
            where it has a twin there.
        scratch: the hand-written class or function.
        torch: the dotted name of the other.
        section: of the chapter; empty for what it does not have.
        cases: settings to try, by the names of the hand-written side.
        since: the version of torch that has it as we do, where older ones do not.
        note: what the reader must know about the pair.
    """

    name: str
    scratch: Any
    torch: str
    section: str = ""
    cases: tuple[Settings, ...] = ({},)
    since: str = ""
    note: str = ""


@dataclass(frozen=True)
class OptimizerPair(Pair):
    """An optimizer of ``scratch.optim`` and the class of torch that it is in lockstep with.

    Attributes:
        refused: settings that both sides refuse, but for single ones outside of their range.
        to_torch: the settings for torch's class from an instance of ours.
        buffers: those of our state buffers that torch names or scales otherwise.
        gradients: what it takes: "dense" arrays, "rows" of them, or a "closure" that gives them.
        axes: how many axes a parameter must have; 0 for any number.
        shapes: of the parameters of a run.
        least: the smallest length of a parameter's axis; 1 where torch divides by its size.
        step: how torch counts a parameter's steps: in a "tensor", as an "int", or "none" at all.
        lists: those of our state buffers that torch keeps as a list of rows.
        tolerance: by dtype, the largest relative distance allowed after 1,000 steps of the same
            gradients.
        overflows: by the setting that it needs, or "" for none, why the two sides end at inf or NaN
            in different places where the square of a gradient overflows.
        skips: by what is tried, such as a "meta" device, why it cannot be.
        aliases: by torch's buffer, what people call it.
        spellings: by torch's setting, what people call it in this class, if nothing else is called
            so.
        family: in the catalogue of known variants, of which this is one.
        variant: the name of the variant in this family that the hand-written class is, if it does
            not do what torch's does.
        momentum: the setting that plays momentum's part, if there is one.
        quick: whether ``lockstep bench --quick`` times it.
    """

    scratch: type[optim.Optimizer]
    refused: tuple[Settings, ...] = ()
    to_torch: Callable[[Any], Settings] = same_settings
    buffers: Mapping[str, Buffer] = field(default_factory=dict)
    gradients: str = "dense"
    axes: int = 0
    shapes: tuple[Shape, ...] = ((7, 5), (5,), ())
    least: int = 0
    step: str = "tensor"
    lists: tuple[str, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=lambda: SAME_GRADIENTS)
    overflows: Mapping[str, str] = field(default_factory=dict)
    skips: Mapping[str, str] = field(default_factory=dict)
    aliases: Names = field(default_factory=dict)
    spellings: Names = field(default_factory=dict)
    family: str = ""
    variant: str = ""
    momentum: str = ""
    quick: bool = False

    @property
    def of_chapter(self) -> bool:
        """Whether the hand-written class has the chapter's name and defaults, not torch's."""
        return self.scratch.__module__.endswith(".chapter")


@dataclass(frozen=True)
class InitializerPair(Pair):
    """An initializer of ``scratch.init`` and torch's function with the settings that equal it.

    Attributes:
        draws: "normal" or "uniform" numbers, an "orthogonal" matrix made of them, or "" for nothing
            random. Only float32 normals and orthogonal matrices are not torch's bit for bit.
        settings: that torch's function needs to equal ours.
        shapes: of weights to try each case on.
        refused: shapes and settings that both sides refuse, but for single ones out of their range.
        distribution: that torch's function draws from, for a shape and settings; none where it is
            not known.
    """

    scratch: init.Initializer
    draws: str = ""
    settings: Settings = field(default_factory=dict)
    shapes: tuple[Shape, ...] = MATRICES + CONVOLUTIONS
    refused: tuple[tuple[Shape, Settings], ...] = ()
    distribution: Callable[[Shape, Settings], Distribution] | None = None


@dataclass(frozen=True)
class LayerPair(Pair):
    """A layer of ``scratch.nn`` and the module of torch that it is in lockstep with.

    Attributes:
        cases: together all that both sides take.
        shapes: of inputs to try, each with every case.
        takes: what it is made with or given beside its settings and input: the "parameters"
            themselves, a "generator", or "labels".
        statistics: that a normalization layer normalizes by: of a "batch", an "instance", a
            "group", a "layer", or the "root mean square" of one; none for another layer.
        inputs: to check a normalization layer on: the number of rows, then the positions after the
            channels; the first shape must be taken, the others may be.
        not_taken: those of torch's arguments that ours has not, each with the reason.
    """

    scratch: type
    shapes: tuple[Shape, ...] = ((6, 5),)
    takes: str = ""
    statistics: str = ""
    inputs: tuple[Shape, ...] = ()
    not_taken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SchedulePair(Pair):
    """A schedule of ``scratch.lr_scheduler`` and the class of torch that it is in lockstep with.

    Attributes:
        cases: ``schedulers`` in them is a tuple of (name, settings).
        refused: settings that both sides refuse, but for single ones outside of their range.
        per_group: the arguments that may be a list, with a value for each group.
        metric: whether its step is given what is to be watched, such as a loss.
    """

    scratch: type
    refused: tuple[Settings, ...] = ()
    per_group: tuple[str, ...] = ()
    metric: bool = False
