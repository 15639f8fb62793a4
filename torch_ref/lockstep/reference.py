"""What a candidate is checked against: something of torch, by its name."""

import inspect
from dataclasses import dataclass
from typing import Any

import torch

from torch_ref.lockstep.candidate import CandidateError, did_you_mean

OPTIMIZER, NORM, INITIALIZER, SCHEDULE = "optimizer", "norm", "initializer", "schedule"


@dataclass(frozen=True)
class Reference:
    """Something of torch, and what kind of thing it is."""

    name: str
    kind: str
    target: Any


def find(against: Any) -> Reference:
    """The reference for a name, dotted or not, or for the thing itself.

    Raises:
        CandidateError: torch has none of that name; the message says which is near.

    >>> find("Adam")
    Reference(name='Adam', kind='optimizer', target=<class 'torch.optim.adam.Adam'>)
    >>> find("torch.nn.init.xavier_normal_").kind, find("StepLR").kind, find("LayerNorm").kind
    ('initializer', 'schedule', 'norm')
    """
    if isinstance(against, type) and issubclass(against, torch.optim.Optimizer):
        return Reference(against.__name__, OPTIMIZER, against)
    name = against if isinstance(against, str) else getattr(against, "__name__", repr(against))
    name = name.rpartition(".")[2]
    known = _known()
    for reference in known:
        if reference.name in (name, f"{name}_"):
            return reference
    names = [reference.name for reference in known]
    listed = (
        "; it may be an optimizer, a normalization layer, an initializer or a schedule of torch"
    )
    raise CandidateError(f"torch has no {name!r}{did_you_mean(name, names) or listed}")


def _known() -> list[Reference]:
    """Everything of torch that there is a check for."""
    schedulers = torch.optim.lr_scheduler
    groups = (
        (OPTIMIZER, _classes(torch.optim, torch.optim.Optimizer)),
        (NORM, {n: c for n, c in _classes(torch.nn, torch.nn.Module).items() if "Norm" in n}),
        (INITIALIZER, {n: f for n, f in _functions(torch.nn.init).items() if n.endswith("_")}),
        (SCHEDULE, _classes(schedulers, schedulers.LRScheduler)),
    )
    return [
        Reference(name, kind, target)
        for kind, members in groups
        for name, target in members.items()
        if not name.startswith("_")
    ]


def _classes(module: Any, base: type) -> dict[str, type]:
    members = inspect.getmembers(module, inspect.isclass)
    return {name: cls for name, cls in members if issubclass(cls, base) and cls is not base}


def _functions(module: Any) -> dict[str, Any]:
    return dict(inspect.getmembers(module, inspect.isfunction))
