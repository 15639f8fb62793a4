"""What an argument of a type cannot be, and what is beyond its range: by its annotation.

A value is refused in the same words wherever it is set: in a call, by assignment, in a snapshot or
a group of an optimizer.
"""

import inspect
import math
import re
from collections.abc import Callable, Container, Iterator, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.fuzz.calls import CALLS, Call
from parity_tests.helpers import NOT_FINITE, NOT_NUMBERS
from scratch import _check, optim
from scratch._settings import Configurable
from scratch.random import Generator
from scratch.typing import Array

NUMBERS = (*NOT_FINITE, *NOT_NUMBERS)
LENGTHS = "must be a (tuple of )?whole numbers? >= 0"
#: By the name of an argument or its type: what it must be, and what it is not.
WRONG: dict[Any, tuple[str, tuple[Any, ...]]] = {
    "dtype": ("must be float32 or float64", (None, "no", np.int64, np.float16, torch.float32)),
    "shape": (LENGTHS, (5, "ab", (3, None), (3.0, 4), (-1, 4))),
    Generator: ("must be a scratch.random.Generator", (None, 0, np.random.default_rng(0))),
    bool: ("must be True or False", ("no", 1, None)),
    int: ("must be a whole number", (*NUMBERS, 2.5)),
    float: ("must be a finite number", (*NUMBERS, np.ones((2, 2)), np.ones(0), np.array(["0.1"]))),
    str: ("must be one of", (3, "x", None)),
}
NO_RATES = (np.array([0.1, -1]), np.array([0.1, math.nan]))
#: Looked at beside other arguments alone, or with tests of their own.
LEFT_OUT = {"param", "epochs", "steps_per_epoch", "name", "init", "metrics", "normalized_shape"}
LEFT_OUT |= {f"{name}.generator" for name in ("zeros", "ones", "constant", "eye", "dirac")}
INFINITE = {"max_norm", "norm_type", "clip_value", "trunc_normal.a", "trunc_normal.b"}
SIGNED = {"seed", "low", "high", "mean", "a", "b", "val", "orthogonal.gain", "beta2_decay"}
SIGNED |= {"dampening", "t0", "tolerance_grad", "tolerance_change", "threshold"}
FROM_0 = {"total_iters", "patience", "cooldown", "step_size_down", "anneal_epochs", "n", "ns_steps"}
FROM_0 |= {"max_iterations", "every"}
#: Where not all numbers >= 0, or whole numbers >= 1, are taken.
BEYOND: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("p", "sparsity", "rho", "pct_start", "end_factor"), (1.1,)),
    **dict.fromkeys(
        (f"{kind}Norm{n}d.momentum" for kind in ("Batch", "Instance") for n in "123"), (1.1,)
    ),
    **dict.fromkeys(("dropout", "ReduceLROnPlateau.factor"), (1.0,)),
    **dict.fromkeys(("ConstantLR.factor", "start_factor"), (0, 1.1)),
    **dict.fromkeys(("div_factor", "final_div_factor", "trunc_normal.std", "h"), (0,)),
    **dict.fromkeys(("SparseAdam.lr", "SparseAdam.eps"), (0,)),
    "BatchNormalization.momentum": (1.1,),
    "beta2_decay": (0.1,),
    "d": (0.5,),
    "ns_steps": (100,),
    "seed": (2**64, -(2**63) - 1),
}


def among(call: Call, name: str, names: Container[str]) -> bool:
    """Whether an argument is listed by its name, or as one of this call."""
    return name in names or f"{call.name.rpartition('.')[2]}.{name}" in names


def may_be_infinite(call: Call, name: str, value: Any) -> bool:
    infinite = isinstance(value, float) and math.isinf(value)
    return infinite and among(call, name, INFINITE) and (value > 0 or among(call, name, SIGNED))


def kinds_of(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def wrong(name: str, hint: Any, default: Any = None) -> Iterator[tuple[Any, str]]:
    """What is not of the type, and what is said of it."""
    kinds = kinds_of(hint)
    lists = any(get_origin(kind) is Sequence for kind in kinds)
    key = next((key for key in (name, *kinds) if key in WRONG), None)
    must, values = WRONG.get(key, ("", ()))
    if key is float:
        values = (*values, *(NO_RATES if Array in kinds else (np.array([0.1, 0.2]),)))
    for value in values:
        if not ((value is None and NoneType in kinds) or (isinstance(value, list) and lists)):
            yield value, rf"{re.escape(name)}(\[\d\])? {must}"
    if get_origin(hint) is tuple and isinstance(default, tuple):
        for value in (0.9, default[:1], (*default, 0.5), None):
            yield value, f"{name} must be (two|three) numbers"
        for i, kind in enumerate(get_args(hint)):
            for value, message in wrong(f"{name}[{i}]", kind):
                yield (*default[:i], value, *default[i + 1 :]), message


def beyond(call: Call, name: str, hint: Any) -> Iterator[float]:
    """What is of the type, and out of its range."""
    kind = kinds_of(hint)[0]
    if kind in (int, float) and not among(call, name, SIGNED):
        yield -1
        if kind is int and not among(call, name, FROM_0):
            yield 0
    yield from BEYOND.get(name, BEYOND.get(f"{call.name.rpartition('.')[2]}.{name}", ()))


def ways(call: Call, name: str) -> Iterator[Callable[[Any], Any]]:
    """All ways to set an argument."""
    function, arguments = call.function, call.arguments()
    yield lambda bad: call(**arguments | {name: bad})
    if not (isinstance(function, type) and issubclass(function, Configurable)):
        return
    made = function(**arguments)
    if name in function._checks:
        yield lambda bad: setattr(made, name, bad)
    if issubclass(function, optim.Optimizer):
        saved = made.state_dict()
        yield lambda bad: made.load_state_dict(
            saved | {"settings": saved["settings"] | {name: bad}}
        )
        if function is not optim.LBFGS:
            yield lambda bad: function(**arguments, groups={"w": {name: bad}})
            yield lambda bad: setattr(made, "groups", {"w": {name: bad}})


def assert_refused(set_to: Callable[[Any], Any], value: Any, message: str) -> None:
    plain = not isinstance(value, tuple | np.ndarray)  # else an element of it may be named
    got = re.escape(_check.shown(value)) if plain else ""
    with pytest.raises((TypeError, ValueError), match=f"{message}.* got {got}"):
        set_to(value)


OF_ARGUMENTS = pytest.mark.parametrize(
    ("call", "argument"),
    [
        pytest.param(call, argument, id=f"{call.name}-{name}")
        for call in CALLS.values()
        for name, argument in call.parameters.items()
        if call.name.startswith("scratch.") and not among(call, name, LEFT_OUT)
    ],
)


@OF_ARGUMENTS
def test_a_value_of_another_type_is_refused_in_the_same_words_wherever_it_is_set(
    call: Call, argument: inspect.Parameter
) -> None:
    for set_to in ways(call, argument.name):
        for value, message in wrong(argument.name, argument.annotation, argument.default):
            if not may_be_infinite(call, argument.name, value):
                assert_refused(set_to, value, message)


@OF_ARGUMENTS
def test_a_number_beyond_the_range_is_refused(call: Call, argument: inspect.Parameter) -> None:
    for value in beyond(call, argument.name, argument.annotation):
        message = rf"{argument.name} must be a (finite|whole) number [<>]"
        assert_refused(next(ways(call, argument.name)), value, message)


@given(st.floats() | st.integers(), st.floats(), st.floats(), st.booleans(), st.booleans())
def test_any_number_is_taken_within_its_bounds_alone(
    value: float, low: float, high: float, below: bool, above: bool
) -> None:
    bounds = {"below" if below else "at_most": high, "above" if above else "at_least": low}
    inside = (low < value if above else low <= value) and (value < high if below else value <= high)
    if inside and math.isfinite(value):
        assert _check.number("x", value, **bounds) == value
    else:
        with pytest.raises(ValueError, match=f"x must be .* got {re.escape(_check.shown(value))}"):
            _check.number("x", value, **bounds)
