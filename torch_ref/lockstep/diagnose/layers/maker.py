"""A candidate called with the arguments that it takes, and what torch is to be given."""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from torch_ref.lockstep.diagnose.layers.kinds import Kind, Settings
from torch_ref.lockstep.diagnose.layers.sides import Side, wrap
from torch_ref.registry import spellings


@dataclass(frozen=True)
class Made:
    """A way to make a candidate.

    Attributes:
        make: makes it in a dtype.
        sizes: of torch's module.
        settings: of torch's module; the candidate's own, where it has them.
    """

    make: Callable[[np.dtype], Side]
    sizes: Settings
    settings: Settings


def maker(candidate: Any, kind: Kind, asked: Settings) -> Made:
    """Return a way to make the candidate with the ``asked`` settings, by torch's names."""
    sizes = {name: asked.get(name, value) for name, value in kind.sizes.items()}
    settings = {name: value for name, value in asked.items() if name not in sizes}
    is_class = isinstance(candidate, type)
    if (hasattr(candidate, "forward") and not is_class) or not callable(candidate):
        return _instance(candidate, kind, sizes, settings)
    return _called(candidate, kind, sizes, settings)


def _instance(candidate: Any, kind: Kind, sizes: Settings, settings: Settings) -> Made:
    def own(names: Any) -> Settings:
        return {
            name: getattr(candidate, n)
            for name in names
            for n in reversed(spellings.LAYER[name])
            if hasattr(candidate, n)
        }

    weight = wrap(copy.deepcopy(candidate), np.dtype(np.float64)).read("weight")
    if weight is not None:
        sizes = {**sizes, list(sizes)[-1]: weight.size}
    settings = own(name for name in kind.defaults if name != "bias") | settings
    return Made(lambda dtype: wrap(copy.deepcopy(candidate), dtype), sizes | own(sizes), settings)


def _called(candidate: Callable[..., Any], kind: Kind, sizes: Settings, settings: Settings) -> Made:
    parameters, given, shared = inspect.signature(candidate).parameters, {}, dict(settings)
    for name, otherwise in kind.defaults.items():
        spelling = next((n for n in spellings.LAYER[name] if n in parameters), None)
        default = parameters[spelling].default if spelling else None
        if spelling and (name != "bias" or isinstance(default, bool)):  # else it is an array
            default = otherwise if default is inspect.Parameter.empty else default
            shared[name] = given[spelling] = settings.get(name, default)
    c = math.prod(kind.parameter_shape(sizes))

    def make(dtype: np.dtype) -> Side:
        arrays = {"weight": np.ones(c, dtype), "bias": np.zeros(c, dtype)}
        needed = {n for n, p in parameters.items() if p.default is inspect.Parameter.empty}
        known: dict[str, Any] = {
            n: a for name, a in arrays.items() for n in spellings.LAYER[name] if n in needed
        }
        is_module = isinstance(candidate, type) and issubclass(candidate, torch.nn.Module)
        if "dtype" in parameters:
            known["dtype"] = getattr(torch, dtype.name) if is_module else dtype
        named = {
            n: v for name, v in sizes.items() for n in spellings.LAYER[name] if n in parameters
        }
        if len(named) == len(sizes):
            return wrap(candidate(**named, **known, **given), dtype)
        first = next(iter(parameters), None)
        positional = [] if first is None or first in {**known, **given} else sizes.values()
        return wrap(candidate(*positional, **known, **given), dtype)

    return Made(make, sizes, shared)
