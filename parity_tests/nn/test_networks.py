"""Whole networks: the same seed gives the same weights and gradients as their twins."""

import copy

import numpy as np
import pytest
import torch

from parity_tests.helpers import (
    DTYPES,
    IMAGES,
    IN_RUNS,
    LABELS,
    SIZES,
    TOLERANCE,
    WITH_OPTIONS,
    assert_same_gradients,
    batch,
    make_network,
)
from scratch import nn, optim, train
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.registry import Settings

pytestmark = pytest.mark.arithmetic


def make_twin(dtype: str = "float64", **options: object) -> torch_nn.MultiLayerNet:
    return torch_nn.MultiLayerNet(*SIZES, **options, dtype=getattr(torch, dtype))


@IN_RUNS
@WITH_OPTIONS
def test_the_same_seed_gives_the_same_weights(options: Settings, runs: Settings) -> None:
    net, twin = make_network(**options, **runs), make_twin(**options, **runs)
    assert list(net.params) == list(twin.params)
    for name, w in twin.params.items():
        np.testing.assert_array_equal(net.params[name], w.detach().numpy(), strict=True)


@IN_RUNS
@WITH_OPTIONS
@DTYPES
def test_the_same_seed_gives_the_same_gradients(
    dtype: str, options: Settings, runs: Settings
) -> None:
    net, twin = make_network(dtype, **options, **runs), make_twin(dtype, **options, **runs)
    for _ in range(2):
        assert_same_gradients(net, twin, TOLERANCE[dtype])


@IN_RUNS
def test_the_same_seed_trains_alike(runs: Settings) -> None:
    options = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.01} | runs
    fit = {"iterations": 20, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 8}
    net, twin = make_network(**options), make_twin(**options)
    history = train.fit(net, optim.Momentum(), IMAGES, LABELS, **fit)
    theirs = torch_train.fit(twin, torch_optim.Momentum(), IMAGES, LABELS, **fit)
    np.testing.assert_allclose(history.loss, theirs.loss, rtol=1e-12)
    np.testing.assert_allclose(history.accuracy, theirs.accuracy, rtol=1e-12)
    assert history.evaluated.tolist() == theirs.evaluated.tolist() == [0, 8, 16, 20]
    np.testing.assert_array_equal(history.diverged, theirs.diverged)


@pytest.mark.parametrize("lead", [(), (5,)], ids=["shared", "per run"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_as_many_runs_as_rows_as_classes_does_not_confuse_the_labels(
    one_hot: bool, lead: tuple[int, ...]
) -> None:
    options = {"seed": range(5)}
    net, twin = make_network(**options), make_twin(**options)
    random = np.random.default_rng(1)
    x, t = random.normal(size=(5, 12)), random.integers(0, 5, (*lead, 5))
    expected = net.loss(x, t), net.accuracy(x, t)
    t = np.eye(5)[t] if one_hot else t
    np.testing.assert_allclose(net.loss(x, t), expected[0])
    np.testing.assert_allclose(
        twin.loss(torch.tensor(x), torch.tensor(t)).detach().numpy(), expected[0]
    )
    np.testing.assert_allclose(twin.accuracy(torch.tensor(x), torch.tensor(t)), expected[1])


def test_the_twin_takes_what_torch_casts_by_itself() -> None:
    twin, x, t = make_twin().float(), torch.ones(6, 12), torch.arange(6) % 5
    assert twin.predict(x).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert twin.predict(x).dtype == torch.bfloat16
        assert twin.loss(x, t).isfinite()
    with pytest.raises(TypeError, match=r"x must be of torch.float32, got float64 of shape"):
        twin.loss(x.double(), t)


def test_the_twins_parameters_are_those_of_its_layers_as_they_are() -> None:
    twin = make_twin()
    other = torch_nn.Affine(torch.ones(12, 9), torch.zeros(9))
    twin.layers[0] = other
    assert twin.params["W1"] is other.weight


NORMALIZED = {"batch_norm": True, "weight_decay": 0.1}


@IN_RUNS
def test_gradients_are_new_arrays_in_every_step(runs: Settings) -> None:
    net = make_network(**NORMALIZED, **runs)
    first = net.gradient(*batch(net, 1))
    before = {name: g.copy() for name, g in first.items()}
    net.gradient(*batch(net, 2))
    for name, g in first.items():
        np.testing.assert_array_equal(g, before[name])


@IN_RUNS
def test_a_parameter_put_in_place_of_another_is_used_and_gets_its_gradient(runs: Settings) -> None:
    net, other = (make_network(**NORMALIZED, **runs) for _ in range(2))
    net.params["W2"] = 2 * net.params["W2"]
    other.params["W2"] *= 2
    expected = other.gradient(*batch(net))
    for name, g in net.gradient(*batch(net)).items():
        np.testing.assert_array_equal(g, expected[name], err_msg=name)


def test_a_deep_copy_of_a_network_trains_on_its_own() -> None:
    net = make_network(**NORMALIZED)
    other, before = copy.deepcopy(net), {name: w.copy() for name, w in net.params.items()}
    optim.Adam().update(other.params, other.gradient(*batch(net)))
    for name, w in net.params.items():
        np.testing.assert_array_equal(w, before[name])
    assert not np.array_equal(other.params["W1"], net.params["W1"])


@pytest.mark.parametrize("wrong", [None, 3, [1.0]])
def test_a_parameter_that_is_no_array_is_refused_by_its_name(wrong: object) -> None:
    net = nn.MultiLayerNet(3, [4], 2)
    net.params["W2"] = wrong
    with pytest.raises(TypeError, match=r"params\['W2'\] must be an array, got "):
        net.loss(np.ones((5, 3), np.float32), np.zeros(5, int))
    del net.params["W2"]
    with pytest.raises(TypeError, match=r"params\['W2'\] must be an array, got None"):
        net.predict(np.ones((5, 3), np.float32))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.ones((3, 5)), r"must have shape \(3, 4\), got \(3, 5\)"),
        (np.ones((3, 4), int), "must be an array of float32 or float64, got int64"),
        (np.ones((3, 4)).view(np.matrix), "must be an array .*, got matrix of float64"),
        (np.ma.ones((3, 4)), "must be an array .*, got MaskedArray of float64"),
    ],
)
def test_an_array_that_cannot_be_the_parameter_is_refused_by_its_name(
    wrong: np.ndarray, message: str
) -> None:
    net = nn.MultiLayerNet(3, [4], 2)
    net.params["W1"] = wrong
    with pytest.raises((TypeError, ValueError), match=r"params\['W1'\] " + message):
        net.predict(np.ones((5, 3), np.float32))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("running_var", -np.ones(2)),
        ("running_var", 3),
        ("running_mean", "x"),
        ("num_batches_tracked", -1),
        ("num_batches_tracked", 1.5),
    ],
)
def test_running_statistics_that_cannot_be_are_refused_when_assigned(
    name: str, value: object
) -> None:
    norm = nn.BatchNorm1d(2)
    before = copy.deepcopy(getattr(norm, name))
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .*, got "):
        setattr(norm, name, value)
    np.testing.assert_array_equal(getattr(norm, name), before)


def changed(net: nn.MultiLayerNet) -> dict[str, np.ndarray]:
    """A snapshot of another network of the same form."""
    other = copy.deepcopy(net)
    for w in other.params.values():
        w += 1
    return other.state_dict()


def test_a_snapshot_that_cannot_be_loaded_changes_nothing() -> None:
    net = nn.MultiLayerNet(3, [4, 4], 2, batch_norm=True)
    wrong = changed(net)
    net.params["b2"].setflags(write=False)
    for snapshot, message in (
        (wrong, r"params\['b2'\] is read-only"),
        (
            wrong | {"running_var1": -np.ones(4, np.float32)},
            r"'running_var1'\] must be >= 0, got -1",
        ),
        (
            wrong | {"W1": np.ma.masked_array(wrong["W1"], wrong["W1"] > 0)},
            r"'W1'\] must be a plain array, got MaskedArray",
        ),
        (wrong | {"num_batches_tracked2": np.array(-3)}, r"'num_batches_tracked2'\] must be >= 0"),
    ):
        before = net.state_dict()
        with pytest.raises((TypeError, ValueError), match=message):
            net.load_state_dict(snapshot)
        for name, value in net.state_dict().items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        net.params["b2"] = net.params["b2"].copy()


def test_a_snapshot_of_the_networks_own_arrays_is_read_before_it_is_written() -> None:
    net = nn.MultiLayerNet(3, [3, 3], 2)
    own, before = net.params, net.state_dict()
    net.load_state_dict(before | {"W1": own["W2"], "W2": own["W1"]})
    np.testing.assert_array_equal(net.params["W1"], before["W2"])
    np.testing.assert_array_equal(net.params["W2"], before["W1"])
