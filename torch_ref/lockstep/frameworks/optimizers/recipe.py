"""How a candidate is made: anew for each run."""

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch_ref.lockstep.frameworks.optimizers.rate import LEARNING_RATE, SYMBOLS
from torch_ref.lockstep.frameworks.optimizers.roles import signature


@dataclass(frozen=True)
class Recipe:
    """A class or a function, and its settings; or an optimizer that is made already.

    Attributes:
        target: what makes it, or it itself.
        settings: of that.
        made: whether it is an optimizer already; a run has a copy then, to leave it as it is.

    >>> Recipe(dict, {"lr": 0.5})(), Recipe({"lr": 0.5}, made=True)()
    ({'lr': 0.5}, {'lr': 0.5})
    """

    target: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    made: bool = False

    def __call__(self, *given: Any) -> Any:
        """Make it, with what its constructor takes before its settings."""
        if not self.made:
            return self.target(*given, **self.settings)
        try:
            return copy.deepcopy(self.target)
        except TypeError as error:  # a lock, a file, a generator
            raise TypeError(
                f"{error}: an optimizer is copied for each run; give its class instead, or a "
                "function that makes it"
            ) from error

    def scaled(self, factor: float) -> "Recipe | None":
        """The recipe with ``factor`` times the learning rate; ``None`` if that is no number."""
        takes = {} if self.made else arguments(self.target)
        for name in (*LEARNING_RATE, *SYMBOLS):
            own = takes[name].default if name in takes else None
            rate = self.settings.get(name, own)
            if isinstance(rate, int | float) and not isinstance(rate, bool):
                return replace(self, settings={**self.settings, name: rate * factor})
        return None


def arguments(constructor: Any, skip: int = 0) -> dict[str, inspect.Parameter]:
    """The arguments of a class or function but for the first ``skip``.

    Where a class hands ``**kwargs`` on, those of its bases, too; but not those of a base that takes
    ``defaults``, as ``torch.optim.Optimizer`` does: those are what the class has made of its own.

    >>> class Base:
    ...     def __init__(self, lr=0.1): ...
    >>> class Mine(Base):
    ...     def __init__(self, eps=1e-8, **kwargs): ...
    >>> list(arguments(Mine))
    ['lr', 'eps']
    """
    found = signature(constructor)[skip:]
    named = {p.name: p for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    rest = {p.name: p for p in found if p.kind is p.VAR_KEYWORD}
    if not rest or not isinstance(constructor, type):
        return named | rest
    above = _next_with_constructor(constructor)
    inherited = {} if above is None else arguments(above, skip)
    return named if "defaults" in inherited else {**inherited, **named}


def _next_with_constructor(cls: type) -> type | None:
    """The class to which the constructor of ``cls`` hands on what it does not name."""
    own = [each for each in cls.__mro__[:-1] if "__init__" in vars(each)]
    return own[1] if len(own) > 1 else None
