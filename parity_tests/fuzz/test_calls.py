"""Invalid values for every argument of every public function and constructor: refused by name.

A refusal is raised in our code, not in NumPy's or torch's, names an argument, and changes nothing.
"""

import math
import re
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import scratch
from parity_tests.fuzz.calls import CALLS, Arguments, Call
from scratch import _check
from scratch.random import Generator
from torch_ref.checkpoint import CheckpointError
from torch_ref.registry import INITIALIZERS

ROOT = Path(scratch.__file__).parents[1]


def invalid() -> list[Any]:
    """What no argument takes everywhere: each is given to every argument of every call."""
    texts = ["a text", "", b"a text", "x" * 5000, "\x1b[31m\r\n\0"]
    numbers = [math.nan, math.inf, -math.inf, -1, 1.5, True, 1j, 10**400, -(10**30), MUCH, 10**5000]
    lists = [[], (), [None], [[1], [1, 2]], (2**20,) * 4, {1, 2}, iter(range(3))]
    arrays = [np.array(["a", "b"]), np.array([object()]), np.array(None), np.full(3, math.nan)]
    arrays += [np.empty(0), np.ones((7, 13)), np.arange(3), torch.ones(3), torch.tensor(1.5)]
    return [object(), None, *texts, *numbers, {}, {1: 2}, {"W": object()}, *lists, *arrays]


def spoilt(a: np.ndarray) -> list[Any]:
    """What can be wrong with an array."""
    others = [a.astype(kind) for kind in (np.float16, complex, object, str)]
    others += [a.tolist(), np.ma.masked_array(a), a[None], a.T, a[:0], a[1:]]
    return [*others, a * math.nan] if a.dtype.kind == "f" else others


def alike(a: np.ndarray) -> Iterator[np.ndarray]:
    """Arrays that hold the same numbers, and lie in memory in other ways."""
    yield a.copy()
    yield np.repeat(a, 2, axis=-1)[..., ::2]
    yield np.asfortranarray(a)
    yield np.pad(a, 1)[(slice(1, -1),) * a.ndim]


#: Too much for any memory; but as a number of steps it is possible.
MUCH = 2**50
#: Where nothing is looked at: what is left alone, or looked at only beside another argument.
ANYTHING = {("scratch.init.calculate_gain", "param")}
ANYTHING |= {(f"scratch.init.{n}", "generator") for n, p in INITIALIZERS.items() if not p.draws}
ANYTHING |= {("scratch.lr_scheduler.OneCycleLR", n) for n in ("epochs", "steps_per_epoch")}
#: So many steps are possible, and take for ever; so large a batch, on some machine.
LARGE = {(f"torch_ref.lockstep.{n}", "steps") for n in ("lockstep", "diagnose", "check_schedule")}
LARGE |= {("torch_ref.train.fit", "batch_size")}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid value may be a good name for a file."""
    monkeypatch.chdir(tmp_path)


def tried(value: Any) -> Iterator[Any]:
    """What is given in place of ``value``."""
    yield from invalid()
    if isinstance(value, np.ndarray):
        yield from spoilt(value)


def refusal(call: Call, arguments: Arguments) -> Exception | None:
    """What the call raises, if anything."""
    with warnings.catch_warnings(action="ignore"):
        try:
            call(**arguments)
        except Exception as error:
            return error
    return None


def assert_kind(error: Exception, call: Call, what: str) -> None:
    """Raised in our code, with an argument's name, on one line of some length."""
    # NumPy and torch say how much.
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        assert re.search("(Unable|can't) (to )?allocate", str(error)), what
        return
    text, place = str(error), traceback.extract_tb(error.__traceback__, limit=-1)[0]
    assert Path(place.filename).is_relative_to(ROOT), f"{what}: {place.filename}: {text}"
    assert isinstance(error, TypeError | ValueError | KeyError | CheckpointError), what
    named = any(re.search(rf"\b{re.escape(name)}\b", text) for name in call.parameters)
    assert named or isinstance(error, CheckpointError), f"{what}: no argument is named: {text}"
    assert len(text) < 700, f"{what}: {text}"
    assert text.isprintable(), f"{what}: {text!r}"


def contents(value: Any) -> Any:
    """Something's state in plain values, so that two can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes() if value.dtype != object else "objects"
    if isinstance(value, torch.Tensor):
        return contents(value.detach().numpy())
    if isinstance(value, Generator | torch.Generator):
        return contents(value.get_state())
    if isinstance(value, torch.optim.Optimizer):
        return contents(value.state_dict())
    if isinstance(value, dict):
        return {key: contents(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [contents(each) for each in value]
    if type(value).__module__.startswith(("scratch.", "torch_ref.")) and hasattr(value, "__dict__"):
        return {key: contents(each) for key, each in vars(value).items() if key not in SEEN}
    return value if isinstance(value, str | int | float | None) else type(value)


#: An optimizer notes what it has looked at; a schedule and its optimizer know each other.
SEEN = {"_fitting", "_unchecked", "optimizer", "rates"}

WITH_ARRAYS = [
    call
    for call in CALLS.values()
    if call.name.startswith("scratch.")
    and any(isinstance(value, np.ndarray) for value in call.arguments().values())
]

#: A value of any kind.
anything = st.recursive(
    st.integers(0, len(invalid()) - 1).map(lambda i: invalid()[i])
    | (st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=8))
    | st.builds(np.full, st.sampled_from([(), (0,), (3, 2), (1, 3, 2)]), st.floats())
    | st.builds(torch.full, st.sampled_from([(0,), (3, 2), (6, 12)]), st.floats(width=32)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["W", "lr", "step"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
#: What may be large without being wrong.
SIZES = {"shape", "size", "n", "runs", "input_size", "hidden_sizes", "hidden_size", "output_size"}
SIZES |= {"steps", "samples", "iterations", "batch_size", "num_features"}
#: Without those that may train for long.
QUICK = [name for name in CALLS if not name.startswith("scratch.train.")]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_invalid_is_refused_by_name_and_changes_nothing(call: Call) -> None:
    pristine = call.arguments()
    call(**pristine)  # else any refusal would do
    arguments = call.arguments()
    before = contents(arguments)
    for parameter in call.parameters:
        for value in tried(arguments.get(parameter)):
            if (call.name, parameter) in LARGE and value is MUCH:
                continue
            error = refusal(call, arguments | {parameter: value})
            if error is None:
                takes_anything = type(value) is object and (call.name, parameter) not in ANYTHING
                assert not takes_anything, parameter
                arguments = call.arguments()  # those that were taken may be others now
            else:
                assert_kind(error, call, f"{call.name}({parameter}={_check.shown(value)})")
                assert contents(arguments) == before, (parameter, value)


@pytest.mark.parametrize("call", WITH_ARRAYS, ids=lambda call: call.name)
def test_an_array_may_lie_in_memory_as_it_likes_and_is_left_alone(call: Call) -> None:
    expected = contents(call(**call.arguments()))
    for parameter, value in call.arguments().items():
        for i, other in enumerate(alike(value) if isinstance(value, np.ndarray) else ()):
            # The numerical gradient changes x, one element at a time, and restores it.
            other.flags.writeable = bool(i) or call.name == "scratch.nn.numerical_gradient"
            before = contents(other)
            found = contents(call(**call.arguments() | {parameter: other}))
            assert type(found) is type(expected), (parameter, i)
            assert contents(other) == before, (parameter, i)


@given(data=st.data())
@settings(max_examples=500, deadline=None, derandomize=True)
def test_anything_at_all_for_any_argument(data: st.DataObject) -> None:
    """For one argument of a call, or two: taken, or refused by name."""
    call = CALLS[data.draw(st.sampled_from(QUICK))]
    arguments = call.arguments()
    names = st.sets(st.sampled_from(list(call.parameters)), min_size=1, max_size=2)
    for parameter in sorted(data.draw(names)):
        arguments[parameter] = data.draw(anything)
    if any(isinstance(arguments.get(name), int) for name in SIZES):
        return  # a size that fits into memory is not invalid, and takes its time
    before = contents(arguments)
    error = refusal(call, arguments)
    if error is not None:
        assert_kind(error, call, call.name)
        assert contents(arguments) == before
