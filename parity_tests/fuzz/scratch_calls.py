"""Every public call of ``scratch``; how a registered pair is made says the registry."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity_tests.fuzz.invalid import Arguments, Call, Made, Values, arguments_for, calls_of
from parity_tests.helpers import IMAGES, LABELS, make_layer, make_network, normal
from scratch import init, lr_scheduler, nn, optim, random, train
from scratch.random import Generator
from torch_ref.registry import INITIALIZERS, LAYERS, OPTIMIZERS, SCHEDULES

PACKAGES = (optim, optim.chapter, lr_scheduler, init, nn, random, train)

#: For whoever writes a subclass: what these methods are given has been checked.
HOOKS = frozenset(
    {"init_state", "rule", "finish", "regularized", "set_later", "check_gradient", "check_state"}
    | {"next_lr", "first_lr", "restart_lr", "lr_at", "momentum_at"}
    | {"running_variance", "share_of_new_batch"}
)
#: What ``train`` asks for itself, and the contracts that others keep.
NOT_CALLED = (train.accuracy_on,)
CONTRACTS = (optim.Optimizer, lr_scheduler.LRScheduler, nn.Layer)


def calls() -> Iterator[Call]:
    """Every public function, constructor and method of ``scratch``."""
    return calls_of(PACKAGES, _made, _bound, NOT_CALLED, HOOKS, CONTRACTS)


def _made(public: Callable[..., Any], label: str) -> Made:
    return public, arguments_for(public, _settings(label.rpartition(".")[2]), VALUES)


def _bound(cls: type, label: str, method: str) -> Made:
    own, name = {}, label.rpartition(".")[2]
    if issubclass(cls, nn.Layer):
        pair = LAYERS[name] if name in LAYERS else LAYERS[cls.__base__.__name__]
        subject = make_layer(name, pair.cases[0]) if name in LAYERS else cls(5, dtype="float64")
        own["x"] = normal(0, pair.shapes[0])
        own["dy"] = normal(1, subject.forward(own["x"]).shape)
    else:
        subject = cls(**_made(cls, label)[1])
    if isinstance(subject, nn.CrossEntropyLoss):
        own["x"] = normal(0, (6, 3))
    if hasattr(subject, "state_dict"):
        own["state_dict"] = subject.state_dict()
    if isinstance(subject, optim.Optimizer):
        own |= _given_to(subject)
    bound = getattr(subject, method)
    return bound, arguments_for(bound, own, VALUES)


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


#: What an argument without a default may be, by its name.
VALUES: Values = {
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
