"""What a candidate is checked against: something of torch, by its name."""

import inspect
from dataclasses import dataclass
from typing import Any

import torch

from torch_ref.lockstep.candidate import CandidateError, did_you_mean
from torch_ref.lockstep.layers.kinds import KINDS

OPTIMIZER, NORM, INITIALIZER, SCHEDULE = "optimizer", "norm", "initializer", "schedule"

_LAYERS = tuple(KINDS)
#: Those that are constant, or whose distribution is known.
_INITIALIZERS = (
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
)


@dataclass(frozen=True)
class Reference:
    """Something of torch, and what kind of thing it is."""

    name: str
    kind: str
    target: Any


def find(against: Any) -> Reference:
    """The reference for a name, dotted or not, or for the thing itself.

    Raises:
        CandidateError: torch has none of that name, or there is no check for it; the message says
            which is near, or which there are.

    >>> find("Adam")
    Reference(name='Adam', kind='optimizer', target=<class 'torch.optim.adam.Adam'>)
    >>> find("torch.nn.init.xavier_normal_").kind, find("StepLR").kind, find("BatchNorm1d").kind
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
    for module, checked in ((torch.nn, _LAYERS), (torch.nn.init, _INITIALIZERS)):
        if hasattr(module, name) or hasattr(module, f"{name}_"):
            have = f"of {module.__name__} there is one for {', '.join(checked)}"
            raise CandidateError(f"there is no check for {module.__name__}.{name}; {have}")
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
        (NORM, {name: getattr(torch.nn, name) for name in _LAYERS}),
        (INITIALIZER, {name: getattr(torch.nn.init, name) for name in _INITIALIZERS}),
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
