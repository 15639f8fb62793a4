"""Complex parameters as pairs of real ones: what torch's optimizers make of them, too."""

from typing import Any

import numpy as np

from scratch.typing import State


def as_real(a: Any) -> Any:
    """An array of complex numbers as their real and imaginary parts, along a last axis of two.

    Both share their memory, as with ``torch.view_as_real``. Anything else is returned as it is.

    >>> z = np.array([1 + 2j])
    >>> as_real(z)[0, 1] = 5
    >>> z
    array([1.+5.j])
    """
    is_complex = isinstance(a, np.ndarray) and a.dtype.kind == "c"
    return a[..., None].view(a.real.dtype) if is_complex else a


def as_complex(state: State, like: Any) -> State:
    """A state whose buffers are complex where ``like`` is, from that of its real view."""
    if like.dtype.kind != "c":
        return state
    shape = (*like.shape, 2)
    return {
        key: b.view(like.dtype)[..., 0] if getattr(b, "shape", None) == shape else b
        for key, b in state.items()
    }
