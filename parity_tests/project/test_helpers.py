"""What the tests share does what they rely on."""

import pytest

from parity_tests.helpers import loops_over


def test_a_loop_over_cases_runs_each_of_them_and_says_which_failed() -> None:
    ran = []

    @loops_over("name case", [("one", 1), ("two", 2), ("two", 3), ("two", 4)])
    def a_test(name: str, case: int) -> None:
        ran.append(case)
        assert case != 3

    (mark,) = a_test.pytestmark
    assert mark.args == ("name", ["one", "two"])
    a_test(name="one")
    with pytest.raises(AssertionError) as failure:
        a_test(name="two")
    assert failure.value.__notes__ == ["with {'case': 3}"]
    assert ran == [1, 2, 3]
