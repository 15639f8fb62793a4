"""The public functions and constructors, each with arguments that it takes.

They follow from the packages, so that a new function is tried by itself. An argument without a
default is what a case of the registry says, or the tables at the end, by its name.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from parity_tests.helpers import IMAGES, LABELS, make_network, normal
from scratch import init, lr_scheduler, nn, optim, random, train
from scratch.random import Generator
from torch_ref import checkpoint, convert, device, lockstep, twin
from torch_ref import init as torch_init
from torch_ref import lr_scheduler as torch_lr_scheduler
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.registry import INITIALIZERS, InitializerPair, entry_of

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
    "batches": lambda of: [normal(0, (6, 12)).astype(np.float32)],
    "bias": lambda of: np.zeros(4),
    "cls": lambda of: optim.SGD,
    "generator": lambda of: Generator(0),
    "generators": lambda of: [Generator(0)],
    "grads": lambda of: {"W": np.ones((3, 2))},
    "lr": lambda of: 0.1,
    "model": lambda of: make_network(),
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
    "torch_ref.lockstep.check_clipping": {"candidate": lambda of: optim.clip_grad_norm},
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
