"""What the tests of invalid arguments share: a package's calls, what is wrong, how it is refused.

A call is a function, constructor or method of a package's table of contents with arguments that it
takes. What an argument without a default may be says a table, by its name: a name that is new in a
package is tried by itself, or asks for a line in the table.
"""

import copy
import inspect
import math
import re
import traceback
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from scratch.random import Generator
from torch_ref.checkpoint import CheckpointError

ROOT = Path(__file__).parents[2]
Arguments = dict[str, Any]
Of = Callable[[str], Any]
#: What an argument may be; ``of`` gives the others of the same call.
Values = Mapping[str, Callable[[Of], Any]]


@dataclass(frozen=True)
class Call:
    """A function with arguments that it takes.

    Attributes:
        make: gives the function and its arguments, all anew.
    """

    name: str
    make: Callable[[], tuple[Callable[..., Any], Arguments]]

    @cached_property
    def parameters(self) -> list[str]:
        """The names of all arguments, those with a default too."""
        function, arguments = self.make()
        return list(dict.fromkeys([*arguments, *_named(function)]))


def contents_of(package: ModuleType, left_out: Iterable[Any] = ()) -> Iterator[tuple[str, Any]]:
    """The public functions and classes: what is in ``__all__``, or was written in the module."""
    names = getattr(package, "__all__", None) or [
        name
        for name, public in vars(package).items()
        if not name.startswith("_") and getattr(public, "__module__", "") == package.__name__
    ]
    for name in names:
        public = getattr(package, name)
        error = inspect.isclass(public) and issubclass(public, Exception)
        routine = inspect.isroutine(public) or inspect.isclass(public)
        if routine and not error and public not in left_out:
            yield name, public


def methods_of(cls: type, left_out: Iterable[str] = ()) -> Iterator[str]:
    """The public methods with arguments that the class has from its own package."""
    own = cls.__module__.split(".")[0]
    for name, method in inspect.getmembers(cls, inspect.isroutine):
        if name.startswith("_") or name in left_out or method.__module__.split(".")[0] != own:
            continue
        if len(inspect.signature(getattr(cls, name)).parameters) > 1:
            yield name


#: How a function or constructor of that label is called; and a method of a class of that label.
Made = tuple[Callable[..., Any], Arguments]
Make, Bind = Callable[[Any, str], Made], Callable[[type, str, str], Made]


def calls_of(
    packages: Iterable[ModuleType],
    make: Make,
    bind: Bind,
    left_out: Iterable[Any] = (),
    hooks: Iterable[str] = (),
    contracts: Container[type] = (),
) -> Iterator[Call]:
    """Every public function, constructor and method; of a contract only the constructor."""
    for package in packages:
        for name, public in contents_of(package, left_out):
            label = f"{package.__name__.partition('.')[2]}.{name}"
            yield Call(label, partial(make, public, label))
            if inspect.isclass(public) and public not in contracts:
                for method in methods_of(public, hooks):
                    yield Call(f"{label}.{method}", partial(bind, public, label, method))


def arguments_for(
    function: Callable[..., Any], given: Arguments, values: Values, also: Iterable[str] = ()
) -> Arguments:
    """Those given that it has, and a value for each other without a default, or ``also`` with."""
    made: Arguments = dict(given)

    def of(name: str) -> Any:
        if name not in made:
            made[name] = copy.copy(values[name](of))
        return made[name]

    parameters = _named(function)
    needed = [name for name, p in parameters.items() if p.default is p.empty or name in also]
    return {name: of(name) for name in dict.fromkeys([*needed, *given]) if name in parameters}


def _named(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    return {n: p for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


#: What no argument takes everywhere: each is given to every argument of every call.
INVALID: dict[str, Callable[[], Any]] = {
    "an object": object,
    "None": lambda: None,
    "a text": lambda: "a text",
    "an empty text": lambda: "",
    "bytes": lambda: b"a text",
    "a long text": lambda: "x" * 5000,
    "control characters": lambda: "\x1b[31m\r\n\0",
    "NaN": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "-1": lambda: -1,
    "1.5": lambda: 1.5,
    "True": lambda: True,
    "a complex number": lambda: 1j,
    "10⁴⁰⁰": lambda: 10**400,
    "-10³⁰": lambda: -(10**30),
    "2⁵⁰": lambda: 2**50,
    "a number that cannot be written": lambda: 10**5000,
    "[]": list,
    "{}": dict,
    "()": tuple,
    "[None]": lambda: [None],
    "a ragged list": lambda: [[1], [1, 2]],
    "another key": lambda: {1: 2},
    "another value": lambda: {"W": object()},
    "a large shape": lambda: (2**20,) * 4,
    "a set": lambda: {1, 2},
    "an iterator": lambda: iter(range(3)),
    "an array of texts": lambda: np.array(["a", "b"]),
    "an array of objects": lambda: np.array([object()]),
    "an array of no axes": lambda: np.array(None),
    "an array of NaN": lambda: np.full(3, math.nan),
    "an empty array": lambda: np.empty(0),
    "an array of another shape": lambda: np.ones((7, 13)),
    "an array of whole numbers": lambda: np.arange(3),
    "a tensor": lambda: torch.ones(3),
    "a tensor of no axes": lambda: torch.tensor(1.5),
}

#: What can be wrong with an array that is taken as it is.
INVALID_ARRAYS: dict[str, Callable[[np.ndarray], Any]] = {
    "float16": lambda a: a.astype(np.float16),
    "complex": lambda a: a.astype(complex),
    "objects": lambda a: a.astype(object),
    "texts": lambda a: a.astype(str),
    "a list": lambda a: a.tolist(),
    "masked": lambda a: np.ma.masked_array(a),
    "one axis more": lambda a: a[None],
    "transposed": lambda a: a.T,
    "no rows": lambda a: a[:0],
    "fewer rows": lambda a: a[1:],
    "NaN": lambda a: a * math.nan if a.dtype.kind == "f" else a,
}

#: Arrays that hold the same numbers, and are taken.
ALIKE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "read-only": lambda a: _read_only(a.copy()),
    "not contiguous": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "in Fortran's order": np.asfortranarray,
    "of a larger array": lambda a: np.pad(a, 1)[(slice(1, -1),) * a.ndim],
}


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def tried(value: Any) -> Iterator[tuple[str, Any]]:
    """What is given in place of ``value``."""
    for name, make in INVALID.items():
        yield name, make()
    if isinstance(value, np.ndarray):
        yield from ((name, spoil(value)) for name, spoil in INVALID_ARRAYS.items())


def refusal(function: Callable[..., Any], arguments: Arguments) -> Exception | None:
    """What the call raises, if anything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(**arguments)
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
    named = isinstance(error, CheckpointError) or any(
        re.search(rf"\b{re.escape(name)}\b", text) for name in call.parameters
    )
    assert named, f"{what}: no argument is named: {text}"
    assert len(text) < 700, f"{what}: {text}"
    assert text.isprintable(), f"{what}: {text!r}"


def assert_refused_by_name(
    call: Call,
    not_looked_at: Container[tuple[str, str]] = (),
    sizes: Container[tuple[str, str]] = (),
) -> None:
    """All that is wrong, for each argument of the call: refused, and nothing is changed.

    Args:
        not_looked_at: (call, argument) that takes anything.
        sizes: (call, argument) where a large number is none too large, but takes its time.
    """
    function, pristine = call.make()
    function(**pristine)  # else any refusal would do
    function, pristine = call.make()
    before = contents([pristine, subject_of(function)])
    for parameter in call.parameters:
        where = call.name, parameter
        for name, value in tried(pristine.get(parameter)):
            if where in sizes and name == "2⁵⁰":
                continue
            function, arguments = call.make()
            error = refusal(function, arguments | {parameter: value})
            if error is None:
                anything_goes = where in not_looked_at or parameter == "name"
                assert name != "an object" or anything_goes, f"{parameter} takes anything"
            else:
                assert_kind(error, call, f"{call.name}({parameter}={name})")
                assert contents([arguments, subject_of(function)]) == before, (parameter, name)


#: A value of any kind.
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=20)
    | st.binary(max_size=8)
    | st.builds(np.full, st.sampled_from([(), (0,), (3,), (3, 2), (1, 3, 2)]), st.floats())
    | st.builds(np.full, st.just((3,)), st.integers(-9, 9))
    | st.builds(torch.full, st.sampled_from([(), (0,), (3, 2), (6, 12)]), st.floats(width=32)),
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


def assert_anything_is_refused_by_name(call: Call, data: st.DataObject) -> None:
    """Anything at all for one argument of the call, or two: taken, or refused by name."""
    function, arguments = call.make()
    for parameter in data.draw(st.sets(st.sampled_from(call.parameters), min_size=1, max_size=2)):
        arguments[parameter] = data.draw(anything)
    if any(isinstance(arguments.get(name), int) for name in SIZES):
        return  # a size that fits into memory is not invalid, and takes its time
    before = contents([arguments, subject_of(function)])
    error = refusal(function, arguments)
    if error is not None:
        assert_kind(error, call, call.name)
        assert contents([arguments, subject_of(function)]) == before


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


def subject_of(function: Callable[..., Any]) -> Any:
    """What a method is of."""
    return getattr(function, "__self__", None)
