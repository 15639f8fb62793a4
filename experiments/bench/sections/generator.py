"""Random numbers: ours in NumPy, against torch's generator."""

from collections.abc import Iterator
from functools import partial

import torch

from experiments.bench.section import Bench, Comparison
from experiments.engine.texts import say
from scratch.random import Generator

TITLE = say("A million random numbers")


def measure(bench: Bench) -> Iterator[Comparison]:
    """As many numbers of each kind."""
    n, mine = bench.scale.numbers, Generator(0)
    on = {"generator": torch.Generator(bench.device).manual_seed(0), "device": bench.device}
    kinds = [(name, (n,), dtype) for name in ("rand", "randn") for dtype in ("float32", "float64")]
    for name, sizes, dtype in [*kinds, ("randint", (0, 60_000, (n,)), ""), ("randperm", (n,), "")]:
        ours = partial(getattr(mine, name), *sizes, **({"dtype": dtype} if dtype else {}))
        theirs = partial(getattr(torch, name), *sizes, **on)
        if dtype:
            theirs = partial(theirs, dtype=getattr(torch, dtype))
        what = f"{name}, {dtype}" if dtype else name
        yield from bench.against({what: ours}, {"torch": theirs})
