"""The torch side on a chosen device: a whole step stays there."""

from collections.abc import Callable
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import Tensor

from parity_tests.helpers import IMAGES, IN_RUNS, LABELS, SIZES
from parity_tests.optimizer_helpers import ELEMENTWISE, cases_for
from torch_ref import device
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.draws import Draws
from torch_ref.registry import OptimizerPair, Settings


class OnMeta(torch.utils._python_dispatch.TorchDispatchMode):
    """Fails where an operation mixes the meta device with another, and where it leaves it."""

    def __torch_dispatch__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        inputs, _ = torch.utils._pytree.tree_flatten((args, kwargs))
        outputs, _ = torch.utils._pytree.tree_flatten(result)
        given = {x.device.type for x in inputs if isinstance(x, Tensor) and x.ndim}
        made = {x.device.type for x in outputs if isinstance(x, Tensor) and x.ndim}
        if "_to_copy" not in func.__name__:  # masks go from the CPU, where they are drawn
            assert len(given | made) <= 1, f"{func.__name__} on {given | made}"
        return result


@IN_RUNS
@ELEMENTWISE
def test_a_whole_step_runs_on_the_chosen_device(pair: OptimizerPair, runs: Settings) -> None:
    if why := pair.skips.get("meta"):
        pytest.skip(why)
    options = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.1} | runs
    for case in cases_for(pair, runs):
        twin = torch_nn.MultiLayerNet(*SIZES, **options, device="meta")
        optimizer, lead = torch_optim.Twin(pair.scratch(**case)), twin.runs or 1
        x = torch.empty(lead, 10, 12, device="meta")
        t = torch.empty(lead, 10, dtype=torch.int64, device="meta")
        with OnMeta():
            for _ in range(2):
                losses = torch_train.step(twin, optimizer, x, t)
        assert (losses.device.type, losses.shape) == ("meta", (lead,))
        tensors = [*twin.parameters(), *twin.buffers(), *(w.grad for w in twin.parameters())]
        # Torch's optimizers keep numbers, such as that of the steps, on the CPU.
        for state in optimizer.state(twin.params).values():
            tensors += [value for value in state.values() if value.ndim]
        assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_batches_are_gathered_where_the_images_are() -> None:
    images, labels = torch.empty(60, 12, dtype=torch.uint8), torch.empty(60, dtype=torch.int64)
    generators = [torch.Generator(), torch.Generator()]
    x, t = next(torch_train.batches(images.to("meta"), labels.to("meta"), 10, generators))
    assert (x.device.type, x.shape, x.dtype) == ("meta", (2, 10, 12), torch.float32)
    assert (t.device.type, t.shape, t.dtype) == ("meta", (2, 10), torch.int64)


def test_what_a_step_draws_comes_to_the_chosen_device() -> None:
    twin = torch_nn.MultiLayerNet(*SIZES, dropout=0.3, seed=[0, 1], device="meta")
    draws = Draws(twin, 60, [slice(0, 10)], 3)
    drawn = [next(draws) for _ in range(3)]
    assert [[x.device.type for x in step] for step in drawn] == [["meta"] * 3] * 3
    assert [tuple(x.shape) for x in drawn[0]] == [(2, 10), (2, 10, 9), (2, 10, 7)]


def test_a_cuda_device_fetches_from_pinned_memory_while_the_cpu_goes_on() -> None:
    tensor = Mock(spec=torch.Tensor)
    device.put(tensor, torch.device("cuda"))
    tensor.pin_memory().to.assert_called_once_with(torch.device("cuda"), non_blocking=True)


def test_accuracy_is_measured_on_the_chosen_device() -> None:
    twin = torch_nn.MultiLayerNet(*SIZES, seed=[0, 1], device="meta")
    images, labels = torch.empty(60, 12, dtype=torch.uint8), torch.empty(60, dtype=torch.int64)
    measured = torch_train.accuracy_on(twin, images.to("meta"), labels.to("meta"))
    assert (measured.device.type, measured.shape) == ("meta", (2,))


@pytest.mark.parametrize("name", ["tpu", "meta", "cuda:99", "", "CPU"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    found = ", ".join(device.available())
    with pytest.raises(ValueError, match=f"must be auto or one of {found} here, got {name!r}"):
        device.resolve(name)


@pytest.mark.parametrize(
    ("cuda", "mps", "there"),
    [(0, False, ["cpu"]), (0, True, ["mps", "cpu"]), (2, False, ["cuda", "cuda:1", "cpu"])],
)
def test_what_there_is_can_be_asked_for_and_auto_is_the_fastest(
    cuda: int, mps: bool, there: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.available() == there
    assert device.resolve() == torch.device(there[0])
    for name in ("cpu", "mps", "cuda", "cuda:0", "cuda:1"):
        if name in there or (name == "cuda:0" and cuda):
            assert device.resolve(name) == torch.device(name)
        else:
            with pytest.raises(ValueError, match=f"one of {', '.join(there)} here, got '{name}'"):
                device.resolve(name)


@pytest.mark.gpu
@pytest.mark.skipif(device.available() == ["cpu"], reason="needs a CUDA or MPS device")
@IN_RUNS
@ELEMENTWISE
def test_twenty_steps_on_the_gpu_agree_with_the_cpu(pair: OptimizerPair, runs: Settings) -> None:
    options = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.01} | runs
    histories = []
    for where in ("cpu", device.available()[0]):
        twin = torch_nn.MultiLayerNet(*SIZES, **options, device=where)
        optimizer = torch_optim.Twin(pair.scratch(lr=1e-3))
        histories.append(
            torch_train.fit(
                twin,
                optimizer,
                IMAGES,
                LABELS,
                iterations=20,
                batch_size=10,
                evaluate=(IMAGES, LABELS),
            )
        )
    on_cpu, on_gpu = histories
    np.testing.assert_allclose(on_gpu.loss, on_cpu.loss, rtol=1e-4)
    np.testing.assert_array_equal(on_gpu.diverged, on_cpu.diverged)
