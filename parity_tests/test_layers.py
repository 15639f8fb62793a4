"""The layers and the loss: equal to torch's modules, and to numerical differentiation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from scratch import nn, optim
from scratch.nn import numerical_gradient
from scratch.random import Generator
from torch_ref import nn as torch_nn
from torch_ref.registry import LAYERS, LayerPair, Settings, resolve

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
P = 0.3  # of Dropout
LOSS = "CrossEntropyLoss"
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
CASES = pytest.mark.parametrize(
    ("pair", "case", "shape"),
    [
        pytest.param(pair, case, shape, id=f"{name}-{case}-{shape}")
        for name, pair in LAYERS.items()
        if name != LOSS
        for case in pair.cases
        for shape in pair.shapes
    ],
)
BATCH_NORMS = pytest.mark.parametrize("case", LAYERS["BatchNorm1d"].cases, ids=str)
BATCH_NORM_SHAPES = pytest.mark.parametrize("shape", LAYERS["BatchNorm1d"].shapes, ids=str)


def normal(seed: int, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(0.3, 1.2, shape), dtype=dtype)


def make(
    name: str,
    case: Settings,
    features: int,
    dtype: str = "float64",
    runs: int | None = None,
    seed: int = 0,
) -> nn.Layer:
    """A layer of ``features`` inputs, whose parameters are random."""
    lead = () if runs is None else (runs,)
    if name == "Affine":
        return nn.Affine(
            normal(seed + 1, (*lead, features, 4), dtype), normal(seed + 2, (*lead, 4), dtype)
        )
    if name == "Dropout":
        generators = [Generator(seed + k) for k in range(runs or 1)]
        return nn.Dropout(P, generators[0] if runs is None else generators)
    if name != "BatchNorm1d":
        return LAYERS[name].scratch(**case)
    layer = nn.BatchNorm1d(features, **case, dtype=dtype, runs=runs)
    for i, w in enumerate(layer.params.values()):
        w[...] = normal(seed + i + 1, w.shape, dtype)
    return layer


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


def assert_close(mine: np.ndarray, theirs: torch.Tensor | np.ndarray, tolerance: float) -> None:
    """Equal but for ``tolerance`` relative to the largest element, in shape and dtype too."""
    if isinstance(theirs, torch.Tensor):
        theirs = theirs.detach().numpy()
    assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    largest = max(1.0, np.abs(theirs).max(initial=0))
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance * largest)


def assert_same_pass(
    pair: LayerPair, layer: nn.Layer, twin: torch.nn.Module, x: np.ndarray, seed: int
) -> None:
    """One forward and backward pass on both sides gives the same values and gradients."""
    tolerance = TOLERANCE[x.dtype.name]
    their_x = torch.tensor(x, requires_grad=True)
    twin.zero_grad()
    mine, theirs = layer(x), twin(their_x)
    assert_close(mine, theirs, tolerance)
    dy = normal(seed, mine.shape, x.dtype.name)
    dx = layer.backward(dy)
    theirs.backward(torch.tensor(dy))
    assert_close(dx, their_x.grad, tolerance)
    assert layer.grads.keys() == layer.params.keys() == dict(twin.named_parameters()).keys()
    for name, g in layer.grads.items():
        assert_close(as_linear(pair.name, name, g), getattr(twin, name).grad, tolerance)


@CASES
@DTYPES
@MODES
def test_forward_and_backward_are_torchs(
    pair: LayerPair, case: Settings, shape: tuple[int, ...], dtype: str, training: bool
) -> None:
    layer = make(pair.name, case, shape[1], dtype)
    twin = make_twin(pair, case, layer, dtype)
    layer.train(training)
    twin.train(training)
    assert_same_pass(pair, layer, twin, normal(7, shape, dtype), seed=8)


@BATCH_NORMS
@BATCH_NORM_SHAPES
@DTYPES
def test_running_statistics_are_torchs_over_several_batches(
    case: Settings, shape: tuple[int, ...], dtype: str
) -> None:
    pair = LAYERS["BatchNorm1d"]
    layer = make(pair.name, case, shape[1], dtype)
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
    layer = make("BatchNorm1d", case, 5).train(training)
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
    layer = make("BatchNorm1d", {}, 5)
    twin = make_twin(LAYERS["BatchNorm1d"], {}, layer, "float64")
    assert_same_pass(LAYERS["BatchNorm1d"], layer, twin, normal(1, (1, 5, 2)), seed=2)


def test_evaluation_leaves_the_running_statistics_alone() -> None:
    layer = make("BatchNorm1d", {}, 5)
    layer(normal(1, (6, 5)))
    before = layer.running_mean.copy(), layer.running_var.copy(), layer.num_batches_tracked
    layer.eval()(normal(2, (6, 5)))
    np.testing.assert_array_equal(layer.running_mean, before[0])
    np.testing.assert_array_equal(layer.running_var, before[1])
    assert layer.num_batches_tracked == before[2]


@CASES
@MODES
def test_backward_is_the_numerical_derivative(
    pair: LayerPair, case: Settings, shape: tuple[int, ...], training: bool
) -> None:
    layer = make(pair.name, case, shape[1])
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


@pytest.mark.parametrize("lead", [(), (3,)], ids=["single", "stack"])
def test_the_gradient_of_the_loss_is_the_numerical_one(lead: tuple[int, ...]) -> None:
    loss, x, t = nn.CrossEntropyLoss(), normal(1, (*lead, 6, 5)), np.array([0, 4, 1, 1, 2, 3])
    loss.forward(x, t)
    dx = loss.backward()
    numerical = numerical_gradient(lambda: loss.forward(x, t), x)
    np.testing.assert_allclose(dx, numerical, rtol=1e-6, atol=1e-9)


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


# The run axis: layer k of a stack is the same layer alone.


@CASES
@MODES
def test_a_layer_of_a_stack_equals_the_same_layer_alone(
    pair: LayerPair, case: Settings, shape: tuple[int, ...], training: bool
) -> None:
    stack = make(pair.name, case, shape[1], runs=3, seed=40)
    alone = [make(pair.name, case, shape[1], seed=40 + k) for k in range(3)]
    for k, layer in enumerate(alone):
        for name, w in stack.params.items():
            layer.params[name][...] = w[k]
    for layer in (stack, *alone):
        layer.train(training)
    for batch in range(2):
        x = normal(60 + batch, (3, *shape))
        y = stack(x)
        dy = normal(70 + batch, y.shape)
        dx = stack.backward(dy)
        for k, layer in enumerate(alone):
            assert_close(y[k], layer(x[k]), 1e-13)
            assert_close(dx[k], layer.backward(dy[k]), 1e-13)
            for name, g in layer.grads.items():
                assert_close(stack.grads[name][k], g, 1e-13)
    if pair.name == "BatchNorm1d" and stack.track_running_stats:
        for k, layer in enumerate(alone):
            assert_close(stack.running_mean[k], layer.running_mean, 1e-13)
            assert_close(stack.running_var[k], layer.running_var, 1e-13)


def test_an_affine_stack_takes_one_input_for_every_run() -> None:
    stack, x, dy = make("Affine", {}, 5, runs=3), normal(1, (6, 5)), normal(2, (3, 6, 4))
    shared = stack(x), stack.backward(dy), stack.grads
    repeated = stack(np.stack([x] * 3)), stack.backward(dy), stack.grads
    assert_close(shared[0], repeated[0], 1e-13)
    assert_close(shared[1], repeated[1], 1e-13)
    for name, g in repeated[2].items():
        assert_close(shared[2][name], g, 1e-13)


@pytest.mark.parametrize("shape", [(2, 6, 5), (3, 3, 6, 5), (3, 6, 4), (6, 4), (5,)])
@pytest.mark.parametrize("runs", [None, 3, 1])
def test_an_affine_layer_refuses_an_input_that_its_parameters_do_not_fit(
    runs: int | None, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(N, 5\).*, got \("):
        make("Affine", {}, 5, runs=runs)(normal(1, shape))


@pytest.mark.parametrize("labels", [(6,), (3, 6)], ids=["shared", "per run"])
def test_the_loss_of_a_stack_is_each_runs_own(labels: tuple[int, ...]) -> None:
    x, t = normal(1, (3, 6, 5)), np.random.default_rng(2).integers(0, 5, labels)
    stack, alone = nn.CrossEntropyLoss(), nn.CrossEntropyLoss()
    losses, dx = stack.forward(x, t), stack.backward()
    assert losses.shape == (3,)
    for k in range(3):
        assert_close(losses[k], alone.forward(x[k], t if t.ndim == 1 else t[k]), 1e-13)
        assert_close(dx[k], alone.backward(), 1e-13)


NETWORKS: dict[str, Callable[..., nn.MultiLayerNet]] = {
    "MultiLayerNet": lambda **options: nn.MultiLayerNet(
        8, [7, 6], 5, batch_norm=True, dropout=0.3, weight_decay=0.1, dtype="float64", **options
    ),
    "TwoLayerNet": lambda **options: nn.TwoLayerNet(8, 7, 5, dtype="float64", **options),
}
STACKS = {
    "seeds": {"seed": [0, 1, 2]},
    "inits": {"init": ["he", 0.1, "xavier_uniform"]},
    "both": {"seed": [5, 5, 7], "init": ["he", 0.1, "xavier"]},
}


@pytest.mark.parametrize("lead", [(), (3,)], ids=["shared input", "input per run"])
@pytest.mark.parametrize("options", STACKS.values(), ids=STACKS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_network_of_a_stack_equals_the_same_network_alone(
    network: Callable[..., nn.MultiLayerNet], options: Settings, lead: tuple[int, ...]
) -> None:
    stack = network(**options)
    alone = [network(**{name: values[k] for name, values in options.items()}) for k in range(3)]
    x = normal(1, (*lead, 9, 8))
    t = np.random.default_rng(2).integers(0, 5, (*lead, 9))
    for net in (stack, *alone):
        net.optimizer = optim.Momentum(lr=0.05)
    for _ in range(3):
        losses, grads = stack.loss_and_gradient(x, t)
        accuracies, scores = stack.accuracy(x, t), stack.predict(x)
        assert losses.shape == accuracies.shape == (3,)
        for k, net in enumerate(alone):
            mine = (x[k], t[k]) if lead else (x, t)
            for name, w in net.params.items():
                assert_close(stack.params[name][k], w, 1e-13)
            loss, own = net.loss_and_gradient(*mine)
            assert losses[k] == pytest.approx(loss, rel=1e-13)
            for name, g in own.items():
                assert_close(grads[name][k], g, 1e-12)
            assert accuracies[k] == net.accuracy(*mine)
            assert_close(scores[k], net.predict(mine[0]), 1e-12)
            net.optimizer.update(net.params, own)
        stack.optimizer.update(stack.params, grads)


@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_a_float32_network_computes_in_float32_throughout(activation: str) -> None:
    net = nn.MultiLayerNet(
        8,
        [7],
        5,
        activation=activation,
        batch_norm=True,
        dropout=np.float64(0.3),
        weight_decay=np.float64(0.1),
        seed=[0, 1],
    )
    x, t = normal(1, (9, 8)), np.arange(9) % 5  # x is float64
    losses, grads = net.loss_and_gradient(x, t)
    assert net.predict(x).dtype == losses.dtype == np.float32
    assert {g.dtype for g in grads.values()} == {np.dtype("float32")}
    for norm in net.batch_norms:
        assert norm.running_mean.dtype == norm.running_var.dtype == np.float32


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


# The loss.


@DTYPES
def test_the_loss_and_its_gradient_are_torchs(dtype: str) -> None:
    for shape in LAYERS[LOSS].shapes:
        x, t = normal(1, shape, dtype), np.random.default_rng(2).integers(0, shape[1], shape[0])
        loss, their_x = nn.CrossEntropyLoss(), torch.tensor(x, requires_grad=True)
        mine, theirs = loss.forward(x, t), resolve(LAYERS[LOSS].torch)()(their_x, torch.tensor(t))
        theirs.backward()
        assert_close(mine, theirs, TOLERANCE[dtype])
        assert_close(loss.backward(), their_x.grad, TOLERANCE[dtype])


@pytest.mark.parametrize("lead", [(), (2,)], ids=["single", "stack"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64", "bool", "float32"])
def test_labels_of_any_dtype_and_one_hot_ones_give_the_same_loss(
    dtype: str, lead: tuple[int, ...]
) -> None:
    x, t = normal(1, (*lead, 6, 5)), np.array([0, 4, 1, 1, 2, 3])
    loss = nn.CrossEntropyLoss()
    expected, dx = loss.forward(x, t), loss.backward()
    forms: list[Any] = [np.eye(5)[t].astype(dtype)]
    if np.issubdtype(dtype, np.integer):
        forms += [t.astype(dtype), t.tolist()]
    for form in [*forms, *(np.broadcast_to(form, (*lead, *np.shape(form))) for form in forms)]:
        np.testing.assert_array_equal(loss.forward(x, form), expected, strict=True)
        np.testing.assert_array_equal(loss.backward(), dx, strict=True)


@DTYPES
def test_the_loss_of_huge_scores_is_finite_and_torchs(dtype: str) -> None:
    x = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]], dtype)
    t = np.array([1, 2])
    loss, their_x = nn.CrossEntropyLoss(), torch.tensor(x, requires_grad=True)
    theirs = torch.nn.CrossEntropyLoss()(their_x, torch.tensor(t))
    theirs.backward()
    assert np.isfinite(loss.forward(x, t))
    assert_close(loss.forward(x, t), theirs, TOLERANCE[dtype])
    assert_close(loss.backward(), their_x.grad, TOLERANCE[dtype])


def test_softmax_is_torchs() -> None:
    x = normal(1, (2, 6, 5)) * 100
    assert_close(nn.softmax(x), torch.softmax(torch.tensor(x), dim=-1), 1e-12)


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


# The chapter's own code, in place of ours.


class ChapterSGD:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params.keys():  # noqa: SIM118
            params[key] -= self.lr * grads[key]


class ChapterMomentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr = lr
        self.momentum = momentum
        self.v = None

    def update(self, params, grads):
        if self.v is None:
            self.v = {}
            for key, val in params.items():
                self.v[key] = np.zeros_like(val)

        for key in params.keys():  # noqa: SIM118
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class ChapterAdaGrad:
    def __init__(self, lr=0.01):
        self.lr = lr
        self.h = None

    def update(self, params, grads):
        if self.h is None:
            self.h = {}
            for key, val in params.items():
                self.h[key] = np.zeros_like(val)

        for key in params.keys():  # noqa: SIM118
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)


CHAPTER = (ChapterSGD, ChapterMomentum, ChapterAdaGrad)
OURS = (optim.SGD, optim.Momentum, optim.AdaGrad)


X = normal(1, (200, 8))
T = X[:, :5].argmax(axis=1)


def get_mini_batch(i: int) -> tuple[np.ndarray, np.ndarray]:
    rows = Generator(i).randint(0, len(X), (20,))
    return X[rows], T[rows]


def chapter_loop(optimizer: Any, steps: int = 60) -> nn.TwoLayerNet:
    """The loop of section 6.1.2."""
    network = nn.TwoLayerNet(8, 7, 5, dtype=np.float64)
    for i in range(steps):
        x_batch, t_batch = get_mini_batch(i)
        grads = network.gradient(x_batch, t_batch)
        params = network.params
        optimizer.update(params, grads)
    return network


@pytest.mark.parametrize("optimizer", [*CHAPTER, *OURS, optim.Adam, optim.RMSProp])
def test_the_chapters_loop_runs_unchanged_and_lowers_the_loss(optimizer: type) -> None:
    before = nn.TwoLayerNet(8, 7, 5, dtype=np.float64).loss(X, T)
    assert chapter_loop(optimizer()).loss(X, T) < before


@pytest.mark.parametrize(
    ("theirs", "ours"), list(zip(CHAPTER, OURS, strict=True)), ids=lambda c: c.__name__
)
def test_the_chapters_classes_take_the_same_path_as_ours(theirs: type, ours: type) -> None:
    expected = chapter_loop(theirs(lr=0.01)).params
    for name, w in chapter_loop(ours(lr=0.01)).params.items():
        np.testing.assert_allclose(w, expected[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_parameter_that_an_optimizer_replaces_is_the_one_that_is_used() -> None:
    network = nn.TwoLayerNet(8, 7, 5, dtype=np.float64)
    before = network.loss(X, T)
    network.params = {name: w - 0.1 for name, w in network.params.items()}
    assert network.loss(X, T) != before
