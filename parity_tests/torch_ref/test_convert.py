"""Networks and optimizers handed over to their twins, and back."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import IN_RUNS, WITH_OPTIONS, assert_same_gradients, batch, make_network
from parity_tests.optimizer_helpers import PAIRS
from scratch import nn, optim
from torch_ref import convert
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref.registry import OptimizerPair, Settings


def params_of(net: nn.MultiLayerNet) -> dict[str, np.ndarray]:
    return {name: w.copy() for name, w in net.params.items()}


@IN_RUNS
@WITH_OPTIONS
def test_a_network_handed_over_mid_training_has_the_same_gradients(
    options: Settings, runs: Settings
) -> None:
    net = make_network(**options, **runs)
    optimizer = optim.SGD(lr=0.1)
    for seed in range(3):
        optimizer.update(net.params, net.gradient(*batch(net, seed)))
    twin = convert.network_to_torch(net)
    for _ in range(2):
        assert_same_gradients(net, twin)


@IN_RUNS
@WITH_OPTIONS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_there_and_back_is_the_same(
    options: Settings, runs: Settings, dtype: str
) -> None:
    net, other = make_network(dtype, **options, **runs), make_network(dtype, **options, **runs)
    optim.SGD(lr=0.1).update(net.params, net.gradient(*batch(net)))
    convert.network_to_numpy(convert.network_to_torch(net), other)
    for name, w in net.params.items():
        np.testing.assert_array_equal(other.params[name], w, strict=True)
    for mine, theirs in zip(net.batch_norms, other.batch_norms, strict=True):
        np.testing.assert_array_equal(mine.running_mean, theirs.running_mean, strict=True)
        np.testing.assert_array_equal(mine.running_var, theirs.running_var, strict=True)
        assert mine.num_batches_tracked == theirs.num_batches_tracked == 1
    for mine, theirs in zip(net.generators, other.generators, strict=True):
        np.testing.assert_array_equal(mine.rand(5), theirs.rand(5))


def test_the_twin_shares_no_memory_with_its_network() -> None:
    net = make_network(batch_norm=True)
    before = params_of(net), net.batch_norms[0].running_mean.copy()
    twin = convert.network_to_torch(net)
    with torch.no_grad():
        for w in twin.params.values():
            w += 1
        twin.layers[1].running_mean.add_(1)
    for name, w in net.params.items():
        np.testing.assert_array_equal(w, before[0][name])
    np.testing.assert_array_equal(net.batch_norms[0].running_mean, before[1])


def test_gradients_there_and_back_are_the_same() -> None:
    grads = {"w": np.array([1.0, 2.0], np.float32), "b": None}
    back = convert.to_numpy(convert.to_torch(grads))
    np.testing.assert_array_equal(back["w"], grads["w"], strict=True)
    assert back["b"] is None
    assert not np.shares_memory(back["w"], grads["w"])


@PAIRS
def test_the_state_there_and_back_is_the_same(pair: OptimizerPair) -> None:
    for case in pair.cases:
        params = {"w": np.array([1.0, -2.0, 3.0]), "b": np.array(0.5)}
        optimizer, back = pair.scratch(**case), pair.scratch(**case)
        for step in range(3):
            optimizer.update(params, {"w": np.array([0.1, 2.0, step]), "b": np.array(-1.0)})
        twin, tensors = torch_optim.Twin(optimizer), convert.to_torch(params)
        convert.load_state_to_torch(optimizer, twin, tensors)
        convert.load_state_to_numpy(twin, back, tensors, step=3)
        assert back.state.keys() == optimizer.state.keys()
        for name, state in optimizer.state.items():
            assert back.state[name].keys() == state.keys()
            for key, value in state.items():
                np.testing.assert_allclose(back.state[name][key], value, rtol=1e-15)


def test_the_steps_of_a_parameter_that_was_skipped_are_handed_over_as_they_are() -> None:
    params = {"w": torch.tensor([1.0]), "late": torch.tensor([4.0])}
    twin, optimizer = torch_optim.by_name("Adam"), optim.Adam()
    for late in (None, None, torch.tensor([0.1])):
        twin.update(params, {"w": torch.tensor([0.1]), "late": late})
    convert.load_state_to_numpy(twin, optimizer, params, step=3)
    assert {name: state["step"] for name, state in optimizer.state.items()} == {"w": 3, "late": 1}


def test_the_state_of_a_parameter_that_was_never_updated_is_not_made_up() -> None:
    params = {"w": torch.tensor([1.0]), "never": torch.tensor([4.0])}
    twin, optimizer = torch_optim.by_name("Adam"), optim.Adam()
    twin.update(params, {"w": torch.tensor([0.1]), "never": None})
    convert.load_state_to_numpy(twin, optimizer, params, step=1)
    assert list(optimizer.state) == ["w"]
    optimizer.update(convert.to_numpy(params), {"w": np.ones(1, np.float32)} | {"never": None})


def test_state_that_is_not_contiguous_is_updated_in_place_all_the_same() -> None:
    shape = (300, 200)  # more than a block
    expected, w = np.ones(shape), np.ones(shape)
    g = np.random.default_rng(0).normal(size=shape)
    reference, optimizer = optim.Adam(), optim.Adam()
    for step in range(3):
        reference.update({"w": expected}, {"w": g})
        optimizer.update({"w": w}, {"w": g})
        if step == 0:
            state = optimizer.state["w"]
            for key in ("exp_avg", "exp_avg_sq"):
                state[key] = np.asfortranarray(state[key])
    np.testing.assert_allclose(w, expected, rtol=1e-15)


def test_a_twin_refuses_other_tensors_than_those_it_was_bound_to() -> None:
    params, twin = {"w": torch.tensor([1.0])}, torch_optim.by_name("SGD")
    twin.update(params, {"w": torch.tensor([1.0])})
    other = {"w": torch.tensor([5.0])}
    with pytest.raises(ValueError, match="params must hold the tensors of the first update"):
        twin.update(other, {"w": torch.tensor([1.0])})
    assert other["w"].item() == 5


@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"activation": "tanh"}], ids=str)
def test_plain_modules_compute_what_the_network_computes(options: Settings) -> None:
    net = make_network(seed=3, **options)
    for seed in range(3):
        optim.SGD(lr=0.1).update(net.params, net.gradient(*batch(net, seed)))
    modules, (x, t) = convert.plain(net), batch(net, 9)
    kinds = {type(module) for module in modules}
    assert kinds <= {torch.nn.Linear, torch.nn.BatchNorm1d, *torch_nn.ACTIVATIONS.values()}
    scores = modules.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(net.predict(x), scores, rtol=1e-12, atol=1e-12)
    params = convert.plain_params(modules.train())
    loss = torch.nn.functional.cross_entropy(modules(torch.tensor(x)), torch.tensor(t))
    loss.backward()
    assert params.keys() == net.params.keys()
    for name, g in net.gradient(x, t).items():
        theirs = convert.from_linear(name, params[name].grad).numpy()
        np.testing.assert_allclose(g, theirs, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("options", [{"seed": [0, 1]}, {"dropout": 0.1}], ids=str)
def test_only_a_single_run_without_dropout_has_plain_modules(options: Settings) -> None:
    with pytest.raises(ValueError, match="net must be a single run without dropout"):
        convert.plain(make_network(**options))
