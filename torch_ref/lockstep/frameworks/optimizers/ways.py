"""Which way a candidate is written in: its settings before it is made, and its adapter."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch_ref.lockstep.frameworks.optimizers import (
    bound,
    function,
    hyperparams,
    init_update,
    keras,
    loop,
    mlx,
    setup,
    sized,
    update,
)
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe, arguments
from torch_ref.lockstep.frameworks.optimizers.templates import no_way

Parameters = dict[str, inspect.Parameter]


def is_torch(target: Any) -> bool:
    """Whether it is a subclass of ``torch.optim.Optimizer``: its file has imported torch then."""
    bases = target.__mro__ if isinstance(target, type) else ()
    return any((c.__module__, c.__name__) == ("torch.optim.optimizer", "Optimizer") for c in bases)


def is_made(target: Any) -> bool:
    """Whether it is an optimizer already, and takes no settings any more.

    >>> class Mine:
    ...     def update(self, params, grads): ...
    >>> is_made(Mine()), is_made(Mine), is_made(lambda lr: Mine())
    (True, False, False)
    """
    if isinstance(target, type):
        return isinstance(inspect.getattr_static(target, "update", None), staticmethod)
    if inspect.isroutine(target):
        return False
    return not callable(target) or update.fits(target) is not None


def takes_parameters(target: Any) -> bool:
    """Whether its constructor is given the parameters to optimize."""
    return is_torch(target) or bound.fits(target)


def parameters(target: Any) -> Parameters:
    """The settings of a candidate that is not made yet, with their defaults.

    >>> list(parameters(lambda w, g, state, lr=0.1, decay=0.0: w))
    ['lr', 'decay']
    """
    if is_made(target):
        return {}
    if is_torch(target):
        from torch_ref.lockstep.frameworks.optimizers.torch import parameters as of_torch

        return of_torch(target)
    for way in (loop, function, hyperparams):
        if way.fits(target):
            return way.parameters(target)
    found = arguments(target, skip=int(takes_parameters(target)))
    found.pop("" if takes_parameters(target) else sized.argument(target), None)
    return found


def make(target: Any, settings: Mapping[str, Any], name: str = "") -> Adapter:
    """The adapter of a candidate with these settings.

    Raises:
        NoWay: it is written in no way that is known.
    """
    side = _made(target, settings)
    side.name = name or getattr(target, "__name__", type(target).__name__)
    return side


def _made(target: Any, settings: Mapping[str, Any]) -> Adapter:
    """The adapter of what is not made yet, if that shows before; else of what it makes."""
    recipe = Recipe(target, settings, made=is_made(target))
    if is_torch(target):
        from torch_ref.lockstep.frameworks.optimizers.torch import TorchAdapter

        return TorchAdapter(target, **settings)
    if recipe.made:
        return _of_object(recipe, target)
    if loop.fits(target):
        return loop.LoopAdapter(recipe)
    if function.fits(target):
        return function.side(recipe)
    if hyperparams.fits(target):
        return hyperparams.side(recipe)
    if bound.fits(target):
        return bound.side(recipe)
    if sized.argument(target):
        return sized.side(recipe)
    return _of_object(recipe, recipe())


def _of_object(recipe: Recipe, made: Any) -> Adapter:
    """The adapter of an optimizer, of which the recipe makes more."""
    if keras.fits(made):
        return keras.KerasAdapter(recipe)
    if mlx.fits(made):
        return mlx.MLXAdapter(recipe)
    if setup.fits(made):
        return setup.side(recipe, made)
    if init_update.is_pair(made) or init_update.is_triple(made):
        return init_update.side(recipe, made)
    if method := update.fits(made):
        return update.side(recipe, made, method)
    raise no_way(made)
