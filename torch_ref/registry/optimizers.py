"""The optimizers of ``scratch.optim`` beside torch's."""

import numpy as np

from scratch import optim
from torch_ref.registry.pairs import SAME_GRADIENTS, Buffer, OptimizerPair, Settings, from_torch

_NOT_A_RATE = ({"lr": -0.1}, {"weight_decay": -1.0})
_SHARED: tuple[Settings, ...] = ({}, {"lr": 0.05}, {"weight_decay": 0.1}, {"maximize": True})
_ADAM = (*_SHARED, {"betas": (0.5, 0.9), "eps": 1e-3}, {"betas": (0.0, 0.9)})
_NOT_ADAM = (*_NOT_A_RATE, {"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"eps": -1.0})
_ALPHA = {"lr": ("alpha", "α")}
#: α is the chapter's momentum, where there is a clearer word for the learning rate.
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
_FUSED = {"fused": True}
_CAPTURABLE = {"capturable": True, "foreach": True}
_BOTH = {"capturable": True, "fused": True}
_DECOUPLED = {"weight_decay": 0.1, "decoupled_weight_decay": True}


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
        step="none",
        aliases=_VELOCITY,
        spellings=_ALPHAS,
        graph=_FUSED,
        family="SGD",
        quick=True,
    ),
    OptimizerPair(
        name="Momentum",
        scratch=optim.Momentum,
        torch="torch.optim.SGD",
        section="6.1.4",
        cases=({}, {"lr": 0.1, "momentum": 0.5}),
        refused=({"lr": -0.1}, {"momentum": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "momentum": o.momentum},
        buffers={"v": Buffer("momentum_buffer", _of_velocity)},
        note="equal while lr stays",
        step="none",
        aliases=_VELOCITY,
        spellings=_ALPHAS,
        graph=_FUSED,
        family="SGD",
        variant="lr inside the momentum buffer",
        momentum="momentum",
        quick=True,
    ),
    OptimizerPair(
        name="Nesterov",
        scratch=optim.Nesterov,
        torch="torch.optim.SGD",
        section="6.1.4",
        cases=({}, {"lr": 0.1, "momentum": 0.5}),
        refused=({"lr": -0.1}, {"momentum": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "momentum": o.momentum, "nesterov": True},
        buffers={"v": Buffer("momentum_buffer", _of_velocity)},
        note="equal while lr stays",
        step="none",
        aliases=_VELOCITY,
        spellings=_ALPHAS,
        graph=_FUSED,
        family="SGD",
        variant="lr inside the momentum buffer",
        momentum="momentum",
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
        aliases=_SQUARES,
        spellings=_ALPHA,
        family="Adagrad",
    ),
    OptimizerPair(
        name="AdaGrad",
        scratch=optim.AdaGrad,
        torch="torch.optim.Adagrad",
        section="6.1.5",
        cases=({}, {"lr": 1.5}),
        refused=({"lr": -0.1}, {"eps": -1.0}),
        note="eps 1e-7, torch 1e-10",
        aliases=_SQUARES,
        spellings=_ALPHA,
        family="Adagrad",
        quick=True,
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
        aliases=_AVERAGES,
        graph=_CAPTURABLE,
        family="RMSprop",
        overflows={
            "centered": "∞ − ∞: torch's multiply-add does not overflow in h − m², NumPy's does"
        },
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
        aliases=_AVERAGES,
        graph=_CAPTURABLE,
        family="RMSprop",
        momentum="decay_rate",
        quick=True,
    ),
    OptimizerPair(
        name="Adam",
        scratch=optim.Adam,
        torch="torch.optim.Adam",
        section="6.1.6",
        cases=(
            *_ADAM,
            _DECOUPLED,
            {"amsgrad": True},
            {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
        ),
        refused=_NOT_ADAM,
        aliases=_MOMENTS,
        spellings=_ALPHA,
        graph=_BOTH,
        family="Adam",
        quick=True,
    ),
    OptimizerPair(
        name="AdamW",
        scratch=optim.AdamW,
        torch="torch.optim.AdamW",
        section="",
        cases=(*_ADAM, {"weight_decay": 0.0}, {"amsgrad": True, "maximize": True}),
        refused=_NOT_ADAM,
        aliases=_MOMENTS,
        spellings=_ALPHA,
        graph=_BOTH,
        family="AdamW",
    ),
    OptimizerPair(
        name="Adamax",
        scratch=optim.Adamax,
        torch="torch.optim.Adamax",
        section="",
        cases=_ADAM,
        refused=_NOT_ADAM,
        spellings=_ALPHA,
        graph=_CAPTURABLE,
    ),
    OptimizerPair(
        name="Adadelta",
        scratch=optim.Adadelta,
        torch="torch.optim.Adadelta",
        section="",
        cases=(*_SHARED, {"rho": 0.5, "eps": 1e-3}, {"rho": 1.0}),
        refused=(*_NOT_A_RATE, {"rho": -0.1}, {"rho": 1.1}, {"eps": -1.0}),
        spellings=_ALPHA,
        graph=_CAPTURABLE,
    ),
    OptimizerPair(
        name="NAdam",
        scratch=optim.NAdam,
        torch="torch.optim.NAdam",
        section="",
        cases=(*_ADAM, {"momentum_decay": 0.1}, _DECOUPLED),
        refused=(*_NOT_ADAM, {"momentum_decay": -1.0}),
        note="torch keeps Π in float32",
        spellings=_ALPHA,
        graph=_CAPTURABLE,
    ),
    OptimizerPair(
        name="RAdam",
        scratch=optim.RAdam,
        torch="torch.optim.RAdam",
        section="",
        cases=(*_ADAM, _DECOUPLED),
        refused=_NOT_ADAM,
        note="ε beside √v, not √v̂",
        spellings=_ALPHA,
        graph=_CAPTURABLE,
    ),
    OptimizerPair(
        name="ASGD",
        scratch=optim.ASGD,
        torch="torch.optim.ASGD",
        section="",
        cases=(*_SHARED, {"lambd": 0.1, "alpha": 0.5}, {"t0": 10.0, "lambd": 0.0}),
        refused=_NOT_A_RATE,  # lambd and alpha below 0 too, but torch only from 2.15 on
        note="torch keeps η and μ in float32",
        graph=_CAPTURABLE,
        skips={"meta": "torch's reads its rate from the device in every step; meta has no values"},
    ),
    OptimizerPair(
        name="Rprop",
        scratch=optim.Rprop,
        torch="torch.optim.Rprop",
        section="",
        cases=(
            {},
            {"lr": 0.05, "maximize": True},
            {"etas": (0.3, 1.5)},
            {"step_sizes": (1e-3, 0.1)},
        ),
        refused=({"lr": -0.1}, {"etas": (0.0, 1.2)}, {"etas": (0.5, 1.0)}),
        graph=_CAPTURABLE,
        skips={"handed over": "it takes signs, and that of a rounded zero is a toss"},
    ),
    OptimizerPair(
        name="Adafactor",
        scratch=optim.Adafactor,
        torch="torch.optim.Adafactor",
        section="",
        cases=(
            *_SHARED,
            {"beta2_decay": -0.5},
            {"beta2_decay": 0.0},
            {"eps": (1e-4, 1e-2)},
            {"d": 2.0},
        ),
        refused=(
            *_NOT_A_RATE,
            {"beta2_decay": 0.1},
            {"eps": (-1.0, 1e-3)},
            {"eps": (None, -1.0)},
            {"d": 0.5},
        ),
        since="2.5",
        least=1,
        overflows={"": "∞ − ∞: torch's lerp_(end, 1) is end − (end − start)·0, which is NaN at ∞"},
    ),
    OptimizerPair(
        name="Lion",
        scratch=optim.Lion,
        torch="torch_ref.optim.TorchLion",
        section="",
        cases=(*_SHARED, {"betas": (0.5, 0.9)}, {"betas": (0.0, 0.9), "weight_decay": 1.0}),
        refused=(*_NOT_A_RATE, {"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}),
        step="none",
        aliases=_MOMENTS,
        spellings=_ALPHA,
        note="torch has none",
    ),
    OptimizerPair(
        name="SparseAdam",
        scratch=optim.SparseAdam,
        torch="torch.optim.SparseAdam",
        section="",
        cases=({}, {"lr": 0.05}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"maximize": True}),
        refused=(
            {"lr": -0.1},
            {"lr": 0.0},
            {"betas": (1.0, 0.9)},
            {"betas": (0.9, -0.1)},
            {"eps": -1.0},
            {"eps": 0.0},
        ),
        gradients="rows",
        step="int",
        note="gradients of a few rows",
        shapes=((7, 5), (5,)),
    ),
    OptimizerPair(
        name="Muon",
        scratch=optim.Muon,
        torch="torch.optim.Muon",
        section="",
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
        refused=(*_NOT_A_RATE, {"momentum": -0.1}, {"adjust_lr_fn": "adamw"}),
        axes=2,
        step="none",
        # A product summed up in another order is rounded to the other of two neighbours in bfloat16
        # now and then, and the iteration carries it on: where all roundings are independent, a step
        # is off by 2 to 3 % of its norm in the root mean square, and most steps are far less.
        tolerance={"float64": 2e-2, "float32": 2e-2},
        since="2.9",
        note="matrices only; steps in bfloat16",
        least=1,
        shapes=((7, 5), (5, 3)),
    ),
    OptimizerPair(
        name="LBFGS",
        scratch=optim.LBFGS,
        torch="torch.optim.LBFGS",
        section="",
        cases=(
            {},
            {"lr": 0.1, "max_iter": 5},
            {"line_search_fn": "strong_wolfe"},
            {"line_search_fn": "strong_wolfe", "max_iter": 9, "max_eval": 4},
            {"line_search_fn": "strong_wolfe", "history_size": 3, "lr": 0.5},
            {"tolerance_grad": 1e-2, "line_search_fn": "strong_wolfe"},
            {"tolerance_change": 1e-3, "line_search_fn": "strong_wolfe"},
            *from_torch("2.14", {"maximize": True, "line_search_fn": "strong_wolfe"}),
        ),
        refused=({"lr": -0.1},),
        to_torch=_unless_minimized,
        gradients="closure",
        lists=("old_dirs", "old_stps", "ro"),
        step="none",
        # Near the minimum it divides by differences of gradients that are rounding errors: 2e-6 was
        # seen at the end of the valley of Rosenbrock. In float32 nothing is left to compare there.
        tolerance=SAME_GRADIENTS | {"float64": 1e-5},
        note="takes a closure",
    ),
    OptimizerPair(
        name="chapter.Adam",
        scratch=optim.chapter.Adam,
        torch="torch_ref.optim.EpsilonHatAdam",
        section="6.1.6",
        cases=({}, {"lr": 0.3, "beta1": 0.5, "beta2": 0.9}),
        refused=({"lr": -0.1}, {"beta1": 1.0}, {"beta2": -0.1}),
        to_torch=lambda o: {"lr": o.lr, "betas": (o.beta1, o.beta2), "eps": o.eps},
        note="ε̂ beside √v, not √v̂",
        aliases=_MOMENTS,
        spellings=_ALPHA,
        family="Adam",
        variant="epsilon before the bias correction",
        momentum="beta1",
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
    raise TypeError(
        f"optimizer must be of a class that has a twin ({', '.join(OPTIMIZERS)}), got a "
        f"{type(optimizer).__name__}"
    )
