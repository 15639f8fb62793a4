"""Networks, layers and the loss refuse bad input by its name, and change nothing."""

import inspect
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import bad_rates, make_layer, refused
from scratch import nn, optim, train
from scratch.random import Generator
from torch_ref.registry import LAYERS

X, T = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 2, 1, 1, 2, 0])
ONE_HOT = np.eye(3)[T]

# Batches.

BAD_BATCHES: dict[str, tuple[object, object, str]] = {
    "a label too large": (X, [0, 2, 1, 3, 2, 0], "t must hold class numbers from 0 to 2, got 3"),
    "a negative label": (X, [0, 2, 1, -1, 2, 0], "t must hold class numbers from 0 to 2, got -1"),
    "too few labels": (X, T[:5], r"t must hold whole numbers of shape \(6,\), .* \(5,\)"),
    "labels that are no whole numbers": (X, T / 1, r"t must hold whole numbers .*, got float64"),
    "labels of another number of classes": (X, np.eye(4)[T], r"shape \(6, 3\), got .*\(6, 4\)"),
    "two ones in a row": (X, ONE_HOT + np.eye(3)[0], r"one-hot.*, got the row \[2.0, 0.0"),
    "no one in a row": (X, ONE_HOT * (T < 2)[:, None], r"one-hot.*, got the row \[0.0, 0.0"),
    "label smoothing": (X, ONE_HOT * 0.9, r"one-hot.*, got the row \[0.9, 0.0"),
    "NaN in a label": (X, np.where(ONE_HOT, math.nan, 0), r"one-hot.*got the row \[nan"),
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
    with refused(message, net):
        net.gradient(x, t)


def test_a_stack_refuses_another_number_of_inputs_than_of_runs() -> None:
    net = nn.MultiLayerNet(4, [5], 3, seed=[0, 1])
    with refused(r"x must have shape \(N, 4\) or \(2, N, 4\) .*\(3, 6, 4\)", net):
        net.gradient(np.stack([X] * 3), T)
    with refused(r"t must hold whole numbers of shape \(6,\).*\(3, 6\)", net):
        net.gradient(X, np.stack([T] * 3))


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (np.ones(3), 1, r"x must hold scores of shape \(N, C\), got \(3,\)"),
        (np.ones((0, 3)), np.array([], int), r"must not be empty, got scores of shape \(0, 3\)"),
        (np.ones((2, 3)), np.array([0, 3]), "t must hold class numbers from 0 to 2, got 3"),
        (np.ones((2, 3)), np.array(["a", "b"]), r"t must hold whole numbers .*, got <U1 of shape"),
    ],
)
def test_the_loss_refuses_bad_scores_and_labels(x: object, t: object, message: str) -> None:
    with refused(message):
        nn.CrossEntropyLoss().forward(x, t)


# Inputs of normalizations.

BAD_SHAPES: list[tuple[nn.Layer, str, list[tuple[int, ...]]]] = [
    (nn.BatchNorm1d(5), "(N, 5) or (N, 5, L)", [(6, 4), (5,), (6, 3, 5), (2, 6, 5, 1)]),
    (
        nn.BatchNorm1d(5, runs=3),
        "(3, N, 5) or (3, N, 5, L)",
        [(6, 5), (2, 6, 5), (3, 6, 4), (3, 5)],
    ),
    (nn.BatchNorm2d(5), "(N, 5, H, W)", [(6, 5), (5, 4, 4), (2, 4, 5, 5)]),
    (nn.BatchNorm3d(5), "(N, 5, D, H, W)", [(6, 5, 4, 4), (2, 4, 5, 5, 5)]),
    (nn.LayerNorm(5), "(*, 5)", [(6, 4), (), (5, 6)]),
    (nn.LayerNorm((3, 5)), "(*, 3, 5)", [(5,), (5, 3), (2, 15)]),
    (nn.LayerNorm(5, runs=3), "(3, *, 5)", [(5,), (2, 6, 5), (6, 3, 5)]),
    (nn.RMSNorm((3, 5)), "(*, 3, 5)", [(5,), (5, 3), (2, 15)]),
    (nn.GroupNorm(2, 6), "(N, 6, *)", [(6,), (), (4, 5), (3, 4, 6)]),
    (nn.GroupNorm(2, 6, runs=3), "(3, N, 6, *)", [(3, 6), (2, 4, 6)]),
    (nn.InstanceNorm1d(5), "(N, 5, L) or (5, L)", [(5,), (4, 6), (2, 4, 6), (2, 5, 3, 3)]),
    (
        nn.InstanceNorm2d(5, runs=3),
        "(3, N, 5, H, W) or (3, 5, H, W)",
        [(5, 4, 4), (3, 4, 4, 4), (2, 2, 5, 4, 4)],
    ),
    (
        nn.InstanceNorm3d(5),
        "(N, 5, D, H, W) or (5, D, H, W)",
        [(5, 4, 4), (4, 5, 4, 4), (2, 4, 4, 4, 4)],
    ),
]
NO_ARRAYS: list[tuple[object, str]] = [
    *((np.ones((6, 5), dtype), dtype) for dtype in ("int64", "bool", "float16", "complex128")),
    (np.full((6, 5), None), "object"),
    ([[1.0] * 5] * 2, r"\[\[1\.0, "),
    (1.0, "1.0"),
    (None, "None"),
]


@pytest.mark.parametrize(("layer", "allowed", "shapes"), BAD_SHAPES, ids=str)
def test_a_normalization_names_the_inputs_that_it_takes(
    layer: nn.Layer, allowed: str, shapes: list[tuple[int, ...]]
) -> None:
    for shape in shapes:
        with refused(re.escape(f"x must have shape {allowed}, got {shape}")):
            layer(np.ones(shape, np.float32))
    for x, got in NO_ARRAYS:
        with refused(f"x must be an array of float32 or float64, got {got}"):
            layer(x)


@pytest.mark.parametrize("shape", [(6, 4), (0, 5), (6, 5, 0), (1, 5)])
def test_batch_normalization_tracks_nothing_of_a_bad_input(shape: tuple[int, ...]) -> None:
    layer = nn.BatchNorm1d(5)
    with refused(re.escape(f"got shape {shape}") + r"|got \(6, 4\)"):
        layer(np.ones(shape, np.float32))
    np.testing.assert_array_equal(layer.running_mean, np.zeros(5))
    np.testing.assert_array_equal(layer.running_var, np.ones(5))
    assert layer.num_batches_tracked == 0


@pytest.mark.parametrize(
    "layer",
    [nn.BatchNorm1d(5), nn.LayerNorm(5), nn.RMSNorm(5, elementwise_affine=False)],
    ids=lambda layer: type(layer).__name__,
)
def test_a_normalization_refuses_a_gradient_that_would_only_broadcast(layer: nn.Layer) -> None:
    layer(np.eye(6, 5, dtype=np.float32))
    for shape in ((5,), (1, 5), (6, 1), (5, 6), ()):
        with refused(re.escape(f"dy must have the output's shape, (6, 5), got {shape}")):
            layer.backward(np.ones(shape, np.float32))
    with refused(r"dy must be an array .*\(6, 5\), got \[\[1, 2\]"):
        layer.backward([[1, 2], [3, 4]])


@pytest.mark.parametrize("name", [name for name, pair in LAYERS.items() if pair.takes != "labels"])
def test_backward_without_a_forward_is_refused(name: str) -> None:
    layer = make_layer(name, LAYERS[name].cases[0])
    with pytest.raises(RuntimeError, match=f"backward must come after forward: {name} had no x"):
        layer.backward(np.ones((6, 5)))


# Constructors.

net, whole = partial(nn.MultiLayerNet, 4, [3], 2), "must be a whole number >= 1"
#: Nothing at all that is no whole number >= 1.
bad_sizes = st.one_of(
    st.integers(max_value=0), st.floats(), st.sampled_from((None, "3", True, [3], 1j))
)
ANYTHING_BAD: list[tuple[st.SearchStrategy, Callable[[Any], object], str]] = [
    (bad_sizes, lambda v: nn.MultiLayerNet(v, [3], 2), f"input_size {whole}"),
    (bad_sizes, lambda v: nn.MultiLayerNet(4, [3], v), f"output_size {whole}"),
    (bad_sizes, lambda v: nn.MultiLayerNet(4, [3, v], 2), rf"hidden_sizes\[1\] {whole}"),
    (bad_sizes, lambda v: nn.TwoLayerNet(4, v, 2), f"hidden_size {whole}"),
    (
        bad_sizes,
        lambda v: next(train.batches(X, T, v, [Generator(0)])),
        f"batch_size {whole}",
    ),
    (bad_rates, lambda v: net(weight_decay=v), "weight_decay must be a finite number >= 0"),
    (bad_rates, lambda v: net(dropout=v), "dropout must be a finite number >= 0 and < 1"),
    (
        bad_rates,
        lambda v: nn.Dropout(v, Generator(0)),
        "p must be a finite number >= 0 and <= 1",
    ),
    (
        bad_rates,
        lambda v: nn.BatchNormalization(4, momentum=v),
        "momentum must be a finite number >= 0 and <= 1",
    ),
    (bad_rates, lambda v: Generator(0).normal(0, v, (2,)), "std must be a finite number >= 0"),
]


@pytest.mark.parametrize(("values", "make", "message"), ANYTHING_BAD)
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_a_bad_number_is_refused_by_name(
    values: st.SearchStrategy, make: Callable[[Any], object], message: str, data: st.DataObject
) -> None:
    value = data.draw(values)
    with pytest.raises((TypeError, ValueError), match=message) as e:
        make(value)
    assert repr(value) in str(e.value)


number, flag = "must be a finite number >= 0", "must be True or False"
#: What a setting of a normalization must be, and what it must not.
SETTINGS: dict[str, tuple[str, st.SearchStrategy]] = {
    **dict.fromkeys(("num_features", "num_groups", "num_channels"), (whole, bad_sizes)),
    "runs": (whole, bad_sizes.filter(lambda value: value is not None)),
    "eps": (number, bad_rates.filter(lambda value: value is not None)),
    "momentum": (f"{number} and <= 1", st.sampled_from([1.5, -0.1, math.nan, "0.1", True])),
    **dict.fromkeys(
        ("affine", "elementwise_affine", "bias", "track_running_stats"),
        (flag, st.sampled_from([None, "no", 0, 1.0])),
    ),
    "dtype": ("must be float32 or float64", st.sampled_from([None, "float16", torch.float32])),
}
NORMS = {name: (pair.scratch, pair.cases[0]) for name, pair in LAYERS.items() if "Norm" in name}
NORMS["the chapter's"] = (nn.BatchNormalization, {"num_features": 5})


@pytest.mark.parametrize(("norm", "case"), NORMS.values(), ids=NORMS)
@given(data=st.data())
@settings(deadline=None, max_examples=20)
def test_a_bad_setting_of_a_normalization_is_refused_at_the_start_and_later(
    norm: type, case: dict, data: st.DataObject
) -> None:
    layer = norm(**case)
    for name in sorted(inspect.signature(norm).parameters.keys() & SETTINGS.keys()):
        allowed, values = SETTINGS[name]
        value = data.draw(values)
        message = f"{name} {allowed}, got {re.escape(repr(value))}"
        with refused(message):
            norm(**case | {name: value})
        with refused(message):
            setattr(layer, name, value)


@pytest.mark.parametrize("value", [0, -1, 5.0, "5", True, None, (), [], (3, 0), (3, 5.0), [[3]]])
@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm])
def test_a_bad_normalized_shape_is_refused_by_name(norm: type, value: object) -> None:
    wrong = value[-1] if isinstance(value, list | tuple) and value else value
    with refused(r"normalized_shape(\[\d\])? must .*, got " + re.escape(repr(wrong))):
        norm(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MultiLayerNet(4, 3, 2), "hidden_sizes must be a list .*, got 3"),
        (lambda: net(activation="step"), "activation .*, got 'step'"),
        (lambda: net(init="glorot"), "init must be .*, got 'glorot'"),
        (lambda: net(init=-1), "init must be .* >= 0, got -1"),
        (lambda: net(init=["he", "x"]), "init must be .*, got 'x'"),
        (lambda: net(seed=0.5), "seed must be .*, got 0.5"),
        (lambda: net(seed=[]), "seed and init .*, got {'seed': 0}"),
        (lambda: net(seed=[0, 1], init=["he"] * 3), "seed and init .*{'seed': 2, 'init': 3}"),
        (lambda: net(dropout=1.0), "dropout must be .* < 1, got 1.0"),
        (lambda: net(dtype=np.int64), "dtype must be .*, got .*int64"),
        (lambda: net(dtype=None), "dtype must be .*, got None"),
        (lambda: net(batch_norm="no"), "batch_norm must be True or False"),
        (lambda: nn.GroupNorm(3, 4), "num_groups must divide num_channels, got 3 and 4"),
        (lambda: nn.ReLU().train("no"), "mode must be True or False, got 'no'"),
        (lambda: nn.Dropout(1.5, Generator(0)), "p must be .* <= 1, got 1.5"),
        (lambda: optim.SGD(dampening=math.nan), "dampening must be a finite number, got nan"),
        (lambda: optim.SGD(nesterov=True), "nesterov needs momentum > 0 .* momentum=0.0"),
        (
            lambda: optim.SGD(nesterov=True, momentum=0.9, dampening=0.1),
            "nesterov needs .* dampening=0.1",
        ),
        (
            lambda: nn.Affine(np.ones((3, 2)), np.ones(3)),
            r"weight and bias must have shapes .*, got \(3, 2\) and \(3,\)",
        ),
        (
            lambda: nn.Affine(np.ones((2, 3, 2)), np.ones(2)),
            r"weight and bias must have shapes .*, got \(2, 3, 2\) and \(2,\)",
        ),
    ],
)
def test_a_bad_constructor_argument_is_refused_by_name(
    make: Callable[[], object], message: str
) -> None:
    with refused(message):
        make()
