"""Invalid values for every argument of every public function and constructor: refused by name.

What is called follows from the packages, so that a new function is tried by itself. An argument
without a default is what a case of the registry says, or the tables at the end, by its name. A
refusal is raised in our code, not in NumPy's or torch's, names an argument, and changes nothing.
"""

import copy
import inspect
import math
import re
import traceback
import warnings
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import scratch
from parity_tests.helpers import IMAGES, LABELS, NOT_FINITE, NOT_NUMBERS, make_network, normal
from scratch import _check, init, lr_scheduler, nn, optim, random, train
from scratch._settings import Configurable
from scratch.random import Generator
from scratch.typing import Array
from torch_ref import checkpoint, convert, device, lockstep, twin
from torch_ref import init as torch_init
from torch_ref import lr_scheduler as torch_lr_scheduler
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.checkpoint import CheckpointError
from torch_ref.registry import INITIALIZERS, InitializerPair, entry_of

ROOT = Path(scratch.__file__).parents[1]
BY_HAND = (optim, optim.chapter, lr_scheduler, init, nn, random, train)
BY_TORCH = (torch_optim, twin, torch_init, torch_lr_scheduler, torch_nn, torch_train)
BY_TORCH += (convert, device, checkpoint, lockstep)
Arguments = dict[str, Any]
#: What an argument may be; the function's argument gives the others of the same call.
Values = Mapping[str, Callable[[Callable[[str], Any]], Any]]

#: What calls return or make for themselves; the twins of initializers, whose settings torch refuses
#: in its own words; optimizers and schedules of torch's kind.
NOT_CALLED = (
    *(train.accuracy_on, torch_train.accuracy_on, torch_train.Record, twin.Named),
    *(getattr(torch_init, name) for name in INITIALIZERS),
    *(lockstep.Result, lockstep.Finding, lockstep.Distance, lockstep.Divergence),
    *(lockstep.Drift, lockstep.Report, lockstep.Problem, lockstep.Adapter),
)
KINDS_NOT_CALLED = (twin.Named, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)
KINDS_NOT_CALLED += (Exception,)


@dataclass(frozen=True)
class Call:
    """A function or class, and what its arguments may be where the registry does not say it."""

    name: str
    function: Callable[..., Any]
    values: Values

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        found = inspect.signature(self.function).parameters
        open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return {name: p for name, p in found.items() if p.kind not in open_ended}

    def arguments(self) -> Arguments:
        """Arguments that it takes, all anew."""
        made = self._case()

        def of(name: str) -> Any:
            if name not in made:
                made[name] = copy.copy(self.values[name](of))
            return made[name]

        needed = [name for name, p in self.parameters.items() if p.default is p.empty]
        return {name: of(name) for name in dict.fromkeys([*needed, *self._case()])}

    def _case(self) -> Arguments:
        """The settings of the first case."""
        entry = entry_of(self.function)
        if entry is None:
            return {}
        case = {k: v for k, v in entry.pair.cases[0].items() if k != "schedulers"}
        shaped = isinstance(entry.pair, InitializerPair)
        return case | ({"shape": entry.pair.shapes[0]} if shaped else {})

    def __call__(self, **arguments: Any) -> Any:
        made = self.function(**arguments)
        # A generator checks when it is first asked.
        return next(made) if inspect.isgenerator(made) else made


def calls() -> Iterator[Call]:
    """Every public function and constructor."""
    for packages, values in ((BY_HAND, NUMPY), (BY_TORCH, TORCH)):
        for package in packages:
            for name, public in public_in(package):
                label = f"{package.__name__}.{name}"
                yield Call(label, public, values | SPECIAL.get(label, {}))


def public_in(package: ModuleType) -> Iterator[tuple[str, Any]]:
    """The functions and classes in ``__all__``, or those that were written in the module."""
    written = [n for n, v in vars(package).items() if _is_from(package, v) and n[0] != "_"]
    for name in getattr(package, "__all__", written):
        public = getattr(package, name)
        kept = inspect.isclass(public) and issubclass(public, KINDS_NOT_CALLED)
        routine = inspect.isroutine(public) or inspect.isclass(public)
        if routine and not kept and public not in NOT_CALLED:
            yield name, public


def _is_from(package: ModuleType, value: Any) -> bool:
    return getattr(value, "__module__", "") == package.__name__


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

SHARED: Values = {
    "batch_size": lambda of: 4,
    "clip_value": lambda of: 1.0,
    "f": lambda of: lambda: 1.0,
    "hidden_size": lambda of: 4,
    "hidden_sizes": lambda of: [4],
    "images": lambda of: IMAGES,
    "init": lambda of: "he",
    "input_size": lambda of: 12,
    "iterations": lambda of: 2,
    "labels": lambda of: LABELS,
    "max_norm": lambda of: 1.0,
    "milestones": lambda of: [],
    "num_features": lambda of: 5,
    "output_size": lambda of: 5,
    "p": lambda of: 0.5,
    "seed": lambda of: 0,
    "std": lambda of: 1.0,
}
NUMPY: Values = SHARED | {
    "bias": lambda of: np.zeros(4),
    "generator": lambda of: Generator(0),
    "generators": lambda of: [Generator(0)],
    "grads": lambda of: {"W": np.ones((3, 2))},
    "lr": lambda of: 0.1,
    "net": lambda of: make_network(),
    "nonlinearity": lambda of: "relu",
    "optimizer": lambda of: optim.SGD(lr=0.1, momentum=0.9),
    "rows": lambda of: np.array([0, 2]),
    "schedulers": lambda of: [lr_scheduler.StepLR(of("optimizer"), 3)],
    "shape": lambda of: (4, 3),
    "values": lambda of: np.ones((2, 3)),
    "weight": lambda of: np.ones((3, 4)),
    "x": lambda of: normal(0, (6, 12)),
}
TORCH: Values = SHARED | {
    "against": lambda of: "SGD",
    "arrays": lambda of: {"W": normal(0, (3, 2)), "V": None},
    "bias": lambda of: torch.zeros(4, dtype=torch.float64),
    "candidate": lambda of: optim.SGD(),
    "device": lambda of: torch.device("cpu"),
    "dtype": lambda of: torch.float64,
    "generator": lambda of: torch.Generator(),
    "generators": lambda of: [torch.Generator()],
    "mine": lambda of: optim.SGD(),
    "modules": lambda of: convert.plain(make_network()),
    "name": lambda of: "SGD",
    "net": lambda of: convert.network_to_torch(make_network()),
    "optimizer": lambda of: torch_optim.by_name("SGD"),
    "params": lambda of: {"W": torch.ones(3, 2)},
    "path": lambda of: _snapshot(),
    "snapshot": lambda of: {"a": [np.ones(2), 1, "b", None]},
    "step": lambda of: 1,
    "t": lambda of: torch.tensor(LABELS[:6]),
    "tensor": lambda of: torch.ones(3, 2),
    "tensors": lambda of: {"W": torch.ones(3, 2), "V": None},
    "theirs": lambda of: torch.optim.SGD,
    "twin": lambda of: torch_optim.by_name("SGD"),
    "weight": lambda of: torch.ones(12, 4, dtype=torch.float64),
    "x": lambda of: torch.tensor(normal(0, (6, 12))),
}


def _snapshot() -> Path:
    """A file with one."""
    path = Path("a.safetensors")
    checkpoint.save(path, {"a": 1})
    return path


#: Where a name means something else.
_BY_HAND: Values = {"optimizer": lambda of: optim.SGD(momentum=0.9)}
_GENERATORS: Values = {"generator": lambda of: Generator(0), "twin": lambda of: torch.Generator()}
_NET: Values = {"net": lambda of: make_network(), "twin": TORCH["net"]}
SPECIAL: dict[str, Values] = {
    "torch_ref.convert.load_generator_to_numpy": _GENERATORS,
    "torch_ref.convert.load_generator_to_torch": _GENERATORS,
    "torch_ref.convert.load_state_to_numpy": _BY_HAND,
    "torch_ref.convert.load_state_to_torch": _BY_HAND,
    "torch_ref.convert.network_to_numpy": _NET,
    "torch_ref.convert.network_to_torch": _NET,
    "torch_ref.convert.plain": _NET,
    "torch_ref.convert.state_to_torch": _BY_HAND,
    "torch_ref.lockstep.NetworkProblem": _NET,
    "torch_ref.lockstep.check_initializer": {"candidate": lambda of: np.zeros},
    "torch_ref.lockstep.check_norm": {"candidate": lambda of: torch.nn.BatchNorm1d},
    "torch_ref.lockstep.check_schedule": {
        "candidate": lambda of: lambda step: 0.1,
        "against": lambda of: torch.optim.lr_scheduler.ConstantLR,
    },
    "torch_ref.lr_scheduler.Schedule": {"name": lambda of: "ConstantLR"},
    "torch_ref.lr_scheduler.by_hand": {"name": lambda of: "ConstantLR"} | _BY_HAND,
    "torch_ref.lr_scheduler.by_torch": {
        "name": lambda of: "ConstantLR",
        "optimizer": lambda of: torch.optim.SGD([torch.ones(2)]),
    },
    "torch_ref.twin.Twin": _BY_HAND,
    **{
        f"torch_ref.train.{name}": {
            "images": lambda of: torch.tensor(IMAGES),
            "labels": lambda of: torch.tensor(LABELS),
        }
        for name in ("batches", "scaled")
    },
    "torch_ref.train.step": {
        "x": lambda of: torch.tensor(normal(0, (1, 6, 12))),
        "t": lambda of: torch.tensor(LABELS[None, :6]),
    },
}
CALLS = {call.name: call for call in calls() if call.parameters}
#: Without those that may train for long.
QUICK = [name for name in CALLS if not name.startswith("scratch.train.")]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_invalid_is_refused_by_name_and_changes_nothing(call: Call) -> None:
    pristine = call.arguments()
    call(**pristine)  # else any refusal would do
    pristine = call.arguments()
    before = contents(pristine)
    for parameter in call.parameters:
        for value in tried(pristine.get(parameter)):
            if (call.name, parameter) in LARGE and value is MUCH:
                continue
            arguments = call.arguments()
            error = refusal(call, arguments | {parameter: value})
            if error is None:
                takes_anything = type(value) is object and (call.name, parameter) not in ANYTHING
                assert not takes_anything, parameter
            else:
                assert_kind(error, call, f"{call.name}({parameter}={_check.shown(value)})")
                assert contents(arguments) == before, (parameter, value)


@given(data=st.data())
@settings(max_examples=500, deadline=None, derandomize=True)
def test_anything_at_all_for_any_argument(data: st.DataObject) -> None:
    """For one argument of a call, or two: taken, or refused by name."""
    call = CALLS[
        data.draw(st.sampled_from([n for n in CALLS if not n.startswith("scratch.train")]))
    ]
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


# What an argument of a type cannot be, and what is beyond its range: by its annotation.

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
