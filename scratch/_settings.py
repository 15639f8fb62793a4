"""Settings as annotated attributes, each with its check: the constructor follows from them.

>>> class Decay(Configurable):
...     gamma: AtLeast0
...     _: KW_ONLY
...     by_epoch: Flag = False
>>> decay = Decay(0.9)
>>> decay
Decay(gamma=0.9, by_epoch=False)
>>> decay.gamma = -1
Traceback (most recent call last):
    ...
ValueError: gamma must be a finite number >= 0, got -1
>>> inspect.signature(Decay)
<Signature (gamma: float, *, by_epoch: bool = False) -> None>

The check stands in the annotation, as ``Annotated[float, check]``, so that type checkers see the
type and the default as in any dataclass. ``check(name, value)`` returns what is to be assigned, or
raises.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from functools import partial
from typing import Annotated, Any, ClassVar, dataclass_transform, get_origin

from scratch import _check
from scratch.typing import Rate

__all__ = [
    "KW_ONLY",
    "AtLeast0",
    "AtLeast1",
    "Betas",
    "Configurable",
    "Flag",
    "LearningRate",
    "Number",
    "choice",
    "field",
    "optional",
]

Check = Callable[[str, Any], Any]

Number = Annotated[float, _check.number]
AtLeast0 = Annotated[float, partial(_check.number, at_least=0)]
#: A whole number.
AtLeast1 = Annotated[int, partial(_check.integer, at_least=1)]
Flag = Annotated[bool, _check.flag]
#: A number >= 0, or one for each run of a stack.
LearningRate = Annotated[Rate, _check.rate]
#: Adam's two decay rates.
Betas = Annotated[tuple[float, float], _check.betas]


def choice(*allowed: str) -> Check:
    """The check of a setting that is one of the ``allowed`` names."""
    return partial(_check.choice, allowed=allowed)


def optional(check: Check) -> Check:
    """The check of a setting that may also be ``None``."""
    return lambda name, value: None if value is None else check(name, value)


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Configurable:
    """Base class with settings: whatever is assigned to one is checked, at any time.

    What settings must have in common is for ``__post_init__`` to check. A subclass may have an
    ``__init__`` of its own instead, whose arguments are then its settings.
    """

    #: The arguments that are no settings.
    beside: ClassVar[tuple[str, ...]] = ()

    _names: ClassVar[tuple[str, ...]] = ()
    _checks: ClassVar[Mapping[str, Check]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        has_its_own = "__init__" in vars(cls)
        own = inspect.get_annotations(cls, eval_str=True)
        cls._checks = {n: c for n, c in cls._checks.items() if n not in own} | {
            name: hint.__metadata__[0] for name, hint in own.items() if is_checked(hint)
        }
        declared: Any = dataclass(eq=False, repr=False)(cls)
        constructor = vars(cls)["__init__"]
        if has_its_own:
            names = [*inspect.signature(cls).parameters]
        else:  # help() is to show types without their checks
            names = [argument.name for argument in fields(declared) if argument.init]
            constructor.__annotations__ = {
                name: hint.__origin__ if is_checked(hint) else hint
                for name, hint in constructor.__annotations__.items()
            }
        cls._names = tuple(name for name in names if name not in cls.beside)

    def __setattr__(self, name: str, value: Any) -> None:
        check = self._checks.get(name)
        super().__setattr__(name, value if check is None else check(name, value))

    @property
    def settings(self) -> dict[str, Any]:
        """The current values of the constructor's arguments, except those ``beside``."""
        return {name: getattr(self, name) for name in self._names}

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{type(self).__name__}({listed})"


def is_checked(hint: Any) -> bool:
    """Return whether an annotation carries a check."""
    return get_origin(hint) is Annotated
