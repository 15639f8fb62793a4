"""The layers: equal to torch's modules, and to numerical differentiation."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
import torch

from parity_tests.helpers import (
    DTYPES,
    LAYER_CASES,
    MODES,
    TOLERANCE,
    assert_close,
    assert_same_pass,
    make_layer,
    normal,
)
from scratch import nn
from scratch.nn import numerical_gradient
from scratch.random import Generator
from torch_ref import nn as torch_nn
from torch_ref.lockstep.compare.modules import module_beside
from torch_ref.registry import LAYERS, LayerPair, Settings, resolve

#: What the constructors of torch's modules take that is no setting of the layer.
NO_SETTINGS = {"self", "device", "dtype", "args", "kwargs"}
BATCH_NORM = LAYERS["BatchNorm1d"]


@pytest.mark.arithmetic
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
    layer = make_layer(pair.name, case, dtype)
    twin = module_beside(pair, case, layer, dtype)
    layer.train(training)
    twin.train(training)
    worst = assert_same_pass(pair, layer, twin, normal(7, shape, dtype), seed=8)
    record_parity(pair.name, dtype, "forward, backward", 1, worst.relative, worst.ulp)


@pytest.mark.parametrize("pair", LAYERS.values(), ids=LAYERS)
def test_arguments_are_torchs_in_order_and_tried_or_not_taken_for_a_reason(pair: LayerPair) -> None:
    theirs = inspect.signature(resolve(pair.torch).__init__).parameters
    mine = inspect.signature(pair.scratch.__init__).parameters
    tried = {name for case in pair.cases for name in case}
    assert tried.isdisjoint(pair.not_taken)
    assert tried | set(pair.not_taken) == theirs.keys() - NO_SETTINGS
    assert all(pair.not_taken.values())
    shared = [name for name in mine if name in theirs and name not in NO_SETTINGS]
    assert set(shared) >= tried
    positional = [name for name in shared if mine[name].kind is not inspect.Parameter.KEYWORD_ONLY]
    assert positional == [name for name in theirs if name in positional]
    for name in shared:
        if name not in pair.not_taken and mine[name].default is not inspect.Parameter.empty:
            assert mine[name].default == theirs[name].default, name


@pytest.mark.parametrize("seed", [3, [3, 4]], ids=["single", "stack"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_the_gradient_of_a_network_is_the_numerical_one(
    activation: str, batch_norm: bool, weight_decay: float, seed: int | list[int]
) -> None:
    options = {"batch_norm": batch_norm, "weight_decay": weight_decay, "seed": seed}
    net = nn.MultiLayerNet(4, [5, 3], 3, activation=activation, dtype=np.float64, **options)
    for i, w in enumerate(net.params.values()):
        w += 0.1 * normal(i, w.shape)  # biases other than 0
    x, t = normal(50, (6, 4)), np.array([0, 2, 1, 1, 2, 0])
    for name, g in net.gradient(x, t).items():
        numerical = numerical_gradient(lambda: net.loss(x, t, train=True), net.params[name])
        np.testing.assert_allclose(g, numerical, rtol=1e-6, atol=1e-8, err_msg=name)


def test_numerical_differentiation_restores_its_argument_and_needs_float64() -> None:
    x = normal(1, (3, 2))
    before = x.copy()
    numerical_gradient(lambda: (x**2).sum(), x)
    np.testing.assert_array_equal(x, before)
    for coarse in (np.array([1, 2]), np.array([1, 2], np.float32)):
        with pytest.raises(TypeError, match=f"x must be an array of float64, got {coarse.dtype}"):
            numerical_gradient(lambda: 1.0, coarse)


@pytest.mark.arithmetic
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


@pytest.mark.arithmetic
def test_the_chapters_batch_normalization_has_torchs_output_in_training() -> None:
    mine = nn.BatchNormalization(5, eps=1e-5, dtype="float64")
    theirs = torch.nn.BatchNorm1d(5, dtype=torch.float64)
    assert_same_pass(BATCH_NORM, mine, theirs, normal(1, (6, 5)), seed=2)
    assert nn.BatchNormalization(5).eps == 1e-6
    assert nn.BatchNorm1d(5).eps == torch.nn.BatchNorm1d(5).eps == 1e-5


@pytest.mark.arithmetic
def test_the_chapters_momentum_is_kept_and_its_running_variance_biased_from_zero() -> None:
    chapters = nn.BatchNormalization(5, momentum=0.8, dtype="float64")
    plain = nn.BatchNorm1d(5, momentum=0.2, dtype="float64")
    expected = np.zeros(5)
    np.testing.assert_array_equal(chapters.running_var, expected)
    for batch in range(3):
        x = normal(batch, (6, 5))
        chapters(x)
        plain(x)
        expected = 0.8 * expected + 0.2 * x.var(axis=0)
    np.testing.assert_allclose(chapters.running_var, expected, rtol=1e-13)
    np.testing.assert_allclose(chapters.running_mean, plain.running_mean, rtol=1e-13)


# Dropout.


@pytest.mark.arithmetic
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


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_the_books_dropout_is_torchs_times_what_is_kept(training: bool) -> None:
    x, dy = normal(1, (20, 30)), normal(2, (20, 30))
    book, layer = (nn.Dropout(0.4, Generator(0), inverted=b).train(training) for b in (False, True))
    twin = torch_nn.Dropout(0.4, torch.Generator().manual_seed(0), inverted=False).train(training)
    y = book(x)
    assert_close(y, 0.6 * layer(x), 1e-15)
    assert_close(book.backward(dy), 0.6 * layer.backward(dy), 1e-15)
    np.testing.assert_array_equal(y, twin(torch.tensor(x)).numpy())
    if training:
        np.testing.assert_array_equal(y, np.where(y == 0, 0, x))


@DTYPES
def test_dropout_keeps_the_expected_value_as_torchs_own(dtype: str) -> None:
    x = normal(1, (5, 6), dtype)
    kept = nn.Dropout(0.4, Generator(0))(x)
    theirs = torch.nn.Dropout(0.4)(torch.tensor(x)).numpy()
    for y in (kept, theirs):
        assert_close(y[y != 0], (x / np.asarray(0.6, dtype))[y != 0], 1e-6)


@pytest.mark.parametrize(
    ("p", "training", "expected"),
    [(0, True, 1.0), (1, True, 0.0), (0.4, False, 1.0)],
    ids=["of none", "of all", "in evaluation"],
)
def test_dropout_that_needs_no_numbers(p: float, training: bool, expected: float) -> None:
    generator, x = Generator(0), normal(1, (5, 6))
    layer, twin = nn.Dropout(p, generator).train(training), torch.nn.Dropout(p).train(training)
    np.testing.assert_array_equal(layer(x), expected * x)
    np.testing.assert_array_equal(layer.backward(x), expected * x)
    np.testing.assert_array_equal(twin(torch.tensor(x)).numpy(), expected * x)
    if p < 1:
        np.testing.assert_array_equal(generator.rand(3), Generator(0).rand(3))
