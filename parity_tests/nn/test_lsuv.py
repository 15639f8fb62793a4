"""LSUV: unit variance in every layer, in step with its twin, and nothing changed where it fails."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import (
    IN_RUNS,
    OPTIONS,
    RUNS,
    SIZES,
    WITH_OPTIONS,
    assert_unchanged,
    batch,
    make_network,
    refused,
    snapshot,
)
from scratch import init, nn
from scratch.nn import lsuv
from scratch.random import Generator
from torch_ref import nn as torch_nn

pytestmark = pytest.mark.arithmetic

SOME = np.random.default_rng(0).normal(size=(10, 12))
NOTHING = np.zeros((10, 12))


def assert_variances_of_1(net: nn.MultiLayerNet, x: np.ndarray, tolerance: float = 0.01) -> None:
    """In each run, of what every affine layer gives."""
    for layer in net.layers:
        y = layer.eval().forward(x)
        if isinstance(layer, nn.Affine):
            variance = y.var(axis=(-2, -1), dtype=np.float64)
            assert variance.shape == (() if net.runs is None else (net.runs,))
            np.testing.assert_array_less(np.abs(variance - 1), np.nextafter(tolerance, 1))
        x = y


@pytest.mark.parametrize("tolerance", [0.1, 0.001])
@IN_RUNS
@WITH_OPTIONS
def test_every_layer_gets_a_variance_within_the_tolerance_of_1(
    runs: dict, options: dict, tolerance: float
) -> None:
    net = make_network(**runs, **options)
    x, _ = batch(net)
    factors = lsuv(net, x, tolerance)
    assert list(factors) == ["W1", "W2", "W3"]
    assert {np.shape(factor) for factor in factors.values()} == {np.shape(net.loss(*batch(net)))}
    assert_variances_of_1(net, x, tolerance)


@IN_RUNS
@WITH_OPTIONS
def test_the_twin_finds_the_same_weights(runs: dict, options: dict) -> None:
    net = make_network(**runs, **options)
    twin = torch_nn.MultiLayerNet(*SIZES, **runs, **options, dtype=torch.float64)
    x, _ = batch(net)
    mine, theirs = lsuv(net, x), torch_nn.lsuv(twin, torch.tensor(x))
    assert mine.keys() == theirs.keys()
    for name, factor in mine.items():
        np.testing.assert_allclose(factor, theirs[name].numpy(), rtol=1e-10)
    for name, w in net.params.items():
        np.testing.assert_allclose(
            w, twin.params[name].detach().numpy(), rtol=1e-10, atol=1e-10, err_msg=name
        )


@pytest.mark.parametrize("start", [init.orthogonal, init.he, None])
def test_a_run_of_a_stack_is_scaled_as_it_would_be_alone(start: object) -> None:
    for x in (np.random.default_rng(0).normal(size=(2, 10, 12)), SOME):  # its own, or shared
        stack = make_network(seed=[3, 4], init=["he", 0.01])
        factors = lsuv(stack, x, start=start)
        for run, (seed, weights) in enumerate([(3, "he"), (4, 0.01)]):
            alone, own = make_network(seed=seed, init=weights), x[run] if x.ndim == 3 else x
            for name, factor in lsuv(alone, own, start=start).items():
                assert factors[name][run] == pytest.approx(factor, rel=1e-13)
                np.testing.assert_allclose(stack.params[name][run], alone.params[name], rtol=1e-12)


@IN_RUNS
def test_what_is_within_the_tolerance_is_left_as_it_is(runs: dict) -> None:
    net = make_network(**runs)
    x, _ = batch(net)
    lsuv(net, x, 1e-3)
    with_no_change = snapshot(net)
    for factor in lsuv(net, x, 1e-2, start=None).values():
        np.testing.assert_array_equal(factor, 1)
    assert_unchanged(net, with_no_change)
    if net.runs:  # and of another run, too
        net.params["W1"][1] *= 3
        factors = lsuv(net, x, 0.05, start=None)["W1"]
        np.testing.assert_allclose(factors, [1, 1 / 3, 1], rtol=1e-2)
        assert factors[0] == factors[2] == 1


@pytest.mark.parametrize("start", [init.orthogonal, None], ids=["drawn anew", "as they are"])
def test_the_factors_are_what_the_weights_were_multiplied_by(start: object) -> None:
    net, generator = make_network(init="zeros" if start else "he", seed=6), Generator(6)
    before = {name: w.copy() for name, w in net.params.items()}
    for name, factor in lsuv(net, SOME, start=start).items():
        w = net.params[name]
        if start:  # from the net's generators
            before[name] = start(w.shape[::-1], generator=generator, dtype="float64").T
        np.testing.assert_allclose(w, factor * before[name], rtol=1e-13, atol=1e-15)


def test_biases_need_more_than_one_division() -> None:
    net = make_network()
    for name in ("b1", "b2", "b3"):
        net.params[name][...] = np.linspace(-0.5, 0.5, len(net.params[name]))
    with pytest.raises(ValueError, match="max_iterations=1 did not bring the variance behind W1"):
        lsuv(net, SOME, 1e-6, max_iterations=1)
    lsuv(net, SOME, 1e-6, max_iterations=50)
    assert_variances_of_1(net, SOME, 1e-6)


def test_statistics_and_dropout_are_left_alone() -> None:
    net = make_network(batch_norm=True, dropout=0.5)
    lsuv(net, SOME)
    for norm in net.batch_norms:
        assert norm.num_batches_tracked == 0
        assert not norm.running_mean.any()


def test_arrays_put_in_place_of_the_weights_are_scaled_and_rows_that_are_all_alike() -> None:
    for x in (SOME, np.full((10, 12), 0.7)):
        net = make_network()
        net.params["W2"] = mine = net.params["W2"].copy()
        lsuv(net, x)
        assert net.params["W2"] is mine
        assert_variances_of_1(net, x)


def test_float32_reaches_it_too() -> None:
    net = make_network("float32", **RUNS["stack"], **OPTIONS["tanh"])
    x = np.float32(1e-15) * batch(net, dtype="float32")[0]
    lsuv(net, x, 1e-4)
    assert all(w.dtype == np.float32 for w in net.params.values())
    assert_variances_of_1(net, x, 2e-4)


# What is refused.


@pytest.mark.parametrize(
    ("runs", "dead", "x", "settings", "message"),
    [
        ("single", None, NOTHING, {}, "x must give .* outputs that vary, .* 0.0 behind W1"),
        ("stack", None, NOTHING, {}, "x must give .* behind W1"),
        ("single", ..., SOME, {}, "x must give .* outputs that vary, .* 0.0 behind W2"),
        ("stack", 0, SOME, {}, r"x must give .* \[0. .*\] behind W2"),
        ("single", None, SOME * np.nan, {}, "x must be finite, got inf or NaN"),
        ("single", None, SOME[:, :3], {}, r"x must have shape \(N, 12\)"),
        ("single", None, SOME * 1e200, {}, "x must give .* inf behind W1"),
        ("single", None, SOME, {"tolerance": 1e-9, "max_iterations": 0}, "max_iterations=0 did"),
        ("single", None, SOME, {"start": "orthogonal"}, "start must be an initializer or None"),
    ],
)
def test_where_it_cannot_be_done_nothing_changes(
    runs: str, dead: object, x: np.ndarray, settings: dict, message: str
) -> None:
    net = make_network(**RUNS[runs])
    if dead is not None:  # no ReLU of the first layer fires
        net.params["b1"][dead] = -1e9
    with refused(message, net):
        lsuv(net, x, **settings)
    fresh = make_network(**RUNS[runs])
    for mine, expected in zip(net.generators, fresh.generators, strict=True):
        np.testing.assert_array_equal(mine.rand(3), expected.rand(3))


@pytest.mark.parametrize("fixed", ["W1", "W2"])
def test_a_weight_that_cannot_be_changed_is_found_out_before_anything_is_drawn(fixed: str) -> None:
    net = make_network()
    net.params[fixed].setflags(write=False)
    before = net.state_dict()
    with pytest.raises(ValueError, match=rf"params\['{fixed}'\] is read-only; pass a copy"):
        lsuv(net, SOME)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_the_twin_refuses_data_without_a_variance() -> None:
    for x, settings, message in (
        (NOTHING, {}, "x must give every layer outputs that vary, got"),
        (np.full((10, 12), 1e200), {}, "x must give every layer outputs that vary, got"),
        (SOME, {"tolerance": 1e-9, "max_iterations": 0}, "max_iterations=0 gave variances of"),
    ):
        twin = torch_nn.MultiLayerNet(*SIZES, dtype=torch.float64)
        with pytest.raises(ValueError, match=message):
            torch_nn.lsuv(twin, torch.tensor(x), **settings)
