"""Bad input is refused by its name and its value, and nothing is changed."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch import nn, optim, train
from scratch.random import Generator
from torch_ref.registry import OPTIMIZERS, OptimizerPair, Settings, resolve

PAIRS = pytest.mark.parametrize("pair", OPTIMIZERS.values(), ids=OPTIMIZERS)
NOT_FINITE = (math.nan, math.inf, -math.inf)
NOT_NUMBERS = (None, "0.1", True, [0.1], 1j)

# Nothing at all that is no finite number >= 0.
bad_rates = st.one_of(
    st.floats(max_value=0, exclude_max=True),
    st.sampled_from(NOT_FINITE),
    st.integers(max_value=-1),
    st.sampled_from(NOT_NUMBERS),
)
bad_betas = bad_rates | st.floats(min_value=1) | st.integers(min_value=1)
# Nothing at all that is no whole number >= 1.
bad_sizes = st.one_of(
    st.integers(max_value=0), st.floats(), st.sampled_from((None, "3", True, [3], 1j))
)


def fresh(dtype: str = "float64") -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    params = {"W": random.normal(size=(3, 2)), "b": random.normal(size=2)}
    grads = {"W": random.normal(size=(3, 2)), "b": random.normal(size=2)}
    return tuple({k: np.asarray(v, dtype) for k, v in d.items()} for d in (params, grads))


def assert_same_state(now: dict, before: dict) -> None:
    assert now.keys() == before.keys()
    for name, state in before.items():
        assert now[name].keys() == state.keys()
        for key, value in state.items():
            np.testing.assert_array_equal(now[name][key], value, strict=True)


def assert_refused(
    optimizer: optim.Optimizer,
    params: dict[str, Any],
    grads: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    """The update raises, and neither parameters nor gradients nor state change."""
    before = copy.deepcopy((params, grads, optimizer.state))
    with pytest.raises(error, match=message):
        optimizer.update(params, grads)
    for now, then in zip((params, grads), before[:2], strict=True):
        assert list(now) == list(then)
        for name, value in then.items():
            assert type(now[name]) is type(value)
            np.testing.assert_array_equal(now[name], value)
    assert_same_state(optimizer.state, before[2])


# What is wrong with (params, grads), the error, and what it says.
Spoil = Callable[[dict, dict], None]
SPOILT: dict[str, tuple[Spoil, type[Exception], str]] = {
    "a gradient is missing": (
        lambda p, g: g.pop("b"),
        KeyError,
        r"same keys; grads lacks \['b'\] and has \[\] besides",
    ),
    "a gradient is too many": (
        lambda p, g: g.update(c=np.ones(2)),
        KeyError,
        r"same keys; grads lacks \[\] and has \['c'\] besides",
    ),
    "a gradient has another name": (
        lambda p, g: g.update(c=g.pop("b")),
        KeyError,
        r"same keys; grads lacks \['b'\] and has \['c'\] besides",
    ),
    "another shape": (
        lambda p, g: g.update(b=np.ones((2, 1))),
        ValueError,
        r"grads\['b'\] must be like params\['b'\], float64 of shape \(2,\), got float64 of shape "
        r"\(2, 1\)",
    ),
    "a shape that would broadcast": (
        lambda p, g: g.update(b=np.ones(1)),
        ValueError,
        r"grads\['b'\] must be like .* \(2,\), got float64 of shape \(1,\)",
    ),
    "another dtype": (
        lambda p, g: g.update(b=np.ones(2, np.float32)),
        ValueError,
        r"grads\['b'\] must be like .*float64 .*, got float32 of shape \(2,\)",
    ),
    "a list": (
        lambda p, g: g.update(b=[1.0, 2.0]),
        TypeError,
        r"grads\['b'\] must be like .*, got \[1.0, 2.0\] \(list\)",
    ),
    "a float for an array": (
        lambda p, g: g.update(b=1.0),
        TypeError,
        r"grads\['b'\] must be like .*, got 1.0 \(float\)",
    ),
    "an array for a float": (
        lambda p, g: p.update(b=1.0),
        TypeError,
        r"grads\['b'\] must be a float like params\['b'\], got float64 of shape \(2,\)",
    ),
    "integer parameters": (
        lambda p, g: (p.update(b=np.array([1, 2])), g.update(b=np.array([1, 2]))),
        TypeError,
        r"params\['b'\] must be a float, or an array of float32 or float64, got int64 of shape",
    ),
    "float16 parameters": (
        lambda p, g: (p.update(b=np.ones(2, np.float16)), g.update(b=np.ones(2, np.float16))),
        TypeError,
        r"params\['b'\] must be .*, got float16 of shape \(2,\)",
    ),
    "a list of parameters": (
        lambda p, g: p.update(b=[1.0, 2.0]),
        TypeError,
        r"params\['b'\] must be .*, got \[1.0, 2.0\] \(list\)",
    ),
    "a read-only parameter": (
        lambda p, g: p["b"].setflags(write=False),
        ValueError,
        r"params\['b'\] is read-only; pass a copy",
    ),
}


@PAIRS
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
@pytest.mark.parametrize(("spoil", "error", "message"), SPOILT.values(), ids=SPOILT)
def test_parameters_and_gradients_that_do_not_fit_change_nothing(
    pair: OptimizerPair, used: bool, spoil: Spoil, error: type[Exception], message: str
) -> None:
    optimizer, (params, grads) = pair.scratch(), fresh()
    if used:
        optimizer.update(params, grads)
    spoil(params, grads)
    assert_refused(optimizer, params, grads, error, message)


@PAIRS
@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_gradient_that_is_not_finite_is_refused_by_the_name_of_its_parameter(
    pair: OptimizerPair, value: float
) -> None:
    optimizer, (params, grads) = pair.scratch(), fresh()
    optimizer.update(params, grads)
    grads["b"][1] = value
    assert_refused(
        optimizer,
        params,
        grads,
        optim.NonFiniteGradientError,
        rf"grads\['b'\] must be finite, got 1 of 2 elements .*, the first at \(1,\): {value}",
    )


@PAIRS
@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_float_gradient_that_is_not_finite_is_refused(pair: OptimizerPair, value: float) -> None:
    optimizer = pair.scratch()
    assert_refused(
        optimizer,
        {"x": -7.0, "y": 2.0},
        {"x": 1.0, "y": value},
        optim.NonFiniteGradientError,
        rf"grads\['y'\] must be finite, got 1 of 1 .*: {value}",
    )


@PAIRS
@given(lr=bad_rates)
@settings(deadline=None, max_examples=20)
def test_a_bad_learning_rate_is_refused_at_the_start(pair: OptimizerPair, lr: object) -> None:
    with pytest.raises((TypeError, ValueError), match="lr must be a finite number >= 0, got") as e:
        pair.scratch(lr=lr)
    assert repr(lr) in str(e.value)


@PAIRS
@pytest.mark.parametrize("lr", [*NOT_FINITE, -0.1, None, "0.1", True], ids=repr)
def test_a_bad_learning_rate_assigned_later_is_refused_by_the_update(
    pair: OptimizerPair, lr: object
) -> None:
    optimizer, (params, grads) = pair.scratch(), fresh()
    optimizer.update(params, grads)
    optimizer.lr = lr
    message = f"lr must be a finite number >= 0, got {lr!r}"
    assert_refused(optimizer, params, grads, (TypeError, ValueError), message)


@pytest.mark.parametrize("lr", [np.float64(0.1), np.float32(0.1), np.array(0.1), 1, 0])
def test_a_learning_rate_of_another_type_does_not_promote_float32(lr: object) -> None:
    for optimizer in (optim.SGD(lr), optim.Adam()):
        optimizer.lr = lr
        params, grads = fresh("float32")
        optimizer.update(params, grads)
        assert type(optimizer.lr) is float
        assert {w.dtype for w in params.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("position", [0, 1])
@given(beta=bad_betas)
@settings(deadline=None, max_examples=30)
def test_betas_outside_0_to_1_are_refused(position: int, beta: object) -> None:
    betas = [0.9, 0.999]
    betas[position] = beta
    message = rf"betas\[{position}\] must be a finite number >= 0 and < 1, got "
    with pytest.raises((TypeError, ValueError), match=message) as e:
        optim.Adam(betas=tuple(betas))
    assert repr(beta) in str(e.value)
    names = {0: "beta1", 1: "beta2"}
    with pytest.raises((TypeError, ValueError), match=f"{names[position]} must be a finite"):
        optim.chapter.Adam(**{names[position]: beta})


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999), None], ids=repr)
def test_betas_that_are_not_two_are_refused(betas: object) -> None:
    with pytest.raises(TypeError, match="betas must be two numbers, got "):
        optim.Adam(betas=betas)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("SGD", "momentum"),
        ("SGD", "weight_decay"),
        ("Momentum", "momentum"),
        ("Nesterov", "momentum"),
        ("Adagrad", "lr_decay"),
        ("Adagrad", "initial_accumulator_value"),
        ("Adagrad", "eps"),
        ("AdaGrad", "eps"),
        ("RMSprop", "alpha"),
        ("RMSprop", "eps"),
        ("RMSprop", "momentum"),
        ("RMSProp", "eps"),
        ("Adam", "eps"),
        ("Adam", "weight_decay"),
        ("chapter.Adam", "eps"),
    ],
)
@given(value=bad_rates)
@settings(deadline=None, max_examples=15)
def test_a_bad_hyperparameter_is_refused_by_name(name: str, argument: str, value: object) -> None:
    message = f"{argument} must be a finite number >= 0, got "
    with pytest.raises((TypeError, ValueError), match=message) as e:
        OPTIMIZERS[name].scratch(**{argument: value})
    assert repr(value) in str(e.value)


@pytest.mark.parametrize(
    ("pair", "refused"),
    [
        pytest.param(pair, refused, id=f"{name}-{refused}")
        for name, pair in OPTIMIZERS.items()
        for refused in pair.refused
    ],
)
def test_both_sides_refuse_what_the_registry_says(pair: OptimizerPair, refused: Settings) -> None:
    with pytest.raises((TypeError, ValueError), match="|".join(refused) + "|alpha"):
        pair.scratch(**refused)
    # An instance that got past the check, to see torch refuse the same.
    optimizer = pair.scratch(**{"momentum": 0.9} if "nesterov" in refused else {})
    for name, value in refused.items():
        spoilt = {"decay_rate": "alpha"}.get(name, name)
        if name in ("beta1", "beta2"):
            spoilt, value = "betas", (value, 0.9) if name == "beta1" else (0.9, value)
        setattr(optimizer, spoilt, value)
    if refused == {"nesterov": True}:
        optimizer.momentum = 0.0
    with pytest.raises(ValueError, match=r".+"):
        resolve(pair.torch)([torch.zeros(1)], **pair.to_torch(optimizer))


@PAIRS
def test_an_optimizer_refuses_parameters_that_changed_their_shape(pair: OptimizerPair) -> None:
    case = next((c for c in pair.cases if "momentum" in c), {})
    optimizer, (params, grads) = pair.scratch(**case), fresh()
    optimizer.update(params, grads)
    params["b"], grads["b"] = np.ones(5), np.ones(5)
    # A parameter that is new to the optimizer comes first, and must not stay in its state.
    params, grads = {"new": np.ones(3)} | params, {"new": np.ones(3)} | grads
    message = r"params\['b'\] is float64 of shape \(5,\), but this optimizer's buffer "
    assert_refused(optimizer, params, grads, ValueError, message)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, int])
@PAIRS
def test_a_plain_number_is_replaced_and_can_be_updated_again(
    pair: OptimizerPair, kind: type
) -> None:
    optimizer, params = pair.scratch(), {"x": kind(-7)}
    for _ in range(3):
        optimizer.update(params, {"x": kind(1)})
        assert type(params["x"]) is (float if kind is int else kind)
    assert params["x"] < -7


# Networks, layers and the loss.


def snapshot(net: nn.MultiLayerNet) -> list[np.ndarray]:
    norms = net.batch_norms
    return [
        *(w.copy() for w in net.params.values()),
        *(norm.running_mean.copy() for norm in norms),
        *(norm.running_var.copy() for norm in norms),
        *(np.array(norm.num_batches_tracked) for norm in norms),
    ]


X, T = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 2, 1, 1, 2, 0])
BAD_BATCHES: dict[str, tuple[object, object, str]] = {
    "a label too large": (X, [0, 2, 1, 3, 2, 0], "t must hold labels from 0 to 2, got 3"),
    "a negative label": (X, [0, 2, 1, -1, 2, 0], "t must hold labels from 0 to 2, got -1"),
    "too few labels": (X, T[:5], r"t must hold whole numbers of shape \(6,\), .* \(5,\)"),
    "labels that are no whole numbers": (X, T / 1, r"t must hold whole numbers .*, got float64"),
    "labels of another number of classes": (X, np.eye(4)[T], r"shape \(6, 3\), got .*\(6, 4\)"),
    "two ones in a row": (X, np.eye(3)[T] + np.eye(3)[0], r"one-hot.*, got the row \[2.0, 0.0"),
    "no one in a row": (X, np.eye(3)[T] * (T < 2)[:, None], r"one-hot.*, got the row \[0.0, 0.0"),
    "label smoothing": (X, np.eye(3)[T] * 0.9, r"one-hot.*, got the row \[0.9, 0.0"),
    "NaN in a label": (X, np.where(np.eye(3)[T], math.nan, 0), r"one-hot.*got the row \[nan"),
    "no rows": (X[:0], T[:0], r"x must have shape \(N, 4\).* with N >= 1, got \(0, 4\)"),
    "too narrow": (X[:, :3], T, r"x must have shape \(N, 4\).*, got \(6, 3\)"),
    "too wide": (np.ones((6, 5)), T, r"x must have shape \(N, 4\).*, got \(6, 5\)"),
    "a single row without its axis": (X[0], T[:1], r"x must have shape \(N, 4\).*, got \(4,\)"),
    "images that are not flat": (np.ones((6, 2, 2)), T, r"x must have shape .*, got \(6, 2, 2\)"),
    "a number": (1.0, T, r"x must have shape .*, got \(\)"),
    "a batch of one": (X[:1], T[:1], r"x must have more than one value per feature .*\(.*1, 5\)"),
}


@pytest.mark.parametrize("seed", [0, [0, 1]], ids=["single", "stack"])
@pytest.mark.parametrize(("x", "t", "message"), BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_bad_batch_is_refused_and_no_parameter_is_changed(
    x: object, t: object, message: str, seed: int | list[int]
) -> None:
    net = nn.MultiLayerNet(4, [5], 3, batch_norm=True, seed=seed, dtype=np.float64)
    before = snapshot(net)
    with pytest.raises(ValueError, match=message):
        net.gradient(x, t)
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_stack_refuses_another_number_of_inputs_than_of_runs() -> None:
    net = nn.MultiLayerNet(4, [5], 3, seed=[0, 1])
    with pytest.raises(
        ValueError, match=r"x must have shape \(N, 4\) or \(2, N, 4\) .*\(3, 6, 4\)"
    ):
        net.gradient(np.stack([X] * 3), T)
    with pytest.raises(ValueError, match=r"t must hold whole numbers of shape \(6,\).*\(3, 6\)"):
        net.gradient(X, np.stack([T] * 3))


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (np.ones(3), 1, r"x must hold scores of shape \(N, C\), got \(3,\)"),
        (np.ones((0, 3)), np.array([], int), r"must not be empty, got scores of shape \(0, 3\)"),
        (np.ones((2, 3)), np.array([0, 3]), "t must hold labels from 0 to 2, got 3"),
        (np.ones((2, 3)), np.array(["a", "b"]), r"t must hold whole numbers .*, got <U1 of shape"),
    ],
)
def test_the_loss_refuses_bad_scores_and_labels(x: object, t: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.CrossEntropyLoss().forward(x, t)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((6, 4), r"x must have shape \(N, 5\) or \(N, 5, L\), got \(6, 4\)"),
        ((5,), r"x must have shape .*, got \(5,\)"),
        ((6, 3, 5), r"x must have shape .*, got \(6, 3, 5\)"),
        ((2, 6, 5, 1), r"x must have shape .*, got \(2, 6, 5, 1\)"),
        ((0, 5), r"x must not be empty, got shape \(0, 5\)"),
        ((6, 5, 0), r"x must not be empty, got shape \(6, 5, 0\)"),
        ((1, 5), r"x must have more than one value per feature .*, got shape \(1, 5\)"),
    ],
)
def test_batch_normalization_refuses_a_bad_input_and_tracks_nothing(
    shape: tuple[int, ...], message: str
) -> None:
    layer = nn.BatchNorm1d(5)
    with pytest.raises(ValueError, match=message):
        layer(np.ones(shape, np.float32))
    np.testing.assert_array_equal(layer.running_mean, np.zeros(5))
    np.testing.assert_array_equal(layer.running_var, np.ones(5))
    assert layer.num_batches_tracked == 0


BAD_ARGUMENTS: dict[str, tuple[Callable[[Any], object], str]] = {
    "input_size": (lambda v: nn.MultiLayerNet(v, [3], 2), "input_size must be a whole number >= 1"),
    "output_size": (lambda v: nn.MultiLayerNet(4, [3], v), "output_size must be a whole number"),
    "hidden size": (
        lambda v: nn.MultiLayerNet(4, [3, v], 2),
        r"hidden_sizes\[1\] must be a whole number >= 1",
    ),
    "hidden_size": (lambda v: nn.TwoLayerNet(4, v, 2), r"hidden_sizes\[0\] must be a whole number"),
    "num_features": (lambda v: nn.BatchNorm1d(v), "num_features must be a whole number >= 1"),
    "the chapter's": (lambda v: nn.BatchNormalization(v), "num_features must be a whole number"),
    "batch_size": (
        lambda v: next(train.batches(X, T, v, [Generator(0)])),
        "batch_size must be a whole number >= 1",
    ),
}
BAD_NUMBERS: dict[str, tuple[Callable[[Any], object], str]] = {
    "weight_decay": (
        lambda v: nn.MultiLayerNet(4, [3], 2, weight_decay=v),
        "weight_decay must be a finite number >= 0",
    ),
    "dropout": (
        lambda v: nn.MultiLayerNet(4, [3], 2, dropout=v),
        "dropout must be a finite number >= 0 and < 1",
    ),
    "p": (lambda v: nn.Dropout(v, Generator(0)), "p must be a finite number >= 0 and <= 1"),
    "eps": (lambda v: nn.BatchNorm1d(4, eps=v), "eps must be a finite number >= 0"),
    "the chapter's momentum": (
        lambda v: nn.BatchNormalization(4, momentum=v),
        "momentum must be a finite number >= 0 and <= 1",
    ),
    "std": (
        lambda v: Generator(0).normal(0, v, (2,)),
        "std must be a finite number >= 0",
    ),
}


@pytest.mark.parametrize(("make", "message"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
@given(value=bad_sizes)
@settings(deadline=None, max_examples=20)
def test_a_bad_size_is_refused_by_name(
    make: Callable[[Any], object], message: str, value: object
) -> None:
    with pytest.raises((TypeError, ValueError), match=message) as e:
        make(value)
    assert repr(value) in str(e.value)


@pytest.mark.parametrize(("make", "message"), BAD_NUMBERS.values(), ids=BAD_NUMBERS)
@given(value=bad_rates)
@settings(deadline=None, max_examples=20)
def test_a_bad_number_is_refused_by_name(
    make: Callable[[Any], object], message: str, value: object
) -> None:
    with pytest.raises((TypeError, ValueError), match=message) as e:
        make(value)
    assert repr(value) in str(e.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MultiLayerNet(4, 3, 2), "hidden_sizes must be a list .*, got 3"),
        (lambda: nn.MultiLayerNet(4, [3], 2, activation="gelu"), "activation .*, got 'gelu'"),
        (lambda: nn.MultiLayerNet(4, [3], 2, init="glorot"), "init must be .*, got 'glorot'"),
        (lambda: nn.MultiLayerNet(4, [3], 2, init=-1), "init must be .* >= 0, got -1"),
        (lambda: nn.MultiLayerNet(4, [3], 2, init=["he", "x"]), "init must be .*, got 'x'"),
        (lambda: nn.MultiLayerNet(4, [3], 2, seed=0.5), "seed must be .*, got 0.5"),
        (lambda: nn.MultiLayerNet(4, [3], 2, seed=[]), "seed and init .*, got {'seed': 0}"),
        (
            lambda: nn.MultiLayerNet(4, [3], 2, seed=[0, 1], init=["he"] * 3),
            "seed and init .*, got {'seed': 2, 'init': 3}",
        ),
        (lambda: nn.MultiLayerNet(4, [3], 2, dropout=1.0), "dropout must be .* < 1, got 1.0"),
        (lambda: nn.MultiLayerNet(4, [3], 2, dtype=np.int64), "dtype must be .*, got .*int64"),
        (lambda: nn.MultiLayerNet(4, [3], 2, dtype=None), "dtype must be .*, got None"),
        (lambda: nn.BatchNorm1d(4, momentum=1.5), "momentum must be .* <= 1, got 1.5"),
        (lambda: nn.BatchNorm1d(4, runs=0), "runs must be a whole number >= 1, got 0"),
        (lambda: nn.BatchNorm1d(4, dtype=torch.float32), "dtype must be .*, got torch.float32"),
        (lambda: nn.Dropout(1.5, Generator(0)), "p must be .* <= 1, got 1.5"),
        (
            lambda: nn.Affine(np.ones((3, 2)), np.ones(3)),
            r"weight and bias must have shapes .*, got \(3, 2\) and \(3,\)",
        ),
        (
            lambda: nn.Affine(np.ones((2, 3, 2)), np.ones(2)),
            r"weight and bias must have shapes .*, got \(2, 3, 2\) and \(2,\)",
        ),
        (lambda: optim.SGD(nesterov=True), "nesterov needs momentum > 0 .* momentum=0.0"),
        (
            lambda: optim.SGD(nesterov=True, momentum=0.9, dampening=0.1),
            "nesterov needs .* dampening=0.1",
        ),
        (lambda: optim.SGD(dampening=math.nan), "dampening must be a finite number, got nan"),
    ],
)
def test_a_bad_constructor_argument_is_refused_by_name(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


# Runs that diverge.

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 12), dtype=np.uint8)
LABELS = IMAGES[:, :5].argmax(axis=1)
FIT = {"iterations": 12, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 4}


def stack(init: list[str | float], **options: object) -> nn.MultiLayerNet:
    return nn.MultiLayerNet(12, [9, 7], 5, init=init, seed=range(len(init)), **options)


@PAIRS
@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "weight_decay": 0.01}], ids=str)
@pytest.mark.parametrize("slot", [0, 2])
def test_a_diverging_run_is_marked_and_the_others_do_not_notice(
    pair: OptimizerPair, options: Settings, slot: int
) -> None:
    inits = ["he", 0.1, "xavier", "he"]
    nets, histories = [], []
    for init in (inits[slot], 1e30):
        net = stack([*inits[:slot], init, *inits[slot + 1 :]], **options)
        nets.append(net)
        histories.append(train.fit(net, pair.scratch(), IMAGES, LABELS, **FIT))
    sane, broken = histories
    assert (sane.diverged == -1).all()
    others = np.arange(4) != slot
    assert broken.diverged[slot] == 0
    assert np.isnan(broken.loss[slot]).all()
    assert np.isnan(broken.accuracy[slot, 1:]).all()
    assert (broken.diverged[others] == -1).all()
    np.testing.assert_array_equal(broken.loss[others], sane.loss[others])
    np.testing.assert_array_equal(broken.accuracy[others], sane.accuracy[others])
    for name, w in nets[0].params.items():
        np.testing.assert_array_equal(nets[1].params[name][others], w[others], err_msg=name)


def test_a_run_that_diverges_later_keeps_its_losses_until_then() -> None:
    net, optimizer = stack(["he", "he"]), optim.SGD(lr=0.1)
    inner = net.loss_and_gradient

    def spoilt(x: np.ndarray, t: np.ndarray) -> tuple:
        losses, grads = inner(x, t)
        if optimizer.state and optimizer.state["W1"]["step"] == 5:
            grads["W2"][1, 0, 0] = math.inf
        return losses, grads

    net.loss_and_gradient = spoilt
    history = train.fit(net, optimizer, IMAGES, LABELS, **FIT)
    assert history.diverged.tolist() == [-1, 5]
    assert np.isfinite(history.loss[0]).all()
    assert np.isfinite(history.loss[1]).tolist() == [step < 5 for step in range(12)]
    assert np.isfinite(history.accuracy[1]).tolist() == [True, True, False, False]


def test_a_loss_that_is_not_finite_marks_its_run_even_where_the_gradient_is() -> None:
    net = stack([0.1, 0.1], weight_decay=1e-30)
    net.params["W1"][1] = 1e25  # its square overflows, its decay does not
    net.params["W2"][1] = 0
    history = train.fit(net, optim.SGD(), IMAGES, LABELS, iterations=3, batch_size=10)
    assert history.diverged.tolist() == [-1, 0]
    assert np.isfinite(history.loss[0]).all()
    assert np.isnan(history.loss[1]).all()


def test_a_single_network_that_diverges_raises_and_is_not_changed() -> None:
    net = nn.MultiLayerNet(12, [9, 7], 5, init=1e30)
    before = snapshot(net)
    with pytest.raises(optim.NonFiniteGradientError, match=r"grads\['.*'\] must be finite"):
        train.fit(net, optim.SGD(), IMAGES, LABELS, **FIT)
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("images", "labels", "options", "message"),
    [
        (IMAGES[:0], LABELS[:0], {}, "images and labels must be as many.*, got 0 and 0"),
        (IMAGES, LABELS[:9], {}, "images and labels must be as many.*, got 60 and 9"),
        (IMAGES, LABELS, {"iterations": 0}, "iterations must be a whole number >= 1, got 0"),
        (IMAGES, LABELS, {"batch_size": 0}, "batch_size must be a whole number >= 1, got 0"),
        (IMAGES, LABELS + 5, {}, "t must hold labels from 0 to 4, got "),
        (IMAGES[:, :9], LABELS, {}, r"x must have shape \(N, 12\).*, got \(10, 9\)"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_anything_is_changed(
    images: np.ndarray, labels: np.ndarray, options: Settings, message: str
) -> None:
    net, optimizer = nn.MultiLayerNet(12, [9], 5), optim.Adam()
    before = snapshot(net)
    with pytest.raises(ValueError, match=message):
        train.fit(net, optimizer, images, labels, **{"iterations": 2, "batch_size": 10} | options)
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert optimizer.state == {}
