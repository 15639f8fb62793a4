"""What the tests of rubbish share: every public call, derived from the packages; what is wrong.

A call is a function, constructor or method of a package's table of contents with arguments that it
takes. How a registered pair is made says the registry; what else an argument is says ``VALUES``, by
its name. A name that is new in a package is tried by itself, or asks for a line in ``VALUES``.
"""

import copy
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from parity_tests.helpers import IMAGES, LABELS, make_layer, make_network, normal
from scratch import init, lr_scheduler, nn, optim, random, train
from scratch.random import Generator
from torch_ref.registry import INITIALIZERS, LAYERS, OPTIMIZERS, SCHEDULES

PACKAGES = (optim, optim.chapter, lr_scheduler, init, nn, random, train)

#: For whoever writes a subclass: what these methods are given has been checked.
HOOKS = frozenset(
    {"init_state", "rule", "finish", "regularized", "lr_for", "check_gradient", "check_state"}
    | {"next_lr", "first_lr", "restart_lr", "lr_at", "momentum_at"}
    | {"running_variance", "share_of_new_batch"}
)
#: What ``train`` makes or asks for itself, and the contracts that others keep.
NOT_CALLED = (train.History, train.Record, train.check_data, train.check_evaluation)
NOT_CALLED += (train.check_schedule, train.check_stack, train.accuracy_on)
CONTRACTS = (optim.Optimizer, lr_scheduler.LRScheduler, nn.Layer)

Arguments = dict[str, Any]
Of = Callable[[str], Any]


@dataclass(frozen=True)
class Call:
    """A function with arguments that it takes.

    Attributes:
        make: gives the function and its arguments, all anew.
    """

    name: str
    make: Callable[[], tuple[Callable[..., Any], Arguments]]

    @property
    def parameters(self) -> list[str]:
        """The names of all arguments, those with a default too."""
        function, arguments = self.make()
        return list(dict.fromkeys([*arguments, *_named(function)]))


def calls() -> Iterator[Call]:
    """Every public function, constructor and method of ``scratch``."""
    for package in PACKAGES:
        for name, public in _contents(package):
            label = f"{package.__name__.removeprefix('scratch.')}.{name}"
            yield Call(label, lambda public=public, name=name: _made(public, name))
            if inspect.isclass(public) and public not in CONTRACTS:
                for method in _methods(public):
                    yield Call(
                        f"{label}.{method}",
                        lambda public=public, name=name, method=method: _bound(
                            public, name, method
                        ),
                    )


def _contents(package: ModuleType) -> Iterator[tuple[str, Any]]:
    names = getattr(package, "__all__", None) or [
        name
        for name, public in vars(package).items()
        if not name.startswith("_") and getattr(public, "__module__", "") == package.__name__
    ]
    for name in names:
        public = getattr(package, name)
        error = inspect.isclass(public) and issubclass(public, Exception)
        routine = inspect.isroutine(public) or inspect.isclass(public)
        if routine and not error and public not in NOT_CALLED:
            yield name, public


def _methods(cls: type) -> Iterator[str]:
    for name, method in inspect.getmembers(cls, inspect.isroutine):
        if name.startswith("_") or name in HOOKS or method.__module__.split(".")[0] != "scratch":
            continue
        if len(inspect.signature(getattr(cls, name)).parameters) > 1:
            yield name


def _made(public: Callable[..., Any], name: str) -> tuple[Callable[..., Any], Arguments]:
    return public, _arguments(public, _settings(name))


def _bound(cls: type, name: str, method: str) -> tuple[Callable[..., Any], Arguments]:
    own: Arguments = {}
    if issubclass(cls, nn.Layer):
        pair = LAYERS[name] if name in LAYERS else LAYERS[cls.__base__.__name__]
        subject = make_layer(name, pair.cases[0]) if name in LAYERS else cls(5, dtype="float64")
        own["x"] = normal(0, pair.shapes[0])
        own["dy"] = normal(1, subject.forward(own["x"]).shape)
    else:
        subject = cls(**_made(cls, name)[1])
    if isinstance(subject, nn.CrossEntropyLoss):
        own["x"] = normal(0, (6, 3))
    if hasattr(subject, "state_dict"):
        own["state_dict"] = subject.state_dict()
    if isinstance(subject, optim.Optimizer):
        own |= _given_to(subject)
    bound = getattr(subject, method)
    return bound, _arguments(bound, own)


def _given_to(optimizer: optim.Optimizer) -> Arguments:
    """Parameters and gradients for an update."""
    params = {"W": normal(0, (3, 2)), "V": normal(1, (2, 2))}
    grads: Arguments = {name: normal(2, w.shape) for name, w in params.items()}
    if isinstance(optimizer, optim.LBFGS):
        return {"params": params, "grads": None, "closure": lambda: (1.0, grads)}
    if isinstance(optimizer, optim.SparseAdam):
        grads = {name: optim.RowGradient.of(g) for name, g in grads.items()}
    return {"params": params, "grads": grads}


def _settings(name: str) -> Arguments:
    """The settings of a pair's first case."""
    for table in (OPTIMIZERS, LAYERS, INITIALIZERS, SCHEDULES):
        if name in table:
            pair = table[name]
            shape = {"shape": pair.shapes[0]} if table is INITIALIZERS else {}
            return shape | {k: v for k, v in pair.cases[0].items() if k != "schedulers"}
    return {}


def _arguments(function: Callable[..., Any], given: Arguments) -> Arguments:
    """Those given that it has, and a value for each other that has no default."""
    made: Arguments = dict(given)

    def of(name: str) -> Any:
        if name not in made:
            made[name] = copy.copy(VALUES[name](of))
        return made[name]

    parameters = _named(function)
    needed = [name for name, p in parameters.items() if p.default is p.empty]
    return {name: of(name) for name in dict.fromkeys([*needed, *given]) if name in parameters}


def _named(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    return {n: p for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


#: What an argument without a default may be, by its name; ``of`` gives the others of the same call.
VALUES: dict[str, Callable[[Of], Any]] = {
    "activation": lambda of: "relu",
    "batch_size": lambda of: 4,
    "bias": lambda of: np.zeros(4),
    "clip_value": lambda of: 1.0,
    "evaluate": lambda of: (IMAGES, LABELS),
    "f": lambda of: lambda: 1.0,
    "generator": lambda of: Generator(0),
    "generators": lambda of: [Generator(0)],
    "grads": lambda of: {"W": np.ones((3, 2))},
    "hidden_size": lambda of: 4,
    "hidden_sizes": lambda of: [4],
    "high": lambda of: 5,
    "images": lambda of: IMAGES,
    "init": lambda of: "he",
    "input_size": lambda of: 12,
    "iterations": lambda of: 2,
    "labels": lambda of: LABELS,
    "low": lambda of: 0,
    "lr": lambda of: 0.1,
    "max_norm": lambda of: 1.0,
    "mean": lambda of: 0.0,
    "metrics": lambda of: 1.0,
    "milestones": lambda of: [],
    "n": lambda of: 5,
    "name": lambda of: "W",
    "net": lambda of: make_network(),
    "new_state": lambda of: Generator(1).get_state(),
    "nonlinearity": lambda of: "relu",
    "num_features": lambda of: 5,
    "optimizer": lambda of: optim.SGD(lr=0.1, momentum=0.9),
    "output_size": lambda of: 3,
    "p": lambda of: 0.5,
    "rows": lambda of: np.array([0, 2]),
    "runs": lambda of: 2,
    "schedule": lambda of: lr_scheduler.StepLR(of("optimizer"), 3),
    "schedulers": lambda of: [lr_scheduler.StepLR(of("optimizer"), 3)],
    "seed": lambda of: 0,
    "shape": lambda of: (4, 3),
    "size": lambda of: (3, 2),
    "std": lambda of: 1.0,
    "t": lambda of: np.array([0, 2, 1, 1, 2, 0]),
    "values": lambda of: np.ones((2, 3)),
    "weight": lambda of: np.ones((3, 4)),
    "x": lambda of: normal(0, (6, 12)),
}


#: What no argument takes everywhere: each is given to every argument of every call.
RUBBISH: dict[str, Callable[[], Any]] = {
    "an object": object,
    "None": lambda: None,
    "a text": lambda: "rubbish",
    "an empty text": lambda: "",
    "bytes": lambda: b"rubbish",
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
}

#: What can be wrong with an array that is taken as it is.
SPOILT: dict[str, Callable[[np.ndarray], Any]] = {
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
