"""What may not be installed: the base package needs NumPy alone, and its extras bring the rest."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from torch_ref.errors import LockstepError

#: The extra that brings a package, by the name it is imported under.
EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "filelock": "plots",
    "joblib": "plots",
    "matplotlib": "plots",
    "threadpoolctl": "plots",
    "babel": "report",
    "jinja2": "report",
    "latex2mathml": "report",
}


class MissingPackageError(LockstepError, ImportError):
    """A package of an extra is not installed; the message says how to install it."""


@cache
def has_torch() -> bool:
    """Whether torch is installed; it is not imported to find out."""
    try:
        return find_spec("torch") is not None
    except (ImportError, ValueError):
        return False


def imported(module: str) -> ModuleType:
    """The module of a dotted name, which may need a package of an extra.

    Raises:
        MissingPackageError: that package is not installed.

    >>> imported("torch_ref.errors").__name__
    'torch_ref.errors'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise explained(error, module) from error


def brings(error: ModuleNotFoundError) -> bool:
    """Whether what was not found is a package of an extra."""
    return _package(error) in EXTRAS


def explained(error: ModuleNotFoundError, what: str = "this") -> ImportError:
    """The same error with what to install for ``what``; itself for a package of no extra.

    >>> print(explained(ModuleNotFoundError(name="jinja2.ext"), "the page"))
    the page needs jinja2, which is not installed: pip install 'lockstep-scratch[report]'
    """
    package = _package(error)
    if package not in EXTRAS:
        return error
    install = f"pip install 'lockstep-scratch[{EXTRAS[package]}]'"
    return MissingPackageError(f"{what} needs {package}, which is not installed: {install}")


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def is_below(target: object, dotted: str) -> bool:
    """Whether ``target`` is a class of a package, or below it, without an import of the package.

    Args:
        target: perhaps a class.
        dotted: where the class is defined.

    >>> is_below(MissingPackageError, "torch_ref.errors.LockstepError"), is_below(3, "builtins.int")
    (True, False)
    """
    bases = target.__mro__ if isinstance(target, type) else ()
    return any(f"{base.__module__}.{base.__qualname__}" == dotted for base in bases)
