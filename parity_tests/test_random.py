"""The random stream: the same seed gives the numbers of torch's CPU generator."""

import math
import platform
import sys
from collections.abc import Callable
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch.random import Generator, box_muller, permutation, state
from torch_ref import convert

SEEDS = (0, 1, 2**31, 2**32 - 1, 2**32 + 7, 2**64 - 1, -1, -123456789, -(2**63))
SHAPES = ((), (0,), (3, 0), *((n,) for n in range(1, 18)), (31,), (32,), (7, 11), (5000,))
DTYPES = (np.float32, np.float64)
LARGE_SHAPES = ((2**16,), (2**16 + 16,), (3, 5, 7, 700), (140_001,))  # up to three blocks
RANGES = ((0, 1), (0, 10), (-5, 3), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**40), (0, 2**63 - 1))
RANGES += ((-(2**63), 2**63 - 1), (-(2**63), 0), (0, 2**32), (-1, 2**32 + 5), (2**62, 2**62 + 3))
# Where GCC and the processor fuse the products and sums of torch's vector code.
MULTIPLY_ADD = pytest.mark.skipif(
    sys.platform != "linux"
    or platform.machine() != "x86_64"
    or torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"),
    reason="torch makes float32 normals otherwise on this machine",
)

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
    for shape in (*SHAPES, *LARGE_SHAPES):
        expected = torch.randn(shape, dtype=torch.float64, generator=theirs)
        assert_same_bits(mine.randn(*shape, dtype=np.float64), expected)
        expected = torch.empty(shape, dtype=torch.float64).normal_(0.25, 3.1, generator=theirs)
        assert_same_bits(mine.normal(0.25, 3.1, shape, np.float64), expected)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.0, 0.01), (-2.0, 0.5)])
def test_normal_numbers_in_float32_are_torchs_within_rounding_on_every_processor(
    mean: float, std: float
) -> None:
    mine = Generator(5).normal(mean, std, (200_000,))
    theirs = torch.empty(200_000).normal_(mean, std, generator=twin(5)).numpy()
    # The angle 2π·u₂ is rounded, too: what is left near a zero of the cosine is as wrong as that.
    assert mine.dtype == np.float32
    assert np.max(np.abs(mine.astype(np.float64) - theirs)) <= 3e-6 * std + 2.0**-24 * abs(mean)


@MULTIPLY_ADD
@pytest.mark.parametrize("seed", SEEDS)
def test_normal_numbers_in_float32_are_torchs_bit_for_bit(seed: int) -> None:
    mine, theirs = Generator(seed), twin(seed)
    for shape in (*SHAPES, *LARGE_SHAPES):
        assert_same_bits(mine.randn(*shape), torch.randn(shape, generator=theirs))
        expected = torch.empty(shape).normal_(0.25, 3.1, generator=theirs)
        assert_same_bits(mine.normal(0.25, 3.1, shape), expected)


@MULTIPLY_ADD
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
    for n in (0, 1, 2, 3, 16, 100, 3001, 4098, 70_000):
        assert_same_bits(mine.randperm(n), torch.randperm(n, generator=theirs))


def test_a_permutation_of_a_million_is_torchs() -> None:
    mine, theirs = Generator(6), twin(6)
    assert_same_bits(mine.randperm(10**6), torch.randperm(10**6, generator=theirs))
    assert_same_bits(mine.rand(3), torch.rand(3, generator=theirs))


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
    mine = Generator(2).uniform(low, high, (1000,), dtype)
    assert_same_bits(mine, expected)


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


def assert_same_state(mine: Generator, theirs: torch.Generator) -> None:
    np.testing.assert_array_equal(mine.get_state(), theirs.get_state().numpy(), strict=True)


@given(st.integers(-(2**63), 2**64 - 1), st.lists(calls, max_size=8))
@settings(deadline=None, max_examples=150)
def test_the_state_is_torchs_byte_for_byte_after_the_same_calls(
    seed: int, sequence: list[Call]
) -> None:
    mine, theirs = Generator(seed), twin(seed)
    assert_same_state(mine, theirs)
    for call in sequence:
        draw_mine(mine, *call)
        draw_theirs(theirs, *call)
        assert_same_state(mine, theirs)


@given(st.integers(-(2**63), 2**64 - 1), st.lists(calls, max_size=4), st.lists(calls, max_size=4))
@settings(deadline=None, max_examples=50)
def test_a_state_set_on_the_other_side_goes_on_with_the_same_stream(
    seed: int, before: list[Call], after: list[Call]
) -> None:
    mine, theirs = Generator(seed), torch.Generator()
    for call in before:
        draw_mine(mine, *call)
    theirs.set_state(torch.from_numpy(mine.get_state()))
    for call in after:
        assert_same_bits(draw_mine(mine, *call), draw_theirs(theirs, *call))
    back = Generator(7)
    back.set_state(theirs.get_state().numpy())
    assert back.initial_seed() == back.seed == theirs.initial_seed()
    for call in before:
        assert_same_bits(draw_mine(back, *call), draw_theirs(theirs, *call))
    assert_same_state(back, theirs)


@pytest.mark.parametrize("drawn", [0, 1, 2, 300, 623, 624, 625, 1247, 1248, 1249])
def test_the_state_is_torchs_at_any_place_among_the_624_words(drawn: int) -> None:
    mine, theirs, handed = Generator(8), twin(8), Generator(0)
    mine.rand(drawn)
    torch.rand(drawn, generator=theirs)
    assert_same_state(mine, theirs)
    handed.set_state(theirs.get_state().numpy())
    assert_same_state(handed, theirs)
    assert_same_bits(handed.rand(700), torch.rand(700, generator=theirs))


def test_torchs_spare_float32_is_kept_in_the_state_and_lost_by_seeding() -> None:
    mine, theirs = Generator(1), torch.Generator()
    mine.set_state(state.to_bytes(state.from_bytes(mine.get_state())._replace(float_spare=0.5)))
    theirs.set_state(torch.from_numpy(mine.get_state()))
    assert_same_bits(mine.rand(3), torch.rand(3, generator=theirs))
    assert_same_state(mine, theirs)
    assert_same_state(mine.manual_seed(2), theirs.manual_seed(2))


@pytest.mark.parametrize("seed", SEEDS)
def test_seeding_again_starts_torchs_stream_and_forgets_the_kept_normal_number(seed: int) -> None:
    mine, theirs = Generator(99), twin(99)
    mine.randn(3)
    torch.randn(3, generator=theirs)
    assert mine.manual_seed(seed) is mine
    theirs.manual_seed(seed)
    assert mine.seed == seed
    assert mine.initial_seed() == theirs.initial_seed()
    assert_same_state(mine, theirs)
    assert_same_bits(mine.randn(5), torch.randn(5, generator=theirs))


def damaged(field: str, value: object) -> np.ndarray:
    """The state of a generator that has drawn, with another value in one of torch's fields."""
    generator = Generator(4)
    generator.randn(1)
    fields = generator.get_state().view(state.LAYOUT)
    fields[field] = value
    return fields.view(np.uint8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "new_state must be an array of uint8, got NoneType"),
        (torch.Generator().get_state(), "new_state must be an array of uint8, got Tensor"),
        (Generator(0).get_state().astype(np.int8), "new_state must be an array of uint8, got int8"),
        (Generator(0).get_state()[:-1], r"new_state must have the shape \(5056,\), got \(5055,\)"),
        (Generator(0).get_state()[None], r"new_state must have the shape .*, got \(1, 5056\)"),
        (np.zeros(5056, np.uint8), "new_state must be of a seeded generator, .* got seeded=0"),
        (damaged("left", 0), "left = 625 − next .*, got seeded=1, next=4, left=0"),
        (damaged("left", 624), "left = 625 − next .*, got seeded=1, next=4, left=624"),
        (damaged("next", 0), "left = 625 − next .*, got seeded=1, next=0, left=621"),
        (damaged("next", 625), "next in 0 … 624 .*, got seeded=1, next=625, left=621"),
        (damaged("next", 2**64 - 1), "next in 0 … 624 .*, got seeded=1, next=18446744073709551615"),
        (damaged("words", 2**32), "new_state must hold words below 2³², got 4294967296"),
        (damaged("normal_y", math.nan), "new_state must hold a finite normal_y .*, got nan and 1"),
        (damaged("normal_is_valid", 2), "0 or 1 for normal_is_valid, got .* and 2"),
        (
            damaged("float_normal", math.inf),
            "new_state must hold a finite float_normal .*, got inf",
        ),
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(wrong: object, message: str) -> None:
    generator = Generator(4)
    generator.randn(1)
    before = generator.get_state()
    with pytest.raises((TypeError, ValueError), match=message):
        generator.set_state(wrong)
    np.testing.assert_array_equal(generator.get_state(), before)
    assert generator.seed == 4


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda g: Generator(1.5), "seed must be a whole number .*, got 1.5"),
        (lambda g: Generator(True), "seed must be a whole number .*, got True"),
        (lambda g: Generator(2**64), "seed must be .*, got 18446744073709551616"),
        (lambda g: Generator(-(2**63) - 1), "seed must be .*, got -9223372036854775809"),
        (lambda g: g.rand(-1), r"size\[0\] must be .*, got -1"),
        (lambda g: g.rand(2.5), r"size\[0\] must be .*, got 2.5"),
        (lambda g: g.normal(0, 1, 3), "size must be a tuple of whole numbers >= 0, got 3"),
        (lambda g: g.randint(0, 2, None), "size must be a tuple of whole numbers >= 0, got None"),
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
