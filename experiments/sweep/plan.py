"""What a sweep trains: its settings, its stacks, and the pieces that fit into memory."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Self

from experiments.engine import memory
from experiments.engine.memory import WIDEST, evenly

EVALUATED = 1000  # test images


@dataclass(frozen=True)
class Settings:
    """The grid, and how each of its networks is trained: as in section 6.1.8, for a shorter time.

    Attributes:
        optimizers: names in the registry.
        rates: learning rates, ascending.
        depths: numbers of hidden layers.
        inits: of the weights.
        batch_norm: without, with, or both.
        seeds: each run is one of them.
        width: of the hidden layers.
        iterations: updates.
        batch_size: N.
    """

    optimizers: tuple[str, ...] = ("SGD", "Momentum", "AdaGrad", "RMSProp", "chapter.Adam")
    rates: tuple[float, ...] = tuple(float(f"{10 ** (i / 3 - 4):.12g}") for i in range(13))
    depths: tuple[int, ...] = (2, 5, 10)
    inits: tuple[str | float, ...] = ("he", "xavier", 0.01)
    batch_norm: tuple[bool, ...] = (True, False)
    seeds: int = 1
    width: int = 100
    iterations: int = 300
    batch_size: int = 128

    @property
    def runs(self) -> int:
        """Their number, in one backend."""
        grid = (self.optimizers, self.rates, self.depths, self.inits, self.batch_norm)
        return math.prod(map(len, grid)) * self.seeds


#: For a first look.
QUICK = replace(
    Settings(),
    rates=(1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    depths=(2, 5),
    inits=("he", 0.01),
    iterations=60,
)


@dataclass(frozen=True)
class Architecture:
    """What a network is, and how its weights begin."""

    depth: int
    batch_norm: bool
    init: str | float

    def __str__(self) -> str:
        init = self.init if isinstance(self.init, str) else f"std {self.init:g}"
        return f"{self.depth} layers, {'with' if self.batch_norm else 'no'} BatchNorm, {init}"


@dataclass(frozen=True)
class Run:
    """What tells the runs of a stack apart."""

    rate: float
    init: str | float
    seed: int


@dataclass(frozen=True)
class Piece:
    """Runs that train at once: all or some of those with an optimizer and an architecture."""

    backend: str
    optimizer: str
    depth: int
    batch_norm: bool
    runs: tuple[Run, ...]
    width: int
    iterations: int
    batch_size: int

    def plain(self) -> dict[str, Any]:
        """As JSON has it; :meth:`of` makes a piece of that again."""
        return asdict(self) | {"runs": [asdict(run) for run in self.runs]}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The piece that is written so."""
        return cls(**{**plain, "runs": tuple(Run(**run) for run in plain["runs"])})

    def __str__(self) -> str:
        norm = "with" if self.batch_norm else "without"
        return (
            f"{len(self.runs)} runs of {self.optimizer}, {self.depth} layers {norm} BatchNorm "
            f"({self.backend})"
        )


def architectures(settings: Settings) -> list[Architecture]:
    """All of the grid, in the order of the figures' rows."""
    grid = product(settings.depths, settings.batch_norm, settings.inits)
    return [Architecture(*values) for values in grid]


def runs_of(settings: Settings) -> tuple[Run, ...]:
    """The runs of one stack, by rate: equal rates side by side are one view for torch."""
    seeds = range(settings.seeds)
    return tuple(Run(*values) for values in product(settings.rates, settings.inits, seeds))


def pieces(
    settings: Settings,
    backend: str,
    budget: int,
    workers: int = 1,
    widest: int | None = WIDEST,
    inputs: int = 784,
) -> Iterator[Piece]:
    """The stacks of a backend, one for each optimizer, depth and batch_norm, cut where need be.

    Args:
        settings: of the sweep.
        backend: its name.
        budget: bytes that a piece may take at most.
        workers: so many pieces there are at least, if there are runs enough.
        widest: so many runs a piece has at most.
        inputs: pixels of an image.

    Raises:
        ValueError: a single run does not fit.
    """
    runs = runs_of(settings)
    stacks = list(product(settings.optimizers, settings.depths, settings.batch_norm))
    for optimizer, depth, batch_norm in stacks:
        each = bytes_per_run(settings, depth, batch_norm, inputs)
        if each > budget:
            raise ValueError(
                f"a run of {depth} layers of {settings.width} needs about {each / 1e6:.0f} MB, "
                f"and a piece may take {budget / 1e6:.0f} MB"
            )
        largest = min(budget // each, widest or len(runs))
        count = max(-(-len(runs) // largest), min(-(-workers // len(stacks)), len(runs)))
        for part in evenly(runs, count):
            yield Piece(
                backend,
                optimizer,
                depth,
                batch_norm,
                part,
                settings.width,
                settings.iterations,
                settings.batch_size,
            )


def are_all(plain: Any, settings: Settings, backend: str) -> bool:
    """Whether pieces, written as :meth:`Piece.plain` has it or anything else, are the whole sweep.

    However they are cut, one after the other they have the runs of the grid.

    >>> few = Settings(optimizers=("SGD",), rates=(0.1, 1.0), depths=(2,), batch_norm=(True,))
    >>> found = [piece.plain() for piece in pieces(few, "scratch", 10**9, widest=2)]
    >>> len(found), are_all(found, few, "scratch"), are_all(found[:1], few, "scratch")
    (3, True, False)
    """

    def each(parts: Iterable[Mapping[str, Any]]) -> list[str]:
        return [json.dumps({**p, "runs": r}, sort_keys=True) for p in parts for r in p["runs"]]

    return each(plain) == each(p.plain() for p in pieces(settings, backend, 2**62, widest=None))


def bytes_of(piece: Piece, inputs: int = 784) -> int:
    """The most memory that a piece takes."""
    hidden = [piece.width] * piece.depth
    each = memory.bytes_per_run(inputs, hidden, piece.batch_size, piece.batch_norm)
    return len(piece.runs) * each


def bytes_per_run(settings: Settings, depth: int, batch_norm: bool, inputs: int = 784) -> int:
    """The most memory that a run of a stack takes."""
    hidden = [settings.width] * depth
    return memory.bytes_per_run(inputs, hidden, settings.batch_size, batch_norm)
