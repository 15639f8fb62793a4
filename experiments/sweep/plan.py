"""What a sweep trains: its settings, its stacks, and the pieces that fit into memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path

FLOAT = 4  # bytes
EVALUATED = 1000  # test images

#: Runs of a piece on a CPU. From 4 to 64 a run costs the same, with 108 it costs a fifth more;
#: small pieces are shared out more evenly among processes.
WIDEST = 32


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


def evenly(runs: tuple[Run, ...], count: int) -> list[tuple[Run, ...]]:
    """``count`` parts of nearly the same length, in order.

    >>> [len(part) for part in evenly((Run(0.1, "he", 0),) * 7, 3)]
    [3, 2, 2]
    """
    ends = [-(-len(runs) * i // count) for i in range(count + 1)]
    return [runs[a:b] for a, b in pairwise(ends)]


def bytes_per_run(settings: Settings, depth: int, batch_norm: bool, inputs: int = 784) -> int:
    """The most memory that a run of a stack takes in training, and in being evaluated.

    Counted: the weights, their gradients, up to three state buffers and a temporary; a batch as
    bytes and as numbers, and what the layers keep of it for the way back, about eight arrays of a
    layer's output, or seventeen with BatchNorm. A test holds it against a measurement.
    """
    width = settings.width
    weights = inputs * width + (depth - 1) * width**2 + 10 * width + (3 * depth + 1) * width
    outputs = depth * width * (17 if batch_norm else 8)
    training = settings.batch_size * (int(2.25 * inputs) + outputs)
    evaluating = EVALUATED * width * (3 + depth)
    return FLOAT * (6 * weights + max(training, evaluating))


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """The bytes that can be taken without swapping; where nothing says, half of all there are.

    >>> available_memory() > 0
    True
    """
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return 2**31


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
