"""A step of training the chapter's network with Adam, in every way that is compared.

Each function here builds a network and gives a function of no arguments that trains it one step,
on one batch of MNIST after another, drawn before. Always the same batch would soon be known by
heart, and arithmetic on the tiny gradients that are left takes another time.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import cache
from itertools import cycle, pairwise
from typing import Any

import numpy as np
import torch

import scratch
import torch_ref.nn
import torch_ref.optim
from experiments.bench.scale import Scale
from experiments.bench.timing import Call
from experiments.data import Dataset, load_mnist
from scratch.random import Generator
from scratch.train import scaled
from torch_ref import graph

_BATCHES = 64  # in memory, or as few as there are in so many runs of a stack


@cache
def mnist() -> Dataset:
    """Read once."""
    return load_mnist()


def scratch_step(scale: Scale, runs: int | None = None) -> Call:
    """``scratch``; a stack of ``runs`` where that is given."""
    net = scratch.nn.MultiLayerNet(*scale.network, seed=_seeds(runs))
    return _on_each(_batches(scale, runs), _training(net, scratch.optim.Adam()))


def twin_step(scale: Scale, device: torch.device, runs: int | None = None) -> Call:
    """``torch_ref``; a stack of ``runs`` where that is given."""
    net, optimizer = _twin(scale, device, runs)
    return _on_each(_on(device, _batches(scale, runs)), _training(net, optimizer))


def graph_step(scale: Scale, device: torch.device, runs: int | None = None) -> Call:
    """``torch_ref`` as its loop trains on a CUDA device: a step is one graph; elsewhere eager."""
    net, optimizer = _twin(scale, device, runs)
    train, recorded = _training(net, optimizer), graph.recordable(optimizer, net)

    def update(x: torch.Tensor, t: torch.Tensor) -> None:
        with recorded.recording() if recorded else nullcontext():
            train(x, t)

    return _on_each(_on(device, _batches(scale, runs)), graph.captured(update, device))


def eager_step(scale: Scale, device: torch.device, compiled: bool = False) -> Call:
    """Torch as its tutorials have it; ``compiled``, the model by ``torch.compile``."""
    train = eager_training(scale, device, compiled)
    return _on_each(_on(device, _batches(scale, None)), train)


def eager_training(
    scale: Scale, device: torch.device, compiled: bool = False
) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """The same, as a function of a batch."""
    layers: list[torch.nn.Module] = []
    for fan_in, fan_out in pairwise(scale.sizes):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).to(device)
    optimizer, loss_of = torch.optim.Adam(model.parameters()), torch.nn.CrossEntropyLoss()
    if compiled:
        model = torch.compile(model)

    def train(x: torch.Tensor, t: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss = loss_of(model(x), t)
        loss.backward()
        optimizer.step()

    return train


def _twin(scale: Scale, device: torch.device, runs: int | None) -> tuple[Any, Any]:
    net = torch_ref.nn.MultiLayerNet(*scale.network, seed=_seeds(runs), device=device)
    return net, torch_ref.optim.by_name("Adam")


def _training(net: Any, optimizer: Any) -> Callable[[Any, Any], None]:
    def train(x: Any, t: Any) -> None:
        _, grads = net.loss_and_gradient(x, t)
        optimizer.update(net.params, grads)

    return train


def _on_each(batches: Iterable[tuple], train: Callable[[Any, Any], None]) -> Call:
    drawn = cycle(batches)
    return lambda: train(*next(drawn))


def _seeds(runs: int | None) -> int | range:
    return 0 if runs is None else range(runs)


def _batches(scale: Scale, runs: int | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """x (N, D) and t (N,), or x (K, N, D) and t (K, N) for K runs."""
    count, stack = max(1, _BATCHES // (runs or 1)), () if runs is None else (runs,)
    images, labels = mnist().train_images, mnist().train_labels
    rows = Generator(0).randint(0, len(images), (count, *stack, scale.batch))
    return [(scaled(images[batch]), labels[batch]) for batch in rows]


def _on(
    device: torch.device, batches: list[tuple[np.ndarray, np.ndarray]]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for x, t in batches:
        yield torch.tensor(x, device=device), torch.tensor(t, device=device)
