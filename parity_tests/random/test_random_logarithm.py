"""The float64 logarithm of the normal numbers: the system's, which torch calls, bit for bit."""

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratch.random import Generator, logarithm

pytestmark = pytest.mark.arithmetic


def assert_logarithms_are_the_systems(x: np.ndarray) -> None:
    with mock.patch.object(logarithm, "FEW", 0):
        mine = logarithm.log(x)
    np.testing.assert_array_equal(mine, [math.log(number) for number in x.tolist()])


def test_the_logarithm_of_uniform_numbers_is_the_systems_bit_for_bit() -> None:
    assert_logarithms_are_the_systems(1 - Generator(0).rand(10**6, dtype=np.float64))


def test_the_logarithm_is_the_systems_at_powers_of_two_and_next_to_one() -> None:
    steps = np.arange(2**14) * 2.0**-53
    powers = 0.5 ** np.arange(54)
    beside = np.concatenate([np.nextafter(powers, 0), np.nextafter(powers[1:], 1)])
    assert_logarithms_are_the_systems(np.concatenate([1 - steps, steps[1:], powers, beside]))


def test_the_logarithm_is_the_systems_where_its_terms_change() -> None:
    """32 numbers on either side of each border between two c, for every fourth power of two."""
    borders = 256 / (np.arange(256, 512) + 0.5)
    near = np.ldexp(borders[:, None], -np.arange(0, 52, 4)).reshape(-1, 1)
    assert_logarithms_are_the_systems((near * (1 + np.arange(-32, 32) * 2.0**-52)).reshape(-1))


@given(st.lists(st.floats(2.0**-53, 1), min_size=1))
def test_the_logarithm_of_any_number_is_the_systems(numbers: list[float]) -> None:
    assert_logarithms_are_the_systems(np.array(numbers))


@pytest.mark.parametrize("count", [logarithm.FEW - 1, logarithm.FEW])
def test_few_logarithms_and_many_are_the_same(count: int) -> None:
    x = 1 - Generator(1).rand(count, dtype=np.float64)
    assert_logarithms_are_the_systems(x)
    np.testing.assert_array_equal(logarithm.log(x), [math.log(number) for number in x.tolist()])
