"""The distance of every pair in the registry."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from scratch import optim
from scratch.random import Generator
from torch_ref import init as torch_init
from torch_ref import registry
from torch_ref.lockstep import Distance, Drift, GradientStream, lockstep
from torch_ref.lockstep.compare.distance import apart
from torch_ref.lockstep.compare.modules import layer_of, module_beside
from torch_ref.lr_scheduler import by_hand, by_torch
from torch_ref.optim import Twin

STEPS = 100
DTYPES = ("float64", "float32")
SHAPES = ((7, 5), (5,), ())
#: Distances, each with the dtype that it is in.
Found = Iterator[tuple[str, Distance]]


def measured(title: str, progress: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """What the file has of each twin in a table."""
    for name, pair in TABLES[title][0].items():
        progress(name)
        yield {
            "table": title,
            "name": name,
            "torch": pair.torch,
            "note": pair.note,
            "distance": {dtype: vars(found) for dtype, found in worst(title, pair).items()},
        }


def worst(title: str, pair: registry.Pair) -> dict[str, Distance]:
    """By dtype, the largest distance of a pair in a table."""
    found: dict[str, Distance] = {}
    for dtype, distance in TABLES[title][1](pair):
        found[dtype] = found.get(dtype, Distance()).or_larger(distance)
    return found


def _optimizer(pair: registry.OptimizerPair) -> Found:
    """With its defaults, 100 steps of the same gradients; LBFGS down a valley."""
    closure = pair.gradients == "closure"
    for dtype in DTYPES[:1] if closure else DTYPES:
        mine, shapes = pair.scratch(), [shape for shape in SHAPES if shape in pair.shapes]
        stream = None if closure else GradientStream(shapes, dtype=dtype)
        run = lockstep(mine, Twin(mine), stream, steps=20 if closure else STEPS, dtype=dtype)
        yield dtype, run.worst


def _schedule(pair: registry.SchedulePair) -> Found:
    """The learning rates of 100 steps, in every case."""
    for case in pair.cases:
        if any(isinstance(case.get(name), list) for name in pair.per_group):
            continue  # a list is for as many groups
        mine = optim.SGD(lr=0.1, momentum=0.6)
        w = torch.zeros(1, requires_grad=True)
        theirs, drift = torch.optim.SGD([w], lr=0.1, momentum=0.6), Drift()
        with warnings.catch_warnings():  # torch's own step 0 inside of a SequentialLR sets it off
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
            sides = by_hand(pair.name, mine, **case), by_torch(pair.name, theirs, **case)
        theirs.step()  # torch warns of a schedule that steps before its optimizer
        for step in range(STEPS):
            for side in sides:
                try:
                    side.step(*([1 / (1 + step)] if pair.metric else []))
                except ValueError:  # it has an end, on both sides
                    break
            drift.add(np.array(mine.lr), np.array(theirs.param_groups[0]["lr"], np.float64))
        yield "float64", drift.worst


def _initializer(pair: registry.InitializerPair) -> Found:
    """The weights of one seed, in every case and shape."""
    for dtype, case, shape in _cases(pair):
        if not np.prod(shape) or sum(shape[:1]) % case.get("groups", 1):
            continue
        mine = pair.scratch(shape, **case, generator=Generator(11), dtype=dtype)
        generator = torch.Generator().manual_seed(11)
        theirs = getattr(torch_init, pair.name)(
            shape, **case, generator=generator, dtype=getattr(torch, dtype)
        ).numpy()
        # An element of an orthogonal matrix has the error of the whole of it.
        whole = np.abs(theirs).max() if pair.draws == "orthogonal" else abs(case.get("mean", 0))
        yield dtype, apart(mine, theirs, whole)


def _layer(pair: registry.LayerPair) -> Found:
    """A pass forwards and back in training, in every case and shape."""
    for dtype, case, shape in _cases(pair):
        for mine, theirs in _passes(pair, case, shape, dtype):
            yield dtype, apart(np.asarray(mine), theirs.detach().numpy(), 1.0)


def _cases(pair: Any) -> Iterator[tuple[str, registry.Settings, tuple[int, ...]]]:
    for dtype in DTYPES:
        for case in pair.cases:
            yield from ((dtype, case, shape) for shape in pair.shapes)


def _passes(
    pair: registry.LayerPair, case: registry.Settings, shape: tuple[int, ...], dtype: str
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """(ours, torch's): the output, and the gradient of the input."""
    random = np.random.default_rng(7)
    x = random.normal(0.3, 1.2, shape).astype(dtype)
    their_x = torch.tensor(x, requires_grad=True)
    if pair.takes == "labels":
        t = random.integers(0, shape[1], shape[0])
        mine = pair.scratch()
        theirs = torch.nn.functional.cross_entropy(their_x, torch.tensor(t))
        yield mine.forward(x, t), theirs
        theirs.backward()
        yield mine.backward(), their_x.grad
        return
    mine = layer_of(pair, case, dtype)
    if pair.takes == "parameters":
        weight = mine.params["weight"]
        weight[...] = np.random.default_rng(1).standard_normal(weight.shape)
    twin = module_beside(pair, case, mine, dtype)
    y, their_y = mine.train(True).forward(x), twin.train(True)(their_x)
    dy = random.normal(0, 1, y.shape).astype(dtype)
    their_y.backward(torch.tensor(dy))
    yield y, their_y
    yield mine.backward(dy), their_x.grad


TABLES: dict[str, tuple[dict[str, Any], Callable[[Any], Found]]] = {
    "optimizers": (registry.OPTIMIZERS, _optimizer),
    "schedules": (registry.SCHEDULES, _schedule),
    "initializers": (registry.INITIALIZERS, _initializer),
    "layers": (registry.LAYERS, _layer),
}
