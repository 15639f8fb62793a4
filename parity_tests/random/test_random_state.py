"""The state of the random stream: torch's own bytes, handed over and back."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.random.both_generators import (
    SEEDS,
    Call,
    assert_same_bits,
    calls,
    draw_mine,
    draw_theirs,
    twin,
)
from scratch.random import Generator, state
from torch_ref import convert

pytestmark = pytest.mark.arithmetic


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
    assert other.initial_seed() == other.seed == theirs.initial_seed()
    for call in [*after, *before]:
        np.testing.assert_array_equal(draw_mine(other, *call), draw_mine(mine, *call))
    assert_same_bits(other.rand(5), torch.from_numpy(mine.rand(5)))


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


WORDS, POSITION, SPARE = Generator(4).state


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (WORDS, r"state must be \(words, position, spare\), .* got uint32 of shape \(624,\)"),
        ((WORDS.astype(float), POSITION, SPARE), "words must be an array of uint32, got float64"),
        ((WORDS[1:], POSITION, SPARE), r"words must have shape \(624\), got \(623,\)"),
        ((WORDS, 10**9, SPARE), "position must be a whole number >= 0 and < 625, got 1000000000"),
        ((WORDS * np.uint32(0), POSITION, SPARE), "words must not all be 0"),
        (
            (np.ma.masked_array(WORDS), POSITION, SPARE),
            "words must be .*, got MaskedArray of uint32",
        ),
        ((WORDS, -1, SPARE), "position must be a whole number >= 0"),
        ((WORDS, POSITION, math.nan), "spare must be a finite number, got nan"),
        ((WORDS, POSITION, "1"), "spare must be a finite number, got '1'"),
    ],
)
def test_a_wrong_twister_is_refused_and_the_stream_goes_on(wrong: object, message: str) -> None:
    generator, undisturbed = Generator(4), Generator(4)
    with pytest.raises((TypeError, ValueError), match=message):
        generator.state = wrong
    np.testing.assert_array_equal(generator.randn(5), undisturbed.randn(5))
