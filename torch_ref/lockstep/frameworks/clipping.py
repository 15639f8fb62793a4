"""Gradient clipping as people write it, called in the first way that gives gradients."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.away import where_it_is
from torch_ref.lockstep.frameworks.layers.jax_ import in_precision

Grads = dict[str, np.ndarray]
#: What the largest norm, the largest value and the kind of norm are called.
SPELLINGS = {
    "max_norm": ("max_norm", "max_grad_norm", "clip_norm", "clipnorm", "maxnorm"),
    "clip_value": ("clip_value", "max_value", "max_delta", "clipvalue", "value"),
    "norm_type": ("norm_type", "p", "ord"),
}
ANY = ("threshold", "limit", "clip", "c", "max", "bound")


class Clipping:
    """A candidate with its settings: a function from gradients to clipped ones.

    Attributes:
        way: how it was called, once it was.
    """

    def __init__(self, candidate: Any, settings: Mapping[str, float]) -> None:
        self._candidate, self.way = candidate, ""
        self._given = _spelled(candidate, settings)

    def __call__(self, grads: Grads) -> Grads:
        """Clipped gradients; those that it was given stay as they are.

        Raises:
            TypeError: no way to call it gave gradients of the same shapes.
        """
        errors = []
        for way, call in self._ways():
            if self.way in ("", way):
                try:
                    found = call({name: g.copy() for name, g in grads.items()})
                    self._refuse_other_shapes(found, grads)
                except Exception as error:
                    errors.append(f"{way} gave {type(error).__name__}: {error}")
                else:
                    self.way = way
                    return found
        raise TypeError(f"candidate must clip gradients; {'; '.join(errors)}")

    def _ways(self) -> Iterator[tuple[str, Callable[[Grads], Grads]]]:
        """The ways to call, the most particular first."""
        call = self._candidate
        if hasattr(call, "init") and hasattr(call, "update"):
            yield "update(grads, state)", lambda grads: _updated(call, grads)
            return
        first = next(iter(_parameters(call)), "")
        if "torch" in sys.modules and first not in ("grads", "gradients", "g", "grad"):
            yield "f(parameters with .grad)", self._of_tensors
        yield "f(dict of gradients)", self._of_dict
        yield "f(list of gradients)", self._of_list
        yield "f(gradient), one after another", self._of_each

    def _of_tensors(self, grads: Grads) -> Grads:
        torch = sys.modules["torch"]
        held = {n: torch.nn.Parameter(torch.from_numpy(np.zeros_like(g))) for n, g in grads.items()}
        for name, g in grads.items():
            held[name].grad = torch.from_numpy(g)
        self._candidate(list(held.values()), **self._given)
        return {name: w.grad.numpy().copy() for name, w in held.items()}

    def _of_dict(self, grads: Grads) -> Grads:
        found = _grads_in(self._candidate(grads, **self._given), dict)
        return grads if found is None else {n: np.asarray(g) for n, g in found.items()}

    def _of_list(self, grads: Grads) -> Grads:
        given = list(grads.values())
        found = _grads_in(self._candidate(given, **self._given), (list, tuple))
        return dict(zip(grads, map(np.asarray, given if found is None else found), strict=True))

    def _of_each(self, grads: Grads) -> Grads:
        clipped = {}
        for name, g in grads.items():
            found = self._candidate(g, **self._given)
            clipped[name] = g if found is None else np.asarray(found)
        return clipped

    def _refuse_other_shapes(self, found: Grads, grads: Grads) -> None:
        if {n: np.shape(g) for n, g in found.items()} != {n: g.shape for n, g in grads.items()}:
            raise TypeError("what it gave has not the shapes of the gradients")


@where_it_is
def clipping_of(candidate: Any, settings: Mapping[str, float]) -> Clipping:
    """The candidate ready to be called; one that makes a clipper of its settings is made."""
    names = list(_parameters(candidate))
    given = _spelled(candidate, settings)
    if isinstance(candidate, type) or (names and set(names[:1]) <= given.keys()):
        made = candidate(**given)
        return Clipping(made, {})
    return Clipping(candidate, settings)


def _spelled(candidate: Any, settings: Mapping[str, float]) -> dict[str, float]:
    """The settings under the candidate's names for them."""
    names = _parameters(candidate)
    found = {}
    for name, value in settings.items():
        known = (*SPELLINGS[name], *(() if name == "norm_type" else ANY))
        own = next((each for each in known if each in names), None)
        if own:
            found[own] = value
    return found


def _updated(pair: Any, grads: Grads) -> Grads:
    with in_precision(np.dtype(np.float64)):
        found, _ = pair.update(grads, pair.init(grads))
        return {name: np.asarray(g) for name, g in found.items()}


def _grads_in(result: Any, kind: Any) -> Any:
    """The gradients of a result, which may come with their norm; None if it has none."""
    if isinstance(result, tuple):
        result = next((each for each in result if isinstance(each, kind)), result)
    return result if isinstance(result, kind) and len(result) else None


def _parameters(candidate: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(candidate).parameters)
    except (TypeError, ValueError):  # a builtin, or no function at all
        return {}
