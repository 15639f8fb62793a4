"""The contract of every schedule: ``step()`` sets the optimizer's learning rate."""

import copy
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Annotated, Any, ClassVar, TypeVar

import numpy as np

from scratch import _check
from scratch._check import Check
from scratch._settings import Configurable
from scratch._signals import SignalsWait
from scratch.optim import Optimizer
from scratch.typing import Rate

T = TypeVar("T")

#: A number of steps, >= 0.
Steps = Annotated[int, partial(_check.integer, at_least=0)]
#: The lowest step of a schedule within others, each of which takes back a first step of it.
_EARLIEST = -100


def _done_or_not(change: Callable[..., None]) -> Callable[..., None]:
    """The method ``change``, which Ctrl-C does not stop, and after whose error all is as before."""

    @wraps(change)
    def whole(self: Any, *values: Any, **named: Any) -> None:
        with SignalsWait():
            back = self.put_back()
            try:
                change(self, *values, **named)
            except BaseException:
                back()
                raise

    return whole


class LRScheduler(Configurable):
    """A schedule of an optimizer's learning rate.

    Args:
        optimizer: the optimizer whose ``lr`` is set, now and by each ``step()``, which comes after
            ``optimizer.update``. A group with an ``lr`` of its own is scheduled as well, from that
            one; an argument that may be a list has a value for the optimizer and one for each such
            group.

    Attributes:
        last_epoch: the step that the schedule is at, from 0; a ``ChainedScheduler`` has none.

    Raises:
        TypeError: ``optimizer`` is not an optimizer.

    All schedules of an optimizer start from the rate that it had before the first one. A copy of
    the optimizer has that rate too. A new optimizer that resumes from a snapshot has not, because
    the snapshot holds the current rate alone (torch's holds both): then make a new schedule as
    well, and resume it from its own snapshot.

    Torch's ``last_epoch`` argument has no twin: a schedule resumes with ``load_state_dict``.
    """

    optimizer: Annotated[Optimizer, partial(_check.instance, kind=Optimizer)]

    beside = ("optimizer",)
    #: The attributes that a snapshot leaves out.
    unsaved: ClassVar[frozenset[str]] = frozenset({"optimizer", "rates"})
    remembered: ClassVar[Mapping[str, Check]] = {
        "last_epoch": partial(_check.integer, at_least=_EARLIEST)
    }

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in {"step", "load_state_dict"} & vars(cls).keys():
            setattr(cls, name, _done_or_not(vars(cls)[name]))

    def __post_init__(self) -> None:
        self.rates: list[Rates] = rates_of(self.optimizer)
        self._last_lr = [rates.lr for rates in self.rates]

    @property
    def moves_momentum(self) -> bool:
        """Whether the schedule also sets the momentum."""
        return False

    def step(self) -> None:
        """Set the learning rate of the next update."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def get_last_lr(self) -> list[Rate]:
        """The learning rates that the schedule set last: the optimizer's, then the groups'."""
        return copy.deepcopy(self._last_lr)

    def put_back(self) -> Callable[[], None]:
        """What puts the schedule and the optimizer's settings back to what they are now."""
        own, optimizer = vars(self).copy(), self.optimizer
        settings, unchecked = vars(optimizer).copy(), optimizer._unchecked.copy()
        groups = {pattern: values.copy() for pattern, values in optimizer.groups.items()}

        def back() -> None:
            vars(self).update(own)
            vars(optimizer).update(settings, _unchecked=unchecked)
            for pattern, values in groups.items():
                optimizer.groups[pattern].update(values)

        return back

    def state_dict(self) -> dict[str, Any]:
        """A snapshot in strings, numbers, lists and dicts, as Python's ``json`` has them.

        All numbers are finite, but for the ``best`` of a ``ReduceLROnPlateau`` that was given an
        infinite metric.

        It has the schedule's settings and the optimizer's ``lr`` (and ``momentum``), but no
        functions: a schedule that resumes from it must be made with the same ones.
        """
        saved = {k: _plain(v) for k, v in vars(self).items() if k not in self.unsaved}
        saved |= {"scheduler": type(self).__name__, "lr": _plain([r.lr for r in self.rates])}
        if self.moves_momentum:
            saved["momentum"] = [rates.momentum for rates in self.rates]
        return saved

    @_done_or_not
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from a snapshot of a schedule of the same class, in the optimizer too.

        Raises:
            TypeError, ValueError: it is none, is for another number of groups, or has a rate,
                momentum or step that cannot be; nothing was changed.
        """
        vars(self).update(vars(self._resumed(state_dict)))
        for name in ("lr", "momentum") if self.moves_momentum else ("lr",):
            for rates, value in zip(self.rates, state_dict[name], strict=True):
                setattr(rates, name, _as_rate(value))

    def check_state(self, state_dict: Mapping[str, Any]) -> None:
        """Raise unless ``state_dict`` is a snapshot of a schedule like this one."""
        self._resumed(state_dict)

    def check_together(self) -> None:
        """Raise if settings do not go with each other, in the constructor and in a snapshot."""

    def _resumed(self, state_dict: Mapping[str, Any]) -> "LRScheduler":
        """A copy with what the snapshot holds, each part of it checked."""
        self._check_parts(state_dict)
        restored = copy.copy(self)
        for name in vars(self).keys() - self.unsaved:
            setattr(restored, name, _restored(name, state_dict[name]))
        restored.check_together()
        return restored

    def _check_parts(self, state_dict: Mapping[str, Any]) -> None:
        """Raise unless all parts are there, and what there is for each group is for these."""
        given = _check.mapping("state_dict", state_dict)
        kind, expected = type(self).__name__, self.state_dict().keys()
        if given.get("scheduler") != kind or given.keys() != expected:
            raise ValueError(
                f"state_dict must be of {kind} and have {', '.join(sorted(expected))}, got one of "
                f"{_check.shown(given.get('scheduler'))} with "
                f"{_check.names(sorted(given, key=str))}"
            )
        for name, check in _PER_GROUP.items():
            if name in given:
                count = len(getattr(self, name, self.rates))
                _check_each(f"state_dict[{name!r}]", given[name], count, check)
        if "last_epoch" in given:
            _check.integer("state_dict['last_epoch']", given["last_epoch"], at_least=_EARLIEST)


class StepwiseLR(LRScheduler):
    """A schedule whose next learning rate follows from the current one.

    A subclass says how, for one learning rate: :meth:`next_lr`, at the step ``last_epoch``. The
    optimizer and its groups are counted by ``i``: ``base_lrs[i]`` is where the i-th started.

    Attributes:
        base_lrs: the learning rates before any schedule.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.base_lrs = [rates.initial_lr for rates in self.rates]
        self.last_epoch = -1
        self.begin()

    def next_lr(self, lr: Rate, i: int) -> Rate:
        """The learning rate after ``lr``, at the step ``last_epoch``."""
        raise NotImplementedError(f"{type(self).__name__} has no next_lr")

    def first_lr(self, lr: Rate, i: int) -> Rate:
        """The learning rate of step 0, where the current one is ``lr``."""
        return lr

    def restart_lr(self, lr: Rate, i: int) -> Rate:
        """The learning rate of step 0, where another schedule has left ``lr``."""
        return self.first_lr(self.base_lrs[i], i)

    def step(self) -> None:
        self._go(self.last_epoch + 1, self.next_lr)

    def begin(self) -> None:
        """Take the first step, to step 0."""
        self._go(self.last_epoch + 1, self.first_lr)

    def restart(self) -> None:
        """Begin again, after another schedule."""
        self._go(0, self.restart_lr)

    def undo(self) -> None:
        """Take back the first step, for a schedule that decides when this one takes it."""
        self.last_epoch -= 1

    def _go(self, epoch: int, lr_of: Callable[[Rate, int], Rate]) -> None:
        self.last_epoch = epoch
        lrs = [lr_of(rates.lr, i) for i, rates in enumerate(self.rates)]
        for rates, lr in zip(self.rates, lrs, strict=True):
            rates.lr = lr
        self._last_lr = lrs


class FormulaLR(StepwiseLR):
    """A schedule whose learning rate follows from the step alone: :meth:`lr_at` ``last_epoch``."""

    def lr_at(self, i: int) -> Rate:
        """The i-th learning rate at the step ``last_epoch``."""
        raise NotImplementedError(f"{type(self).__name__} has no lr_at")

    def next_lr(self, lr: Rate, i: int) -> Rate:
        return self.lr_at(i)

    first_lr = restart_lr = next_lr


class Rates:
    """The learning rate and the momentum of an optimizer, or of one of its groups.

    Args:
        pattern: the group's; ``None`` for the optimizer itself.
    """

    def __init__(self, optimizer: Optimizer, pattern: str | None = None) -> None:
        self.optimizer = optimizer
        self.pattern = pattern

    @property
    def own(self) -> dict[str, Any]:
        """The settings that the group has for itself."""
        if self.pattern is None:
            return {}
        if self.pattern not in self.optimizer.groups:
            raise ValueError(
                f"optimizer.groups must still have {self.pattern!r}, which its schedule was made "
                f"for, got {', '.join(map(repr, self.optimizer.groups)) or 'none'}"
            )
        return self.optimizer.groups[self.pattern]

    @property
    def lr(self) -> Rate:
        """The current η; a copy, which later changes of the optimizer's array do not reach."""
        lr: Rate = self.own.get("lr", self.optimizer.lr)
        return copy.copy(lr)

    @lr.setter
    def lr(self, value: Rate) -> None:
        if self.pattern is None:
            self.optimizer.set_later("lr", copy.copy(value))
        else:
            self.own["lr"] = copy.copy(value)

    @property
    def initial_lr(self) -> Rate:
        """The learning rate when the optimizer got its first schedule: where all of them start."""
        return copy.copy(self.optimizer.initial_lr.setdefault(self.pattern, self.lr))

    @initial_lr.setter
    def initial_lr(self, value: Rate) -> None:
        self.optimizer.initial_lr[self.pattern] = value

    @property
    def momentum(self) -> float:
        """μ, or β₁ where there are betas."""
        name = momentum_name(self.optimizer)
        value = (self.optimizer.settings | self.own)[name]
        momentum: float = value[0] if name == "betas" else value
        return momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        name, optimizer = momentum_name(self.optimizer), self.optimizer
        whole = (value, optimizer.settings[name][1]) if name == "betas" else value
        groups = [self.own]
        if self.pattern is None:
            optimizer.set_later(name, whole)
            # A group without an lr of its own follows the optimizer's.
            groups = [own for own in optimizer.groups.values() if "lr" not in own and name in own]
        for own in groups:
            own[name] = (value, own[name][1]) if name == "betas" and name in own else whole


def momentum_name(optimizer: Optimizer) -> str:
    """The argument that is or holds the momentum; empty if the optimizer has none."""
    return next((n for n in ("betas", "beta1", "momentum") if n in optimizer.settings), "")


def rates_of(optimizer: Optimizer) -> list[Rates]:
    """The optimizer's own, then those of each group with a learning rate of its own."""
    groups = [pattern for pattern, own in optimizer.groups.items() if "lr" in own]
    return [Rates(optimizer, pattern) for pattern in (None, *groups)]


def per_group(
    name: str, value: Any, optimizer: Optimizer, check: Callable[[str, Any], T]
) -> list[T]:
    """Return a checked value for each group: those of a list, or the same one for all."""
    groups = len(rates_of(optimizer))
    if not isinstance(value, list | tuple):
        return [check(name, value)] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must be one value or a list of {groups}, for the optimizer and each group "
            f"with an lr of its own, got {len(value)}"
        )
    return [check(f"{name}[{i}]", v) for i, v in enumerate(value)]


def rates_per_group(
    name: str, value: Any, optimizer: Optimizer, beside: list[Rate] | None = None
) -> list[Rate]:
    """A learning rate for each group, for as many runs as the one ``beside`` it or the current."""
    given = per_group(name, value, optimizer, _check.rate)
    return [
        _for_runs(name, rate, np.shape(other))
        for rate, other in zip(given, beside or [r.lr for r in rates_of(optimizer)], strict=True)
    ]


def _for_runs(name: str, rate: Rate, runs: tuple[int, ...]) -> Rate:
    """The rate of shape ``runs``, (K,), if it has any."""
    if np.ndim(rate) and runs and np.shape(rate) != runs:
        raise ValueError(
            f"{name} must be one number, or one for each of the {runs[0]} runs, got {np.size(rate)}"
        )
    return rate if np.ndim(rate) or not runs else np.full(runs, rate)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _restored(name: str, value: Any) -> Any:
    if _PER_GROUP.get(name) is _check_rate:
        return [_as_rate(lr) for lr in value]
    return copy.deepcopy(value)


def _as_rate(value: float | list[float]) -> Rate:
    return np.array(value) if isinstance(value, list) else value


def _check_each(name: str, values: Any, count: int, check: Callable[[str, Any], Any]) -> None:
    if not isinstance(values, list | tuple):
        raise TypeError(f"{name} must be a list, got {_check.shown(values)}")
    if len(values) != count:
        raise ValueError(
            f"{name} must have {count} values, for the optimizer and each group with an lr of its "
            f"own, got {len(values)}"
        )
    for i, value in enumerate(values):
        check(f"{name}[{i}]", value)


def _check_rate(name: str, value: Any) -> None:
    _check.rate(name, _as_rate(value))


def _check_momentum(name: str, value: Any) -> None:
    _check.number(name, value, at_least=0)


#: What a snapshot has for the optimizer and for each group.
_PER_GROUP: dict[str, Callable[[str, Any], None]] = {
    **dict.fromkeys(("lr", "_last_lr", "base_lrs", "max_lrs", "min_lrs", "swa_lrs"), _check_rate),
    **dict.fromkeys(("momentum", "base_momentums", "max_momentums"), _check_momentum),
}
