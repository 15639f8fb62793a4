"""The twins of ``scratch.lr_scheduler``: torch's own schedules, by the same names and settings."""

from collections.abc import Mapping
from typing import Any

import torch

from scratch import _check, lr_scheduler
from scratch.optim import Optimizer
from torch_ref.optim import Twin
from torch_ref.registry import SCHEDULES, resolve


def by_hand(name: str, optimizer: Optimizer, **settings: Any) -> lr_scheduler.LRScheduler:
    """``scratch.lr_scheduler``'s ``name``, where ``schedulers`` are (name, settings) each."""
    pair = SCHEDULES[_check.choice("name", name, SCHEDULES)]
    return pair.scratch(optimizer=optimizer, **_nested(by_hand, optimizer, settings))


def by_torch(
    name: str, optimizer: torch.optim.Optimizer, **settings: Any
) -> torch.optim.lr_scheduler.LRScheduler:
    """Torch's schedule beside ``scratch.lr_scheduler``'s ``name``, with the same settings."""
    _check.instance("optimizer", optimizer, torch.optim.Optimizer)
    cls = resolve(SCHEDULES[_check.choice("name", name, SCHEDULES)].torch)
    return cls(optimizer=optimizer, **_nested(by_torch, optimizer, settings))


class Schedule:
    """Torch's schedule over a twin, whose optimizer torch makes when it gets its parameters.

    A list of values for groups is torch's: one for each of its ``param_groups``.

    Attributes:
        torch: the schedule, from :meth:`bind` on.

    >>> from torch_ref.optim import SGD
    >>> params, sgd = {"w": torch.tensor([1.0])}, SGD(lr=0.1)
    >>> schedule = Schedule("ExponentialLR", sgd, gamma=0.5)
    >>> schedule.bind(params)
    >>> sgd.update(params, {"w": torch.tensor([1.0])})
    >>> schedule.step()
    >>> schedule.torch.get_last_lr()
    [0.05]
    """

    def __init__(self, name: str, twin: Twin, **settings: Any) -> None:
        self.name = _check.choice("name", name, SCHEDULES)
        self.twin, self.settings = _check.instance("twin", twin, Twin), settings
        self.torch: torch.optim.lr_scheduler.LRScheduler | Any = None

    def bind(self, params: Mapping[str, torch.Tensor]) -> None:
        """Make torch's optimizer and its schedule over ``params``, if that is not done yet."""
        self.twin.bind(params)
        if self.torch is None:
            self.torch = by_torch(self.name, self.twin.torch, **self.settings)

    def step(self) -> None:
        """Set the learning rate of the next update."""
        self.torch.step()


def _nested(build: Any, optimizer: Any, settings: dict[str, Any]) -> dict[str, Any]:
    if "schedulers" not in settings:
        return settings
    inner = [build(name, optimizer, **options) for name, options in settings["schedulers"]]
    return settings | {"schedulers": inner}
