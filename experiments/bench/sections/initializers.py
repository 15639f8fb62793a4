"""Initial weights: ours, against torch's."""

from collections.abc import Iterator
from functools import partial

import torch

from experiments.bench.section import Bench, Comparison
from experiments.engine.texts import say
from scratch.random import Generator
from torch_ref.registry import INITIALIZERS, resolve

TITLE = say("Initial weights, float32")


def measure(bench: Bench) -> Iterator[Comparison]:
    """A square matrix from each initializer that draws numbers."""
    side, device = bench.scale.side, bench.device
    mine, torchs = Generator(0), torch.Generator(device).manual_seed(0)
    for pair in INITIALIZERS.values():
        if not pair.draws:
            continue
        case = pair.cases[0]
        ours = partial(pair.scratch, (side, side), generator=mine, **case)
        weight = torch.empty(side, side, device=device)
        theirs = partial(resolve(pair.torch), weight, generator=torchs, **{**pair.settings, **case})
        yield from bench.against({pair.name: ours}, {"torch": theirs})
