"""The random stream: the same seed gives the numbers of torch's CPU generator."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch.random import Generator
from torch_ref import convert

SEEDS = (0, 1, 2**31, 2**32 - 1, 2**32 + 7, 2**64 - 1, -1, -123456789, -(2**63))
SHAPES = ((), (0,), (3, 0), *((n,) for n in range(1, 18)), (31,), (32,), (7, 11), (5000,))
DTYPES = (np.float32, np.float64)
RANGES = ((0, 1), (0, 10), (-5, 3), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**40), (0, 2**63 - 1))

# One call of either generator, with the same arguments.
Call = tuple[str, tuple]


def twin(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def torch_dtype(dtype: np.typing.DTypeLike) -> torch.dtype:
    return getattr(torch, np.dtype(dtype).name)


def assert_same_bits(mine: np.ndarray, theirs: torch.Tensor) -> None:
    np.testing.assert_array_equal(mine, theirs.numpy(), strict=True)
    assert mine.tobytes() == theirs.numpy().tobytes()  # equal, and so are the signs of zeros


def draw_mine(generator: Generator, kind: str, arguments: tuple) -> np.ndarray:
    return getattr(generator, kind)(*arguments)


def draw_theirs(generator: torch.Generator, kind: str, arguments: tuple) -> torch.Tensor:
    """What torch has for the method ``kind`` of ``scratch.random.Generator``."""
    if kind in ("uniform", "normal"):
        first, second, size, dtype = arguments
        empty = torch.empty(size, dtype=torch_dtype(dtype))
        return getattr(empty, f"{kind}_")(first, second, generator=generator)
    if kind == "randint":
        low, high, size = arguments
        return torch.randint(low, high, size, generator=generator)
    if kind == "randperm":
        return torch.randperm(*arguments, generator=generator)
    p, size = arguments
    return torch.rand(size, dtype=torch.float64, generator=generator) < p


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_numbers_are_torchs_bit_for_bit(seed: int, dtype: np.typing.DTypeLike) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for shape in SHAPES:
        expected = torch.rand(shape, dtype=torch_dtype(dtype), generator=theirs)
        assert_same_bits(mine.rand(*shape, dtype=dtype), expected)
        expected = torch.empty(shape, dtype=torch_dtype(dtype)).uniform_(
            -0.3, 1.7, generator=theirs
        )
        assert_same_bits(mine.uniform(-0.3, 1.7, shape, dtype), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_normal_numbers_in_float64_are_torchs_bit_for_bit(seed: int) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for shape in SHAPES:
        expected = torch.randn(shape, dtype=torch.float64, generator=theirs)
        assert_same_bits(mine.randn(*shape, dtype=np.float64), expected)
        expected = torch.empty(shape, dtype=torch.float64).normal_(0.25, 3.1, generator=theirs)
        assert_same_bits(mine.normal(0.25, 3.1, shape, np.float64), expected)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.0, 0.01), (-2.0, 0.5)])
def test_normal_numbers_in_float32_are_torchs_within_4_ulp(mean: float, std: float) -> None:
    mine = Generator(5).normal(mean, std, (200_000,))
    theirs = torch.empty(200_000).normal_(mean, std, generator=twin(5)).numpy()
    # Beside a mean, an ULP is one of the larger of the two numbers that are added.
    apart = np.abs(mine.astype(np.float64) - theirs)
    unit = np.spacing(np.maximum(np.abs(theirs), np.float32(abs(mean))))
    assert mine.dtype == np.float32
    assert np.max(apart / unit) <= 4


@pytest.mark.parametrize("count", range(16))
def test_fewer_than_16_normal_numbers_in_float32_are_torchs_bit_for_bit(count: int) -> None:
    mine, theirs = Generator(9), twin(9)
    for _ in range(3):
        assert_same_bits(mine.randn(count), torch.randn(count, generator=theirs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_whole_numbers_are_torchs(seed: int, low: int, high: int) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for shape in SHAPES:
        expected = torch.randint(low, high, shape, generator=theirs)
        assert_same_bits(mine.randint(low, high, shape), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_permutations_are_torchs(seed: int) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for n in (0, 1, 2, 3, 16, 100, 3001):
        assert_same_bits(mine.randperm(n), torch.randperm(n, generator=theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_bernoulli_draws_are_torchs_uniform_numbers_below_p(seed: int) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for p in (0, 0.1, 0.5, 1):
        for shape in SHAPES:
            assert_same_bits(mine.bernoulli(p, shape), draw_theirs(theirs, "bernoulli", (p, shape)))


sizes = st.lists(st.integers(0, 20), max_size=2).map(tuple)
scales = st.just(0.0) | st.floats(1e-3, 100)  # what underflows is rounded otherwise
numbers = scales | scales.map(lambda x: 0.0 - x)
calls = st.one_of(
    st.tuples(numbers, numbers, sizes, st.sampled_from(DTYPES)).map(
        lambda a: ("uniform", (min(a[:2]), max(a[:2]), *a[2:]))
    ),
    st.tuples(numbers, scales, sizes, st.just(np.float64)).map(lambda a: ("normal", a)),
    # Up to 15 in float32 are exact too, and take from the same pairs as those in float64.
    st.tuples(numbers, scales, st.tuples(st.integers(0, 15)), st.just(np.float32)).map(
        lambda a: ("normal", a)
    ),
    st.tuples(st.integers(-(2**40), 2**20), st.integers(2**20 + 1, 2**40), sizes).map(
        lambda a: ("randint", a)
    ),
    st.tuples(st.integers(0, 40)).map(lambda a: ("randperm", a)),
    st.tuples(st.floats(0, 1), sizes).map(lambda a: ("bernoulli", a)),
)


@given(st.integers(-(2**63), 2**64 - 1), st.lists(calls, min_size=2, max_size=8))
@settings(deadline=None, max_examples=150)
def test_calls_in_any_order_go_on_with_the_same_stream(seed: int, sequence: list[Call]) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for call in sequence:
        assert_same_bits(draw_mine(mine, *call), draw_theirs(theirs, *call))


def test_the_second_normal_number_of_a_pair_is_kept_for_the_next_call() -> None:
    whole, parts, theirs = Generator(3), Generator(3), twin(3)
    expected = whole.randn(4, dtype=np.float64)
    pieces = [parts.randn(n, dtype=np.float64) for n in (1, 2, 1)]
    np.testing.assert_array_equal(np.concatenate(pieces), expected)
    pieces = [torch.randn(n, dtype=torch.float64, generator=theirs) for n in (1, 2, 1)]
    np.testing.assert_array_equal(torch.cat(pieces).numpy(), expected)


@given(st.integers(-(2**63), 2**64 - 1), st.lists(calls, max_size=5), st.lists(calls, max_size=5))
@settings(deadline=None, max_examples=50)
def test_a_stream_handed_over_to_torch_and_back_goes_on(
    seed: int, before: list[Call], after: list[Call]
) -> None:
    mine, theirs = Generator(seed), torch.Generator()
    for call in before:
        draw_mine(mine, *call)
    convert.load_generator_to_torch(mine, theirs)
    for call in after:
        assert_same_bits(draw_mine(mine, *call), draw_theirs(theirs, *call))
    other = Generator(0)
    convert.load_generator_to_numpy(theirs, other)
    for call in [*after, *before]:
        np.testing.assert_array_equal(draw_mine(other, *call), draw_mine(mine, *call))


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda g: Generator(1.5), "seed must be a whole number .*, got 1.5"),
        (lambda g: Generator(True), "seed must be a whole number .*, got True"),
        (lambda g: Generator(2**64), "seed must be .*, got 18446744073709551616"),
        (lambda g: Generator(-(2**63) - 1), "seed must be .*, got -9223372036854775809"),
        (lambda g: g.rand(-1), "size must be .*, got -1"),
        (lambda g: g.rand(2.5), "size must be .*, got 2.5"),
        (lambda g: g.normal(0, 1, 3), "size must be a tuple of whole numbers, got 3"),
        (lambda g: g.randint(0, 2, None), "size must be a tuple of whole numbers, got None"),
        (lambda g: g.rand(2, dtype=np.int64), "dtype must be float32 or float64, got .*int64"),
        (lambda g: g.rand(2, dtype=np.float16), "dtype must be .*, got .*float16"),
        (lambda g: g.rand(2, dtype=None), "dtype must be float32 or float64, got None"),
        (lambda g: g.rand(2, dtype="no"), "dtype must be float32 or float64, got 'no'"),
        (lambda g: g.uniform(1, 0, (2,)), "low must be <= high, got low=1.0 and high=0.0"),
        (lambda g: g.uniform(math.nan, 0, (2,)), "low must be a finite number, got nan"),
        (lambda g: g.uniform(0, math.inf, (2,)), "high must be a finite number, got inf"),
        (lambda g: g.normal(math.inf, 1, (2,)), "mean must be a finite number, got inf"),
        (lambda g: g.normal(0, -1, (2,)), "std must be a finite number >= 0, got -1"),
        (lambda g: g.randint(3, 3, (2,)), "low must be below high, got low=3 and high=3"),
        (lambda g: g.randint(0, 2.5, (2,)), "high must be a whole number .*, got 2.5"),
        (lambda g: g.randint(0.5, 2, (2,)), "low must be a whole number .*, got 0.5"),
        (lambda g: g.randint(0, 2**63, (2,)), "high must be .*, got 9223372036854775808"),
        (lambda g: g.randperm(-1), "n must be a whole number >= 0, got -1"),
        (lambda g: g.bernoulli(1.5, (2,)), "p must be a finite number >= 0 and <= 1, got 1.5"),
        (lambda g: g.bernoulli("1", (2,)), "p must be a finite number .*, got '1'"),
    ],
)
def test_a_bad_argument_is_refused_by_name_and_draws_nothing(
    refused: Callable[[Generator], object], message: str
) -> None:
    generator = Generator(4)
    with pytest.raises((TypeError, ValueError), match=message):
        refused(generator)
    np.testing.assert_array_equal(generator.rand(3), Generator(4).rand(3))
