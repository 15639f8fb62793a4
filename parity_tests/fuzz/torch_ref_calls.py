"""Every public call of ``torch_ref`` that a user makes: the twins, the conversions, the harness.

Left out are the twins of initializers: their settings are torch's functions' own, which refuse in
their own words, and are compared in that with the hand-written ones.
"""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from parity_tests.fuzz.invalid import Call, Made, Values, arguments_for, calls_of
from parity_tests.helpers import IMAGES, LABELS, make_network, normal
from scratch import optim as scratch_optim
from scratch.random import Generator
from torch_ref import (
    checkpoint,
    convert,
    device,
    init,
    lockstep,
    lr_scheduler,
    nn,
    optim,
    train,
    twin,
)
from torch_ref.registry import INITIALIZERS

MODULES = (optim, twin, init, lr_scheduler, nn, train, convert, device, checkpoint, lockstep)


def is_torchs(public: object) -> bool:
    """Whether it is an optimizer or a schedule of torch's kind, called by torch's rules."""
    kinds = (torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)
    return isinstance(public, type) and issubclass(public, kinds)


#: What calls return or make for themselves, and the contracts that others keep.
NOT_CALLED = (
    *(twin.Named, *twin.Named.__subclasses__(), *(getattr(init, name) for name in INITIALIZERS)),
    *(cls for of in (optim, lr_scheduler) for cls in vars(of).values() if is_torchs(cls)),
    *(train.Record, train.accuracy_on),
    *(lockstep.Result, lockstep.Finding, lockstep.Distance, lockstep.Divergence),
    *(lockstep.Drift, lockstep.Report, lockstep.Problem, lockstep.Side),
)
#: What a network or a problem is asked for by the loop that has checked what it gives.
HOOKS = frozenset({"draw", "keeping", "gradients", "evaluate"})


def calls() -> Iterator[Call]:
    """Every public function, constructor and method."""
    return calls_of(MODULES, _made, _bound, NOT_CALLED, HOOKS)


def _made(public: Callable[..., Any], label: str) -> Made:
    arguments = arguments_for(public, {}, VALUES | SPECIAL.get(label, {}))
    if inspect.isgeneratorfunction(public):  # checks when it is first asked
        return lambda **given: next(public(**given)), arguments
    return public, arguments


def _bound(cls: type, label: str, method: str) -> Made:
    subject = cls(**_made(cls, label)[1])
    if isinstance(subject, lr_scheduler.Schedule):
        subject = lr_scheduler.Schedule("ExponentialLR", subject.twin, gamma=0.5)
    bound = getattr(subject, method)
    special = SPECIAL.get(f"{label}.{method}", {})
    return bound, arguments_for(bound, {}, VALUES | SPECIAL.get(label, {}) | special, special)


def _network() -> nn.MultiLayerNet:
    return convert.network_to_torch(make_network())


def _params() -> dict[str, torch.Tensor]:
    return {"W": torch.tensor(normal(0, (3, 2))), "V": torch.tensor(normal(1, (2, 2)))}


def _snapshot() -> Path:
    """A file with one; whoever asks for it is in a folder of its own."""
    path = Path("a.safetensors")
    checkpoint.save(path, {"a": 1})
    return path


#: What an argument may be, by its name.
VALUES: Values = {
    "against": lambda of: "SGD",
    "arrays": lambda of: {"W": normal(0, (3, 2)), "V": None},
    "batch_size": lambda of: 4,
    "bias": lambda of: torch.zeros(4, dtype=torch.float64),
    "candidate": lambda of: scratch_optim.SGD(),
    "device": lambda of: torch.device("cpu"),
    "dtype": lambda of: torch.float64,
    "generator": lambda of: torch.Generator(),
    "generators": lambda of: [torch.Generator()],
    "grads": lambda of: {name: torch.ones_like(w) for name, w in of("params").items()},
    "hidden_size": lambda of: 4,
    "hidden_sizes": lambda of: [4],
    "images": lambda of: IMAGES,
    "init": lambda of: "he",
    "input_size": lambda of: 12,
    "iterations": lambda of: 2,
    "labels": lambda of: LABELS,
    "mine": lambda of: scratch_optim.SGD(),
    "name": lambda of: "SGD",
    "net": lambda of: _network(),
    "num_features": lambda of: 5,
    "optimizer": lambda of: optim.by_name("SGD"),
    "output_size": lambda of: 5,
    "p": lambda of: 0.5,
    "params": lambda of: _params(),
    "path": lambda of: _snapshot(),
    "snapshot": lambda of: {"a": [np.ones(2), 1, "b", None]},
    "std": lambda of: 1.0,
    "step": lambda of: 1,
    "t": lambda of: torch.tensor(LABELS[:6]),
    "tensor": lambda of: torch.ones(3, 2),
    "tensors": lambda of: {"W": torch.ones(3, 2), "V": None},
    "theirs": lambda of: torch.optim.SGD,
    "twin": lambda of: optim.by_name("SGD"),
    "weight": lambda of: torch.ones(12, 4, dtype=torch.float64),
    "x": lambda of: torch.tensor(normal(0, (6, 12))),
}
#: The same where a name means something else.
_BY_HAND: Values = {"optimizer": lambda of: scratch_optim.SGD(momentum=0.9)}
SPECIAL: dict[str, Values] = {
    "convert.load_generator_to_numpy": {
        "generator": lambda of: Generator(0),
        "twin": lambda of: torch.Generator(),
    },
    "convert.load_generator_to_torch": {
        "generator": lambda of: Generator(0),
        "twin": lambda of: torch.Generator(),
    },
    "convert.load_state_to_numpy": _BY_HAND,
    "convert.load_state_to_torch": _BY_HAND,
    "convert.network_to_numpy": {
        "net": lambda of: make_network(),
        "twin": lambda of: _network(),
    },
    "convert.network_to_torch": {"net": lambda of: make_network()},
    "convert.plain": {"net": lambda of: make_network()},
    "convert.plain_params": {"modules": lambda of: convert.plain(make_network())},
    "convert.state_to_torch": _BY_HAND,
    "lockstep.NetworkProblem": {"net": lambda of: make_network()},
    "lockstep.check_initializer": {"candidate": lambda of: lambda shape: np.zeros(shape)},
    "lockstep.check_norm": {"candidate": lambda of: torch.nn.BatchNorm1d},
    "lockstep.check_schedule": {
        "candidate": lambda of: lambda step: 0.1,
        "against": lambda of: torch.optim.lr_scheduler.ConstantLR,
    },
    "lr_scheduler.Schedule": {"name": lambda of: "ExponentialLR"},
    "lr_scheduler.by_hand": {"name": lambda of: "ConstantLR"} | _BY_HAND,
    "lr_scheduler.by_torch": {
        "name": lambda of: "ConstantLR",
        "optimizer": lambda of: torch.optim.SGD([torch.ones(2)]),
    },
    **{
        f"nn.{net}": {"x": lambda of: torch.tensor(normal(0, (6, 12), "float32"))}
        for net in ("MultiLayerNet", "TwoLayerNet")
    },
    "nn.BatchNorm1d": {"x": lambda of: torch.ones(6, 5, dtype=torch.float64)},
    "twin.Twin": _BY_HAND,
    "twin.Twin.update": {
        "grads": lambda of: {name: torch.ones_like(w) for name, w in of("params").items()}
    },
    "train.batches": {
        "images": lambda of: torch.tensor(IMAGES),
        "labels": lambda of: torch.tensor(LABELS),
    },
    "train.step": {
        "x": lambda of: torch.tensor(normal(0, (1, 6, 12))),
        "t": lambda of: torch.tensor(LABELS[None, :6]),
    },
    "train.scaled": {"images": lambda of: torch.tensor(IMAGES)},
}
