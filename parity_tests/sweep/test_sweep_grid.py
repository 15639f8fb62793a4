"""Grids on the command line: what they mean, and that nothing else gets through."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.sweep import grid
from experiments.sweep.grid import GridError
from parity_tests.optimizer_helpers import STACKED
from scratch.init import INITIALIZERS

READERS = (grid.numbers, grid.rates, grid.depths, grid.inits, grid.switches, grid.optimizers)
EVERY = pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
# Nearly grids: what one mistypes.
NEARLY = ("1e-4", "1", "0", "-1", ":", ",", " ", "3log", "3lin", "log", "on", "off", "he", "sgd")
NEARLY += ("1e999", "nan", "inf", "0x1", "1_0", "²", "٣", "Adam", ".", "99999999999log")
pieces = st.sampled_from(NEARLY)
nearly = st.lists(pieces, max_size=8).map("".join)


@EVERY
@settings(max_examples=60)
@given(text=st.one_of(st.text(max_size=20), nearly))
def test_any_text_is_a_grid_or_refused_with_its_text(
    read: Callable[[str], tuple], text: str
) -> None:
    refused = None
    try:
        values = read(text)
    except GridError as error:
        refused = str(error)
    if refused is None:
        assert 1 <= len(values) == len(set(values)) <= grid.LARGEST
    else:
        parts = [text, *(part.strip() for part in text.split(","))]
        assert refused.startswith(tuple(map(repr, parts)))


@given(
    ends=st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=2, unique=True),
    count=st.integers(2, 50),
)
def test_a_range_has_both_ends_and_even_steps(ends: list[float], count: int) -> None:
    for spacing, scale in (("log", math.log), ("lin", float)):
        low, high = (float(f"{end:.12g}") for end in sorted(ends))
        values = grid.numbers(f"{low!r}:{high!r}:{count}{spacing}")
        assert (values[0], values[-1]) == pytest.approx((low, high), rel=1e-11)
        if len(values) == count:  # not so near to each other that twelve digits are the same
            step = (scale(high) - scale(low)) / (count - 1)
            for i, value in enumerate(values):
                expected = scale(low) + i * step
                assert scale(value) == pytest.approx(expected, rel=1e-9, abs=1e-9 * abs(step))


@given(values=st.lists(st.floats(0, 1e300), min_size=1, max_size=20))
def test_a_list_of_numbers_reads_back_exactly(values: list[float]) -> None:
    assert grid.numbers(",".join(map(repr, values))) == tuple(dict.fromkeys(values))


def test_the_decades_of_a_logarithmic_range_are_themselves() -> None:
    values = grid.rates("1e-4:1:13log")
    assert len(values) == 13
    assert {1e-4, 1e-3, 1e-2, 1e-1, 1.0} <= set(values)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (grid.rates, "1:2", "'1:2' is neither a number nor a range"),
        (grid.rates, "1,1:2:3", "'1:2:3' in '1,1:2:3' is neither a number nor a range"),
        (grid.rates, "0:1:3log", "both ends must be > 0"),
        (grid.rates, "0.1,0", "a learning rate must be > 0"),
        (grid.rates, "1e39,0.01", r"a learning rate must be > 0 and at most 1e.30"),
        (grid.rates, "1:2:1log", "a range of 1 values, allowed are 2 to 1000"),
        (grid.rates, "1:2:5000lin", "a range of 5000 values"),
        (grid.rates, "", "not made of finite numbers >= 0"),
        (grid.rates, "1,,2", "'' in '1,,2' is not made of finite numbers"),
        (grid.rates, "nan", "not made of finite numbers >= 0"),
        (grid.depths, "2.5", "a depth must be a whole number from 1"),
        (grid.depths, "0", "a depth must be a whole number from 1"),
        (grid.inits, "hee", "neither a standard deviation nor one of zeros"),
        (grid.switches, "on,yes", "'yes' in 'on,yes' is neither on nor off"),
        (grid.optimizers, "no such optimizer", "not one of SGD"),
        (grid.optimizers, "muon", "not one of SGD"),
    ],
)
def test_a_malformed_grid_is_refused_by_its_text(
    read: Callable[[str], tuple], text: str, message: str
) -> None:
    with pytest.raises(GridError, match=message):
        read(text)


@pytest.mark.parametrize("name", STACKED)
def test_every_optimizer_is_found_by_its_exact_name(name: str) -> None:
    assert grid.optimizers(name) == (name,)


def test_names_in_another_case_are_the_chapters_if_it_has_them() -> None:
    assert grid.optimizers("MOMENTUM,adagrad,rmsprop,adam,adamw") == (
        *("Momentum", "AdaGrad", "RMSProp", "chapter.Adam", "AdamW"),
    )
    assert grid.inits(",".join(INITIALIZERS).upper()) == tuple(INITIALIZERS)
