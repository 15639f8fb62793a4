"""A gradient of a few rows, as an embedding's is."""

from dataclasses import dataclass

import numpy as np

from scratch import _check
from scratch.typing import Array, Integers


@dataclass(frozen=True, eq=False, repr=False)
class RowGradient:
    """The gradient of a parameter of which only some rows were used; it is zero in all others.

    Args:
        rows: (n,) whole numbers, the indices of the rows. One may come several times, as a word
            does in a sentence: its gradient is the sum of what is given for it.
        values: (n, …), the gradients of these rows, in the parameter's dtype.

    Raises:
        TypeError, ValueError: the two are not such arrays.

    >>> RowGradient(np.array([2, 0, 2]), np.array([[1.0, 1.0], [3.0, 4.0], [0.5, 0.0]])).summed()
    (array([0, 2]), array([[3. , 4. ],
           [1.5, 1. ]]))
    """

    rows: Integers
    values: Array

    def __post_init__(self) -> None:
        rows, values = self.rows, self.values
        if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "iu":
            raise TypeError(f"rows must be an array of whole numbers, got {_check.shown(rows)}")
        if not isinstance(values, np.ndarray):
            raise TypeError(f"values must be an array, got {_check.shown(values)}")
        if rows.ndim != 1 or values.shape[:1] != rows.shape:
            raise ValueError(
                "rows must be of shape (n,) and values of shape (n, …), got "
                f"{rows.shape} and {values.shape}"
            )

    @classmethod
    def of(cls, g: Array) -> "RowGradient":
        """The rows of the array ``g`` that are not all zero."""
        if np.ndim(g) == 0:
            raise ValueError(f"g must have rows, got {_check.shown(g)}")
        rows = np.flatnonzero(g.reshape(len(g), -1).any(axis=1)) if g.size else np.arange(0)
        return cls(rows, g[rows])

    def summed(self) -> tuple[Integers, Array]:
        """The rows in order, each once, and their gradients."""
        rows, where = np.unique(self.rows, return_inverse=True)
        values = np.zeros((len(rows), *self.values.shape[1:]), self.values.dtype)
        np.add.at(values, where, self.values)
        return rows, values

    def __repr__(self) -> str:
        return f"RowGradient({len(self.rows)} rows, values {_check.shown(self.values)})"
