"""How the tests are shared out to the processes that run them."""

from pathlib import Path

import pytest

from parity_tests.scheduling import APART, scope


@pytest.mark.parametrize("name", APART)
def test_what_runs_apart_is_a_file_here(name: str) -> None:
    assert (Path(__file__).parent / f"{name}.py").is_file()


def test_the_tests_of_a_file_are_one_piece_and_long_ones_each_their_own() -> None:
    assert len({scope(f"parity_tests/test_notebook.py::{test}") for test in "ab"}) == 1
    assert len({scope(f"parity_tests/test_training.py::test[{case}]") for case in "ab"}) == 2


def test_the_files_on_the_report_are_one_piece() -> None:
    files = ("test_report", "test_report_browser", "test_report_damage")
    assert len({scope(f"parity_tests/{file}.py::test") for file in files}) == 1
