"""What an argument is, by its name."""

import inspect
from functools import lru_cache
from types import FunctionType, MethodType
from typing import Any

#: All parameters, or all gradients, in one container; or those of one parameter.
PARAMS, GRADS, PARAM, GRAD = "params", "grads", "param", "grad"
GRADIENT = frozenset({GRAD, GRADS})
#: The key of one parameter; its own state, as a dict; one of its buffers; the step, from 1.
NAME, STATE, BUFFER, COUNT = "name", "state", "buffer", "count"

_WORDS = {
    PARAMS: "params parameters weights variables vars ws thetas coefs trainablevariables "
    "modelparams modelparameters paramlist",
    GRADS: "gs derivs derivatives deltas",
    PARAM: "w x theta value p var wt param parameter weight variable",
    GRAD: "g dw dx dtheta derivative dp dwt df",
    NAME: "name key k id layername paramname paramkey idx index",
    STATE: "state config cache memory optstate memo",
    BUFFER: "m v s r h u z velocity vel momentumbuffer expavg expavgsq squareavg accumulator mt vt",
    COUNT: "t step iteration it n iter timestep numupdates i",
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}


def words(text: str) -> frozenset[str]:
    """The words of a text, in lower case and without underscores, as names are looked up."""
    return frozenset(text.split())


def plain(name: str) -> str:
    """A name as it is looked up.

    >>> plain("Weight_Decay")
    'weightdecay'
    """
    return name.lower().replace("_", "")


def role(name: str) -> str:
    """What the argument is; ``""`` if that cannot be told.

    >>> role("parameters"), role("w"), role("grad_wrt_w"), role("dW"), role("config")
    ('params', 'param', 'grad', 'grad', 'state')
    """
    word = plain(name)
    if "gradwrt" in word or word.endswith(("grad", "gradient")):
        return GRAD
    return GRADS if word.endswith(("grads", "gradients")) else _ROLES.get(word, "")


def of(function: Any) -> dict[str, str]:
    """What each argument is; one that has a value for its default is a setting, and nothing else.

    >>> of(lambda w, g, state=None, weight=0.1: w)
    {'w': 'param', 'g': 'grad', 'state': 'state', 'weight': ''}
    """
    own = (None, inspect.Parameter.empty)
    return {
        n: role(n) if any(p.default is each for each in own) else ""
        for n, p in positional(function).items()
    }


def is_function(target: Any) -> bool:
    """Whether it is written in Python, and no class.

    >>> is_function(lambda w, g: w), is_function(dict), is_function(len)
    (True, False, False)
    """
    return not isinstance(target, type) and hasattr(target, "__code__")


def signature(function: Any) -> list[inspect.Parameter]:
    """The arguments of a function; none of some that are written in C, which have no signature.

    Of a wrapper that hands on ``**kwargs`` to a function of its own name, as autograd's optimizers
    are, those of that.
    """
    if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        own, *rest = _of_function(function.__func__)
        return [own, *rest] if own.kind is own.VAR_POSITIONAL else rest
    if isinstance(function, FunctionType):
        return list(_of_function(function))
    return _looked_up(function)


@lru_cache(maxsize=64)  # it is asked for at every step
def _of_function(function: FunctionType) -> tuple[inspect.Parameter, ...]:
    return tuple(_looked_up(function))


def _looked_up(function: Any) -> list[inspect.Parameter]:
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_KEYWORD for p in found):
        for cell in getattr(function, "__closure__", None) or ():
            inner = cell.cell_contents
            if inspect.isfunction(inner) and inner.__name__ == function.__name__:
                return signature(inner)
    return found


def positional(function: Any) -> dict[str, inspect.Parameter]:
    """The arguments of a function that may be given by position; none where it has no signature.

    >>> list(positional(lambda w, g, *, lr=0.1: w))
    ['w', 'g']
    """
    found = {p.name: p for p in signature(function)}
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {name: p for name, p in found.items() if p.kind in kinds}


def required(function: Any) -> list[str]:
    """The names of those of them that have no default."""
    return [n for n, p in positional(function).items() if p.default is inspect.Parameter.empty]
