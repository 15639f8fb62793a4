"""What a schedule sets: the learning rate and the momentum of an optimizer and of its groups."""

import copy
from typing import Any

from scratch import _check
from scratch.optim import Optimizer
from scratch.typing import Rate


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
        """η as it stands; a copy, so that what a schedule keeps cannot change under it."""
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
        name = momentum_names(self.optimizer)[0]
        value = (self.optimizer.settings | self.own)[name]
        momentum: float = value[0] if name == "betas" else value
        return momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        name, optimizer = momentum_names(self.optimizer)[0], self.optimizer
        if self.pattern is not None:
            _set(self.own, name, value, optimizer)
            return
        for group in optimizer.groups.values():  # without an lr it follows the optimizer's
            if "lr" not in group and name in group:
                _set(group, name, value, optimizer)
        whole = (value, optimizer.settings[name][1]) if name == "betas" else value
        optimizer.set_later(name, whole)


def momentum_names(optimizer: Optimizer) -> list[str]:
    """The argument that is or holds the momentum, if the optimizer has one."""
    names = ("betas", "beta1", "momentum")
    return [name for name in names if name in optimizer.settings]


def rates_of(optimizer: Optimizer) -> list[Rates]:
    """The optimizer's own, then those of each group with a learning rate of its own."""
    _check.instance("optimizer", optimizer, Optimizer)
    groups = [pattern for pattern, own in optimizer.groups.items() if "lr" in own]
    return [Rates(optimizer, pattern) for pattern in (None, *groups)]


def _set(group: dict[str, Any], name: str, momentum: float, optimizer: Optimizer) -> None:
    if name == "betas":
        group["betas"] = (momentum, group.get("betas", optimizer.settings["betas"])[1])
    else:
        group[name] = momentum
