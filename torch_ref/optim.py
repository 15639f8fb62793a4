"""The twins of ``scratch.optim``: the same names and arguments, stepped by ``torch.optim``.

Each is used like its twin, ``update(params, grads)`` on two dicts, here of tensors:

>>> params = {"w": torch.tensor([1.0, -2.0])}
>>> SGD(lr=0.1).update(params, {"w": torch.tensor([1.0, 1.0])})
>>> params["w"]
tensor([ 0.9000, -2.1000])

The settings of both sides are translated by the registry: the chapter's ``Momentum(momentum=0.9)``
is ``torch.optim.SGD(momentum=0.9)``.
"""

from typing import Any

import torch

from scratch import _check, optim
from torch_ref.beyond import TorchLAMB, TorchLARS, TorchLion, TorchLookaheadAdam
from torch_ref.registry import OPTIMIZERS
from torch_ref.twin import Named
from torch_ref.twin import Twin as Twin


class SGD(Named):
    by_hand, by_torch = optim.SGD, torch.optim.SGD


class Momentum(Named):
    by_hand, by_torch = optim.Momentum, torch.optim.SGD


class Nesterov(Named):
    by_hand, by_torch = optim.Nesterov, torch.optim.SGD


class Adagrad(Named):
    by_hand, by_torch = optim.Adagrad, torch.optim.Adagrad


class AdaGrad(Named):
    by_hand, by_torch = optim.AdaGrad, torch.optim.Adagrad


class RMSprop(Named):
    by_hand, by_torch = optim.RMSprop, torch.optim.RMSprop


class RMSProp(Named):
    by_hand, by_torch = optim.RMSProp, torch.optim.RMSprop


class Adam(Named):
    by_hand, by_torch = optim.Adam, torch.optim.Adam


class AdamW(Named):
    by_hand, by_torch = optim.AdamW, torch.optim.AdamW


class Adamax(Named):
    by_hand, by_torch = optim.Adamax, torch.optim.Adamax


class Adadelta(Named):
    by_hand, by_torch = optim.Adadelta, torch.optim.Adadelta


class NAdam(Named):
    by_hand, by_torch = optim.NAdam, torch.optim.NAdam


class RAdam(Named):
    by_hand, by_torch = optim.RAdam, torch.optim.RAdam


class ASGD(Named):
    by_hand, by_torch = optim.ASGD, torch.optim.ASGD


class Rprop(Named):
    by_hand, by_torch = optim.Rprop, torch.optim.Rprop


class Adafactor(Named):
    by_hand, by_torch = optim.Adafactor, torch.optim.Adafactor


class SparseAdam(Named):
    by_hand, by_torch = optim.SparseAdam, torch.optim.SparseAdam


class Muon(Named):
    by_hand, by_torch = optim.Muon, torch.optim.Muon


class LBFGS(Named):
    by_hand, by_torch = optim.LBFGS, torch.optim.LBFGS


class Lion(Named):
    by_hand, by_torch = optim.Lion, TorchLion


class LAMB(Named):
    by_hand, by_torch = optim.LAMB, TorchLAMB


class LARS(Named):
    by_hand, by_torch = optim.LARS, TorchLARS


class LookaheadAdam(Named):
    by_hand, by_torch = optim.LookaheadAdam, TorchLookaheadAdam


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with the paper's ε̂ beside the uncorrected √v: torch's with eps = ε̂/√(1 − β₂ᵗ)."""

    def __init__(self, params: Any, **settings: Any) -> None:
        # A group for each parameter: one that is skipped in a step has a t, and an ε, of its own.
        groups = [
            group | {"params": [w]}
            for group in (p if isinstance(p, dict) else {"params": [p]} for p in params)
            for w in group["params"]
        ]
        super().__init__(groups, **settings)
        for group in self.param_groups:
            group["epsilon_hat"] = group["eps"]

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            t = int(self.state.get(group["params"][0], {}).get("step", 0)) + 1
            group["eps"] = group["epsilon_hat"] / (1 - group["betas"][1] ** t) ** 0.5
        return super().step(closure)


class ChapterAdam(Named):
    by_hand, by_torch = optim.chapter.Adam, EpsilonHatAdam


def by_name(name: str, **settings: Any) -> Twin:
    """The twin of ``scratch.optim``'s ``name`` with the same settings.

    >>> by_name("chapter.Adam", beta1=0.5)
    torch_ref.optim.EpsilonHatAdam(lr=0.001, betas=(0.5, 0.999), eps=1e-07)
    """
    return Twin(OPTIMIZERS[_check.choice("name", name, OPTIMIZERS)].scratch(**settings))
