"""The optimizers of ``scratch.optim`` beside torch's."""

from operator import attrgetter
from typing import Any

import numpy as np

from scratch import optim
from torch_ref.registry.pairs import SAME_GRADIENTS, Buffer, OptimizerPair, Settings, from_torch

_SHARED: tuple[Settings, ...] = ({}, {"lr": 0.05}, {"weight_decay": 0.1}, {"maximize": True})
_ADAM = (*_SHARED, {"betas": (0.5, 0.9), "eps": 1e-3}, {"betas": (0.0, 0.9)})
_DECOUPLED = {"weight_decay": 0.1, "decoupled_weight_decay": True}
_WOLFE = {"line_search_fn": "strong_wolfe"}
#: α is the chapter's momentum, where there is a clearer word for the learning rate.
_ALPHA = {"lr": ("alpha", "α")}
_ALPHAS = _ALPHA | {"momentum": ("alpha", "α", "beta", "rho", "gamma", "β")}
_VELOCITY = {"momentum_buffer": ("v", "b", "buf", "velocity", "trace", "momentum", "m")}
_SQUARES = {"sum": ("h", "g2", "cache", "accumulator", "sum_of_squares", "v", "s")}
_AVERAGES = {
    "square_avg": ("h", "v", "s", "cache", "nu", "ms"),
    "grad_avg": ("mg", "mean", "mu"),
    "momentum_buffer": ("mom", "velocity", "b", "buf"),
}
_MOMENTS = {
    "exp_avg": ("m", "mu", "first_moment", "momentum"),
    "exp_avg_sq": ("v", "nu", "second_moment", "s"),
    "max_exp_avg_sq": ("v_max", "vmax", "nu_max", "v_hat_max", "vhat"),
}


OPTIMIZERS: dict[str, OptimizerPair] = {}
#: What the chapter's class has of the pair of torch's class that it is ``like``.
_ALIKE = ("torch", "step", "aliases", "spellings", "family")


def _add(name: str, section: str = "", *, like: str = "", **said: Any) -> None:
    """Add the pair of a class and torch's of that name, but for what is ``said``."""
    own = {field: getattr(OPTIMIZERS[like], field) for field in _ALIKE if like}
    own = own or {"torch": f"torch.optim.{name}", "spellings": _ALPHA, "family": name}
    OPTIMIZERS[name] = OptimizerPair(name, attrgetter(name)(optim), section=section, **own | said)


def _unless_minimized(optimizer: optim.Optimizer) -> Settings:
    """Leave out ``maximize=False``: torch's LBFGS has the argument only since 2.14."""
    return {k: v for k, v in optimizer.settings.items() if k != "maximize" or v}


def _of_velocity(optimizer: optim.Optimizer) -> float:
    """b = −v/η: the chapter's velocity has the learning rate in it."""
    if isinstance(optimizer.lr, np.ndarray) or optimizer.lr == 0:
        raise ValueError(
            f"lr must be one number > 0 for {type(optimizer).__name__}'s velocity to be handed "
            f"over to torch, whose buffer is −v/lr; got {optimizer.lr!r}"
        )
    return -1 / optimizer.lr


_add(
    "SGD",
    "6.1.2",
    cases=(
        *_SHARED,
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, "maximize": True},
    ),
    refused=({"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    step="none",
    aliases=_VELOCITY,
    spellings=_ALPHAS,
    quick=True,
)
_MOMENTUM: Settings = {
    "cases": ({}, {"lr": 0.1, "momentum": 0.5}),
    "buffers": {"v": Buffer("momentum_buffer", _of_velocity)},
    "variant": "lr inside the momentum buffer",
    "momentum": "momentum",
    "note": "equal while lr stays",
}
_add("Momentum", "6.1.4", like="SGD", **_MOMENTUM, quick=True)
_add(
    "Nesterov",
    "6.1.4",
    like="SGD",
    **_MOMENTUM,
    to_torch=lambda o: {"lr": o.lr, "momentum": o.momentum, "nesterov": True},
)
_add(
    "Adagrad",
    "6.1.5",
    cases=(
        *_SHARED,
        {"lr_decay": 0.01, "initial_accumulator_value": 0.1},
        {"eps": 1e-3, "weight_decay": 0.01},
    ),
    aliases=_SQUARES,
)
_add(
    "AdaGrad",
    "6.1.5",
    like="Adagrad",
    cases=({}, {"lr": 1.5}),
    note="eps 1e-7, torch 1e-10",
    quick=True,
)
_add(
    "RMSprop",
    "6.1.5",
    cases=(
        *_SHARED,
        {"momentum": 0.9, "alpha": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.01, "eps": 1e-3},
    ),
    aliases=_AVERAGES,
    overflows={"centered": "∞ − ∞: torch's multiply-add does not overflow in h − m², NumPy's does"},
)
_add(
    "RMSProp",
    "6.1.5",
    like="RMSprop",
    cases=({}, {"decay_rate": 0.9}),
    to_torch=lambda o: {"lr": o.lr, "alpha": o.decay_rate, "eps": o.eps},
    note="eps 1e-7, torch 1e-8",
    momentum="decay_rate",
    quick=True,
)
_add(
    "Adam",
    "6.1.6",
    cases=(
        *_ADAM,
        _DECOUPLED,
        {"amsgrad": True},
        {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
    ),
    aliases=_MOMENTS,
    quick=True,
)
_add(
    "AdamW",
    cases=(*_ADAM, {"weight_decay": 0.0}, {"amsgrad": True, "maximize": True}),
    aliases=_MOMENTS,
)
_add("Adamax", cases=_ADAM)
_add("Adadelta", cases=(*_SHARED, {"rho": 0.5, "eps": 1e-3}, {"rho": 1.0}))
_add("NAdam", cases=(*_ADAM, {"momentum_decay": 0.1}, _DECOUPLED), note="torch keeps Π in float32")
_add("RAdam", cases=(*_ADAM, _DECOUPLED), note="ε beside √v, not √v̂")
_add(
    "ASGD",
    cases=(*_SHARED, {"lambd": 0.1, "alpha": 0.5}, {"t0": 10.0, "lambd": 0.0}),
    note="torch keeps η and μ in float32",
    skips={"meta": "torch's reads its rate from the device in every step; meta has no values"},
)
_add(
    "Rprop",
    cases=({}, {"lr": 0.05, "maximize": True}, {"etas": (0.3, 1.5)}, {"step_sizes": (1e-3, 0.1)}),
)
_add(
    "Adafactor",
    cases=(
        *_SHARED,
        {"beta2_decay": -0.5},
        {"beta2_decay": 0.0},
        {"eps": (1e-4, 1e-2)},
        {"d": 2.0},
    ),
    since="2.5",
    least=1,
    overflows={"": "∞ − ∞: torch's lerp_(end, 1) is end − (end − start)·0, which is NaN at ∞"},
)
_add(
    "Lion",
    torch="torch_ref.optim.TorchLion",
    cases=(*_SHARED, {"betas": (0.5, 0.9)}, {"betas": (0.0, 0.9), "weight_decay": 1.0}),
    step="none",
    aliases=_MOMENTS,
    note="torch has none",
)
_add(
    "LAMB",
    torch="torch_ref.optim.TorchLAMB",
    cases=(*_ADAM, {"weight_decay": 0.1, "maximize": True}),
    aliases=_MOMENTS,
    note="torch has none",
)
_add(
    "LARS",
    torch="torch_ref.optim.TorchLARS",
    cases=(
        *_SHARED,
        {"momentum": 0.0, "trust_coefficient": 0.1},
        {"nesterov": True, "weight_decay": 0.1, "eps": 1e-3},
        {"trust_coefficient": None},
    ),
    step="none",
    aliases=_VELOCITY,
    momentum="momentum",
    note="torch has none",
)
_add(
    "LookaheadAdam",
    torch="torch_ref.optim.TorchLookaheadAdam",
    cases=(*_ADAM, {"sync_period": 3, "slow_step_size": 0.8}, {"amsgrad": True, **_DECOUPLED}),
    aliases=_MOMENTS,
    note="torch has none",
)
_add(
    "SparseAdam",
    cases=({}, {"lr": 0.05}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"maximize": True}),
    refused=({"lr": 0.0}, {"eps": 0.0}),
    gradients="rows",
    step="int",
    note="gradients of a few rows",
    shapes=((7, 5), (5,)),
)
_add(
    "Muon",
    cases=(
        {},
        {"lr": 0.05, "weight_decay": 0.0},
        {"momentum": 0.5, "nesterov": False},
        {"momentum": 0.0},
        {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 8},
        {"eps": 100.0, "adjust_lr_fn": "original"},
        {"adjust_lr_fn": "match_rms_adamw"},
        *from_torch("2.14", {"adjust_lr_fn": "spectral_unclamped"}),
    ),
    axes=2,
    step="none",
    # A product summed up in another order is rounded to the other of two neighbours in bfloat16
    # now and then, and the iteration carries it on: where all roundings are independent, a step
    # is off by 2 to 3 % of its norm in the root mean square, and most steps are far less.
    tolerance={"float64": 2e-2, "float32": 2e-2},
    spellings={
        **_ALPHA,
        "momentum": ("beta",),
        "ns_coefficients": ("ns_coeffs", "coefficients"),
        "ns_steps": ("backend_steps", "steps"),
    },
    since="2.9",
    note="matrices only; steps in bfloat16",
    least=1,
    shapes=((7, 5), (5, 3)),
)
_add(
    "LBFGS",
    cases=(
        {},
        {"lr": 0.1, "max_iter": 5},
        _WOLFE,
        _WOLFE | {"max_iter": 9, "max_eval": 4},
        _WOLFE | {"history_size": 3, "lr": 0.5},
        {"tolerance_grad": 1e-2} | _WOLFE,
        {"tolerance_change": 1e-3} | _WOLFE,
        *from_torch("2.14", {"maximize": True} | _WOLFE),
    ),
    to_torch=_unless_minimized,
    gradients="closure",
    lists=("old_dirs", "old_stps", "ro"),
    step="none",
    # Near the minimum it divides by differences of gradients that are rounding errors: 2e-6 was
    # seen at the end of the valley of Rosenbrock. In float32 nothing is left to compare there.
    tolerance=SAME_GRADIENTS | {"float64": 1e-5},
    note="takes a closure",
)
_add(
    "chapter.Adam",
    "6.1.6",
    like="Adam",
    torch="torch_ref.optim.EpsilonHatAdam",
    cases=({}, {"lr": 0.3, "beta1": 0.5, "beta2": 0.9}),
    to_torch=lambda o: {"lr": o.lr, "betas": (o.beta1, o.beta2), "eps": o.eps},
    note="ε̂ beside √v, not √v̂",
    variant="epsilon before the bias correction",
    momentum="beta1",
)


def pair_of(optimizer: optim.Optimizer) -> OptimizerPair:
    """The pair that ``optimizer`` is the hand-written side of.

    Raises:
        TypeError: its class, perhaps a subclass, is not in the table.
    """
    for pair in OPTIMIZERS.values():
        if pair.scratch is type(optimizer):
            return pair
    raise TypeError(
        f"optimizer must be of a class that has a twin ({', '.join(OPTIMIZERS)}), got a "
        f"{type(optimizer).__name__}"
    )
