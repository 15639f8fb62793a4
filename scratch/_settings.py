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
raises. What may also be ``None`` is annotated ``Annotated[float, check] | None``.
"""

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY
from functools import partial, reduce
from inspect import Parameter
from types import NoneType
from typing import Annotated, Any, ClassVar, dataclass_transform, get_args, get_origin

from scratch import _check
from scratch._check import Check
from scratch.typing import Rate

__all__ = [
    "KW_ONLY",
    "AtLeast0",
    "AtLeast1",
    "Betas",
    "Configurable",
    "Below1",
    "Flag",
    "LearningRate",
    "Number",
    "Share",
    "choice",
    "each",
    "number",
    "optional",
]


def number(**bounds: float) -> Check:
    """The check of a number within the ``bounds``, as ``_check.number`` takes them."""
    return lambda name, value: _check.number(name, value, **bounds)


def choice(*allowed: str) -> Check:
    """The check of a setting that is one of the ``allowed`` names."""
    return partial(_check.choice, allowed=allowed)


def optional(check: Check) -> Check:
    """The check of a setting that may also be ``None``."""
    return lambda name, value: None if value is None else check(name, value)


def each(*checks: Check) -> Check:
    """The check of a setting that is a tuple, with a check for each element."""
    return partial(_check.each, checks=checks)


Number = Annotated[float, _check.number]
AtLeast0 = Annotated[float, number(at_least=0)]
#: A number in [0, 1].
Share = Annotated[float, number(at_least=0, at_most=1)]
#: A number in [0, 1).
Below1 = Annotated[float, number(at_least=0, below=1)]
#: A whole number.
AtLeast1 = Annotated[int, partial(_check.integer, at_least=1)]
Flag = Annotated[bool, _check.flag]
#: A number >= 0, or one for each run of a stack.
LearningRate = Annotated[Rate, _check.rate]
#: Adam's two decay rates.
Betas = Annotated[tuple[float, float], each(*[number(at_least=0, below=1)] * 2)]


@dataclass_transform(eq_default=False)
class Configurable:
    """Base class with settings: whatever is assigned to one is checked, at any time.

    What is annotated is an argument of the constructor and a setting, as in a dataclass; annotated
    as ``ClassVar`` it is none, nor is one of that name in a base class any longer. A subclass may
    have an ``__init__`` of its own instead, whose arguments are then its settings.
    """

    #: The arguments that are no settings.
    beside: ClassVar[tuple[str, ...]] = ()
    #: What a class keeps beside its settings, each checked as a setting is.
    remembered: ClassVar[Mapping[str, Check]] = {}

    _names: ClassVar[tuple[str, ...]] = ()
    _checks: ClassVar[dict[str, Check]] = {}
    _arguments: ClassVar[Mapping[str, Parameter]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = inspect.get_annotations(cls, eval_str=True)
        checks = {name: check_of(hint) for name, hint in own.items()}
        kept = {name: check for name, check in cls._checks.items() if name not in own}
        cls._checks = kept | {name: check for name, check in checks.items() if check}
        cls._checks |= vars(cls).get("remembered", {})
        cls._arguments = _arguments(cls, own)
        if "__init__" not in vars(cls):
            cls.__init__ = _constructor(cls._arguments.values())  # type: ignore[method-assign]
        names = inspect.signature(cls).parameters
        cls._names = tuple(name for name in names if name not in cls.beside)

    def __post_init__(self) -> None:
        """Check what settings must have in common, and make the rest; called by the constructor."""

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


def _arguments(cls: type[Configurable], own: Mapping[str, Any]) -> dict[str, Parameter]:
    """The constructor's arguments: those of the base class, and its ``own`` annotations."""
    found = dict(cls._arguments)
    kind: Any = Parameter.POSITIONAL_OR_KEYWORD
    for name, hint in own.items():
        if hint is KW_ONLY:
            kind = Parameter.KEYWORD_ONLY
        elif get_origin(hint) is ClassVar:
            found.pop(name, None)
        else:
            default = vars(cls).get(name, Parameter.empty)
            found[name] = Parameter(name, kind, default=default, annotation=plain(hint))
    return found


# A dataclass would compile a constructor for each class: a third of the time of ``import scratch``.
def _constructor(arguments: Iterable[Parameter]) -> Callable[..., None]:
    me = Parameter("self", Parameter.POSITIONAL_ONLY)
    in_order = sorted(arguments, key=lambda argument: argument.kind)
    signature = inspect.Signature([me, *in_order], return_annotation=None)

    def __init__(self: Configurable, *values: Any, **named: Any) -> None:
        try:
            given = signature.bind(self, *values, **named)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}() {error}") from None
        given.apply_defaults()
        for argument in in_order:
            setattr(self, argument.name, given.arguments[argument.name])
        self.__post_init__()

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def check_of(hint: Any) -> Check | None:
    """Return the check that an annotation carries, if any."""
    if get_origin(hint) is Annotated:
        check: Check = hint.__metadata__[0]
        return check
    inner = map(check_of, get_args(hint) if NoneType in get_args(hint) else ())
    return next((optional(check) for check in inner if check), None)


def plain(hint: Any) -> Any:
    """Return an annotation without its check, as help() is to show it."""
    if get_origin(hint) is Annotated:
        return hint.__origin__
    return reduce(operator.or_, map(plain, get_args(hint))) if check_of(hint) else hint
