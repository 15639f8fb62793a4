"""Networks, layers and the loss refuse bad input by its name, and change nothing."""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from parity_tests.helpers import make_layer, refused
from scratch import nn, optim
from torch_ref.registry import LAYERS

X, T = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 2, 1, 1, 2, 0])
ONE_HOT = np.eye(3)[T]

# Batches.

BAD_BATCHES: dict[str, tuple[object, object, str]] = {
    "a label too large": (X, [0, 2, 1, 3, 2, 0], "t must hold class numbers from 0 to 2, got 3"),
    "a negative label": (X, [0, 2, 1, -1, 2, 0], "t must hold class numbers from 0 to 2, got -1"),
    "too few labels": (X, T[:5], r"t must hold whole numbers of shape \(6,\), .* \(5,\)"),
    "labels that are no whole numbers": (X, T / 1, r"t must hold whole numbers .*, got float64"),
    "labels that are texts": (X, T.astype(str), r"t must hold whole numbers .*, got <U.* of shape"),
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


def test_the_loss_refuses_scores_that_are_none() -> None:
    for x, message in (
        (np.ones(3), r"x must hold scores of shape \(N, C\), got \(3,\)"),
        (np.ones((0, 3)), r"must not be empty, got scores of shape \(0, 3\)"),
    ):
        with refused(message):
            nn.CrossEntropyLoss().forward(x, np.array([], int))


# Inputs of normalizations.

BAD_SHAPES: dict[nn.Layer, tuple[str, list[tuple[int, ...]]]] = {
    nn.BatchNorm1d(5): ("(N, 5) or (N, 5, L)", [(6, 4), (5,), (6, 3, 5), (2, 6, 5, 1)]),
    nn.BatchNorm1d(5, runs=3): (
        "(3, N, 5) or (3, N, 5, L)",
        [(6, 5), (2, 6, 5), (3, 6, 4), (3, 5)],
    ),
    nn.BatchNorm2d(5): ("(N, 5, H, W)", [(6, 5), (5, 4, 4), (2, 4, 5, 5)]),
    nn.BatchNorm3d(5): ("(N, 5, D, H, W)", [(6, 5, 4, 4), (2, 4, 5, 5, 5)]),
    nn.LayerNorm(5): ("(*, 5)", [(6, 4), (), (5, 6)]),
    nn.LayerNorm((3, 5)): ("(*, 3, 5)", [(5,), (5, 3), (2, 15)]),
    nn.LayerNorm(5, runs=3): ("(3, *, 5)", [(5,), (2, 6, 5), (6, 3, 5)]),
    nn.RMSNorm((3, 5)): ("(*, 3, 5)", [(5,), (5, 3), (2, 15)]),
    nn.GroupNorm(2, 6): ("(N, 6, *)", [(6,), (), (4, 5), (3, 4, 6)]),
    nn.GroupNorm(2, 6, affine=False): ("(N, 6, *)", [(3, 4)]),
    nn.GroupNorm(2, 6, runs=3): ("(3, N, 6, *)", [(3, 6), (2, 4, 6)]),
    nn.InstanceNorm1d(5): (
        "(N, 5, L) or (5, L)",
        [(5,), (4, 6), (3, 4, 6), (2, 4, 6), (2, 5, 3, 3)],
    ),
    nn.InstanceNorm2d(5, runs=3): (
        "(3, N, 5, H, W) or (3, 5, H, W)",
        [(5, 4, 4), (3, 4, 4, 4), (2, 2, 5, 4, 4)],
    ),
    nn.InstanceNorm3d(5): (
        "(N, 5, D, H, W) or (5, D, H, W)",
        [(5, 4, 4), (4, 5, 4, 4), (2, 4, 4, 4, 4)],
    ),
}
NO_ARRAYS: list[tuple[object, str]] = [
    *((np.ones((6, 5), dtype), dtype) for dtype in ("int64", "bool", "float16", "complex128")),
    (np.full((6, 5), None), "object"),
    ([[1.0] * 5] * 2, r"\[\[1\.0, "),
    (1.0, "1.0"),
    (None, "None"),
]


@pytest.mark.parametrize("layer", BAD_SHAPES, ids=str)
def test_a_normalization_names_the_inputs_that_it_takes_and_tracks_no_other(
    layer: nn.Layer,
) -> None:
    allowed, shapes = BAD_SHAPES[layer]
    for shape in shapes:
        with refused(re.escape(f"x must have shape {allowed}, got {shape}")):
            layer(np.ones(shape, np.float32))
    for x, got in NO_ARRAYS:
        with refused(f"x must be an array of float32 or float64, got {got}"):
            layer(x)
    if isinstance(layer, nn.BatchNorm1d):
        assert layer.num_batches_tracked == 0
        np.testing.assert_array_equal(layer.running_mean, 0)
        np.testing.assert_array_equal(layer.running_var, 1)


@pytest.mark.parametrize("affine", [True, False])
def test_a_normalization_refuses_a_gradient_that_would_only_broadcast(affine: bool) -> None:
    layers = (nn.BatchNorm1d(5, affine=affine), nn.LayerNorm(5, elementwise_affine=affine))
    for layer in (*layers, nn.RMSNorm(5, elementwise_affine=affine)):
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

net = partial(nn.MultiLayerNet, 4, [3], 2)


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
        *(
            (lambda bad=bad: nn.MultiLayerNet(4, [3, bad], 2), rf"hidden_sizes\[1\] must .* {bad}")
            for bad in (0, -1, 2.5, None, True)
        ),
        (lambda: nn.TwoLayerNet(4, 3, 2, dropout=1.0), "dropout must be .* < 1, got 1.0"),
        *(
            (lambda seed=seed: net(seed=seed, weight_decay=np.ones(2)), f"weight_decay must .*{of}")
            for seed, of in ((0, "of several runs, got shape"), ([0, 1, 2], "of 3 runs, got shape"))
        ),
        (lambda: net(init="glorot"), "init must be .*, got 'glorot'"),
        (lambda: net(init=-1), "init must be .* >= 0, got -1"),
        (lambda: net(init=["he", "x"]), "init must be .*, got 'x'"),
        (lambda: net(seed=[]), "seed and init .*, got {'seed': 0}"),
        (lambda: net(seed=[0, 1], init=["he"] * 3), "seed and init .*{'seed': 2, 'init': 3}"),
        (lambda: nn.ReLU().train("no"), "mode must be True or False, got 'no'"),
        (lambda: nn.GroupNorm(3, 4), "num_groups must divide num_channels, got 3 and 4"),
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
    make: Callable[[], Any], message: str
) -> None:
    with refused(message):
        make()
