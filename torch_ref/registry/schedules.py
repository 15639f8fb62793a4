"""The schedules of ``scratch.lr_scheduler`` beside torch's."""

from typing import Any

from scratch import lr_scheduler
from torch_ref.registry.pairs import SchedulePair, Settings, from_torch

SCHEDULES: dict[str, SchedulePair] = {}


def _inverse(t: int) -> float:
    return 1 / (1 + t)


def _inverse_root(t: int) -> float:
    return (1 + t) ** -0.5


def _slowly(t: int) -> float:
    return 0.99


def _add(name: str, section: str = "6.1.5", home: str = "lr_scheduler", **said: Any) -> None:
    """Add the pair of a class and torch's of that name, which is in the module ``home``."""
    torch = f"torch.optim.{home}.{name}"
    SCHEDULES[name] = SchedulePair(name, getattr(lr_scheduler, name), torch, section, **said)


_WARM_UP = ("LinearLR", {"start_factor": 0.1, "total_iters": 7})
_DECAY = ("ExponentialLR", {"gamma": 0.99})
_COSINE = ("CosineAnnealingLR", {"T_max": 40, "eta_min": 1e-3})
_CYCLE: Settings = {"base_lr": 0.01, "max_lr": 0.1}

_add(
    "StepLR",
    cases=({"step_size": 30}, {"step_size": 1, "gamma": 0.99}, {"step_size": 7, "gamma": 1.1}),
)
_add(
    "MultiStepLR",
    cases=(
        {"milestones": [30, 80]},
        {"milestones": [80, 3, 3, 200], "gamma": 0.7},
        {"milestones": [0, 0, 9], "gamma": 0.5},
    ),
)
_add("ExponentialLR", cases=({"gamma": 0.99}, {"gamma": 1.003}, {"gamma": 0.0}))
_add(
    "ConstantLR",
    cases=({}, {"factor": 0.25, "total_iters": 100}, {"total_iters": 0}, {"factor": 1.0}),
    note="factor > 0, torch ≥ 0",
)
_add(
    "LinearLR",
    cases=(
        {},
        {"start_factor": 0.01, "total_iters": 250},
        {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 33},
        {"start_factor": 0.7, "end_factor": 0.2, "total_iters": 0},
    ),
)
_add(
    "PolynomialLR",
    cases=({}, {"total_iters": 400, "power": 0.9}, {"total_iters": 60, "power": 2.0}),
)
_add(
    "CosineAnnealingLR",
    cases=({"T_max": 50}, {"T_max": 500, "eta_min": 1e-3}, {"T_max": 1, "eta_min": 0.3}),
)
_add(
    "CosineAnnealingWarmRestarts",
    cases=({"T_0": 50}, {"T_0": 10, "T_mult": 2, "eta_min": 1e-3}, {"T_0": 1, "T_mult": 3}),
)
_add(
    "LambdaLR",
    cases=({"lr_lambda": _inverse}, {"lr_lambda": [_inverse, _inverse_root]}),
    per_group=("lr_lambda",),
)
_add(
    "MultiplicativeLR",
    cases=({"lr_lambda": _slowly}, {"lr_lambda": [_slowly, _inverse_root]}),
    per_group=("lr_lambda",),
)
_add(
    "ReduceLROnPlateau",
    cases=(
        {},
        {"mode": "max", "factor": 0.5, "patience": 2},
        {"threshold": 0.3, "threshold_mode": "abs", "patience": 1, "cooldown": 3},
        {"mode": "max", "threshold": 0.2, "threshold_mode": "abs", "patience": 0, "eps": 1e-3},
        {"factor": 0.5, "patience": 1, "min_lr": 0.01},
        {"factor": 0.5, "patience": 1, "min_lr": [0.02, 0.001]},
    ),
    metric=True,
    per_group=("min_lr",),
)
_add(
    "SWALR",
    "",
    "swa_utils",
    cases=(
        {"swa_lr": 0.05},
        {"swa_lr": 0.2, "anneal_epochs": 100, "anneal_strategy": "linear"},
        {"swa_lr": [0.2, 0.01], "anneal_epochs": 0},
    ),
    per_group=("swa_lr",),
)
_add(
    "CyclicLR",
    "",
    cases=(
        _CYCLE,
        {**_CYCLE, "step_size_up": 20, "cycle_momentum": False},
        {**_CYCLE, "step_size_up": 20, "step_size_down": 33, "mode": "triangular2"},
        {**_CYCLE, "step_size_up": 9, "mode": "exp_range", "gamma": 0.99},
        {**_CYCLE, "step_size_up": 9, "scale_fn": _inverse_root, "scale_mode": "iterations"},
        {**_CYCLE, "step_size_up": 9, "step_size_down": 0, "scale_fn": _inverse_root},
        {
            "base_lr": [0.01, 0.001],
            "max_lr": [0.2, 0.1],
            "step_size_up": 12,
            "base_momentum": [0.5, 0.7],
            "max_momentum": [0.8, 0.95],
        },
    ),
    per_group=("base_lr", "max_lr", "base_momentum", "max_momentum"),
    note="moves the momentum, too",
)
_add(
    "OneCycleLR",
    "",
    cases=(
        {"max_lr": 0.5, "total_steps": 501},
        {"max_lr": 0.5, "epochs": 10, "steps_per_epoch": 51, "anneal_strategy": "linear"},
        {"max_lr": 0.5, "total_steps": 77, "three_phase": True, "pct_start": 0.4},
        {"max_lr": 0.5, "total_steps": 40, "div_factor": 10.0, "final_div_factor": 7.0},
        {"max_lr": 0.5, "total_steps": 30, "pct_start": 1.0, "cycle_momentum": False},
        {"max_lr": 0.5, "total_steps": 30, "pct_start": 0.0},
        {
            "max_lr": [0.5, 0.1],
            "total_steps": 501,
            "base_momentum": [0.5, 0.7],
            "max_momentum": [0.8, 0.95],
        },
    ),
    refused=(
        {"max_lr": 0.5},
        {"max_lr": 0.5, "epochs": 3},
        {"max_lr": 0.5, "epochs": 0, "steps_per_epoch": 3},
        {"max_lr": 0.5, "epochs": 3, "steps_per_epoch": -3},
    ),
    per_group=("max_lr", "base_momentum", "max_momentum"),
    note="moves the momentum, too",
)
_add(
    "ChainedScheduler",
    cases=(
        {"schedulers": (_DECAY,)},
        {"schedulers": (_WARM_UP, _DECAY)},
        {"schedulers": (_COSINE, ("ConstantLR", {"factor": 0.5}), ("StepLR", {"step_size": 9}))},
        {"schedulers": (("ChainedScheduler", {"schedulers": (_WARM_UP, _DECAY)}), _COSINE)},
        {
            "schedulers": (
                ("SequentialLR", {"schedulers": (_WARM_UP, _COSINE), "milestones": [7]}),
                ("CyclicLR", {**_CYCLE, "step_size_up": 9}),
                _DECAY,
            )
        },
    ),
    refused=({"schedulers": ()}, {"schedulers": (_DECAY, ("ReduceLROnPlateau", {}))}),
)
_add(
    "SequentialLR",
    cases=(
        {"schedulers": (_DECAY,), "milestones": []},
        {"schedulers": (_WARM_UP, _DECAY), "milestones": [7]},
        # At a milestone of 0 older ones begin with the first all the same.
        *from_torch("2.13", {"schedulers": (_COSINE, _WARM_UP, _DECAY), "milestones": [0, 9]}),
        {"schedulers": (_WARM_UP, _COSINE, _DECAY), "milestones": [5, 5]},
        *(
            {"schedulers": (first, second), "milestones": [7]}
            for first, second in (
                (_WARM_UP, ("StepLR", {"step_size": 9})),
                (_WARM_UP, ("MultiStepLR", {"milestones": [0, 9]})),
                (_WARM_UP, ("PolynomialLR", {"total_iters": 90})),
                (_COSINE, ("ConstantLR", {"total_iters": 3})),
                (_DECAY, ("ConstantLR", {"total_iters": 0})),
                (_DECAY, ("CosineAnnealingWarmRestarts", {"T_0": 10, "T_mult": 2})),
                (("CosineAnnealingWarmRestarts", {"T_0": 3}), _COSINE),
                (_DECAY, ("LambdaLR", {"lr_lambda": _inverse})),
                (("LambdaLR", {"lr_lambda": _inverse}), _WARM_UP),
                (_DECAY, ("MultiplicativeLR", {"lr_lambda": _inverse_root})),
                (("MultiplicativeLR", {"lr_lambda": _inverse_root}), _DECAY),
                (_DECAY, ("SWALR", {"swa_lr": 0.01})),
                (("SWALR", {"swa_lr": 0.01}), _DECAY),
                (_DECAY, ("CyclicLR", {**_CYCLE, "step_size_up": 9})),
                (("CyclicLR", {**_CYCLE, "step_size_up": 9}), _DECAY),
                (_DECAY, ("OneCycleLR", {"max_lr": 0.3, "total_steps": 494})),
                (("ChainedScheduler", {"schedulers": (_WARM_UP, _DECAY)}), _COSINE),
                (("ChainedScheduler", {"schedulers": (("SWALR", {"swa_lr": 0.01}),)}), _DECAY),
                (("SequentialLR", {"schedulers": (_DECAY, _WARM_UP), "milestones": [3]}), _COSINE),
            )
        ),
    ),
    refused=(
        {"schedulers": (), "milestones": []},
        {"schedulers": (_WARM_UP, _DECAY), "milestones": []},
        {"schedulers": (_WARM_UP, _DECAY), "milestones": [3, 9]},
        {"schedulers": (_WARM_UP, ("ReduceLROnPlateau", {})), "milestones": [3]},
    ),
    note="a SequentialLR or ChainedScheduler can only be its first, as in torch",
)
