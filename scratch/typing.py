"""The names that the annotations of every module share.

Of an array they say no more than what it is made of. Its shape, and that float32 and float64 are
not mixed, is checked where an array comes in.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Of floating-point numbers.
Array = NDArray[np.floating]
#: Of whole numbers: class numbers, places.
Integers = NDArray[np.integer]
#: Class numbers, or a row of one 1 and zeros for each.
Labels = Integers | Array | NDArray[np.bool]
#: A learning rate; or for a stack of K runs an array (K,), a rate for each.
Rate = float | Array
#: The lengths of an array's axes.
Shape = tuple[int, ...]
#: What an optimizer remembers of a parameter: its buffers and numbers, by name.
State = dict[str, Any]

__all__ = ["Array", "DTypeLike", "Integers", "Labels", "Rate", "Shape", "State"]
