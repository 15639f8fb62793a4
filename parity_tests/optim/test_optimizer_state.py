"""State that is saved, loaded and handed over to torch, and training that goes on as if not."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.optimizer_helpers import (
    STEPPED,
    assert_refused,
    assert_same_state,
    fresh,
    shapes_for,
)
from scratch import optim
from torch_ref import checkpoint, convert
from torch_ref.lockstep import GradientStream
from torch_ref.optim import Twin
from torch_ref.registry import OptimizerPair, pair_of

GROUPS = {"w1": {"lr": 0.003}}
SHAPES = ((4, 3), (3, 2), (5,), ())
OF_STEPPED = pytest.mark.parametrize("pair", STEPPED.values(), ids=STEPPED)
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def trained(optimizer: optim.Optimizer, stream: GradientStream, steps: int) -> None:
    for _ in range(steps):
        grads = stream.next()
        if pair_of(optimizer).gradients == "rows":
            grads = {name: optim.RowGradient.of(g) for name, g in grads.items()}
        optimizer.update(stream.params, grads)


def trained_by_torch(twin: Twin, params: dict, stream: GradientStream, steps: int) -> None:
    for _ in range(steps):
        grads = convert.to_torch(stream.next())
        if twin.pair.gradients == "rows":
            grads = {name: g.to_sparse(1) for name, g in grads.items()}
        twin.update(params, grads)


@DTYPES
@OF_STEPPED
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
        np.testing.assert_equal(parts.params, whole.params)


def test_a_snapshot_and_the_optimizers_before_and_after_it_share_nothing() -> None:
    rates, (params, grads) = np.array([0.1, 0.2]), fresh()
    params, grads = ({name: w[:2] for name, w in given.items()} for given in (params, grads))
    first, second = optim.Adam(lr=rates, groups={"b": {"lr": rates}}), optim.Adam()
    first.update(params, grads)
    snapshot = first.state_dict()
    before = copy.deepcopy(snapshot)
    second.load_state_dict(snapshot)
    for adam in (first, second):
        adam.update(params, grads)
        adam.lr *= 2
        adam.groups["b"]["lr"] *= 2
        np.testing.assert_equal(snapshot, before)
    np.testing.assert_array_equal(rates, [0.1, 0.2])


ADAM = optim.Adam().state_dict()
STATE = r"state_dict\['state'\]\['w'\]"
SPOILT: dict[str, tuple[Any, str]] = {
    "no dict": (3, "state_dict must be a dict, got 3"),
    "empty": ({}, "state_dict must have optimizer, settings, groups, state, differs in groups, "),
    "torch's": (
        {"state": {}, "param_groups": []},
        "state_dict must have optimizer, settings, .*, differs in groups, optimizer, param_groups",
    ),
    "another class's": (optim.SGD().state_dict(), "state_dict must be of Adam, got one of 'SGD'"),
    "a setting is missing": (
        ADAM | {"settings": {"lr": 0.1}},
        r"state_dict\['settings'\] must have lr, betas, .*, differs in amsgrad, betas, ",
    ),
    "settings that are none": (
        ADAM | {"settings": None},
        r"state_dict\['settings'\] must be a dict, got None",
    ),
    "state that is none": (ADAM | {"state": {"w": 3}}, STATE + " must be a dict, got 3"),
    "no steps": (
        ADAM | {"state": {"w": {"exp_avg": np.ones(2)}}},
        STATE + r"\['step'\] must be a whole number >= 0, got None",
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
    ("amsgrad", "message"),
    [
        (False, r"params\['W'\] is float64 of shape \(3, 2\), but .* of shape \(7,\)"),
        (True, "the state of 'W' must hold step, .*, max_exp_avg_sq, got step, exp_avg"),
    ],
    ids=["another shape", "other buffers"],
)
def test_loaded_state_that_does_not_fit_the_parameters_is_refused_by_the_update(
    amsgrad: bool, message: str
) -> None:
    loaded, adam, (params, grads) = optim.Adam(), optim.Adam(amsgrad=amsgrad), fresh()
    loaded.update({"W": np.ones(7)}, {"W": np.ones(7)})
    adam.state = copy.deepcopy(loaded.state)
    assert_refused(adam, params, grads, ValueError, message)


@pytest.mark.parametrize(
    ("cls", "key", "value", "message"),
    [
        (optim.Adam, "exp_avg_sq", -np.ones(2), "'exp_avg_sq' of 'w' must be >= 0, got -1.0"),
        (optim.Adagrad, "sum", -np.ones(2), "'sum' of 'w' must be >= 0, got -1.0"),
        (optim.Adam, "exp_avg", np.ma.ones(2), "buffer 'exp_avg' for it is MaskedArray"),
        (optim.NAdam, "mu_product", "x", "finite and >= 0, got mu_product='x'"),
        (optim.NAdam, "mu_product", None, "finite and >= 0, got mu_product=None"),
        (optim.ASGD, "eta", -1.0, r"finite and >= 0, got eta=-1\.0"),
    ],
)
def test_loaded_state_that_cannot_be_is_refused_by_the_update(
    cls: type[optim.Optimizer], key: str, value: Any, message: str
) -> None:
    optimizer, params, grads = cls(), {"w": np.ones(2)}, {"w": np.ones(2)}
    optimizer.update(params, grads)
    snapshot = optimizer.state_dict()
    snapshot["state"]["w"][key] = value
    optimizer.load_state_dict(snapshot)
    assert_refused(optimizer, params, grads, ValueError, message)


@pytest.mark.parametrize("each", [15, pytest.param(40, marks=pytest.mark.slow)])
@DTYPES
@OF_STEPPED
def test_steps_in_numpy_in_torch_and_back_are_as_many_on_either_side(
    pair: OptimizerPair, dtype: str, each: int, record_parity
) -> None:
    worst = 0.0
    for case in pair.cases if dtype == "float64" else pair.cases[:1]:
        shapes = shapes_for(pair, *SHAPES)
        mine, theirs, mixed = (GradientStream(shapes, dtype=dtype) for _ in range(3))
        trained(pair.scratch(**case, groups=GROUPS), mine, 3 * each)
        tensors = convert.to_torch(theirs.params)
        twin = Twin(pair.scratch(**case, groups=GROUPS))
        trained_by_torch(twin, tensors, theirs, 3 * each)
        handed_over(pair.scratch(**case, groups=GROUPS), mixed, each)
        for name, w in mine.params.items():
            size = np.abs(w).max(initial=1e-300)
            for other in (tensors[name].numpy(), mixed.params[name]):
                worst = max(worst, np.abs(other - w).max(initial=0) / size)
    record_parity(pair.name, dtype, "handed over twice", 3 * each, worst)
    assert worst <= pair.tolerance[dtype]


def handed_over(optimizer: optim.Optimizer, stream: GradientStream, each: int) -> None:
    """So many steps by hand, as many through torch, as many by hand again."""
    trained(optimizer, stream, each)
    tensors, twin = convert.to_torch(stream.params), Twin(optimizer)
    convert.load_state_to_torch(optimizer, twin, tensors)
    trained_by_torch(twin, tensors, stream, each)
    convert.load_state_to_numpy(twin, optimizer, tensors, step=2 * each)
    stream.params |= convert.to_numpy(tensors)
    trained(optimizer, stream, each)


def test_state_is_handed_over_to_an_optimizer_of_torch_itself() -> None:
    params, grads = fresh("float32")
    adam, other = optim.Adam(lr=0.1), optim.Adam(lr=0.1)
    adam.update(params, grads)
    tensors = convert.to_torch(params)
    torchs = torch.optim.Adam(tensors.values(), lr=0.1)
    convert.load_state_to_torch(adam, torchs, tensors)
    for name, w in tensors.items():
        w.grad = torch.tensor(grads[name])
    torchs.step()
    adam.update(params, grads)
    convert.load_state_to_numpy(torchs, other, tensors, step=2)
    for name, w in params.items():
        np.testing.assert_allclose(tensors[name].numpy(), w, rtol=1e-6)
        assert other.state[name]["step"] == adam.state[name]["step"] == 2


def test_a_schedule_may_have_taken_the_loaded_learning_rate_and_momentum_to_zero() -> None:
    sgd, other = optim.SGD(momentum=0.9, nesterov=True, groups={"b": {"lr": 0.1}}), optim.SGD()
    sgd.momentum, sgd.lr = 0.0, 0.0
    other.load_state_dict(sgd.state_dict())
    other.update(*fresh())
    assert (other.momentum, other.nesterov, other.lr) == (0.0, True, 0.0)


@pytest.mark.parametrize("lr", [0.0, np.array([0.1, 0.2])], ids=["zero", "per run"])
def test_a_velocity_is_not_handed_over_where_torch_has_no_such_buffer(lr: Any) -> None:
    momentum = optim.Momentum(lr=lr)
    momentum.update({"w": np.ones((2, 3))}, {"w": np.ones((2, 3))})
    with pytest.raises(ValueError, match="lr must be one number > 0 for Momentum's velocity"):
        convert.state_to_torch(momentum)


def test_state_is_not_handed_over_to_tensors_of_another_optimizer() -> None:
    adam, (params, grads) = optim.Adam(), fresh()
    adam.update(params, grads)
    tensors, others = convert.to_torch(params), convert.to_torch(params)
    torchs = torch.optim.Adam(tensors.values())
    message = r"params must hold the tensors that Adam was made over, got others under \['W', 'b'\]"
    with pytest.raises(ValueError, match=message):
        convert.load_state_to_torch(adam, torchs, others)
    with pytest.raises(ValueError, match=message):
        convert.load_state_to_numpy(torchs, adam, others, step=1)
    with pytest.raises(ValueError, match="params must hold all that there is state for, lacks"):
        convert.load_state_to_torch(adam, torchs, {"W": tensors["W"]})


def test_buffers_are_handed_over_to_the_device_of_their_parameter() -> None:
    nadam, params = optim.NAdam(), {"w": np.ones(3), "s": np.array(1.0)}
    nadam.update(params, {"w": np.ones(3), "s": np.array(1.0)})
    tensors = {name: torch.tensor(w, device="meta") for name, w in params.items()}
    twin = Twin(nadam)
    convert.load_state_to_torch(nadam, twin, tensors)
    for state in twin.state(tensors).values():
        on_cpu = {key for key, value in state.items() if value.device.type == "cpu"}
        assert on_cpu == {"step", "mu_product"}
