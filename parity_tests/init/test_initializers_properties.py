"""The initializers: what their formulas say, whatever the random numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch import init
from scratch.random import Generator
from torch_ref import init as torch_init
from torch_ref.registry import INITIALIZERS, InitializerPair, Settings

pytestmark = pytest.mark.arithmetic

CONVOLUTIONS = ((2, 3), (5, 3, 4), (6, 2, 3, 3), (2, 4, 1, 2, 3))
MANY = (400, 300)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])

# By the docstrings: the standard deviation for fan_in = 300 and fan_out = 400.
KAIMING = {
    (): math.sqrt(2 / 300),
    (("a", 0.5),): math.sqrt(2 / 1.25 / 300),
    (("mode", "fan_out"),): math.sqrt(2 / 400),
    (("mode", "FAN_OUT"), ("nonlinearity", "tanh")): 5 / 3 / math.sqrt(400),
    (("nonlinearity", "conv2d"),): 1 / math.sqrt(300),
}
XAVIER = {(): math.sqrt(2 / 700), (("gain", 2.0),): 2 * math.sqrt(2 / 700)}
LECUN = {(): 1 / math.sqrt(300)}
STD = {
    "normal": {
        (): 1.0,
        (("std", 0.01),): 0.01,
        (("std", 0.5), ("mean", 0.25)): 0.5,
        (("std", 0),): 0.0,
    },
    "xavier": LECUN,
    "he": {(): math.sqrt(2 / 300)},
    "lecun_normal": LECUN,
    "lecun_uniform": LECUN,
    "xavier_normal": XAVIER,
    "xavier_uniform": XAVIER,
    "kaiming_normal": KAIMING,
    "kaiming_uniform": KAIMING,
}
CASES = [
    pytest.param(INITIALIZERS[name], case, id="-".join([name, *map(str, case.items())]))
    for name in STD
    for case in INITIALIZERS[name].cases
]
GAINS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
GAINS += [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]


def assert_orthogonal(w: np.ndarray, gain: float = 1.0) -> None:
    """Of a wide matrix the rows, of a tall one the columns, have the length ``gain``."""
    tolerance = 1e-12 if w.dtype == np.float64 else 1e-5
    w = w.reshape(len(w), -1).astype(np.float64)
    w = w if w.shape[0] <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, gain**2 * np.eye(len(w)), atol=tolerance)


@DTYPES
@pytest.mark.parametrize(("pair", "case"), CASES)
def test_weights_have_the_mean_and_the_std_of_the_formula(
    pair: InitializerPair, case: Settings, dtype: str
) -> None:
    w = pair.scratch(MANY, **case, generator=Generator(1), dtype=dtype).astype(np.float64)
    std, count = STD[pair.name][tuple(case.items())], w.size
    # Five standard errors; that of a standard deviation is largest for the normal distribution.
    assert abs(w.mean() - case.get("mean", 0)) <= 5 * std / math.sqrt(count)
    assert abs(w.std() - std) <= 5 * std / math.sqrt(2 * count)


@pytest.mark.parametrize(("pair", "case"), CASES)
def test_uniform_weights_fill_their_bounds_and_normal_ones_pass_them(
    pair: InitializerPair, case: Settings
) -> None:
    w = pair.scratch(MANY, **case, generator=Generator(1))
    bound = math.sqrt(3) * STD[pair.name][tuple(case.items())]
    largest = np.abs(w).max()
    if pair.draws == "uniform":
        assert 0.999 * bound <= largest <= bound * (1 + 1e-6)
    else:
        assert largest > 2 * bound or bound == 0


def test_uniform_weights_lie_between_a_and_b() -> None:
    w = init.uniform(MANY, -0.1, 0.3, generator=Generator(1))
    assert w.min() == pytest.approx(-0.1, abs=1e-4)
    assert w.max() == pytest.approx(0.3, abs=1e-4)
    assert w.mean() == pytest.approx(0.1, abs=5 * 0.4 / math.sqrt(12 * w.size))


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


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.01, 1), (0.3, 12), (1.0, 40)])
def test_every_column_has_its_zeros_and_the_rest_the_std(sparsity: float, zeros: int) -> None:
    w = init.sparse((40, 2000), sparsity, std=0.5, generator=Generator(1))
    assert ((w == 0).sum(axis=0) == zeros).all()
    if left := w[w != 0].size:
        assert w[w != 0].std() == pytest.approx(0.5, rel=5 / math.sqrt(2 * left))


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


def test_every_rotation_is_as_likely_as_its_mirror_image() -> None:
    generator = Generator(1)
    draws = [init.orthogonal((3, 3), generator=generator, dtype="float64") for _ in range(2000)]
    # Without the signs, LAPACK's Q has a negative diagonal element in almost every draw.
    negative = np.mean([np.diag(w) < 0 for w in draws], axis=0)
    np.testing.assert_allclose(negative, 0.5, atol=5 * 0.5 / math.sqrt(2000))


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 4, 3), 1), ((6, 3, 3, 5), 2), ((4, 2, 1, 3, 3), 2)]
)
def test_a_convolution_with_dirac_weights_gives_its_input(
    shape: tuple[int, ...], groups: int
) -> None:
    w = torch.from_numpy(init.dirac(shape, groups))
    x = torch.randn(2, groups * shape[1], *(7,) * (len(shape) - 2))
    convolve = getattr(torch.nn.functional, f"conv{len(shape) - 2}d")
    padding = tuple(size // 2 for size in shape[2:])
    assert torch.equal(convolve(x, w, padding=padding, groups=groups), x)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_a_layer_with_eye_weights_passes_on_what_it_can(shape: tuple[int, int]) -> None:
    x, kept = np.arange(1, 1 + shape[1]), min(shape)
    np.testing.assert_array_equal(init.eye(shape) @ x, [*x[:kept], *[0] * (shape[0] - kept)])


@pytest.mark.parametrize("shape", CONVOLUTIONS)
def test_fans_are_counted_as_torch_does(shape: tuple[int, ...]) -> None:
    count = torch.nn.init._calculate_fan_in_and_fan_out
    assert init.fans(shape) == count(torch.empty(shape))


@pytest.mark.parametrize("name", [name for name, pair in INITIALIZERS.items() if pair.draws])
def test_weights_do_not_depend_on_what_is_drawn_after_them(name: str) -> None:
    generator, pair = Generator(0), INITIALIZERS[name]
    first = pair.scratch((5, 5), **pair.cases[0], generator=generator)
    kept = first.copy()
    pair.scratch((5, 5), **pair.cases[0], generator=generator)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", [name for name, pair in INITIALIZERS.items() if not pair.draws])
def test_a_constant_draws_nothing(name: str) -> None:
    generator, pair = Generator(0), INITIALIZERS[name]
    pair.scratch(pair.shapes[0], **pair.cases[0], generator=generator)
    np.testing.assert_array_equal(generator.rand(3), Generator(0).rand(3))


@pytest.mark.parametrize("nonlinearity", GAINS)
def test_gains_are_torchs(nonlinearity: str) -> None:
    assert init.calculate_gain(nonlinearity) == torch.nn.init.calculate_gain(nonlinearity)


@pytest.mark.parametrize("slope", [None, 0, 0.01, 0.5, -1.0, 3])
def test_the_gain_of_a_leaky_relu_follows_its_slope_as_torchs(slope: float | None) -> None:
    expected = torch.nn.init.calculate_gain("leaky_relu", slope)
    assert init.calculate_gain("leaky_relu", slope) == expected


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


def test_a_slope_is_not_looked_at_where_there_is_none() -> None:
    assert init.calculate_gain("relu", "no") == torch.nn.init.calculate_gain("relu", "no")


@pytest.mark.parametrize("name", init.INITIALIZERS)
def test_an_initializer_is_found_by_its_name(name: str) -> None:
    assert init.by_name(name) is INITIALIZERS[name].scratch
    w = torch_init.by_name(name)((6, 5), generator=torch.Generator().manual_seed(2))
    assert w.shape == (6, 5)


@pytest.mark.parametrize("name", ["by_name", "fixed_std"])
@pytest.mark.parametrize("std", [0.01, 1, 0, np.float32(0.5)])
def test_a_number_in_place_of_a_name_is_a_fixed_std(name: str, std: float) -> None:
    mine = getattr(init, name)(std)((6, 5), generator=Generator(2), dtype=np.float64)
    expected = init.normal((6, 5), 0.0, float(std), generator=Generator(2), dtype=np.float64)
    np.testing.assert_array_equal(mine, expected, strict=True)
    theirs = getattr(torch_init, name)(std)(
        (6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    np.testing.assert_array_equal(theirs.numpy(), expected, strict=True)


@pytest.mark.parametrize("by_name", [init.by_name, torch_init.by_name])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("glorot", "init must be one of zeros, ones, .*, xavier, he, .*, got 'glorot'"),
        ("constant", "init must be one of .*, got 'constant'"),
        (-0.1, "init must be a finite number >= 0, got -0.1"),
        (math.nan, "init must be a finite number >= 0, got nan"),
        (None, "init must be a finite number >= 0, got None"),
        (True, "init must be a finite number >= 0, got True"),
    ],
)
def test_an_unknown_name_is_refused(by_name: object, name: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        by_name(name)
