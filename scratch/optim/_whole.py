"""All parameters as one, where they lie in one vector: a step is then one rule, not dozens."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import is_

import numpy as np

from scratch.flat import FlatDict, Shapes
from scratch.optim._arrays import Kind, kind
from scratch.typing import Array, State


def flat(params: object, grads: object) -> tuple[FlatDict, Array, Array] | None:
    """The parameters, and they and the gradients as a vector, where both are laid out alike.

    Not where a parameter is read-only: the ordinary way says which.
    """
    if not (isinstance(params, FlatDict) and isinstance(grads, FlatDict)):
        return None
    w, g = params.vector, grads.vector
    if w is None or g is None or params.shapes is not grads.shapes or not params:
        return None
    return (params, w, g) if all(view.flags.writeable for view in params.values()) else None


def in_step(states: list[State], numbers: tuple[str, ...]) -> bool:
    """Whether the ``numbers`` of all parameters are equal, and not one for each run."""
    first = [states[0][key] for key in numbers]
    return not any(isinstance(number, np.ndarray) for number in first) and all(
        [state[key] for key in numbers] == first for state in states
    )


@dataclass(frozen=True)
class Buffers:
    """The buffers of all parameters, each a vector, and what is in ``state`` the views of it.

    Attributes:
        shapes: of the parameters; they have the same object.
        views: the buffer's name → by the parameter's name.
    """

    shapes: Shapes
    views: dict[str, FlatDict]

    @classmethod
    def lay_out(
        cls,
        params: FlatDict,
        states: list[State],
        numbers: tuple[str, ...],
        kinds: Mapping[str, Kind],
    ) -> "Buffers | None":
        """Move the buffers in ``states`` side by side, in the order of their parameters.

        Returns None, and does nothing, if they are not arrays of the parameters' ``kinds``.
        """
        names = [key for key in states[0] if key not in numbers]
        for (name, w), state in zip(params.items(), states, strict=True):
            arrays = w, *(state.get(key) for key in names)
            if not all(isinstance(a, np.ndarray) and kind(a) == kinds[name] for a in arrays):
                return None
        buffers = {key: params.empty_like() for key in names}
        for key, views in buffers.items():
            for state, view in zip(states, views.values(), strict=True):
                view[...] = state[key]
                state[key] = view
        return cls(params.shapes, buffers)

    def hold(self, params: FlatDict, states: list[State]) -> bool:
        """Whether ``states`` have these views, for parameters of these shapes."""
        return self.shapes is params.shapes and all(
            all(map(is_, [state[key] for state in states], views.values()))
            for key, views in self.views.items()
        )

    def vectors(self) -> dict[str, Array]:
        """The vectors: all, where ``hold``."""
        found = {key: views.vector for key, views in self.views.items()}
        return {key: vector for key, vector in found.items() if vector is not None}
