"""Invalid values for every argument of what ``torch_ref`` offers: taken, or refused by name.

As ``test_scratch_calls`` for ``scratch``. Where torch itself would trip over a value, and say so
in its own words, it is refused before that.
"""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from parity_tests.fuzz import invalid, torch_ref_calls
from parity_tests.fuzz.invalid import Call

CALLS = {call.name: call for call in torch_ref_calls.calls()}
EVERY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)

#: So many steps are possible, and take for ever; so large a batch, on some machine.
LARGE = {(f"lockstep.{name}", "steps") for name in ("lockstep", "diagnose", "check_schedule")}
LARGE |= {("train.fit", "batch_size")}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid value may be a good name for a file."""
    monkeypatch.chdir(tmp_path)


@EVERY_CALL
def test_what_is_invalid_is_refused_by_name_and_changes_nothing(call: Call) -> None:
    invalid.assert_refused_by_name(call, sizes=LARGE)


@given(data=st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_anything_at_all_for_any_argument(data: st.DataObject) -> None:
    call = CALLS[data.draw(st.sampled_from(list(CALLS)))]
    assume(call.parameters)
    invalid.assert_anything_is_refused_by_name(call, data)
