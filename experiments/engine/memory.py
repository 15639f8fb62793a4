"""How much memory runs take, how much there is, and how many are trained at once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, TypeVar

from scratch.train import EVALUATION_ROWS

Item = TypeVar("Item")

FLOAT = 4  # bytes
#: Networks of a stack on a CPU. Where it was measured (AMD, Zen 3), a network costs the same in
#: stacks of 4 to 64; small ones are shared out more evenly among processes.
ABREAST = 4


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

        Counted as the memory of a run are the weights, their gradients, up to three state buffers
        and a temporary; a batch as bytes and as numbers, and what the layers keep of it for the way
        back, about eight arrays of a layer's output, or seventeen with BatchNorm; or what it takes
        to evaluate it. A test holds that against a measurement.

        >>> Stack.of(784, [100], 128, steps=1000).operations == 2 * 128 * 784 * 100
        True
        """
        products, units = [a * b for a, b in pairwise((inputs, *hidden, 10))], sum(hidden)
        weights = sum(products) + 3 * units + 10
        training = batch_size * (int(2.25 * inputs) + units * (17 if batch_norm else 8))
        evaluating = EVALUATION_ROWS * (3 * max(hidden, default=0) + units)
        each = FLOAT * (6 * weights + max(training, evaluating))
        return cls(each, runs, 2 * batch_size * max(products), steps)

    @property
    def bytes(self) -> int:
        """Of all."""
        return self.bytes_per_run * self.runs


def budget(device: str, allowed: int | None = None) -> int:
    """The bytes that runs may take on a device: those allowed, or half of all that it has.

    Of all, and not of what is free just now: the same command cuts its stacks the same.
    """
    return allowed or _installed(device) // 2


def _installed(device: str) -> int:
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[1])
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 2**32  # Windows


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


def stacks(
    items: Sequence[Item], each: int, budget: int, device: str, runs: int = 1, what: str = "a run"
) -> list[tuple[Item, ...]]:
    """The items, cut into stacks that train at once.

    On a CPU a stack has at most :data:`ABREAST` networks, wherever they are trained and by however
    many processes: in a stack of others a network's numbers have other last bits. On a GPU, which
    wants many, as many as the memory holds.

    Args:
        each: bytes that an item takes.
        budget: bytes that a stack may take.
        device: where they train.
        runs: networks of an item.
        what: an item, for people.

    Raises:
        MemoryError: a single item does not fit.

    >>> stacks(range(5), 10**6, 10**9, "cpu")
    [(0, 1, 2), (3, 4)]
    >>> stacks(range(5), 10**6, 2 * 10**6, "cuda")
    [(0, 1), (2, 3), (4,)]
    """
    if each > budget:
        raise MemoryError(
            f"{what} needs about {each / 1e6:,.0f} MB, and there are {budget / 1e6:,.0f} MB for a "
            "process; see --memory and --processes"
        )
    largest = budget // each if each else len(items)
    if device == "cpu":
        largest = min(largest, max(1, ABREAST // runs))
    return evenly(items, -(-len(items) // largest))
