"""Settings under which the variants of a family show themselves, and the run that shows them."""

from typing import Any

import numpy as np

from torch_ref.lockstep.diagnose.probe import Probe
from torch_ref.lockstep.diagnose.rules import FAMILIES, UpdateRule
from torch_ref.registry import OPTIMIZERS, Settings

#: None of them the default, nor what a variant has in its place.
_SHOWN: Settings = {
    "weight_decay": 0.1,
    "eps": 3e-7,
    "betas": (0.8, 0.95),
    "momentum": 0.8,
    "dampening": 0.3,
    "nesterov": True,
    "amsgrad": True,
    "centered": True,
    "lr_decay": 0.1,
    "initial_accumulator_value": 0.5,
    "initial_accumulator": 1e-3,
    "rectify": True,
    "rho": 0.8,
    "lambd": 0.07,
    "alpha": 0.6,
    "etas": (0.4, 1.3),
    "momentum_decay": 0.1,
    "nu": 0.6,
    "nus": (0.6, 0.8),
    "beta3": 0.99,
    "final_lr": 0.05,
    "trust_coefficient": 0.01,
    "d": 1.5,
    "use_bias_correction": True,
    "d0": 1e-2,
    "sync_period": 4,
    "slow_step_size": 0.3,
    "r": 0.8,
    "warmup_steps": 5,
}
_OWN: dict[str, Settings] = {
    "Adafactor": {"lr": 0.3, "eps": (1e-5, 1e-3)},
    "Adan": {"betas": (0.9, 0.8, 0.95)},
    "Adadelta": {"lr": 0.5},
    "AdaBelief": {"lr": 0.01},
    "AdaBound": {"eps": 0.1},
    "LAMB": {"lr": 0.01},
    "NovoGrad": {"eps": 30.0},
    "Yogi": {"eps": 0.1},
}


def cases(family: str) -> list[Settings]:
    """All that the family has switched on; without what excludes something; and the defaults."""
    rich = {k: v for k, v in _SHOWN.items() if k in FAMILIES[family].DEFAULTS}
    rich |= _OWN.get(family, {})
    plain = rich | {k: False for k, v in rich.items() if v is True}
    return [rich, plain, {k: v for k, v in plain.items() if k != "dampening"}, {}]


def probe(family: str) -> Probe:
    """The gradients on which it is diagnosed."""
    return Probe(np.dtype("float64"), 40, OPTIMIZERS[family].axes if family in OPTIMIZERS else 0)


def trajectory(rule: UpdateRule, problem: Probe) -> Any:
    """All parameters after every step; the lr is halved halfway."""
    params, steps = {name: w.copy() for name, w in problem.params.items()}, []
    for step, grads in enumerate(problem.stream):
        rule.lr *= 0.5 if step == len(problem.stream) // 2 else 1.0
        rule.update(params, grads)
        steps.append(np.concatenate([params[name].ravel() for name in sorted(params)]))
    return np.array(steps)


def same(run: np.ndarray, expected: np.ndarray) -> bool:
    """Whether a run is another one at every step, to rounding."""
    scales = np.maximum(np.maximum.accumulate(np.abs(expected)), np.finfo(float).tiny)
    return bool((np.abs(run - expected) <= 1e-12 * scales).all())
