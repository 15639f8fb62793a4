"""The normalizations: running statistics, what is refused, and the edges, as torch's modules."""

import copy
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import (
    DTYPES,
    MODES,
    TOLERANCE,
    assert_close,
    assert_same_pass,
    loops_over,
    make_layer,
    normal,
    refused,
)
from scratch import nn
from scratch.nn.network import REMEMBERED
from scratch.nn.norm import Norm
from torch_ref.lockstep.compare.modules import module_beside
from torch_ref.registry import LAYERS, LayerPair, Settings
from torch_ref.registry.pairs import torch_since

pytestmark = pytest.mark.arithmetic

NORMS = {name: pair for name, pair in LAYERS.items() if issubclass(pair.scratch, Norm)}


def tried(pair: LayerPair) -> set[str]:
    """The settings of its cases."""
    return {name for case in pair.cases for name in case}


RUNNING = {name: pair for name, pair in NORMS.items() if "track_running_stats" in tried(pair)}
OF_NORMS = pytest.mark.parametrize("pair", NORMS.values(), ids=NORMS)
RUNNING_CASES = loops_over(
    "pair case shape", [(p, c, s) for p in RUNNING.values() for c in p.cases for s in p.shapes]
)


def assert_same_statistics(layer: nn.Layer, twin: torch.nn.Module, tolerance: float) -> None:
    for name in ("running_mean", "running_var"):
        mine, theirs = getattr(layer, name), getattr(twin, name)
        if theirs is None:
            assert mine is None
        else:
            assert_close(mine, theirs, tolerance)
    assert layer.num_batches_tracked == twin.num_batches_tracked  # a number, or None


@RUNNING_CASES
@DTYPES
def test_running_statistics_are_torchs_over_several_batches(
    pair: LayerPair, case: Settings, shape: tuple[int, ...], dtype: str
) -> None:
    layer = make_layer(pair.name, case, dtype)
    twin = module_beside(pair, case, layer, dtype)
    for batch in range(4):
        assert_same_pass(pair, layer, twin, normal(20 + batch, shape, dtype), seed=30 + batch)
        assert_same_statistics(layer, twin, TOLERANCE[dtype])
    before = copy.deepcopy([getattr(layer, name) for name in REMEMBERED])
    assert_same_pass(pair, layer.eval(), twin.eval(), normal(24, shape, dtype), seed=34)
    assert_same_statistics(layer, twin, TOLERANCE[dtype])
    for name, then in zip(REMEMBERED, before, strict=True):  # in evaluation nothing is tracked
        np.testing.assert_array_equal(getattr(layer, name), then)


# One value to take a variance of.

SINGLE = {
    "BatchNorm1d": ((1, 5), (1, 5, 1)),
    "BatchNorm2d": ((1, 5, 1, 1),),
    "BatchNorm3d": ((1, 5, 1, 1, 1),),
    "InstanceNorm1d": ((1, 5, 1), (4, 5, 1), (5, 1)),
    "InstanceNorm2d": ((4, 5, 1, 1), (5, 1, 1)),
    "InstanceNorm3d": ((4, 5, 1, 1, 1), (5, 1, 1, 1)),
}
ONE_EACH = {"num_groups": 6, "num_channels": 6}


@MODES
@loops_over(
    "name case shape",
    [(name, c, shape) for name in SINGLE for c in LAYERS[name].cases for shape in SINGLE[name]]
    + [("GroupNorm", ONE_EACH, shape) for shape in ((1, 6), (1, 6, 1))],
)
def test_one_value_for_each_feature_is_refused_where_torch_refuses_it(
    name: str, case: Settings, shape: tuple[int, ...], training: bool
) -> None:
    layer = make_layer(name, case).train(training)
    twin = module_beside(LAYERS[name], case, layer, "float64").train(training)
    x = normal(1, shape)
    if training or not getattr(layer, "track_running_stats", False):
        with refused(r"x must have more than one value .*" + escaped(shape)):
            layer(x)
        with pytest.raises(ValueError, match=r"more than 1 (value per channel|spatial element)"):
            twin(torch.tensor(x))
        assert getattr(layer, "num_batches_tracked", None) in (0, None)
    else:
        assert_close(layer(x), twin(torch.tensor(x)), 1e-12)


def escaped(shape: tuple[int, ...]) -> str:
    return re.escape(str(shape))


# Any shape and settings.


@st.composite
def norms(draw: st.DrawFn) -> tuple[str, Settings, tuple[int, ...]]:
    """The name of a layer, its settings, and the shape of an input that fits."""
    name, lengths = draw(st.sampled_from(sorted(NORMS))), st.integers(2, 4)
    flags = {"affine", "track_running_stats", "elementwise_affine", "bias"}
    taken = tried(NORMS[name])
    case: Settings = {flag: draw(st.booleans()) for flag in sorted(flags & taken)}
    case["eps"] = draw(st.floats(1e-6, 1.0))
    if "momentum" in taken:
        case["momentum"] = draw(st.one_of(st.none(), st.floats(0, 1)))
    rows = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    if "normalized_shape" in taken:
        last = draw(st.lists(lengths, min_size=1, max_size=3))
        return name, case | {"normalized_shape": last}, (*rows[1:], *last)
    if name == "GroupNorm":
        groups, positions = draw(st.integers(1, 3)), draw(st.lists(lengths, max_size=3))
        case |= {"num_groups": groups, "num_channels": groups * draw(lengths)}
        return name, case, (rows[0], case["num_channels"], *positions)
    case["num_features"] = draw(st.integers(1, 4))
    spatial = draw(st.lists(lengths, min_size=int(name[-2]), max_size=int(name[-2])))
    if name == "BatchNorm1d":
        spatial = spatial[: draw(st.integers(0, 1))]
    lead = [2 * rows[0]]
    if name.startswith("Instance"):
        lead = lead[: draw(st.integers(0, 1))]
    return name, case, (*lead, case["num_features"], *spatial)


@given(norm=norms(), seed=st.integers(0, 99), dtype=st.sampled_from(list(TOLERANCE)))
@settings(deadline=None, max_examples=150, derandomize=True)
def test_no_shape_and_no_settings_make_them_differ(
    norm: tuple[str, Settings, tuple[int, ...]], seed: int, dtype: str
) -> None:
    name, case, shape = norm
    layer = make_layer(name, case, dtype, seed=seed)
    twin = module_beside(NORMS[name], case, layer, dtype)
    for training in (True, True, False):
        x = spread_out(seed, shape, dtype)
        assert_same_pass(NORMS[name], layer.train(training), twin.train(training), x, seed + 1)
        if hasattr(layer, "running_mean"):
            assert_same_statistics(layer, twin, TOLERANCE[dtype])
        seed += 2


def spread_out(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Distinct values at distances of about 1, so that no variance is near zero by chance."""
    random = np.random.default_rng(seed)
    x = random.permutation(np.arange(float(np.prod(shape)))) + random.uniform(-0.2, 0.2)
    return np.asarray(x.reshape(shape) - x.mean(), dtype)


# How an input lies in memory, and its values.


@OF_NORMS
@DTYPES
def test_strided_inputs_give_the_same_as_contiguous_ones(pair: LayerPair, dtype: str) -> None:
    plain = [normal(seed, pair.shapes[0], dtype) for seed in (1, 2)]
    strided = [np.asfortranarray(np.repeat(a, 2, axis=-1))[..., ::2] for a in plain]
    mine, other = (make_layer(pair.name, pair.cases[0], dtype) for _ in range(2))
    assert_close(other(strided[0]), mine(plain[0]), TOLERANCE[dtype])
    assert_close(other.backward(strided[1]), mine.backward(plain[1]), TOLERANCE[dtype])


def test_several_rows_of_one_value_for_each_group_are_normalized_to_zero_as_in_torch() -> None:
    layer, x = make_layer("GroupNorm", ONE_EACH), normal(1, (4, 6))
    twin = module_beside(LAYERS["GroupNorm"], ONE_EACH, layer, "float64")
    assert_same_pass(LAYERS["GroupNorm"], layer, twin, x, seed=2)
    np.testing.assert_array_equal(layer(x), np.broadcast_to(layer.params["bias"], x.shape))


@pytest.mark.parametrize("name", [*NORMS, "ReLU", "Affine"])
def test_changing_the_output_does_not_change_the_gradient(name: str) -> None:
    pair = LAYERS[name]
    for case in pair.cases:
        layer = make_layer(pair.name, case)
        y = layer(normal(1, pair.shapes[0]))
        dy = normal(2, y.shape)
        expected = layer.backward(dy)
        y[...] = 0
        np.testing.assert_array_equal(layer.backward(dy), expected)


@OF_NORMS
def test_a_refused_input_leaves_the_last_backward_as_it_was(pair: LayerPair) -> None:
    for case in pair.cases:
        layer = make_layer(pair.name, case)
        x, dy = normal(1, pair.shapes[0]), normal(2, pair.shapes[0])
        layer(x)
        dx = layer.backward(dy)
        for shape in {(0, *x.shape[1:]), (1, *x.shape[1:]), (1, x.shape[1], *(1,) * (x.ndim - 2))}:
            try:
                layer(np.ones(shape))
            except ValueError:
                np.testing.assert_array_equal(layer.backward(dy), dx)
            else:
                layer(x)


@OF_NORMS
@DTYPES
@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_a_constant_input_gives_beta_and_in_torch_nearly(
    pair: LayerPair, constant: float, dtype: str
) -> None:
    for case in pair.cases:
        layer = make_layer(pair.name, case | {"eps": 1e-5}, dtype)
        twin = module_beside(pair, case | {"eps": 1e-5}, layer, dtype)
        x = np.full(pair.shapes[0], constant, dtype)
        y, theirs = layer(x), twin(torch.tensor(x)).detach().numpy()
        # Torch may write y as x·α + (β − μ·α), α = γ/√ε: the two cancel up to their rounding.
        gamma = np.abs(layer.params.get("weight", np.ones(1))).max()
        rounding = 2 * np.finfo(dtype).eps * constant * gamma / 1e-5**0.5
        np.testing.assert_allclose(y, theirs, rtol=TOLERANCE[dtype], atol=rounding)
        if pair.statistics != "root mean square":  # which takes no mean away
            beta = layer.params.get("bias", np.zeros(1, dtype))
            np.testing.assert_array_equal(np.unique(y), np.unique(beta))


@OF_NORMS
@pytest.mark.parametrize("scale", [1e-20, 1e-8, 1e8, 1e15])
def test_small_and_large_inputs_are_torchs_in_float32(pair: LayerPair, scale: float) -> None:
    case = pair.cases[0]
    layer = make_layer(pair.name, case, "float32")
    twin = module_beside(pair, case, layer, "float32")
    x = normal(1, pair.shapes[0], "float32") * np.float32(scale)
    assert_same_pass(pair, layer, twin, x, seed=2)
    if hasattr(layer, "running_mean"):
        assert_same_statistics(layer, twin, 1e-5)


@OF_NORMS
def test_deviations_without_a_finite_square_give_zero_and_a_warning(pair: LayerPair) -> None:
    layer = pair.scratch(**pair.cases[0])
    twin = module_beside(pair, pair.cases[0], layer, "float32")
    x = normal(1, pair.shapes[0], "float32") * np.float32(1e20)
    with pytest.warns(RuntimeWarning, match="overflow"):
        y = layer(x)
    np.testing.assert_array_equal(y, 0)
    theirs = twin(torch.tensor(x)).detach().numpy()
    if pair.statistics in ("layer", "group"):
        theirs = theirs[~np.isnan(theirs)]  # by the number of values, they are NaN or 0
    np.testing.assert_array_equal(theirs, 0)


# Where torch is looser, or its own.


@OF_NORMS
@MODES
def test_an_empty_batch_is_refused_of_which_torch_makes_an_empty_output(
    pair: LayerPair, training: bool
) -> None:
    case, shape = pair.cases[0], (0, *pair.shapes[0][1:])
    layer = make_layer(pair.name, case, "float32").train(training)
    twin = module_beside(pair, case, layer, "float32").train(training)
    assert twin(torch.zeros(shape)).shape == shape
    with refused("x must not be empty, got shape " + escaped(shape)):
        layer(np.zeros(shape, np.float32))
    if hasattr(layer, "running_mean"):
        assert layer.num_batches_tracked in (0, None)


def test_what_torch_takes_that_is_refused_here() -> None:
    twin = torch.nn.InstanceNorm1d(5, track_running_stats=True)
    twin(torch.zeros(0, 5, 3))
    assert twin.running_mean.isnan().all()
    for shape in ((3, 4, 6), (4, 6)):  # other channels
        with pytest.warns(UserWarning, match="does not match num_features"):
            torch.nn.InstanceNorm1d(5)(torch.zeros(shape))
    assert torch.nn.GroupNorm(2, 6, affine=False)(torch.ones(3, 4)).shape == (3, 4)


@OF_NORMS
def test_eps_0_is_refused_by_batch_norm_in_training_alone_as_by_torch_since_2_10(
    pair: LayerPair,
) -> None:
    case, x = pair.cases[0] | {"eps": 0.0}, normal(1, pair.shapes[0])
    layer = make_layer(pair.name, case)
    twin = module_beside(pair, case, layer, "float64")
    if pair.name.startswith("BatchNorm"):
        with refused(r"eps must be > 0 .*, got 0\.0"):
            layer(x)
        if torch_since("2.10"):
            with pytest.raises(ValueError, match="eps must be positive during training, but got 0"):
                twin(torch.tensor(x))
        assert layer.num_batches_tracked == 0
        twin.num_batches_tracked.zero_()  # torch has counted the batch that it refused
        layer.eval(), twin.eval()
    assert_same_pass(pair, layer, twin, x, seed=2)


def test_the_default_eps_of_rms_norm_is_the_dtypes_own() -> None:
    for dtype, eps in (("float32", 2.0**-23), ("float64", 2.0**-52)):
        x = np.full((1, 2), eps, dtype) ** np.asarray(0.5, dtype)  # x² is ε
        expected = np.sqrt(0.5)
        np.testing.assert_allclose(nn.RMSNorm(2, dtype=dtype)(x), expected, rtol=1e-6)
        twin = torch.nn.RMSNorm(2, dtype=getattr(torch, dtype))
        np.testing.assert_allclose(twin(torch.tensor(x)).detach().numpy(), expected, rtol=1e-6)


# What one layer is of another.


def test_what_one_normalization_is_of_another() -> None:
    x, row, images = normal(1, (3, 6, 4)), normal(1, (3, 6)), normal(1, (3, 5, 2, 4))
    row -= row.mean(axis=1, keepdims=True)
    assert_close(nn.GroupNorm(6, 6)(x), nn.InstanceNorm1d(6)(x), 1e-13)
    assert_close(nn.GroupNorm(1, 6)(x), nn.LayerNorm((6, 4))(x), 1e-13)
    assert_close(nn.RMSNorm(6, eps=1e-5)(row), nn.LayerNorm(6)(row), 1e-13)
    pixels, y = (np.moveaxis(a, 1, -1).reshape(-1, 5) for a in (images, nn.BatchNorm2d(5)(images)))
    assert_close(y, nn.BatchNorm1d(5)(pixels), 1e-13)
