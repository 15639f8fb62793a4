"""Averages of weights: those of ``torch.optim.swa_utils``, kept and resumed with a training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import swa_utils

from parity_tests.helpers import IMAGES, LABELS, SIZES, normal
from parity_tests.training.interrupted import FIT, OPTIONS, Interrupting, Interruption
from scratch import nn, optim, train
from scratch.callbacks import Averaging
from torch_ref import convert
from torch_ref import nn as torch_nn
from torch_ref import train as torch_train
from torch_ref.optim import Twin

#: (by hand, torch's), each made anew.
AVERAGES = {
    "swa": lambda: (nn.get_swa_avg_fn(), swa_utils.get_swa_avg_fn()),
    "ema": lambda: (nn.get_ema_avg_fn(0.9), swa_utils.get_ema_avg_fn(0.9)),
    "default": lambda: (None, None),
}
EITHER = pytest.mark.parametrize("average", AVERAGES.values(), ids=AVERAGES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@EITHER
def test_the_averages_are_torchs(average: Any, dtype: str) -> None:
    """With the same function bit for bit; what torch averages by in one call rounds once less."""
    by_hand, torchs = average()
    net = nn.MultiLayerNet(*SIZES, **OPTIONS, dtype=dtype)
    mine = nn.AveragedModel(net, by_hand)
    theirs = swa_utils.AveragedModel(convert.network_to_torch(net), avg_fn=torchs)
    for step in range(6):
        for i, w in enumerate(net.params.values()):
            w[...] = normal(100 * step + i, w.shape)
        net.batch_norms[0].running_var[...] = step + 1
        net.batch_norms[0].num_batches_tracked = step
        mine.update_parameters(net)
        theirs.update_parameters(convert.network_to_torch(net))
        ulp = 0 if torchs else 4 * float(np.finfo(dtype).eps)
        for name, w in theirs.module.params.items():
            np.testing.assert_allclose(mine.module.params[name], w.detach(), ulp, ulp)
        buffers = dict(theirs.module.layers[1].named_buffers())
        norm = mine.module.batch_norms[0]
        np.testing.assert_array_equal(norm.running_var, buffers["running_var"])
        assert norm.num_batches_tracked == buffers["num_batches_tracked"] == step
    assert mine.n_averaged == theirs.n_averaged == 6


def trained(backend: str, average: Any, *more: Any) -> dict[str, np.ndarray]:
    """The averages of a training, after the updates 3, 5, 7 and 9."""
    by_hand, torchs = average()
    callbacks = {"start": 3, "every": 2}
    options = FIT | {"images": IMAGES, "labels": LABELS}
    if backend == "scratch":
        net = nn.MultiLayerNet(*SIZES, **OPTIONS, dtype="float64")
        averaged = nn.AveragedModel(net, by_hand)
        options["callbacks"] = [Averaging(averaged, **callbacks), *more]
        train.fit(net, optim.SGD(lr=0.1, momentum=0.9), **options)
        assert averaged.n_averaged == 4
        return averaged.module.params
    net = torch_nn.MultiLayerNet(*SIZES, **OPTIONS, dtype=torch.float64)
    averaged = swa_utils.AveragedModel(net, avg_fn=torchs)
    options["callbacks"] = [Averaging(averaged, **callbacks), *more]
    torch_train.fit(net, Twin(optim.SGD(lr=0.1, momentum=0.9)), **options)
    return {name: w.detach().numpy() for name, w in averaged.module.params.items()}


@EITHER
def test_they_are_kept_and_resumed_with_a_training(tmp_path: Path, average: Any) -> None:
    found = {}
    for backend in ("scratch", "torch"):
        whole = trained(backend, average)
        with pytest.raises(Interruption):
            trained(backend, average, Interrupting(tmp_path / backend, 6))
        found[backend] = trained(backend, average, Interrupting(tmp_path / backend))
        for name, w in whole.items():
            np.testing.assert_array_equal(found[backend][name], w)
    for name, w in found["scratch"].items():
        np.testing.assert_allclose(w, found["torch"][name], 1e-11, 1e-12)


def test_the_statistics_of_an_average_are_torchs() -> None:
    net = nn.MultiLayerNet(*SIZES, batch_norm=True, dtype="float64")
    theirs = convert.network_to_torch(net)
    batches = [normal(seed, (8, SIZES[0])) for seed in range(5)]
    nn.update_bn(batches, net)
    swa_utils.update_bn([torch.tensor(x) for x in batches], theirs.layers)
    expected = convert.network_to_torch(net)
    for mine, buffer in zip(expected.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(mine, buffer, rtol=1e-13, atol=1e-13)
    assert all(norm.momentum == 0.1 for norm in net.batch_norms)
    before = net.state_dict()
    with pytest.raises(ValueError, match="x must have"):
        nn.update_bn([batches[0], batches[1][:, 1:]], net)
    for name, w in net.state_dict().items():
        np.testing.assert_array_equal(w, before[name])


def test_what_is_no_average_or_no_network_of_the_kind_is_refused() -> None:
    net, other = nn.MultiLayerNet(*SIZES), nn.MultiLayerNet(SIZES[0], [2], SIZES[-1])
    averaged = nn.AveragedModel(net)
    with pytest.raises(ValueError, match="model must have the parameters W1"):
        averaged.update_parameters(other)
    with pytest.raises(ValueError, match="decay must be a finite number >= 0 and <= 1"):
        nn.get_ema_avg_fn(1.5)
    for broken in ({"n_averaged": -1}, {"module": {}}, {"more": 1}):
        with pytest.raises(ValueError, match=r"state_dict.* must"):
            averaged.load_state_dict(averaged.state_dict() | broken)
    with pytest.raises(TypeError, match="averaged must be an AveragedModel, got 3"):
        Averaging(3)
    assert averaged.n_averaged == 0
