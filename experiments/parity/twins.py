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
from torch_ref.lockstep.modules import module_beside
from torch_ref.lr_scheduler import by_hand, by_torch
from torch_ref.optim import Twin

STEPS = 100
DTYPES = ("float64", "float32")
SHAPES = ((7, 5), (5,), ())
Distances = dict[str, Distance]


def measured(title: str, progress: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """What the file has of each twin in a table."""
    table, measure = {
        "optimizers": (registry.OPTIMIZERS, optimizer),
        "schedules": (registry.SCHEDULES, schedule),
        "initializers": (registry.INITIALIZERS, initializer),
        "layers": (registry.LAYERS, layer),
    }[title]
    for name, pair in table.items():
        progress(name)
        yield {
            "table": title,
            "name": name,
            "torch": pair.torch,
            "note": pair.note,
            "distance": {dtype: vars(found) for dtype, found in measure(pair).items()},
        }


def optimizer(pair: registry.OptimizerPair) -> Distances:
    """With its defaults, 100 steps of the same gradients; LBFGS down a valley."""
    found = {}
    for dtype in DTYPES if pair.gradients != "closure" else DTYPES[:1]:
        mine = pair.scratch()
        shapes = [shape for shape in SHAPES if shape in pair.shapes]
        stream = None if pair.gradients == "closure" else GradientStream(shapes, dtype=dtype)
        steps = 20 if stream is None else STEPS
        found[dtype] = lockstep(mine, Twin(mine), stream, steps=steps, dtype=dtype).worst
    return found


def schedule(pair: registry.SchedulePair) -> Distances:
    """The learning rates of 100 steps, in every case."""
    worst = Distance()
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
        worst = worst.or_larger(drift.worst)
    return {"float64": worst}


def initializer(pair: registry.InitializerPair) -> Distances:
    """The weights of one seed, in every case and shape."""
    found = dict.fromkeys(DTYPES, Distance())
    for dtype in DTYPES:
        for case in pair.cases:
            for shape in pair.shapes:
                if np.prod(shape) and not sum(shape[:1]) % case.get("groups", 1):
                    found[dtype] = found[dtype].or_larger(_drawn(pair, case, shape, dtype))
    return found


def _drawn(
    pair: registry.InitializerPair, case: registry.Settings, shape: tuple[int, ...], dtype: str
) -> Distance:
    mine = pair.scratch(shape, **case, generator=Generator(11), dtype=dtype)
    generator = torch.Generator().manual_seed(11)
    theirs = getattr(torch_init, pair.name)(
        shape, **case, generator=generator, dtype=getattr(torch, dtype)
    ).numpy()
    # An element of an orthogonal matrix has the error of the whole of it.
    whole = np.abs(theirs).max() if pair.draws == "orthogonal" else abs(case.get("mean", 0))
    return apart(mine, theirs, whole)


def layer(pair: registry.LayerPair) -> Distances:
    """A pass forwards and back in training, in every case and shape."""
    found = dict.fromkeys(DTYPES, Distance())
    for dtype in DTYPES:
        for case in pair.cases:
            for shape in pair.shapes:
                for mine, theirs in _passes(pair, case, shape, dtype):
                    distance = apart(np.asarray(mine), theirs.detach().numpy(), 1.0)
                    found[dtype] = found[dtype].or_larger(distance)
    return found


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
    mine = _layer(pair, case, dtype)
    twin = module_beside(pair, case, mine, dtype)
    y, their_y = mine.train(True).forward(x), twin.train(True)(their_x)
    dy = random.normal(0, 1, y.shape).astype(dtype)
    their_y.backward(torch.tensor(dy))
    yield y, their_y
    yield mine.backward(dy), their_x.grad


def _layer(pair: registry.LayerPair, case: registry.Settings, dtype: str) -> Any:
    """The hand-written layer."""
    if pair.takes == "parameters":
        weight = np.random.default_rng(1).standard_normal((5, 4)).astype(dtype)
        return pair.scratch(weight, np.zeros(4, dtype))
    if pair.takes == "generator":
        return pair.scratch(**case, generator=Generator(0))
    return pair.scratch(**case, **({"dtype": dtype} if pair.statistics else {}))


def apart(mine: np.ndarray, theirs: np.ndarray, least: float) -> Distance:
    """Against each element's own size, or ``least`` where that is larger."""
    drift = Drift()
    drift.add(np.full_like(theirs, least), np.full_like(theirs, least))
    drift.add(mine.astype(theirs.dtype), theirs)
    return drift.worst
