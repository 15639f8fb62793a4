"""Schedules over optimizers of both sides, with and without groups, and what they set."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from scratch import optim
from scratch.lr_scheduler import LRScheduler
from torch_ref.lr_scheduler import by_hand, by_torch
from torch_ref.registry import SCHEDULES, SchedulePair, Settings

RATES = {"SGD": {"lr": 0.1, "momentum": 0.6}, "Adam": {"lr": 0.02, "betas": (0.7, 0.99)}}
GROUPS: dict[str, Any] = {"none": {}, "one": {"b*": {"lr": 0.03}}}
OPTIMIZERS = {f"{name}-{groups}": (name, GROUPS[groups]) for name in RATES for groups in GROUPS}


class Sides:
    """An optimizer of each side with the same settings."""

    def __init__(self, name: str, groups: dict[str, dict[str, Any]]) -> None:
        self.mine = getattr(optim, name)(**RATES[name], groups=groups)
        param_groups = [{"params": [torch.zeros(2)]} | own for own in ({}, *groups.values())]
        self.theirs = getattr(torch.optim, name)(param_groups, **RATES[name])

    def schedules(self, name: str, settings: Settings) -> tuple[LRScheduler, Any]:
        with warnings.catch_warnings():  # torch's own step 0 inside of a SequentialLR sets it off
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
            theirs = by_torch(name, self.theirs, **settings)
        self.theirs.step()  # torch warns of a schedule that steps before its optimizer
        return by_hand(name, self.mine, **settings), theirs

    def my_rates(self) -> list[float]:
        """The learning rate and the momentum of the optimizer and of each group."""
        own = [{}, *self.mine.groups.values()]
        return _flat([self.mine.settings | settings for settings in own])

    def their_rates(self) -> list[float]:
        return _flat(self.theirs.param_groups)


def _flat(groups: list[dict[str, Any]]) -> list[float]:
    return [
        value
        for group in groups
        for value in (group["lr"], group["betas"][0] if "betas" in group else group["momentum"])
    ]


def fits(pair: SchedulePair, case: Settings, groups: dict) -> bool:
    """Whether the optimizer has as many groups as the lists in the settings have values."""
    lengths = {len(case[name]) for name in pair.per_group if isinstance(case.get(name), list)}
    return lengths <= {len(groups) + 1}


def cases() -> Iterator[tuple[SchedulePair, Settings, str]]:
    """(pair, case, optimizer) for all that fit together."""
    for pair in SCHEDULES.values():
        for case in pair.cases:
            for optimizer, (_, groups) in OPTIMIZERS.items():
                if fits(pair, case, groups):
                    yield pair, case, optimizer


def with_one_group() -> Iterator[tuple[SchedulePair, Settings, str]]:
    """Those ``cases`` whose optimizer has one group."""
    return (case for case in cases() if case[-1].endswith("-one"))


def arguments(pair: SchedulePair, seed: int = 0) -> Iterator[tuple[float, ...]]:
    """The arguments of 500 steps: if it has a metric, one that falls, is flat, and then noise."""
    random = np.random.default_rng(seed)
    for step in range(500):
        metric = max(1.0, 5.0 - 0.1 * step) + 0.3 * random.standard_normal() * (step > 200)
        yield (metric,) if pair.metric else ()
