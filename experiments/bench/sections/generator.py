"""Random numbers: ours in NumPy, against torch's generator."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch

from experiments.bench.section import Bench, Row, Section
from experiments.texts import say
from scratch.random import Generator


def measure(bench: Bench) -> Iterator[Row]:
    """As many numbers of each kind."""
    n, mine = bench.scale.numbers, Generator(0)
    on = {"generator": torch.Generator(bench.device).manual_seed(0), "device": bench.device}
    single, double = {"dtype": torch.float32}, {"dtype": torch.float64}
    kinds = {
        "rand, float32": (partial(mine.rand, n), partial(torch.rand, n, **single, **on)),
        "rand, float64": (
            partial(mine.rand, n, dtype=np.float64),
            partial(torch.rand, n, **double, **on),
        ),
        "randn, float32": (partial(mine.randn, n), partial(torch.randn, n, **single, **on)),
        "randn, float64": (
            partial(mine.randn, n, dtype=np.float64),
            partial(torch.randn, n, **double, **on),
        ),
        "randint": (
            partial(mine.randint, 0, 60_000, (n,)),
            partial(torch.randint, 0, 60_000, (n,), **on),
        ),
        "randperm": (partial(mine.randperm, n), partial(torch.randperm, n, **on)),
    }
    for what, (ours, torchs) in kinds.items():
        yield from bench.against({what: ours}, {"torch": torchs})


SECTION = Section(say("A million random numbers"), measure)
