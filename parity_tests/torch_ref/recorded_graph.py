"""CUDA graphs on the CPU: the part of ``torch.cuda`` that records a step and replays it.

Within a recording nothing lasts: what the step changed is put back at its end. A replay runs the
recorded operations again, on the recorded memory and numbers, so that a step that would be wrong
as a CUDA graph is wrong here, too. What no graph can record, reading a number from the device,
raises.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torch_ref import graph

READS_A_NUMBER = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select")


class Recording(TorchDispatchMode):
    """Notes every operation, with its result, and what was in the memory that it wrote to."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Callable, tuple, dict, Any]] = []
        self.before: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        name = func._schema.name.removeprefix("aten::")
        if name in READS_A_NUMBER:
            raise RuntimeError(f"operation not permitted when stream is capturing: {name}")
        written = [
            given
            for argument, given in zip(func._schema.arguments, args, strict=False)
            if argument.alias_info and argument.alias_info.is_write
        ]
        self.before += [(x, x.clone()) for x in tree_leaves(written) if isinstance(x, Tensor)]
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result


class CUDAGraph:
    """What was recorded, to be replayed."""

    recording: Recording

    def replay(self) -> None:
        FakeCuda.calls.append("replay")
        with torch.no_grad():
            for func, args, kwargs, result in self.recording.operations:
                again = func(*args, **kwargs)
                for mine, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                    if isinstance(mine, Tensor) and mine.data_ptr() != new.data_ptr():
                        mine.copy_(new)


class FakeCuda:
    """The names of ``torch.cuda`` that a graph needs; ``calls`` has them in their order."""

    calls: list[str] = []  # noqa: RUF012
    CUDAGraph = CUDAGraph

    @staticmethod
    def Stream() -> SimpleNamespace:
        return SimpleNamespace(wait_stream=lambda _: FakeCuda.calls.append("side waits"))

    @staticmethod
    def current_stream() -> SimpleNamespace:
        return SimpleNamespace(wait_stream=lambda _: FakeCuda.calls.append("main waits"))

    @staticmethod
    @contextmanager
    def stream(_: object) -> Iterator[None]:
        FakeCuda.calls.append("side")
        yield

    @staticmethod
    @contextmanager
    def device(_: object) -> Iterator[None]:
        yield

    @staticmethod
    @contextmanager
    def graph(graph: CUDAGraph) -> Iterator[None]:
        FakeCuda.calls.append("record")
        graph.recording = Recording()
        with graph.recording:
            yield
        with torch.no_grad():
            for x, before in reversed(graph.recording.before):
                x.copy_(before)


@contextmanager
def as_if_on_cuda() -> Iterator[list[str]]:
    """The CPU taken for a CUDA device, by torch's capturable optimizers too; gives the calls."""
    FakeCuda.calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "has_graphs", lambda _: True)
        for name in ("CUDAGraph", "Stream", "current_stream", "stream", "device", "graph"):
            patch.setattr(torch.cuda, name, getattr(FakeCuda, name))
        devices = "_get_capturable_supported_devices"
        for name, module in list(sys.modules.items()):
            if name.startswith("torch.optim.") and hasattr(module, devices):
                patch.setattr(module, devices, lambda *_, **__: ["cpu"])
        yield FakeCuda.calls
