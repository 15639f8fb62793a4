"""The initializers of packages, each as a function of (shape, seed) that gives an array."""

import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.frameworks.layers.jax_ import in_precision

Shape = tuple[int, ...]


class Packaged(NamedTuple):
    """An initializer of a package.

    Attributes:
        form: how it is called, for a note; and how seeded.
        draw: weights of a shape, from a seed.
        layout: of its weights.
    """

    form: str
    seeded_by: str
    draw: Callable[[Shape, int], Any]
    layout: str


def packaged(candidate: Any, dtype: np.dtype, given: dict[str, Any]) -> Packaged | None:
    """The way that its package has to call it, if it is of a package or looks like it."""
    for kind in (_keras, _haiku, _mlx, _tinygrad, _jax):
        if found := kind(candidate, dtype, given):
            return found
    return None


def _keras(candidate: Any, dtype: np.dtype, given: dict[str, Any]) -> Packaged | None:
    keras = sys.modules.get("keras")
    kind = keras.initializers.Initializer if keras else ()
    is_class = isinstance(candidate, type) and keras is not None and issubclass(candidate, kind)
    if not is_class and not isinstance(candidate, kind):
        return None
    own = given if is_class else candidate.get_config()
    cls = candidate if is_class else type(candidate)
    seeds = "seed" in inspect.signature(cls).parameters

    def draw(shape: Shape, seed: int) -> Any:
        made = cls(**({**own, "seed": seed} if seeds else own))
        with _precise(dtype):
            values = made(shape, dtype=dtype.name)
            return np.asarray(sys.modules["keras"].ops.convert_to_numpy(values))

    return Packaged("Initializer(seed=…)(shape)", "seed=", draw, "in_out")


def _haiku(candidate: Any, dtype: np.dtype, given: dict[str, Any]) -> Packaged | None:
    haiku = sys.modules.get("haiku")
    cls = candidate if isinstance(candidate, type) else type(candidate)
    if haiku is None or not cls.__module__.startswith("haiku."):
        return None
    if isinstance(candidate, type):
        candidate = candidate(**given)

    def of_key(key: Any, shape: Shape) -> Any:
        return haiku.transform(lambda: candidate(shape, dtype)).apply({}, key)

    draw = _jitted(of_key, dtype)

    return Packaged("f(shape, dtype) in a transformed function", "its key", draw, "in_out")


def _mlx(candidate: Any, dtype: np.dtype, given: dict[str, Any]) -> Packaged | None:
    mlx = sys.modules.get("mlx.core")
    home = getattr(candidate, "__module__", "") or ""
    if mlx is None or not home.startswith("mlx."):
        return None
    makes = not any(_is_required(p) for p in inspect.signature(candidate).parameters.values())
    made = candidate() if makes else candidate

    def draw(shape: Shape, seed: int) -> Any:
        mlx.random.seed(seed)
        own = {n: v for n, v in given.items() if n in inspect.signature(made).parameters}
        return np.array(made(mlx.zeros(shape), **own))

    return Packaged("f(array)", "mlx.random.seed", draw, "out_last_in")


def _tinygrad(candidate: Any, dtype: np.dtype, given: dict[str, Any]) -> Packaged | None:
    tinygrad = sys.modules.get("tinygrad")
    owner = getattr(candidate, "__self__", None)
    if tinygrad is None or owner is not tinygrad.Tensor:
        return None

    def draw(shape: Shape, seed: int) -> Any:
        tinygrad.Tensor.manual_seed(seed)
        return candidate(*shape, **given).numpy()

    return Packaged("f(*shape)", "Tensor.manual_seed", draw, "out_in")


def _jax(candidate: Any, dtype: np.dtype, given: dict[str, Any]) -> Packaged | None:
    """A function of a key and a shape, or one of JAX or flax that makes such a one."""
    jax = sys.modules.get("jax")
    if jax is None or not callable(candidate) or isinstance(candidate, type):
        return None
    names = list(inspect.signature(candidate).parameters)
    home = getattr(candidate, "__module__", "") or ""
    if names[:2] != ["key", "shape"] and home.startswith(("jax.", "flax.")):
        candidate = candidate(**given)
        names = list(inspect.signature(candidate).parameters)
    if names[:1] != ["key"]:
        return None
    own = {"dtype": dtype} if "dtype" in names else {}

    draw = _jitted(lambda key, shape: candidate(key, shape, **own), dtype)
    return Packaged("f(key, shape)", "jax.random.key", draw, "in_out")


def _jitted(of_key: Callable[[Any, Shape], Any], dtype: np.dtype) -> Callable[[Shape, int], Any]:
    """A function of (shape, seed) that JAX compiles once for a shape."""
    jax = sys.modules["jax"]
    compiled = jax.jit(of_key, static_argnums=1)

    def draw(shape: Shape, seed: int) -> Any:
        with _precise(dtype):
            return np.asarray(compiled(jax.random.key(seed), shape))

    return draw


def _precise(dtype: np.dtype) -> Any:
    return in_precision(dtype) if "jax" in sys.modules else np.errstate()


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty
