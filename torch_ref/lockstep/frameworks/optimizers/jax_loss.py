"""A loss that NumPy computes, as JAX's functions take one: it can be traced and differentiated."""

import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate


def loss_in_jax(evaluate: Evaluate, dtype: np.dtype) -> Any:
    """The loss of JAX's parameters; its derivative is that which ``evaluate`` gives with it."""
    jax = sys.modules["jax"]

    def host(params: dict[str, Any]) -> tuple[np.ndarray, Arrays]:
        value, grads = evaluate({name: np.asarray(w) for name, w in params.items()})
        return np.asarray(value, dtype), {n: np.asarray(grads[n], dtype) for n in params}

    def both(params: dict[str, Any]) -> Any:
        shapes = {n: jax.ShapeDtypeStruct(w.shape, w.dtype) for n, w in params.items()}
        return jax.pure_callback(host, (jax.ShapeDtypeStruct((), dtype), shapes), params)

    def derivative(primals: Any, tangents: Any) -> Any:
        value, grads = both(primals[0])
        return value, sum(jax.numpy.vdot(grads[n], t) for n, t in tangents[0].items())

    loss = jax.custom_jvp(lambda params: both(params)[0])
    loss.defjvp(derivative)
    return loss
