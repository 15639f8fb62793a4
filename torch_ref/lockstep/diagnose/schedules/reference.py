"""Torch's schedule, run with any settings; the hand-written one where torch is not installed."""

from collections.abc import Callable
from typing import Any

import numpy as np

import scratch.optim
from scratch import _check
from scratch.optim import SGD
from torch_ref import extras, registry
from torch_ref.lockstep.candidates.candidate import name_of
from torch_ref.lockstep.candidates.reference import find
from torch_ref.lockstep.frameworks.away import where_it_is
from torch_ref.lockstep.frameworks.schedules import Rates, rates_of, stepped
from torch_ref.registry import SchedulePair

Settings = dict[str, Any]
MOMENTUM = 0.9


class ReferenceSchedule:
    """A schedule of torch with its settings, over an optimizer with momentum.

    Attributes:
        name: of the class, or of the function that makes one.
        settings: all that it was given.
        samples: those among them that no text can give: functions, and other schedules.
        steps: how many rates it has, at most as many as asked for: a ``OneCycleLR`` ends.
        metrics: what a schedule that watches a metric is told.
    """

    def __init__(self, against: Any, settings: Settings, lr: float, steps: int) -> None:
        self._factory, self.name, pair = _factory(against)
        self.samples = _samples(pair, settings) if pair is not None else {}
        self.settings, self._lr = self.samples | settings, lr
        watches = pair is not None and pair.metric
        self.metrics = _metrics(steps, str(settings.get("mode", "min"))) if watches else []
        self._known: dict[str, Rates] = {}
        self.steps = steps
        self.steps = self.run({}).steps
        self._known = {}
        self.rates = self.run({})

    def run(self, changes: Settings) -> Rates:
        """The rates with some settings changed."""
        key = repr(changes)
        if key not in self._known:
            made = self._factory(_optimizer(self._lr, self.settings), self.settings | changes)
            self._known[key] = self._stepped(made)
        return self._known[key]

    def _stepped(self, made: Any) -> Rates:
        steps, ended = self.steps, _Ended(made)
        found = stepped(ended, steps, self.metrics)
        steps = ended.steps or steps
        momentum = None if found.momentum is None else found.momentum[:steps]
        return Rates(found.lr[:steps], momentum)


class _Ended:
    """A schedule that keeps its last rate where it refuses to go on."""

    def __init__(self, made: Any) -> None:
        self._made, self.steps, self._taken = made, 0, 1
        self.optimizer = made.optimizer if hasattr(made, "optimizer") else None
        if self.optimizer is None and hasattr(made, "schedulers"):
            self.optimizer = made.schedulers[0].optimizer
        self.get_last_lr = made.get_last_lr
        takes = hasattr(made, "mode") and hasattr(made, "patience")
        self.step: Callable[..., None] = self._with_metric if takes else self._alone

    def _alone(self) -> None:
        self._go()

    def _with_metric(self, metrics: float) -> None:
        self._go(metrics)

    def _go(self, *given: Any) -> None:
        if not self.steps:
            try:
                self._made.step(*given)
                self._taken += 1
            except ValueError:
                if self._taken == 1:
                    raise
                self.steps = self._taken - 1  # one more is allowed than there are rates for


@where_it_is
def rates_there(
    candidate: Any,
    against: str,
    lr: float,
    steps: int,
    own: Settings,
    settings: Settings,
    metrics: list[float],
) -> tuple[Any, ...]:
    """The candidate's rates, found in the process that it is in; see ``Rates``.

    Args:
        candidate: the schedule.
        against: torch's name of its like, where it has one.
        lr: the base lr.
        steps: how many.
        own: the settings of torch's.
        settings: all that were given.
        metrics: what a schedule that watches a metric is told.
    """
    entry = registry.find(against) if against else None
    samples = _samples(entry.pair, own) if entry and isinstance(entry.pair, SchedulePair) else {}
    known = samples | own
    made = optimizers(known)
    return tuple(
        rates_of(
            candidate,
            lr,
            steps,
            known | settings,
            metrics=metrics,
            optimizers=made,
            prepared=nested,
        )
    )


def optimizers(settings: Settings) -> list[Callable[[float], Any]]:
    """Ways to make an optimizer for a candidate to set."""
    torchs = [lambda lr: _optimizer(lr, settings)] if extras.has_torch() else []
    return [*torchs, lambda lr: SGD(lr=lr, momentum=MOMENTUM)]


def _optimizer(lr: float, settings: Settings) -> Any:
    """Torch's SGD, or the hand-written one where torch is not installed."""
    if not extras.has_torch():
        return SGD(lr=lr, momentum=MOMENTUM)
    weight = registry.resolve("torch.zeros")(1, dtype=registry.resolve("torch.float64"))
    made = registry.resolve("torch.optim.SGD")([weight], lr=lr, momentum=MOMENTUM)
    if settings.get("last_epoch", -1) != -1:  # to go on from there, torch wants to know the start
        made.param_groups[0]["initial_lr"] = lr
    return made


def _factory(against: Any) -> tuple[Callable[[Any, Settings], Any], str, SchedulePair | None]:
    """A function from an optimizer and settings to the schedule, what it is called, its entry."""
    if isinstance(against, str):
        entry = registry.find(against)
        if entry is None or not isinstance(entry.pair, SchedulePair):
            shown = _check.shown(against)
            raise ValueError(f"against must be of torch.optim.lr_scheduler, which has no {shown}")
        theirs, pair = find(entry.pair.torch), entry.pair

        def make(optimizer: Any, settings: Settings) -> Any:
            return theirs.target(optimizer=optimizer, **nested(optimizer, settings))

        return make, theirs.name, pair
    if isinstance(against, type):
        name = f"torch.optim.lr_scheduler.{against.__name__}"
        return lambda optimizer, settings: against(optimizer, **settings), name, None
    _check.function("against", against)
    return lambda optimizer, settings: against(optimizer), name_of(against), None


def nested(optimizer: Any, settings: Settings) -> Settings:
    """The settings with inner schedules made over the optimizer, where they are named."""
    if "schedulers" not in settings:
        return settings
    inner = []
    for name, options in settings["schedulers"]:
        ours = registry.SCHEDULES[name].scratch
        kind = ours if isinstance(optimizer, scratch.optim.Optimizer) else find(name).target
        inner.append(kind(optimizer=optimizer, **nested(optimizer, options)))
    return settings | {"schedulers": inner}


def _samples(pair: SchedulePair, settings: Settings) -> Settings:
    """Functions and schedules that no text can give: those that the table tries."""
    given = {"lr_lambda", "schedulers"} & settings.keys()
    cases = [case for case in pair.cases if {"lr_lambda", "schedulers"} & case.keys()]
    if given or not cases:
        return {}
    best = max(cases, key=lambda case: len(case.get("schedulers", ())) == 2)
    return dict(best)


def _metrics(steps: int, mode: str) -> list[float]:
    """A loss that falls and stops falling, for longer or shorter, or by next to nothing."""
    random, value, found = np.random.default_rng(0), 0.25, [0.25]
    while len(found) < steps:
        for _ in range(random.integers(1, 5)):
            value *= 0.9
            found.append(value)
        found += list(value * (1 + random.random(random.integers(1, 15))))
        found.append(value * (1 - 5e-5))  # less than the relative threshold
        found += list(value * (1 + random.random(random.integers(1, 15))))
        value *= 1 - 3e-4  # more than it, yet less than the absolute one
        found.append(value)
    return found[:steps] if mode == "min" else [1 / each for each in found[:steps]]
