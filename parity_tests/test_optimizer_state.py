"""State that is saved, loaded and handed over to torch, and training that goes on as if not."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.optimizer_helpers import STREAMED, assert_same_state, fresh, shapes_for
from scratch import optim
from torch_ref import checkpoint, convert
from torch_ref.lockstep import GradientStream
from torch_ref.optim import Twin
from torch_ref.registry import OptimizerPair

GROUPS = {"w1": {"lr": 0.003}}
SHAPES = ((4, 3), (3, 2), (5,), ())


def trained(optimizer: optim.Optimizer, stream: GradientStream, steps: int) -> None:
    for _ in range(steps):
        optimizer.update(stream.params, stream.next())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@STREAMED
def test_an_optimizer_saved_and_loaded_goes_on_bit_for_bit(
    pair: OptimizerPair, dtype: str, tmp_path: Path
) -> None:
    for case in pair.cases:
        shapes = shapes_for(pair, *SHAPES)
        whole, parts = GradientStream(shapes, dtype=dtype), GradientStream(shapes, dtype=dtype)
        trained(pair.scratch(**case, groups=GROUPS), whole, 10)
        first = pair.scratch(**case, groups=GROUPS)
        trained(first, parts, 4)
        checkpoint.save(tmp_path / "state.safetensors", first.state_dict())
        second = pair.scratch()
        second.load_state_dict(checkpoint.load(tmp_path / "state.safetensors"))
        assert (second.settings, second.groups) == (first.settings, first.groups)
        trained(second, parts, 6)
        for name, w in whole.params.items():
            np.testing.assert_array_equal(parts.params[name], w, strict=True)


def test_a_snapshot_does_not_change_with_the_optimizer_nor_the_optimizer_with_it() -> None:
    adam, (params, grads) = optim.Adam(groups={"b": {"lr": 0.1}}), fresh()
    adam.update(params, grads)
    snapshot = adam.state_dict()
    before = copy.deepcopy(snapshot)
    adam.update(params, grads)
    assert_same_state(snapshot["state"], before["state"])
    other = optim.Adam()
    other.load_state_dict(snapshot)
    other.update(params, grads)
    other.groups["b"]["lr"] = 0.2
    assert_same_state(snapshot["state"], before["state"])
    assert snapshot["groups"] == before["groups"]


SPOILT: dict[str, tuple[Any, str]] = {
    "no dict": (3, "state_dict must be a dict, got 3"),
    "empty": ({}, "state_dict must have optimizer, settings, groups and state, .* got nothing"),
    "torch's": (
        {"state": {}, "param_groups": []},
        "state_dict must have optimizer, settings, groups and state, .* got state, param_groups",
    ),
    "another class's": (optim.SGD().state_dict(), "state_dict must be of Adam, got one of 'SGD'"),
    "a setting is missing": (
        optim.Adam().state_dict() | {"settings": {"lr": 0.1}},
        r"state_dict must have Adam's settings, differs in \['amsgrad', 'betas'",
    ),
    "a bad value": (
        optim.Adam().state_dict() | {"settings": optim.Adam().settings | {"eps": -1.0}},
        "eps must be a finite number >= 0, got -1.0",
    ),
    "no steps": (
        optim.Adam().state_dict() | {"state": {"w": {"exp_avg": np.ones(2)}}},
        r"state_dict\['state'\]\['w'\]\['step'\] must be a whole number >= 0, got None",
    ),
}


@pytest.mark.parametrize(("snapshot", "message"), SPOILT.values(), ids=SPOILT)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(snapshot: Any, message: str) -> None:
    adam, (params, grads) = optim.Adam(lr=0.1), fresh()
    adam.update(params, grads)
    before = copy.deepcopy(adam.state)
    with pytest.raises((TypeError, ValueError), match=message):
        adam.load_state_dict(snapshot)
    assert adam.lr == 0.1
    assert_same_state(adam.state, before)


@pytest.mark.parametrize(
    ("loaded", "message"),
    [
        (
            optim.Adam(),
            r"params\['W'\] is float64 of shape \(3, 2\), but .* of shape \(7,\)",
        ),
        (optim.Adam(amsgrad=True), "the state of 'W' must hold step, exp_avg, exp_avg_sq, got"),
    ],
    ids=["another shape", "other buffers"],
)
def test_loaded_state_that_does_not_fit_the_parameters_is_refused_by_the_update(
    loaded: optim.Adam, message: str
) -> None:
    loaded.update({"W": np.ones(7)}, {"W": np.ones(7)})
    adam, (params, grads) = optim.Adam(), fresh()
    adam.state = copy.deepcopy(loaded.state)
    before = copy.deepcopy(params)
    with pytest.raises(ValueError, match=message):
        adam.update(params, grads)
    assert_same_state({"": params}, {"": before})


@STREAMED
def test_100_steps_in_numpy_100_in_torch_and_100_back_are_300_on_either_side(
    pair: OptimizerPair, record_parity
) -> None:
    worst = 0.0
    for case in pair.cases:
        shapes = shapes_for(pair, *SHAPES)
        mine, theirs, mixed = (GradientStream(shapes) for _ in range(3))
        trained(pair.scratch(**case, groups=GROUPS), mine, 300)
        tensors = convert.to_torch(theirs.params)
        twin = Twin(pair.scratch(**case, groups=GROUPS))
        for _ in range(300):
            twin.update(tensors, convert.to_torch(theirs.next()))
        handed_over(pair.scratch(**case, groups=GROUPS), mixed)
        for name, w in mine.params.items():
            size = np.abs(w).max(initial=1e-300)
            for other in (tensors[name].numpy(), mixed.params[name]):
                worst = max(worst, np.abs(other - w).max(initial=0) / size)
    record_parity(pair.name, "float64", "handed over twice", 300, worst)
    assert worst <= pair.tolerance["float64"]


def handed_over(optimizer: optim.Optimizer, stream: GradientStream) -> None:
    """100 steps by hand, 100 through torch, 100 by hand again."""
    trained(optimizer, stream, 100)
    tensors, twin = convert.to_torch(stream.params), Twin(optimizer)
    convert.load_state_to_torch(optimizer, twin, tensors)
    for _ in range(100):
        twin.update(tensors, convert.to_torch(stream.next()))
    convert.load_state_to_numpy(twin, optimizer, tensors, step=200)
    stream.params |= convert.to_numpy(tensors)
    trained(optimizer, stream, 100)


def test_state_is_handed_over_to_an_optimizer_of_torch_itself() -> None:
    params, grads = fresh("float32")
    adam, tensors = optim.Adam(lr=0.1), convert.to_torch(params)
    adam.update(params, grads)
    tensors = convert.to_torch(params)
    torchs = torch.optim.Adam(tensors.values(), lr=0.1)
    convert.load_state_to_torch(adam, torchs, tensors)
    for name, w in tensors.items():
        w.grad = torch.tensor(grads[name])
    torchs.step()
    adam.update(params, grads)
    other = optim.Adam(lr=0.1)
    convert.load_state_to_numpy(torchs, other, tensors, step=2)
    for name, w in params.items():
        np.testing.assert_allclose(tensors[name].numpy(), w, rtol=1e-6)
        assert other.state[name]["step"] == adam.state[name]["step"] == 2
