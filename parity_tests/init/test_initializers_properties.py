"""The initializers: what their formulas say, whatever the random numbers."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch import init
from scratch.random import Generator
from torch_ref import init as torch_init
from torch_ref.registry import INITIALIZERS, InitializerPair

pytestmark = pytest.mark.arithmetic

CONVOLUTIONS = ((2, 3), (5, 3, 4), (6, 2, 3, 3), (2, 4, 1, 2, 3))
MANY = (400, 300)

BAD_STDS = (-0.1, math.nan, None, True)
GAINS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
GAINS += [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]


def assert_orthogonal(w: np.ndarray, gain: float = 1.0) -> None:
    """Of a wide matrix the rows, of a tall one the columns, have the length ``gain``."""
    tolerance = 1e-12 if w.dtype == np.float64 else 1e-5
    w = w.reshape(len(w), -1).astype(np.float64)
    w = w if w.shape[0] <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, gain**2 * np.eye(len(w)), atol=tolerance)


@pytest.mark.parametrize(("a", "b"), [(-2.0, 2.0), (-1.0, 3.0), (1.0, 3.0), (0.0, math.inf)])
def test_truncated_weights_have_the_mean_and_the_variance_of_the_truncated_normal(
    a: float, b: float
) -> None:
    w = init.trunc_normal(MANY, a=a, b=b, generator=Generator(1), dtype=np.float64)
    law = torch.distributions.Normal(0.0, 1.0)
    ends = torch.tensor([a, b], dtype=torch.float64)
    share = float(law.cdf(ends).diff())
    density = torch.exp(-(ends**2) / 2) / math.sqrt(2 * math.pi)
    mean = float(-density.diff()) / share
    variance = 1 - float((ends.nan_to_num(posinf=0) * density).diff()) / share - mean**2
    assert w.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / w.size))
    assert w.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / w.size))


@given(
    shape=st.lists(st.integers(1, 12), min_size=2, max_size=4).map(tuple),
    gain=st.floats(-3, 3),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_orthogonal_weights_are_orthogonal(
    shape: tuple[int, ...], gain: float, dtype: str, seed: int
) -> None:
    w = init.orthogonal(shape, gain, generator=Generator(seed), dtype=dtype)
    assert (w.shape, w.dtype) == (shape, dtype)
    assert w.flags.c_contiguous
    assert_orthogonal(w, gain)


@pytest.mark.parametrize("shape", CONVOLUTIONS)
def test_fans_are_counted_as_torch_does(shape: tuple[int, ...]) -> None:
    count = torch.nn.init._calculate_fan_in_and_fan_out
    assert init.fans(shape) == count(torch.empty(shape))


@pytest.mark.parametrize("pair", INITIALIZERS.values(), ids=INITIALIZERS)
def test_weights_do_not_depend_on_what_is_drawn_after_them(pair: InitializerPair) -> None:
    generator = Generator(0)
    first = pair.scratch(pair.shapes[0], **pair.cases[0], generator=generator)
    kept = first.copy()
    pair.scratch(pair.shapes[0], **pair.cases[0], generator=generator)
    np.testing.assert_array_equal(first, kept)
    assert (generator.rand() == Generator(0).rand()) == (not pair.draws)  # a constant draws nothing


def test_gains_are_torchs() -> None:
    theirs = torch.nn.init.calculate_gain
    for nonlinearity in GAINS:
        assert init.calculate_gain(nonlinearity) == theirs(nonlinearity)
    for slope in (None, 0, 0.01, 0.5, -1.0, 3):
        assert init.calculate_gain("leaky_relu", slope) == theirs("leaky_relu", slope)
    # A slope is not looked at where there is none.
    assert init.calculate_gain("relu", "no") == theirs("relu", "no")


@pytest.mark.parametrize(
    ("nonlinearity", "param", "message"),
    [
        ("gelu", None, "nonlinearity must be one of linear, conv1d, .*, selu, got 'gelu'"),
        ("ReLU", None, "nonlinearity must be one of .*, got 'ReLU'"),
        ("leaky_relu", True, "param must be a finite number, got True"),
        ("leaky_relu", "0.1", "param must be a finite number, got '0.1'"),
    ],
)
def test_both_sides_refuse_to_give_a_gain(nonlinearity: str, param: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        init.calculate_gain(nonlinearity, param)
    with pytest.raises(ValueError, match=r"Unsupported nonlinearity|not a valid number"):
        torch.nn.init.calculate_gain(nonlinearity, param)


def test_an_initializer_is_found_by_its_name() -> None:
    for name, initializer in init.INITIALIZERS.items():
        assert init.by_name(name) is initializer is INITIALIZERS[name].scratch
        w = torch_init.by_name(name)((6, 5), generator=torch.Generator().manual_seed(2))
        assert w.shape == (6, 5)


@pytest.mark.parametrize("name", ["by_name", "fixed_std"])
def test_a_number_in_place_of_a_name_is_a_fixed_std(name: str) -> None:
    for std in (0.01, 1, 0, np.float32(0.5)):
        mine = getattr(init, name)(std)((6, 5), generator=Generator(2), dtype=np.float64)
        theirs = getattr(torch_init, name)(std)(
            (6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64
        )
        expected = init.normal((6, 5), 0.0, float(std), generator=Generator(2), dtype=np.float64)
        np.testing.assert_array_equal(mine, expected, strict=True)
        np.testing.assert_array_equal(theirs.numpy(), expected, strict=True)


@pytest.mark.parametrize("by_name", [init.by_name, torch_init.by_name])
def test_an_unknown_name_is_refused(by_name: Any) -> None:
    for name, message in (
        ("glorot", "init must be one of zeros, ones, .*, xavier, he, .*, got 'glorot'"),
        ("constant", "init must be one of .*, got 'constant'"),
        *((bad, f"init must be a finite number >= 0, got {bad}") for bad in BAD_STDS),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            by_name(name)
