"""The random stream: the same seed gives the numbers of torch's CPU generator."""

import math
from collections.abc import Callable
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.random.both_generators import (
    ANY_MEAN,
    DTYPES,
    GNU,
    SEEDS,
    Call,
    assert_same_bits,
    calls,
    draw_mine,
    draw_theirs,
    torch_dtype,
    twin,
)
from scratch.random import Generator, box_muller, permutation, state
from torch_ref.registry.pairs import torch_since

pytestmark = pytest.mark.arithmetic

SHAPES = ((), (0,), (3, 0), *((n,) for n in range(1, 18)), (31,), (32,), (7, 11), (5000,))
LARGE_SHAPES = ((2**16,), (2**16 + 16,), (3, 5, 7, 700), (140_001,))  # up to three blocks
RANGES = ((0, 1), (0, 10), (-5, 3), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**40), (0, 2**63 - 1))
RANGES += ((-(2**63), 2**63 - 1), (-(2**63), 0), (0, 2**32), (-1, 2**32 + 5), (2**62, 2**62 + 3))
MEAN = 0.25 if ANY_MEAN else 0.0
BIT_FOR_BIT = pytest.mark.skipif(
    not GNU, reason="float32 normals are torch's with the GNU C library, on x86-64 and ARM"
)


def assert_same_streams(seed: int, drawn: list[Call]) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for call in drawn:
        assert_same_bits(draw_mine(mine, *call), draw_theirs(theirs, *call))


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_of_all_kinds_are_torchs_bit_for_bit(seed: int) -> None:
    lengths = (0, 1, 2, 3, 16, 100, 3001, 4098, 70_000, *([10**6] if seed == 0 else []))
    for drawn in (
        *(
            [("rand", (shape, d)), ("uniform", (-0.3, 1.7, shape, d))]
            for shape in SHAPES
            for d in DTYPES
        ),
        [("randint", (*bounds, shape)) for bounds in RANGES for shape in SHAPES],
        [("randperm", (n,)) for n in lengths],
        [("bernoulli", (p, shape)) for p in (0, 0.1, 0.5, 1) for shape in SHAPES],
    ):
        assert_same_streams(seed, drawn)


def normals(dtype: np.typing.DTypeLike) -> list[Call]:
    return [
        call
        for shape in (*SHAPES, *LARGE_SHAPES)
        for call in (("randn", (shape, dtype)), ("normal", (MEAN, 3.1, shape, dtype)))
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_normal_numbers_in_float64_are_torchs_bit_for_bit(seed: int) -> None:
    assert_same_streams(seed, normals(np.float64))


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.0, 0.01), (-2.0, 0.5)])
def test_normal_numbers_in_float32_are_torchs_within_rounding_on_every_processor(
    mean: float, std: float
) -> None:
    mine = Generator(5).normal(mean, std, (200_000,))
    theirs = torch.empty(200_000).normal_(mean, std, generator=twin(5)).numpy()
    # The angle 2π·u₂ is rounded, too: what is left near a zero of the cosine is as wrong as that.
    assert mine.dtype == np.float32
    assert np.max(np.abs(mine.astype(np.float64) - theirs)) <= 3e-6 * std + 2.0**-24 * abs(mean)


@BIT_FOR_BIT
@pytest.mark.parametrize("seed", SEEDS)
def test_normal_numbers_in_float32_are_torchs_bit_for_bit(seed: int) -> None:
    assert_same_streams(seed, normals(np.float32))


@BIT_FOR_BIT
def test_every_float32_radius_and_every_angle_are_torchs_bit_for_bit() -> None:
    """u₁ and u₂ have 2²⁴ values each; torch is given the words that make each of them once."""
    per_state, per_round = 38 * 16, 38 * 16 * 64  # so many boxes of 16 fit into 623 words
    stored, theirs, generator = np.zeros(624, np.uint32), torch.empty(per_round), torch.Generator()
    for start in range(0, 2**24, per_round // 2):
        u1 = np.arange(start, start + per_round // 2, dtype=np.uint32)
        u2 = u1 * np.uint32(2654435761)  # odd: each of the 2²⁴ once, in another order
        words = np.stack([u1.reshape(-1, 8), u2.reshape(-1, 8)], axis=1).reshape(-1)
        kept = untempered(words).reshape(-1, per_state)
        for part, numbers in zip(kept, theirs.view(-1, per_state), strict=True):
            stored[1 : 1 + per_state] = part
            generator.set_state(torch.from_numpy(state.to_bytes(state.State(0, stored, 1))))
            numbers.normal_(generator=generator)
        uniform = (words & np.uint32(2**24 - 1)).astype(np.float32) * np.float32(2.0**-24)
        box_muller.boxes(uniform)
        assert_same_bits(uniform + np.float32(0), theirs)  # −0 + 0 = 0


def untempered(words: np.ndarray) -> np.ndarray:
    """What the Mersenne Twister stores where it gives out ``words``: its tempering, undone."""
    words = words ^ words >> 18
    words = words ^ words << 15 & np.uint32(0xEFC60000)
    tempered = words
    for _ in range(4):  # each round sets seven more bits right
        words = tempered ^ words << 7 & np.uint32(0x9D2C5680)
    return words ^ words >> 11 ^ words >> 22


def test_fewer_than_16_normal_numbers_in_float32_are_torchs_bit_for_bit() -> None:
    assert_same_streams(9, [("randn", ((n,), np.float32)) for n in range(16) for _ in range(3)])


@given(st.data(), st.integers(0, 30), st.integers(0, 10))
@settings(deadline=None)
def test_shuffling_in_blocks_is_swapping_one_after_another(
    data: st.DataObject, n: int, one_by_one: int
) -> None:
    targets = data.draw(st.lists(st.integers(0, n - 1), max_size=n)) if n else []
    expected = list(range(n))
    for i, j in enumerate(targets):
        expected[i], expected[j] = expected[j], expected[i]
    order = np.arange(n)
    with mock.patch.object(permutation, "ONE_BY_ONE", one_by_one):
        permutation.shuffle(order, np.array(targets, dtype=np.int64))
    assert order.tolist() == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_uniform_number_rounded_up_to_high_is_low_as_in_torch(
    dtype: np.typing.DTypeLike,
) -> None:
    low, high = (1e3, 1e3 + 1e-4) if dtype == np.float32 else (1.0, 1 + 2.0**-50)
    expected = torch.empty(1000, dtype=torch_dtype(dtype)).uniform_(low, high, generator=twin(2))
    if not torch_since("2.13"):  # torch 2.9 leaves it at high
        expected[expected == high] = low
    mine = Generator(2).uniform(low, high, (1000,), dtype)
    assert_same_bits(mine, expected)


@given(st.integers(-(2**63), 2**64 - 1), st.lists(calls, min_size=2, max_size=8))
@settings(deadline=None, max_examples=150)
def test_calls_in_any_order_go_on_with_the_same_stream(seed: int, sequence: list[Call]) -> None:
    assert_same_streams(seed, sequence)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda g: g.rand(-1), r"size\[0\] must be .*, got -1"),
        (lambda g: g.rand(2.5), r"size\[0\] must be .*, got 2.5"),
        (lambda g: g.normal(0, 1, 3), "size must be a tuple of whole numbers >= 0, got 3"),
        (lambda g: g.randint(0, 2, None), "size must be a tuple of whole numbers >= 0, got None"),
        (lambda g: g.rand(2, dtype=np.int64), "dtype must be float32 or float64, got .*int64"),
        (lambda g: g.rand(2, dtype=np.float16), "dtype must be .*, got .*float16"),
        (lambda g: g.rand(2, dtype=None), "dtype must be float32 or float64, got None"),
        (lambda g: g.rand(2, dtype="no"), "dtype must be float32 or float64, got 'no'"),
        (lambda g: g.uniform(1, 0, (2,)), "low must be <= high, got low=1.0 and high=0.0"),
        (lambda g: g.uniform(1e300, 1e301, (2,)), "low must be at most 3.4.* in magnitude, got 1e"),
        (lambda g: g.uniform(-3e38, 3e38, (2,)), "high - low must be finite in float32, got low="),
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
