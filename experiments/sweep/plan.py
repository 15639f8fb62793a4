"""What a sweep trains: its settings, its stacks, and the pieces that fit into memory."""

import math
from dataclasses import dataclass, replace
from itertools import product

from experiments.engine import memory
from experiments.engine.memory import Stack

EVALUATED = 1000  # test images


@dataclass(frozen=True)
class Sweep:
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
    Sweep(),
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
    """Runs that train at once: some of those with an optimizer and an architecture."""

    backend: str
    optimizer: str
    depth: int
    batch_norm: bool
    runs: tuple[Run, ...]
    width: int
    iterations: int
    batch_size: int

    def __str__(self) -> str:
        norm = "with" if self.batch_norm else "without"
        return (
            f"{len(self.runs)} runs of {self.optimizer}, {self.depth} layers {norm} BatchNorm "
            f"({self.backend})"
        )


def architectures(settings: Sweep) -> list[Architecture]:
    """All of the grid, in the order of the figures' rows."""
    grid = product(settings.depths, settings.batch_norm, settings.inits)
    return [Architecture(*values) for values in grid]


def runs_of(settings: Sweep) -> tuple[Run, ...]:
    """The runs of one stack, by rate: equal rates side by side are one view for torch."""
    seeds = range(settings.seeds)
    return tuple(Run(*values) for values in product(settings.rates, settings.inits, seeds))


def stack_of(settings: Sweep, depth: int, batch_norm: bool, inputs: int = 784) -> Stack:
    """What a run of a piece takes."""
    hidden, size = [settings.width] * depth, settings.batch_size
    return Stack.of(inputs, hidden, size, steps=settings.iterations, batch_norm=batch_norm)


def pieces(
    settings: Sweep, backend: str, budget: int, device: str = "cpu", inputs: int = 784
) -> list[Piece]:
    """The stacks of a backend: one for each optimizer, depth and batch_norm, cut as all stacks are.

    Args:
        settings: of the sweep.
        backend: its name.
        budget: bytes that a piece may take at most.
        device: where it trains.
        inputs: pixels of an image.

    Raises:
        MemoryError: a single run does not fit.
    """
    sizes, found = (settings.width, settings.iterations, settings.batch_size), []
    grid = product(settings.optimizers, settings.depths, settings.batch_norm)
    for optimizer, depth, batch_norm in grid:
        each = stack_of(settings, depth, batch_norm, inputs).bytes_per_run
        what = f"a run of {depth} layers of {settings.width}"
        for runs in memory.stacks(runs_of(settings), each, budget, device, what=what):
            found.append(Piece(backend, optimizer, depth, batch_norm, runs, *sizes))
    return found
