"""How much memory runs take, how much there is, and what to do when there is none left."""

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeVar

from experiments.engine import container
from scratch.train import EVALUATION_ROWS

Item = TypeVar("Item")

FLOAT = 4  # bytes
#: Runs of a stack on a CPU. Where it was measured (AMD, Zen 3), a run costs the same from 4 to 64,
#: and a fifth more with 108; small stacks are shared out more evenly among processes.
WIDEST = 32
#: Work in so many pieces is announced.
MANY = 100


@dataclass(frozen=True)
class Stack:
    """What an experiment trains at once for each seed.

    Attributes:
        bytes_per_run: the most that one of the networks takes.
        runs: how many networks there are.
        operations: of the largest product in a step of one.
        steps: of each, in all of the trainings together.
    """

    bytes_per_run: int = 0
    runs: int = 1
    operations: int = 0
    steps: int = 0

    @classmethod
    def of(
        cls,
        inputs: int,
        hidden: Sequence[int],
        batch_size: int,
        *,
        steps: int,
        runs: int = 1,
        batch_norm: bool = False,
    ) -> Self:
        """That of networks of a size.

        >>> Stack.of(784, [100], 128, steps=1000).operations == 2 * 128 * 784 * 100
        True
        """
        each = bytes_per_run(inputs, hidden, batch_size, batch_norm)
        return cls(each, runs, operations(inputs, hidden, batch_size), steps)

    @property
    def bytes(self) -> int:
        """Of all."""
        return self.bytes_per_run * self.runs


def bytes_per_run(
    inputs: int, hidden: Sequence[int], batch_size: int, batch_norm: bool = False
) -> int:
    """The most memory that a run of a stack takes in training, and in being evaluated.

    Counted: the weights, their gradients, up to three state buffers and a temporary; a batch as
    bytes and as numbers, and what the layers keep of it for the way back, about eight arrays of a
    layer's output, or seventeen with BatchNorm. A test holds it against a measurement.
    """
    units, widest = sum(hidden), max(hidden, default=0)
    weights = sum(a * b for a, b in pairwise((inputs, *hidden, 10))) + 3 * units + 10
    training = batch_size * (int(2.25 * inputs) + units * (17 if batch_norm else 8))
    evaluating = EVALUATION_ROWS * (3 * widest + units)
    return FLOAT * (6 * weights + max(training, evaluating))


def operations(inputs: int, hidden: Sequence[int], batch_size: int) -> int:
    """Multiplications and additions in the largest product of a layer and a batch."""
    return 2 * batch_size * max(a * b for a, b in pairwise((inputs, *hidden, 10)))


def available(root: Path = Path("/")) -> int:
    """The bytes that can be taken without swapping, and within a container's limit.

    >>> available() > 0
    True
    """
    whole, limited = _of_the_machine(root / "proc/meminfo"), container.left(root)
    return whole if limited is None else min(whole, limited)


def _of_the_machine(meminfo: Path) -> int:
    """What it has left; where nothing says, half of all there is."""
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


def available_on(device: str) -> int:
    """The same of a device's own memory, where it has some."""
    if not device.startswith("cuda"):
        return available()
    import torch

    return torch.cuda.mem_get_info(device)[0]


def budget(device: str, allowed: int | None = None) -> int:
    """The bytes that runs may take on a device: those allowed, or half of what is available."""
    return allowed or available_on(device) // 2


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def evenly(items: Sequence[Item], count: int) -> list[tuple[Item, ...]]:
    """``count`` parts of nearly the same length, in order.

    >>> evenly("abcdefg", 3)
    [('a', 'b', 'c'), ('d', 'e'), ('f', 'g')]
    """
    ends = [-(-len(items) * i // count) for i in range(count + 1)]
    return [tuple(items[a:b]) for a, b in pairwise(ends)]


def announced(what: str, runs: int, pieces: int, largest: int) -> str:
    """What work in many pieces is going to be, for people; ``largest`` is in bytes.

    >>> print(announced("surface", 100_000, 3125, 80_000_000))
    surface: 100,000 runs in 3,125 pieces, each taking about 80 MB at most; Ctrl-C keeps what is
    done, and the same command goes on from there
    """
    room = f"about {largest / 1e6:,.0f} MB" if largest >= 1e6 else "little memory"
    return (
        f"{what}: {runs:,} runs in {pieces:,} pieces, each taking {room} at most; Ctrl-C keeps "
        "what is done, and the same command goes on from there"
    )


def in_halves(
    work: Callable[[tuple[Item, ...]], Any],
    items: tuple[Item, ...],
    join: Callable[[Sequence[Any]], Any],
    say: Callable[[str], None],
) -> Any:
    """``work(items)``; where memory runs out, of each half of them, and both joined.

    Raises:
        MemoryError: one item alone takes more than there is.
    """
    try:
        return work(items)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        if len(items) == 1:
            raise MemoryError(
                f"memory ran out with one run at a time, and there are about "
                f"{available() / 1e6:,.0f} MB: {error}"
            ) from None
    gc.collect()  # what the failed attempt had
    say(f"memory ran out for a stack of {len(items)}; it goes on in two of half that")
    return join([in_halves(work, half, join, say) for half in evenly(items, 2)])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it is NumPy's, torch's on the CPU, or a device's.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("mat1 and mat2 …"))
    (True, False)
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
