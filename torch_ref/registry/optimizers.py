"""The optimizers of ``scratch.optim`` beside torch's."""

from scratch import optim
from torch_ref.registry.pairs import Buffer, OptimizerPair

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

OPTIMIZERS: dict[str, OptimizerPair] = {pair.name: pair for pair in _OPTIMIZERS}


def pair_of(optimizer: optim.Optimizer) -> OptimizerPair:
    """The pair that ``optimizer`` is the hand-written side of.

    Raises:
        TypeError: its class, perhaps a subclass, is not in the table.
    """
    for pair in OPTIMIZERS.values():
        if pair.scratch is type(optimizer):
            return pair
    raise TypeError(f"{type(optimizer).__name__} has no twin; these have: {', '.join(OPTIMIZERS)}")
