"""The one table: what is hand-written, what it stands beside in PyTorch, and what to try on it.

The twins in ``torch_ref.optim`` and ``torch_ref.init``, the parity tests, ``lockstep list`` and the
README's table all follow from it. Torch's side is named, not imported, so that the table can be
read without torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from scratch import init, nn, optim

Settings = dict[str, Any]

#: By dtype, the largest relative distance allowed after 1,000 steps of the same gradients.
SAME_GRADIENTS = {"float64": 1e-12, "float32": 1e-5}
#: In float64, the largest relative norm allowed after 1,000 steps of each side's own gradients.
OWN_GRADIENTS = 1e-11


def resolve(dotted: str) -> Any:
    """The object of a dotted name, importing its module: ``resolve("torch.optim.SGD")``."""
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)


def same_settings(optimizer: optim.Optimizer) -> Settings:
    """The constructor's arguments of an optimizer, under the names they have."""
    return optimizer.settings


class Buffer(NamedTuple):
    """A state buffer that torch keeps in other units: torch's = ours × factor(optimizer)."""

    torch: str
    factor: Callable[[optim.Optimizer], float]


@dataclass(frozen=True)
class OptimizerPair:
    """An optimizer of ``scratch.optim`` and the class of torch that it is in lockstep with.

    Attributes:
        name: under which it is found in ``scratch.optim`` and ``torch_ref.optim``.
        section: of the chapter.
        cases: settings to try; each is a test of its own.
        refused: settings that both sides refuse.
        to_torch: the settings for torch's class from an instance of ours.
        buffers: those of our state buffers that torch names or scales otherwise.
        note: what the reader must know about the pair.
    """

    name: str
    scratch: type[optim.Optimizer]
    torch: str
    section: str
    cases: tuple[Settings, ...]
    refused: tuple[Settings, ...]
    to_torch: Callable[[optim.Optimizer], Settings] = same_settings
    buffers: Mapping[str, Buffer] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class InitializerPair:
    """An initializer of ``scratch.init`` and torch's function with the settings that equal it."""

    name: str
    scratch: init.Initializer
    torch: str
    section: str
    settings: Settings = field(default_factory=dict)
    cases: tuple[Settings, ...] = ({},)
    note: str = ""


@dataclass(frozen=True)
class LayerPair:
    """A layer of ``scratch.nn`` and the module of torch that it is in lockstep with."""

    name: str
    scratch: type
    torch: str
    section: str
    cases: tuple[Settings, ...] = ({},)
    shapes: tuple[tuple[int, ...], ...] = ((6, 5),)
    note: str = ""


_NOT_A_RATE = ({"lr": -0.1}, {"weight_decay": -1.0})
_SHARED = ({}, {"lr": 0.05}, {"weight_decay": 0.1}, {"maximize": True})

_OPTIMIZERS = (
    OptimizerPair(
        name="SGD",
        scratch=optim.SGD,
        torch="torch.optim.SGD",
        section="6.1.2",
        cases=(
            *_SHARED,
            {"momentum": 0.9},
            {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
            {"momentum": 0.9, "nesterov": True, "maximize": True},
        ),
        refused=(
            *_NOT_A_RATE,
            {"momentum": -0.1},
            {"nesterov": True},
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
        ),
    ),
    OptimizerPair(
        name="Momentum",
        scratch=optim.Momentum,
        torch="torch.optim.SGD",
        section="6.1.4",
        cases=({}, {"lr": 0.1, "momentum": 0.5}),
        refused=({"lr": -0.1}, {"momentum": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "momentum": o.momentum},
        buffers={"v": Buffer("momentum_buffer", lambda o: -1 / o.lr)},
        note="equal while lr stays",
    ),
    OptimizerPair(
        name="Nesterov",
        scratch=optim.Nesterov,
        torch="torch.optim.SGD",
        section="6.1.4",
        cases=({}, {"lr": 0.1, "momentum": 0.5}),
        refused=({"lr": -0.1}, {"momentum": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "momentum": o.momentum, "nesterov": True},
        buffers={"v": Buffer("momentum_buffer", lambda o: -1 / o.lr)},
        note="equal while lr stays",
    ),
    OptimizerPair(
        name="Adagrad",
        scratch=optim.Adagrad,
        torch="torch.optim.Adagrad",
        section="6.1.5",
        cases=(
            *_SHARED,
            {"lr_decay": 0.01, "initial_accumulator_value": 0.1},
            {"eps": 1e-3, "weight_decay": 0.01},
        ),
        refused=(
            *_NOT_A_RATE,
            {"lr_decay": -1.0},
            {"initial_accumulator_value": -1.0},
            {"eps": -1.0},
        ),
    ),
    OptimizerPair(
        name="AdaGrad",
        scratch=optim.AdaGrad,
        torch="torch.optim.Adagrad",
        section="6.1.5",
        cases=({}, {"lr": 1.5}),
        refused=({"lr": -0.1}, {"eps": -1.0}),
        note="eps 1e-7, torch 1e-10",
    ),
    OptimizerPair(
        name="RMSprop",
        scratch=optim.RMSprop,
        torch="torch.optim.RMSprop",
        section="6.1.5",
        cases=(
            *_SHARED,
            {"momentum": 0.9, "alpha": 0.9},
            {"centered": True},
            {"centered": True, "momentum": 0.5, "weight_decay": 0.01, "eps": 1e-3},
        ),
        refused=(*_NOT_A_RATE, {"alpha": -0.1}, {"eps": -1.0}, {"momentum": -0.1}),
    ),
    OptimizerPair(
        name="RMSProp",
        scratch=optim.RMSProp,
        torch="torch.optim.RMSprop",
        section="6.1.5",
        cases=({}, {"decay_rate": 0.9}),
        refused=({"lr": -0.1}, {"decay_rate": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "alpha": o.decay_rate, "eps": o.eps},
        note="eps 1e-7, torch 1e-8",
    ),
    OptimizerPair(
        name="Adam",
        scratch=optim.Adam,
        torch="torch.optim.Adam",
        section="6.1.6",
        cases=(
            *_SHARED,
            {"betas": (0.5, 0.9), "eps": 1e-3},
            {"amsgrad": True},
            {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
        ),
        refused=(*_NOT_A_RATE, {"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"eps": -1.0}),
    ),
    OptimizerPair(
        name="chapter.Adam",
        scratch=optim.chapter.Adam,
        torch="torch_ref.optim.EpsilonHatAdam",
        section="6.1.6",
        cases=({}, {"lr": 0.3, "beta1": 0.5, "beta2": 0.9}),
        refused=({"lr": -0.1}, {"beta1": 1.0}, {"beta2": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "betas": o.betas, "eps": o.eps},
        note="ε̂ beside √v, not √v̂",
    ),
)

_UNIFORM_OR_NORMAL = ({}, {"a": 0.5}, {"mode": "fan_out"}, {"nonlinearity": "tanh"})

_INITIALIZERS = (
    InitializerPair("zeros", init.zeros, "torch.nn.init.zeros_", "6.2.1"),
    InitializerPair(
        "normal",
        init.normal,
        "torch.nn.init.normal_",
        "6.2.2",
        cases=({}, {"std": 0.01}, {"std": 0.5, "mean": 0.25}),
    ),
    InitializerPair(
        "xavier",
        init.xavier,
        "torch.nn.init.kaiming_normal_",
        "6.2.2",
        settings={"nonlinearity": "linear"},
        note="LeCun's √(1/n)",
    ),
    InitializerPair(
        "he",
        init.he,
        "torch.nn.init.kaiming_normal_",
        "6.2.3",
        settings={"nonlinearity": "relu"},
    ),
    InitializerPair(
        "xavier_normal",
        init.xavier_normal,
        "torch.nn.init.xavier_normal_",
        "6.2.2",
        cases=({}, {"gain": 2.0}),
    ),
    InitializerPair(
        "xavier_uniform",
        init.xavier_uniform,
        "torch.nn.init.xavier_uniform_",
        "6.2.2",
        cases=({}, {"gain": 2.0}),
    ),
    InitializerPair(
        "kaiming_normal",
        init.kaiming_normal,
        "torch.nn.init.kaiming_normal_",
        "6.2.3",
        cases=_UNIFORM_OR_NORMAL,
    ),
    InitializerPair(
        "kaiming_uniform",
        init.kaiming_uniform,
        "torch.nn.init.kaiming_uniform_",
        "6.2.3",
        cases=_UNIFORM_OR_NORMAL,
    ),
)

_BATCH_NORM = (
    {},
    {"eps": 1e-2, "momentum": 0.5},
    {"momentum": None},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
)

_LAYERS = (
    LayerPair("Affine", nn.Affine, "torch.nn.Linear", "6.2", note="W is (in, out)"),
    LayerPair("ReLU", nn.ReLU, "torch.nn.ReLU", "6.2.3"),
    LayerPair("Sigmoid", nn.Sigmoid, "torch.nn.Sigmoid", "6.2.2"),
    LayerPair("Tanh", nn.Tanh, "torch.nn.Tanh", "6.2.2"),
    LayerPair("Dropout", nn.Dropout, "torch.nn.Dropout", "6.4.3"),
    LayerPair(
        "BatchNorm1d",
        nn.BatchNorm1d,
        "torch.nn.BatchNorm1d",
        "6.3.1",
        cases=_BATCH_NORM,
        shapes=((6, 5), (2, 5), (4, 5, 3), (1, 5, 2)),
    ),
    LayerPair("CrossEntropyLoss", nn.CrossEntropyLoss, "torch.nn.CrossEntropyLoss", "6.1.8"),
)

OPTIMIZERS: dict[str, OptimizerPair] = {pair.name: pair for pair in _OPTIMIZERS}
INITIALIZERS: dict[str, InitializerPair] = {pair.name: pair for pair in _INITIALIZERS}
LAYERS: dict[str, LayerPair] = {pair.name: pair for pair in _LAYERS}


def pair_of(optimizer: optim.Optimizer) -> OptimizerPair:
    """The pair that ``optimizer`` is the hand-written side of.

    Raises:
        TypeError: its class, perhaps a subclass, is not in the table.
    """
    for pair in OPTIMIZERS.values():
        if pair.scratch is type(optimizer):
            return pair
    raise TypeError(f"{type(optimizer).__name__} has no twin; these have: {', '.join(OPTIMIZERS)}")
