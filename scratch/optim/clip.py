"""Gradient clipping: a bound on the gradients before the optimizer sees them."""

import numpy as np

from scratch import _check
from scratch.optim.blocks import per_run
from scratch.optim.fitting import Grads
from scratch.typing import Array


def clip_grad_norm(
    grads: Grads,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    *,
    runs: int | None = None,
) -> float | Array:
    r"""Shrink all gradients together, in place, as ``torch.nn.utils.clip_grad_norm_``.

    .. math::
        g \leftarrow g \cdot \min\left(1,\ \frac{c}{\lVert g \rVert_p + 10^{-6}}\right)

    with the p-norm of the elements of all gradients. The direction stays (Pascanu, Mikolov and
    Bengio 2013, "On the difficulty of training recurrent neural networks").

    Args:
        grads: name → float32 or float64 array, or ``None`` for a gradient that is missing.
        max_norm: c, >= 0; ``inf`` measures the norm and changes nothing.
        norm_type: p; ``inf`` for the largest magnitude.
        error_if_nonfinite: raise a ValueError where the norm is inf or NaN. Otherwise an infinite
            norm makes the gradients zero or NaN, as in torch.
        runs: K, where the gradients are those of a stack of K runs; each is then clipped alone.

    Returns:
        The norm before; (K,) for a stack.

    >>> grads = {"W": np.array([[3.0, 0.0]]), "b": np.array([4.0])}
    >>> clip_grad_norm(grads, max_norm=1.0)
    5.0
    >>> grads["W"].round(5), grads["b"].round(5)
    (array([[0.6, 0. ]]), array([0.8]))
    """
    arrays = _checked(grads, runs)
    max_norm = _check.number_or_inf("max_norm", max_norm, at_least=0)
    norm_type = _check.number_or_inf("norm_type", norm_type, at_least=0)
    error_if_nonfinite = _check.flag("error_if_nonfinite", error_if_nonfinite)
    with np.errstate(all="ignore"):
        norms = [_norm(g.reshape(runs or 1, -1), norm_type) for g in arrays]
        total = _norm(np.array(norms).T.reshape(runs or 1, -1), norm_type)
        if error_if_nonfinite and not np.isfinite(total).all():
            raise ValueError(
                f"grads must have a finite norm to be clipped, got {_plain(total, runs)}; "
                "nothing was changed"
            )
        factor = np.minimum(max_norm / (total + 1e-6), 1.0)
        for g in arrays:
            g *= per_run(factor, g) if runs else factor[0]
    return _plain(total, runs)


def clip_grad_value(grads: Grads, clip_value: float) -> None:
    """Clip every element to [−clip_value, clip_value], in place, as torch's ``clip_grad_value_``.

    Args:
        grads: name → float32 or float64 array, or ``None`` for a gradient that is missing.
        clip_value: >= 0.

    >>> grads = {"w": np.array([0.5, -3.0])}
    >>> clip_grad_value(grads, 1.0)
    >>> grads["w"]
    array([ 0.5, -1. ])
    """
    arrays = _checked(grads, None)
    clip_value = _check.number_or_inf("clip_value", clip_value, at_least=0)
    for g in arrays:
        np.clip(g, -clip_value, clip_value, out=g)


def _checked(grads: Grads, runs: int | None) -> list[Array]:
    if runs is not None:
        _check.integer("runs", runs, at_least=1)
    arrays = []
    for name, given in _check.mapping("grads", grads).items():
        if given is None:
            continue
        g = _check.array(f"grads[{name!r}]", given)
        if not g.flags.writeable:
            raise ValueError(f"grads[{name!r}] is read-only; pass a copy")
        if runs is not None and g.shape[:1] != (runs,):
            raise ValueError(
                f"grads[{name!r}] must have a leading axis of runs={runs}, got shape {g.shape}"
            )
        arrays.append(g)
    return arrays


def _norm(rows: Array, p: float) -> Array:
    """The p-norm of each row; 0 for an empty one."""
    if rows.shape[-1] == 0:
        return np.zeros(len(rows))
    norms: Array = np.linalg.norm(rows, p, axis=-1).astype(np.float64)
    return norms


def _plain(total: Array, runs: int | None) -> float | Array:
    return total if runs else float(total[0])
