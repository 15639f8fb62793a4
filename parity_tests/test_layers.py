"""The layers: equal to torch's modules, and to numerical differentiation."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from parity_tests.helpers import (
    DTYPES,
    LAYER_CASES,
    MODES,
    TOLERANCE,
    P,
    assert_close,
    distance,
    make_layer,
    normal,
)
from scratch import nn
from scratch.nn import numerical_gradient
from scratch.random import Generator
from torch_ref import nn as torch_nn
from torch_ref.lockstep import Distance
from torch_ref.registry import LAYERS, LayerPair, Settings, resolve

BATCH_NORMS = pytest.mark.parametrize("case", LAYERS["BatchNorm1d"].cases, ids=str)
BATCH_NORM_SHAPES = pytest.mark.parametrize("shape", LAYERS["BatchNorm1d"].shapes, ids=str)


def make_twin(pair: LayerPair, case: Settings, layer: nn.Layer, dtype: str) -> torch.nn.Module:
    """Torch's own module with the parameters of ``layer``."""
    options = {"dtype": getattr(torch, dtype)}
    if pair.name == "Affine":
        twin = torch.nn.Linear(*layer.params["weight"].shape, **options)
    elif pair.name == "BatchNorm1d":
        twin = torch.nn.BatchNorm1d(layer.num_features, **case, **options)
    elif pair.name == "Dropout":  # torch's own takes no generator
        return torch_nn.Dropout(P, torch.Generator().manual_seed(0))
    else:
        return resolve(pair.torch)(**case)
    with torch.no_grad():
        for name, w in layer.params.items():
            getattr(twin, name).copy_(torch.tensor(as_linear(pair.name, name, w)))
    return twin


def as_linear(layer: str, name: str, w: np.ndarray) -> np.ndarray:
    """A weight as torch's ``Linear`` has it, transposed."""
    return w.T.copy() if (layer, name) == ("Affine", "weight") else w


def assert_same_pass(
    pair: LayerPair, layer: nn.Layer, twin: torch.nn.Module, x: np.ndarray, seed: int
) -> Distance:
    """One forward and backward pass on both sides gives the same values and gradients."""
    their_x = torch.tensor(x, requires_grad=True)
    twin.zero_grad()
    mine, theirs = layer(x), twin(their_x)
    dy = normal(seed, mine.shape, x.dtype.name)
    dx = layer.backward(dy)
    theirs.backward(torch.tensor(dy))
    compared = [(mine, theirs), (dx, their_x.grad)]
    assert layer.grads.keys() == layer.params.keys() == dict(twin.named_parameters()).keys()
    for name, g in layer.grads.items():
        compared.append((as_linear(pair.name, name, g), getattr(twin, name).grad))
    worst = Distance()
    for ours, torchs in compared:
        assert_close(ours, torchs, TOLERANCE[x.dtype.name])
        worst = worst.or_larger(distance(ours, torchs, least=1.0))
    return worst


@LAYER_CASES
@DTYPES
@MODES
def test_forward_and_backward_are_torchs(
    pair: LayerPair,
    case: Settings,
    shape: tuple[int, ...],
    dtype: str,
    training: bool,
    record_parity: Callable[..., None],
) -> None:
    layer = make_layer(pair.name, case, shape[1], dtype)
    twin = make_twin(pair, case, layer, dtype)
    layer.train(training)
    twin.train(training)
    worst = assert_same_pass(pair, layer, twin, normal(7, shape, dtype), seed=8)
    record_parity(pair.name, dtype, "forward, backward", 1, worst.relative, worst.ulp)


@BATCH_NORMS
@BATCH_NORM_SHAPES
@DTYPES
def test_running_statistics_are_torchs_over_several_batches(
    case: Settings, shape: tuple[int, ...], dtype: str
) -> None:
    pair = LAYERS["BatchNorm1d"]
    layer = make_layer(pair.name, case, shape[1], dtype)
    twin = make_twin(pair, case, layer, dtype)
    for batch in range(4):
        assert_same_pass(pair, layer, twin, normal(20 + batch, shape, dtype), seed=30 + batch)
        for name in ("running_mean", "running_var"):
            mine, theirs = getattr(layer, name), getattr(twin, name)
            if theirs is None:
                assert mine is None
            else:
                assert_close(mine, theirs, TOLERANCE[dtype])
        assert layer.num_batches_tracked == twin.num_batches_tracked  # a number, or None
    assert_same_pass(pair, layer.eval(), twin.eval(), normal(24, shape, dtype), seed=34)
    assert layer.num_batches_tracked == twin.num_batches_tracked


@BATCH_NORMS
@MODES
@pytest.mark.parametrize("shape", [(1, 5), (1, 5, 1)])
def test_one_value_for_each_feature_is_refused_where_torch_refuses_it(
    case: Settings, training: bool, shape: tuple[int, ...]
) -> None:
    layer = make_layer("BatchNorm1d", case, 5).train(training)
    twin = make_twin(LAYERS["BatchNorm1d"], case, layer, "float64").train(training)
    x = normal(1, shape)
    if training or not case.get("track_running_stats", True):
        with pytest.raises(ValueError, match=r"x must have more than one value .*\(1, 5"):
            layer(x)
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            twin(torch.tensor(x))
        assert layer.num_batches_tracked in (0, None)
    else:
        assert_close(layer(x), twin(torch.tensor(x)), 1e-12)


def test_one_row_of_several_positions_is_a_batch_as_in_torch() -> None:
    layer = make_layer("BatchNorm1d", {}, 5)
    twin = make_twin(LAYERS["BatchNorm1d"], {}, layer, "float64")
    assert_same_pass(LAYERS["BatchNorm1d"], layer, twin, normal(1, (1, 5, 2)), seed=2)


def test_evaluation_leaves_the_running_statistics_alone() -> None:
    layer = make_layer("BatchNorm1d", {}, 5)
    layer(normal(1, (6, 5)))
    before = layer.running_mean.copy(), layer.running_var.copy(), layer.num_batches_tracked
    layer.eval()(normal(2, (6, 5)))
    np.testing.assert_array_equal(layer.running_mean, before[0])
    np.testing.assert_array_equal(layer.running_var, before[1])
    assert layer.num_batches_tracked == before[2]


@LAYER_CASES
@MODES
def test_backward_is_the_numerical_derivative(
    pair: LayerPair, case: Settings, shape: tuple[int, ...], training: bool
) -> None:
    layer = make_layer(pair.name, case, shape[1])
    x = normal(3, shape)
    layer(x + 1)  # running statistics other than 0 and 1
    layer.train(training)
    dy = normal(4, layer(x).shape)

    def value() -> np.ndarray:
        if pair.name == "Dropout":
            layer.generator = Generator(1)  # the same mask each time
        return layer(x) * dy

    value()
    dx = layer.backward(dy)
    grads = layer.grads
    np.testing.assert_allclose(dx, numerical_gradient(value, x), rtol=1e-6, atol=1e-7)
    for name, w in layer.params.items():
        np.testing.assert_allclose(
            grads[name], numerical_gradient(value, w), rtol=1e-6, atol=1e-7, err_msg=name
        )


@pytest.mark.parametrize("seed", [3, [3, 4]], ids=["single", "stack"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_the_gradient_of_a_network_is_the_numerical_one(
    activation: str, batch_norm: bool, weight_decay: float, seed: int | list[int]
) -> None:
    net = nn.MultiLayerNet(
        4,
        [5, 3],
        3,
        activation=activation,
        batch_norm=batch_norm,
        weight_decay=weight_decay,
        seed=seed,
        dtype=np.float64,
    )
    for i, w in enumerate(net.params.values()):
        w += 0.1 * normal(i, w.shape)  # biases other than 0
    x, t = normal(50, (6, 4)), np.array([0, 2, 1, 1, 2, 0])
    for name, g in net.gradient(x, t).items():
        numerical = numerical_gradient(lambda: net.loss(x, t, train=True), net.params[name])
        np.testing.assert_allclose(g, numerical, rtol=1e-6, atol=1e-8, err_msg=name)


def test_numerical_differentiation_restores_its_argument() -> None:
    x = normal(1, (3, 2))
    before = x.copy()
    numerical_gradient(lambda: (x**2).sum(), x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([1, 2], np.float32)])
def test_numerical_differentiation_refuses_what_is_too_coarse_for_it(x: np.ndarray) -> None:
    with pytest.raises(TypeError, match=f"x must be an array of float64, got {x.dtype}"):
        numerical_gradient(lambda: x.sum(), x)


@DTYPES
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_activations_of_huge_inputs_are_torchs(name: str, dtype: str) -> None:
    x = np.array([[-1e4, -50.0, 0.0, 50.0, 1e4]], dtype)
    layer, twin = nn.ACTIVATIONS[name](), torch_nn.ACTIVATIONS[name]()
    their_x = torch.tensor(x, requires_grad=True)
    theirs = twin(their_x)
    theirs.sum().backward()
    assert_close(layer(x), theirs, TOLERANCE[dtype])
    assert_close(layer.backward(np.ones_like(x)), their_x.grad, TOLERANCE[dtype])


# The chapter's batch normalization, where it differs from torch's.


def test_the_chapters_batch_normalization_has_torchs_output_in_training() -> None:
    mine, theirs = (
        nn.BatchNormalization(5, eps=1e-5, dtype="float64"),
        torch.nn.BatchNorm1d(5, dtype=torch.float64),
    )
    assert_same_pass(LAYERS["BatchNorm1d"], mine, theirs, normal(1, (6, 5)), seed=2)


def test_the_chapters_running_variance_starts_at_zero_and_takes_the_biased_one() -> None:
    layer = nn.BatchNormalization(5, momentum=0.8, dtype="float64")
    np.testing.assert_array_equal(layer.running_var, np.zeros(5))
    expected = np.zeros(5)
    for batch in range(3):
        x = normal(batch, (6, 5))
        layer(x)
        expected = 0.8 * expected + 0.2 * x.var(axis=0)
    np.testing.assert_allclose(layer.running_var, expected, rtol=1e-13)


def test_the_chapters_momentum_is_the_part_that_is_kept() -> None:
    mine = nn.BatchNormalization(5, momentum=0.9, dtype="float64")
    theirs = nn.BatchNorm1d(5, momentum=0.1, dtype="float64")
    for batch in range(3):
        mine(normal(batch, (6, 5)))
        theirs(normal(batch, (6, 5)))
    np.testing.assert_allclose(mine.running_mean, theirs.running_mean, rtol=1e-13)


def test_the_chapters_eps_is_1e_6() -> None:
    assert nn.BatchNormalization(5).eps == 1e-6
    assert nn.BatchNorm1d(5).eps == torch.nn.BatchNorm1d(5).eps == 1e-5


# Dropout.


@pytest.mark.parametrize("runs", [None, 3])
def test_dropout_drops_the_units_that_its_twin_drops(runs: int | None) -> None:
    seeds = range(runs or 1)
    mine = [Generator(seed) for seed in seeds]
    theirs = [torch.Generator().manual_seed(seed) for seed in seeds]
    layer = nn.Dropout(0.4, mine if runs else mine[0])
    twin = torch_nn.Dropout(0.4, theirs if runs else theirs[0])
    for _ in range(3):
        x = np.ones((*((runs,) if runs else ()), 20, 30))
        y = layer(x)
        np.testing.assert_array_equal(y, twin(torch.tensor(x)).numpy())
        np.testing.assert_array_equal(np.unique(y), [0, 1 / 0.6])
        assert np.mean(y == 0) == pytest.approx(0.4, abs=0.1)


@DTYPES
def test_dropout_keeps_the_expected_value_as_torchs_own(dtype: str) -> None:
    x = normal(1, (5, 6), dtype)
    kept = nn.Dropout(0.4, Generator(0))(x)
    theirs = torch.nn.Dropout(0.4)(torch.tensor(x)).numpy()
    for y in (kept, theirs):
        assert_close(y[y != 0], (x / np.asarray(0.6, dtype))[y != 0], 1e-6)


@pytest.mark.parametrize(("p", "expected"), [(0, 1.0), (1, 0.0)])
def test_dropout_of_none_and_of_all(p: float, expected: float) -> None:
    layer, x = nn.Dropout(p, Generator(0)), normal(1, (5, 6))
    np.testing.assert_array_equal(layer(x), expected * x)
    np.testing.assert_array_equal(layer.backward(x), expected * x)
    np.testing.assert_array_equal(torch.nn.Dropout(p)(torch.tensor(x)).numpy(), expected * x)


def test_dropout_in_evaluation_changes_and_draws_nothing() -> None:
    generator = Generator(0)
    layer, x = nn.Dropout(0.4, generator).eval(), normal(1, (5, 6))
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)
    np.testing.assert_array_equal(generator.rand(3), Generator(0).rand(3))
