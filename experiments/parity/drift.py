"""A training in float32, beside the same in float64 and beside torch's, over the steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import scratch.train
import torch_ref.train
from experiments.data import Dataset
from scratch import nn, optim
from scratch.random import Generator
from torch_ref import convert
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS

#: What is compared with what, by what the report calls it.
PAIRS = {
    "scratch float32 – scratch float64": ("scratch float32", "scratch float64"),
    "torch float32 – torch float64": ("torch float32", "torch float64"),
    "scratch float32 – torch float32": ("scratch float32", "torch float32"),
    "scratch float64 – torch float64": ("scratch float64", "torch float64"),
}


@dataclass(frozen=True)
class DriftSettings:
    """With tanh: where a ReLU fires on one side alone, the two are different runs from there on."""

    sizes: tuple[int, ...] = (784, 50, 10)
    activation: str = "tanh"
    init: str = "xavier"
    batch_size: int = 50
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    optimizers: tuple[str, ...] = ("SGD", "Momentum", "AdaGrad", "chapter.Adam")


def measured(
    settings: DriftSettings, data: Dataset, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """For each optimizer, the distances of all parameters after some numbers of steps."""
    found = []
    for name in settings.optimizers:
        progress(name)
        distances: dict[str, list[float]] = {pair: [] for pair in PAIRS}
        for params in _walk(settings, data, name):
            for pair, (mine, theirs) in PAIRS.items():
                distances[pair].append(_apart(params[mine], params[theirs]))
        found.append({"optimizer": name, "steps": list(settings.steps), "distance": distances})
    return found


def _walk(settings: DriftSettings, data: Dataset, name: str) -> Any:
    """The parameters of all four trainings after each number of steps."""
    first, *hidden, last = settings.sizes
    options = {"activation": settings.activation, "init": settings.init, "seed": 0}
    start = nn.MultiLayerNet(first, hidden, last, **options, dtype=np.float32)
    trainings: dict[str, tuple[Callable, Any, Any]] = {}
    for dtype in ("float32", "float64"):
        mine = nn.MultiLayerNet(first, hidden, last, **options, dtype=dtype)
        for parameter, w in start.params.items():  # by itself, float64 draws other numbers
            mine.params[parameter][...] = w
        mine.generators[0].set_state(Generator(1).get_state())
        twin = convert.network_to_torch(mine)
        trainings[f"scratch {dtype}"] = scratch.train.fit, mine, _optimizer(name)
        trainings[f"torch {dtype}"] = torch_ref.train.fit, twin, Twin(_optimizer(name))
    images, labels = data.train_images, data.train_labels
    for before, step in pairwise((0, *settings.steps)):
        for fit, net, optimizer in trainings.values():
            fit(
                net,
                optimizer,
                images,
                labels,
                iterations=step - before,
                batch_size=settings.batch_size,
            )
        yield {name: _numbers(net) for name, (_, net, _) in trainings.items()}


def _optimizer(name: str) -> optim.Optimizer:
    return OPTIMIZERS[name].scratch()


def _numbers(net: Any) -> Mapping[str, np.ndarray]:
    if isinstance(net, nn.MultiLayerNet):
        return {name: w.astype(np.float64) for name, w in net.params.items()}
    numbers = convert.to_numpy({name: w.detach() for name, w in net.params.items()})
    return {name: w.astype(np.float64) for name, w in numbers.items()}


def _apart(mine: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """The norm of the difference over that of the parameters."""
    difference = sum(float(np.sum((mine[name] - w) ** 2)) for name, w in theirs.items())
    return (difference / sum(float(np.sum(w**2)) for w in theirs.values())) ** 0.5
