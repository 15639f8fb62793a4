"""The initializers: equal to torch's from the same seed, and what their formula says."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from parity_tests.helpers import distance
from scratch import init
from scratch.random import Generator
from torch_ref import init as torch_init
from torch_ref.registry import INITIALIZERS, InitializerPair, Settings

SHAPES = ((3, 4), (1, 1), (1, 7), (20, 30), (4, 3, 5), (6, 2, 3, 3))
CONVOLUTIONS = ((2, 3), (5, 3, 4), (6, 2, 3, 3), (2, 4, 1, 2, 3))
MANY = (400, 300)

# By the docstrings: the standard deviation for fan_in = 300 and fan_out = 400.
KAIMING = {
    (): math.sqrt(2 / 300),
    (("a", 0.5),): math.sqrt(2 / 1.25 / 300),
    (("mode", "fan_out"),): math.sqrt(2 / 400),
    (("nonlinearity", "tanh"),): 5 / 3 / math.sqrt(300),
}
XAVIER = {(): math.sqrt(2 / 700), (("gain", 2.0),): 2 * math.sqrt(2 / 700)}
STD = {
    "zeros": {(): 0.0},
    "normal": {(): 1.0, (("std", 0.01),): 0.01, (("std", 0.5), ("mean", 0.25)): 0.5},
    "xavier": {(): 1 / math.sqrt(300)},
    "he": {(): math.sqrt(2 / 300)},
    "xavier_normal": XAVIER,
    "xavier_uniform": XAVIER,
    "kaiming_normal": KAIMING,
    "kaiming_uniform": KAIMING,
}


CASES = [
    pytest.param(pair, case, id="-".join([name, *(f"{key}={case[key]}" for key in case)]))
    for name, pair in INITIALIZERS.items()
    for case in pair.cases
]


def draw_both(
    pair: InitializerPair, case: Settings, shape: tuple[int, ...], dtype: str, seed: int = 11
) -> tuple[np.ndarray, np.ndarray]:
    mine = pair.scratch(shape, **case, generator=Generator(seed), dtype=dtype)
    theirs = getattr(torch_init, pair.name)(
        shape,
        **case,
        generator=torch.Generator().manual_seed(seed),
        dtype=getattr(torch, dtype),
    )
    return mine, theirs.numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("pair", "case"), CASES)
def test_the_same_seed_gives_torchs_weights_in_float64_bit_for_bit(
    pair: InitializerPair,
    case: Settings,
    shape: tuple[int, ...],
    record_parity: Callable[..., None],
) -> None:
    mine, theirs = draw_both(pair, case, shape, "float64")
    worst = distance(mine, theirs, least=case.get("mean", 0.0))
    record_parity(pair.name, "float64", "same seed", 1, worst.relative, worst.ulp)
    np.testing.assert_array_equal(mine, theirs, strict=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("pair", "case"), CASES)
def test_the_same_seed_gives_torchs_weights_in_float32(
    pair: InitializerPair,
    case: Settings,
    shape: tuple[int, ...],
    record_parity: Callable[..., None],
) -> None:
    mine, theirs = draw_both(pair, case, shape, "float32")
    worst = distance(mine, theirs, least=case.get("mean", 0.0))
    record_parity(pair.name, "float32", "same seed", 1, worst.relative, worst.ulp)
    assert mine.dtype == theirs.dtype == np.float32
    if "normal_" in pair.torch:
        # Beside a mean, an ULP is one of the larger of the two numbers that are added.
        unit = np.spacing(np.maximum(np.abs(theirs), np.float32(case.get("mean", 0))))
        assert np.max(np.abs(mine.astype(np.float64) - theirs) / unit) <= 4
    else:
        np.testing.assert_array_equal(mine, theirs, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
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
    if "uniform" in pair.name:
        assert 0.999 * bound <= largest <= bound * (1 + 1e-6)
    elif pair.name == "zeros":
        assert largest == 0
    else:
        assert largest > 2 * bound


@pytest.mark.parametrize("shape", CONVOLUTIONS)
def test_fans_are_counted_as_torch_does(shape: tuple[int, ...]) -> None:
    count = torch.nn.init._calculate_fan_in_and_fan_out
    assert init.fans(shape) == count(torch.empty(shape))


def test_weights_do_not_depend_on_what_is_drawn_after_them() -> None:
    generator = Generator(0)
    first = init.he((5, 5), generator=generator)
    kept = first.copy()
    init.he((5, 5), generator=generator)
    np.testing.assert_array_equal(first, kept)


def test_zeros_draws_nothing() -> None:
    generator = Generator(0)
    init.zeros((30, 30), generator=generator)
    np.testing.assert_array_equal(generator.rand(3), Generator(0).rand(3))


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "relu", "selu"])
def test_gains_are_torchs(nonlinearity: str) -> None:
    assert init.calculate_gain(nonlinearity) == torch.nn.init.calculate_gain(nonlinearity)


@pytest.mark.parametrize("a", [0.0, 0.01, 0.5, -1.0])
def test_the_gain_of_a_leaky_relu_follows_its_slope_as_torchs(a: float) -> None:
    expected = torch.nn.init.calculate_gain("leaky_relu", a)
    assert init.calculate_gain("leaky_relu", a) == expected


def test_the_default_slope_of_calculate_gain_is_torchs() -> None:
    expected = torch.nn.init.calculate_gain("leaky_relu")
    assert init.calculate_gain("leaky_relu") == expected


@pytest.mark.parametrize("name", ["kaiming_normal", "kaiming_uniform"])
@pytest.mark.parametrize(
    ("shape", "case", "message"),
    [
        ((3, 4), {"nonlinearity": "gelu"}, "nonlinearity must be one of .*relu.*, got 'gelu'"),
        ((3, 4), {"mode": "fan_avg"}, "mode must be one of fan_in, fan_out, got 'fan_avg'"),
        ((3,), {}, r"shape must have at least two axes \(out, in\), got \(3,\)"),
        ((), {}, r"shape must have at least two axes \(out, in\), got \(\)"),
    ],
)
def test_both_sides_refuse_a_bad_kaiming(
    name: str, shape: tuple[int, ...], case: Settings, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(init, name)(shape, **case, generator=Generator(0))
    with pytest.raises(ValueError, match=r".+"):
        getattr(torch_init, name)(shape, **case)


@pytest.mark.parametrize("name", ["xavier", "he", "xavier_normal", "xavier_uniform"])
def test_both_sides_refuse_a_shape_without_fans(name: str) -> None:
    with pytest.raises(ValueError, match=r"shape must have at least two axes .*, got \(3,\)"):
        getattr(init, name)((3,), generator=Generator(0))
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        getattr(torch_init, name)((3,))


def test_both_sides_refuse_a_negative_std() -> None:
    with pytest.raises(ValueError, match=r"std must be a finite number >= 0, got -0.1"):
        init.normal((3, 4), std=-0.1, generator=Generator(0))
    with pytest.raises(RuntimeError, match="std"):
        torch_init.normal((3, 4), std=-0.1)


@pytest.mark.parametrize(
    ("name", "case", "message"),
    [
        ("kaiming_normal", {"a": math.nan}, "a must be a finite number, got nan"),
        ("kaiming_uniform", {"a": "0"}, "a must be a finite number, got '0'"),
        ("xavier_normal", {"gain": -1.0}, "gain must be a finite number >= 0, got -1.0"),
        ("xavier_uniform", {"gain": math.inf}, "gain must be a finite number >= 0, got inf"),
        ("normal", {"mean": math.nan}, "mean must be a finite number, got nan"),
        ("zeros", {"dtype": np.int32}, "dtype must be float32 or float64, got .*int32"),
        ("he", {"dtype": np.float16}, "dtype must be float32 or float64, got .*float16"),
        ("he", {"shape": (0, 3)}, r"shape must have no empty axis, got \(0, 3\)"),
        ("normal", {"shape": (2, -3)}, "size must be a whole number >= 0, got -3"),
    ],
)
def test_a_bad_argument_is_refused_by_name(name: str, case: Settings, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(init, name)(**{"shape": (3, 4), "generator": Generator(0)} | case)


@pytest.mark.parametrize("name", init.INITIALIZERS)
def test_an_initializer_is_found_by_its_name(name: str) -> None:
    assert init.by_name(name) is INITIALIZERS[name].scratch


@pytest.mark.parametrize("std", [0.01, 1, 0, np.float32(0.5)])
def test_a_number_in_place_of_a_name_is_a_fixed_std(std: float) -> None:
    mine = init.by_name(std)((6, 5), generator=Generator(2), dtype=np.float64)
    expected = init.normal((6, 5), float(std), generator=Generator(2), dtype=np.float64)
    np.testing.assert_array_equal(mine, expected, strict=True)
    theirs = torch_init.by_name(std)(
        (6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    np.testing.assert_array_equal(theirs.numpy(), expected, strict=True)


@pytest.mark.parametrize("by_name", [init.by_name, torch_init.by_name])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("glorot", "init must be one of zeros, xavier, he, .*, got 'glorot'"),
        (-0.1, "init must be a finite number >= 0, got -0.1"),
        (math.nan, "init must be a finite number >= 0, got nan"),
        (None, "init must be a finite number >= 0, got None"),
        (True, "init must be a finite number >= 0, got True"),
    ],
)
def test_an_unknown_name_is_refused(by_name: object, name: object, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        by_name(name)


def test_a_twin_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"torch_ref.init has no 'glorot'; it has zeros, "):
        torch_init.glorot  # noqa: B018
