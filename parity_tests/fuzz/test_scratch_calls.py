"""Invalid values for every argument of every public call: taken, or refused with nothing changed.

What is called is derived from the packages, so that a new function is tried by itself. A refusal is
raised in our code, not in that of NumPy or torch, and names an argument.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.fuzz import invalid, scratch_calls
from parity_tests.fuzz.invalid import Call, contents

CALLS = {call.name: call for call in scratch_calls.calls()}
EVERY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)

#: Where nothing is looked at: what is left alone, or looked at only beside another argument.
NOT_LOOKED_AT = (
    *((f"init.{name}", "generator") for name in ("zeros", "ones", "constant", "eye", "dirac")),
    ("init.calculate_gain", "param"),
    ("lr_scheduler.OneCycleLR", "epochs"),
    ("lr_scheduler.OneCycleLR", "steps_per_epoch"),
)


@EVERY_CALL
def test_what_is_invalid_is_refused_by_name_and_changes_nothing(call: Call) -> None:
    invalid.assert_refused_by_name(call, NOT_LOOKED_AT)


def arrays_of(call: Call) -> list[str]:
    return [name for name, value in call.make()[1].items() if isinstance(value, np.ndarray)]


@pytest.mark.parametrize(
    "call", [c for c in CALLS.values() if arrays_of(c)], ids=lambda call: call.name
)
def test_an_array_may_lie_in_memory_as_it_likes_and_is_left_alone(call: Call) -> None:
    for parameter in arrays_of(call):
        function, arguments = call.make()
        expected = contents(function(**arguments))
        for name, make in invalid.ALIKE.items():
            if (call.name, name) == ("nn.numerical_gradient", "read-only"):
                continue  # it changes x, one element at a time, and restores it
            function, arguments = call.make()
            arguments[parameter] = alike = make(arguments[parameter])
            before = contents(alike)
            assert type(contents(function(**arguments))) is type(expected), name
            assert contents(alike) == before, name


FUZZED = [c.name for c in CALLS.values() if not c.name.startswith("train.") and c.parameters]


@given(data=st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_anything_at_all_for_any_argument(data: st.DataObject) -> None:
    call = CALLS[data.draw(st.sampled_from(FUZZED))]
    invalid.assert_anything_is_refused_by_name(call, data)
