"""Arrays by name that lie side by side in one vector."""

import math
from collections.abc import Mapping
from operator import is_
from typing import Any, Self

import numpy as np

from scratch.typing import Array, DTypeLike

Shapes = Mapping[str, tuple[int, ...]]


class FlatDict(dict[str, Array]):
    """A dict of arrays that are views of one vector, one after the other.

    What is done alike to every element can then be done once, to the vector: where parameters and
    gradients are laid out alike (``grads = params.empty_like()``), an optimizer does. Otherwise it
    is a dict like any other: an array may be put in the place of a view, or a name taken out, and
    there is no vector any more. A copy is an ordinary dict.

    Args:
        shapes: name → shape.
        dtype: of all; the elements are zeros.

    >>> params = FlatDict({"W": (2, 2), "b": (2,)}, np.float64)
    >>> params["b"] += 1
    >>> params.vector
    array([0., 0., 0., 0., 1., 1.])
    >>> params["b"] = np.ones(2)
    >>> params.vector is None
    True
    """

    def __init__(self, shapes: Shapes, dtype: DTypeLike) -> None:
        self.shapes = dict(shapes)
        self._lay_out(np.zeros(sum(map(math.prod, shapes.values())), dtype))

    @property
    def vector(self) -> Array | None:
        """All elements, if the arrays are the views that they were, by the same names."""
        kept = len(self) == len(self._views) and all(map(is_, self.values(), self._views))
        return self._vector if kept and all(map(is_, self, self.shapes)) else None

    def empty_like(self) -> Self:
        """Another with the same names and shapes, whose elements may be anything."""
        other = type(self).__new__(type(self))
        other.shapes = self.shapes
        other._lay_out(np.empty_like(self._vector))
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        # The copies of views are views of nothing: a copy is an ordinary dict.
        return dict, (dict(self),)

    def _lay_out(self, vector: Array) -> None:
        start = 0
        for name, shape in self.shapes.items():
            end = start + math.prod(shape)
            self[name] = vector[start:end].reshape(shape)
            start = end
        self._vector, self._views = vector, tuple(self.values())
