"""A training step as a CUDA graph: recorded once, then replayed by one call; elsewhere, as it is.

A step of a small network is a hundred small kernels, and Python takes longer to start them than
the GPU to run them. A graph starts them all at once. What is recorded is fixed: the memory that it
reads and writes, and every number that was a Python number. So a batch is copied to where the graph
reads it, and so is the learning rate, which a schedule changes.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from torch_ref.nn import MultiLayerNet
from torch_ref.optim import Twin
from torch_ref.registry import OptimizerPair, resolve

#: Steps before the recording: optimizers make their state, libraries choose their kernels.
WARM_UP = 3


def captured(step: Callable[..., Any], device: torch.device) -> Callable[..., Any]:
    """``step``, a function of tensors, as a graph on a CUDA device, and itself elsewhere.

    Every call is a step: the first ones run as they are, to warm up. What a call returns holds
    until the next one.

    >>> captured(torch.square, torch.device("cpu")) is torch.square
    True
    """
    return Graph(step, device) if has_graphs(device) else step


def has_graphs(device: torch.device) -> bool:
    """Whether steps are captured on ``device``."""
    return device.type == "cuda"


class Graph:
    """A function of tensors that runs a few times, is recorded, and is replayed from then on."""

    def __init__(self, step: Callable[..., Any], device: torch.device) -> None:
        self.step, self.device = step, device
        self._inputs: list[Tensor] = []
        self._warmed = 0
        self._side: torch.cuda.Stream | None = None
        self._graph: torch.cuda.CUDAGraph | Any = None
        self._output: Any = None

    def __call__(self, *inputs: Tensor) -> Any:
        with torch.cuda.device(self.device):
            if not self._inputs:
                self._inputs = [torch.empty_like(x) for x in inputs]
            for mine, given in zip(self._inputs, inputs, strict=True):
                mine.copy_(given)
            if self._warmed < WARM_UP:
                return self._warm_up()
            if self._graph is None:
                self._record()
            self._graph.replay()
            return self._output

    def _warm_up(self) -> Any:
        """A step on a stream of its own, as torch asks for before a recording."""
        self._side, self._warmed = self._side or torch.cuda.Stream(), self._warmed + 1
        self._side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._side), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
            output = self.step(*self._inputs)
        torch.cuda.current_stream().wait_stream(self._side)
        return output

    def _record(self) -> None:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):  # nothing is computed in here
            self._output = self.step(*self._inputs)
        self._graph = graph


class Recordable:
    """An optimizer whose step can be part of a graph, as :func:`recordable` makes one.

    Its learning rates stay numbers in torch's ``param_groups``, so that a schedule computes with
    them as on the CPU; a graph reads them on the device, where they are handed after a change.
    """

    def __init__(self, optimizer: Twin, device: torch.device) -> None:
        self._groups = optimizer.torch.param_groups
        self._names = sorted(optimizer.torch.defaults.keys() - {"lr"})
        self._lrs = [group["lr"] for group in self._groups]
        # In float32, because torch's fused kernels read the rate as such.
        self._there = [torch.tensor(lr, dtype=torch.float32, device=device) for lr in self._lrs]
        self._recorded = self._numbers()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Around an update that is part of a graph: it reads the rates on the device."""
        numbers = [group["lr"] for group in self._groups]
        try:
            for group, lr in zip(self._groups, self._there, strict=True):
                group["lr"] = lr
            yield
        finally:
            for group, lr in zip(self._groups, numbers, strict=True):
                group["lr"] = lr

    def up_to_date(self) -> bool:
        """Hand over the rates; whether every other number is still the recorded one.

        It is not where a schedule has changed a momentum, say.
        """
        for i, group in enumerate(self._groups):
            if group["lr"] != self._lrs[i]:
                self._lrs[i] = group["lr"]
                self._there[i].fill_(group["lr"])
        return self._numbers() == self._recorded

    def _numbers(self) -> list[list[Any]]:
        return [[group[name] for name in self._names] for group in self._groups]


def recordable(optimizer: Twin, net: MultiLayerNet) -> Recordable | None:
    """``optimizer``, bound to ``net`` so that its step can be recorded; ``None`` where it cannot.

    It cannot on another device than CUDA; in another type than float32; for a class whose step
    reads a number from the device; for one that was used before in a way that does.
    """
    settings = without_reading(optimizer.pair)
    if not settings or not has_graphs(net.device) or net.dtype != torch.float32:
        return None
    if optimizer.torch is None:
        optimizer.settings |= settings
        optimizer.bind(net.params)
    if not all(group.get(name) for group in optimizer.torch.param_groups for name in settings):
        return None
    return Recordable(optimizer, net.device)


def without_reading(pair: OptimizerPair) -> dict[str, bool]:
    """The settings with which torch's step reads no number from the device; none if it must."""
    taken = inspect.signature(resolve(pair.torch)).parameters
    if "capturable" in taken:
        return {"capturable": True, "fused" if "fused" in taken else "foreach": True}
    return {"fused": True} if "fused" in taken and pair.step == "none" else {}
