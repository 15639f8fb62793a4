"""How much of a training step is matrix products, and how fast the machine can do them."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from experiments.bench.scale import Scale
from experiments.bench.section import Bench, Row, Section
from experiments.bench.timing import Call, Spread
from experiments.bench.training import eager_step, scratch_step
from experiments.texts import say
from scratch.random import Generator

Shape = tuple[int, int, int]  # (n, k, m): an n × k matrix times a k × m one


def measure(bench: Bench) -> Iterator[Row]:
    """A step, its products alone, and one large product, on both sides."""
    scale, products, side = bench.scale, shapes(bench.scale), bench.scale.product
    large = [(side, side, side)]
    work = {
        say("a training step"): products,
        say("its products alone"): products,
        say("a large one"): large,
    }
    shares = {
        "its products alone": say("of its products alone"),
        "a large one": say("of a large one"),
    }
    steps = {"scratch": scratch_step(scale), "torch": eager_step(scale, bench.device)}
    multiply = {"scratch": numpys_products, "torch": torchs_products(bench.device)}
    for library, step in steps.items():
        kinds = (step, multiply[library](products), multiply[library](large))
        timings = bench.timer.compare(dict(zip(work, kinds, strict=True)))
        rates = {kind: flops(work[kind]) / timings.seconds[kind] for kind in work}
        for kind, rate in rates.items():
            what = say("{library}: {kind}", library=library, kind=kind)
            yield Row(what, say("rate"), Spread.of(rate / 1e9), "GFLOP/s")
            for against, name in shares.items():
                if against != kind:
                    share = Spread.of(100 * rate / rates[against])
                    yield Row(what, name, share, "%")


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


def numpys_products(products: list[Shape]) -> Call:
    """NumPy's, into arrays that are there already."""
    return _multiplying(products, np.matmul, lambda array: array)


def torchs_products(device: torch.device) -> Callable[[list[Shape]], Call]:
    """Torch's on ``device``, likewise."""
    return lambda products: _multiplying(
        products, torch.matmul, lambda array: torch.tensor(array, device=device)
    )


def _multiplying(products: list[Shape], matmul: Callable, on: Callable[[np.ndarray], Any]) -> Call:
    generator = Generator(0)
    operands = [
        (on(generator.randn(n, k)), on(generator.randn(k, m)), on(np.empty((n, m), np.float32)))
        for n, k, m in products
    ]

    def multiply() -> None:
        for a, b, c in operands:
            matmul(a, b, out=c)

    return multiply


SECTION = Section(say("The rate of matrix products, float32"), measure, threaded=True)
