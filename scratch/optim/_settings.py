"""The settings of an optimizer: the arguments of its constructor, now and in snapshots."""

import copy
import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from scratch import _check

if TYPE_CHECKING:
    from scratch.optim.base import Optimizer


def with_groups_checked(init: Callable[..., None]) -> Callable[..., None]:
    """``init``, and at the end of the outermost, with all settings there, a look at the groups'."""

    @wraps(init)
    def checked(self: "Optimizer", *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        if type(self).__init__ is checked:
            self._check_groups()

    return checked


def fixed(optimizer: "Optimizer") -> tuple[Any, ...]:
    """The settings whose change has to be checked; lr always is, and may be an array."""
    cls: type = type(optimizer)
    return _reader(cls)(optimizer)


def arguments(optimizer: "Optimizer") -> dict[str, None]:
    """The names of the arguments that an optimizer's class takes, but for ``groups``."""
    cls: type = type(optimizer)
    return _arguments(cls)


@cache
def _reader(cls: type) -> Callable[["Optimizer"], tuple[Any, ...]]:
    return attrgetter("maximize", *(name for name in _arguments(cls) if name != "lr"))


@cache
def _arguments(cls: type) -> dict[str, None]:
    names = inspect.signature(cls).parameters
    return {name: None for name in names if name != "groups"}


def with_settings(cls: type["Optimizer"], settings: Mapping[str, Any]) -> "Optimizer":
    """A new optimizer with the settings of one that has begun."""
    later = {name: settings[name] for name in cls.free_later if name in settings}
    optimizer = cls(**{name: value for name, value in settings.items() if name not in later})
    for name, value in later.items():
        is_flag = isinstance(getattr(optimizer, name), bool)
        setattr(optimizer, name, _check.flag(name, value) if is_flag else value)
    optimizer.lr = optimizer._checked_lr(optimizer.lr)
    return optimizer


def restored(optimizer: "Optimizer", state_dict: Mapping[str, Any]) -> "Optimizer":
    """A new optimizer of the class of ``optimizer`` with the settings and state of a snapshot."""
    kind = type(optimizer).__name__
    given = _check.mapping("state_dict", state_dict)
    if given.keys() != {"optimizer", "settings", "groups", "state"}:
        raise ValueError(
            "state_dict must have optimizer, settings, groups and state, as state_dict() gives "
            f"them, got {_check.names(given) or 'nothing'}"
        )
    if given["optimizer"] != kind:
        raise ValueError(
            f"state_dict must be of {kind}, got one of {_check.shown(given['optimizer'])}"
        )
    settings = _check.mapping("state_dict['settings']", given["settings"])
    if unknown := settings.keys() ^ arguments(optimizer).keys():
        differing = _check.names(sorted(unknown, key=str))
        raise ValueError(f"state_dict must have {kind}'s settings, differs in {differing}")
    fresh = with_settings(type(optimizer), settings)
    fresh.groups = given["groups"]
    for name, state in _check.mapping("state_dict['state']", given["state"]).items():
        state = _check.mapping(f"state_dict['state'][{name!r}]", state)
        _check.integer(f"state_dict['state'][{name!r}]['step']", state.get("step"), at_least=0)
    fresh.state = copy.deepcopy(dict(given["state"]))
    return fresh
