"""One step of every optimizer that takes dense gradients, against torch's three ways to do it."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from experiments.bench.goals import OPTIMIZER_STEP
from experiments.bench.scale import Scale
from experiments.bench.section import Bench, Comparison
from experiments.bench.timing import Call
from experiments.engine.texts import named, say
from scratch.nn import MultiLayerNet
from scratch.random import Generator
from torch_ref.registry import OPTIMIZERS, OptimizerPair, resolve

TITLE = say("An optimizer's step, float32")
THREADED = True
DEFAULT = say("torch's default")
#: What torch's class is given, by what it is called in the table.
VARIANTS = {
    DEFAULT: {},
    "foreach=True": {"foreach": True},
    "fused=True": {"fused": True},
}
# A step of Muon is 15 products of matrices: of 3,162 × 3,162, 5·10¹¹ multiplications in bfloat16.
LARGEST_MATRIX = 10**6
#: Elements that are worth more than one thread.
LARGE = 10**6

Arrays = dict[str, np.ndarray]


def measure(bench: Bench) -> Iterator[Comparison]:
    """Rows for each class: one array of each size, then the tensors of the chapter's network.

    With several threads, of the large arrays alone: the others are done before a second one wakes.
    """
    for pair in OPTIMIZERS.values():
        chosen = not bench.scale.optimizers or pair.name in bench.scale.optimizers
        if pair.gradients != "dense" or not chosen:
            continue
        for elements in bench.scale.elements:
            if bench.threads > 1 and elements < LARGE:
                continue
            what = f"{pair.name}, {elements:,}"
            if pair.axes == 2 and elements > LARGEST_MATRIX:
                yield Comparison(what, DEFAULT, None, skipped="takes minutes")
                continue
            params, goal = one_array(elements, pair.axes), OPTIMIZER_STEP.get(elements)
            yield from _compared(bench, pair, what, params, goal)
        if bench.threads == 1:
            params = networks(bench.scale, pair.axes)
            what = say("{name}, {count} tensors", name=named(pair.name), count=len(params))
            yield from _compared(bench, pair, what, params, None)


def one_array(elements: int, axes: int) -> Arrays:
    """Normal numbers: a vector, or a square matrix for who takes only ``axes`` = 2."""
    side = math.isqrt(elements)
    shape = (side, side) if axes == 2 else (elements,)
    return {"w": Generator(0).randn(*shape)}


def networks(scale: Scale, axes: int) -> Arrays:
    """The weights and biases of a network, as it has them; only weights for ``axes`` = 2."""
    params, generator = MultiLayerNet(*scale.network).params, Generator(0)
    return {name: generator.randn(*w.shape) for name, w in params.items() if axes in (0, w.ndim)}


def _compared(
    bench: Bench, pair: OptimizerPair, what: str, params: Arrays, goal: float | None
) -> Iterator[Comparison]:
    # Not the parameters themselves: along g = w the weights would become ever smaller.
    grads = {name: np.roll(w, 1) for name, w in params.items()}
    theirs = {name: torchs_step(bench, pair, v, params, grads) for name, v in VARIANTS.items()}
    others = {name: step for name, step in theirs.items() if step is not None}
    goals = {} if goal is None else {(what, DEFAULT): goal}
    yield from bench.against({what: scratch_step(pair, params, grads)}, others, goals)


def scratch_step(pair: OptimizerPair, params: Arrays, grads: Arrays) -> Call:
    """Ours, with its defaults."""
    return partial(pair.scratch().update, {name: w.copy() for name, w in params.items()}, grads)


def torchs_step(
    bench: Bench, pair: OptimizerPair, variant: Mapping[str, Any], params: Arrays, grads: Arrays
) -> Call | None:
    """Torch's, with the same settings; None where its class does not take the ``variant``."""
    tensors = [torch.tensor(w, device=bench.device, requires_grad=True) for w in params.values()]
    for tensor, g in zip(tensors, grads.values(), strict=True):
        tensor.grad = torch.tensor(g, device=bench.device)
    try:
        return resolve(pair.torch)(tensors, **pair.to_torch(pair.scratch()), **variant).step
    except TypeError:
        return None
