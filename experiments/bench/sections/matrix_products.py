"""How much of a training step is matrix products, and how fast the machine can do them."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from experiments.bench.scale import Scale
from experiments.bench.section import Bench, Comparison
from experiments.bench.timing import Call, Spread
from experiments.bench.training import eager_step, scratch_step
from experiments.engine.texts import say
from scratch.random import Generator

TITLE = say("The rate of matrix products, float32")
THREADED = True
STEP, PRODUCTS = say("a training step"), say("its products alone")
LARGE = say("a large one")
#: What a rate is a share of, and what the table calls that.
SHARES = {PRODUCTS: say("of its products alone"), LARGE: say("of a large one")}

Shape = tuple[int, int, int]  # (n, k, m): an n × k matrix times a k × m one


def measure(bench: Bench) -> Iterator[Comparison]:
    """A step, its products alone, and one large product, on both sides."""
    scale, side = bench.scale, bench.scale.product
    work = {STEP: shapes(scale), PRODUCTS: shapes(scale), LARGE: [(side, side, side)]}
    sides = {"scratch": (scratch_step(scale), None)}
    sides["torch"] = eager_step(scale, bench.device), bench.device
    for library, (step, device) in sides.items():
        alone = {kind: multiplying(work[kind], device) for kind in SHARES}
        timings = bench.timer.compare({STEP: step, **alone})
        rates = {kind: flops(work[kind]) / timings.seconds[kind] for kind in work}
        for kind, rate in rates.items():
            what = say("{library}: {kind}", library=library, kind=kind)
            yield Comparison(what, say("rate"), Spread.of(rate / 1e9), "GFLOP/s")
            for against, name in SHARES.items():
                if against != kind:
                    yield Comparison(what, name, Spread.of(100 * rate / rates[against]), "%")


def shapes(scale: Scale) -> list[Shape]:
    """The products of a step: xW and xᵀ∂y for each layer, and ∂yWᵀ for all but the first."""
    n, layers = scale.batch, list(pairwise(scale.sizes))
    forward = [(n, fan_in, fan_out) for fan_in, fan_out in layers]
    weights = [(fan_in, n, fan_out) for fan_in, fan_out in layers]
    inputs = [(n, fan_out, fan_in) for fan_in, fan_out in layers[1:]]
    return forward + weights + inputs


def flops(products: list[Shape]) -> int:
    """A multiplication and an addition for each element of each sum."""
    return sum(2 * n * k * m for n, k, m in products)


def multiplying(products: list[Shape], device: torch.device | None = None) -> Call:
    """The products, into arrays that are there already: NumPy's, or torch's on a device."""
    generator, matmul = Generator(0), torch.matmul if device else np.matmul
    operands = [
        (generator.randn(n, k), generator.randn(k, m), np.empty((n, m), np.float32))
        for n, k, m in products
    ]
    if device:
        operands = [tuple(torch.tensor(a, device=device) for a in each) for each in operands]

    def multiply() -> None:
        for a, b, c in operands:
            matmul(a, b, out=c)

    return multiply
