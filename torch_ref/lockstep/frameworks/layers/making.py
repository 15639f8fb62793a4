"""A candidate made with the settings that it takes, behind the interface of a layer."""

import copy
import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from torch_ref.lockstep.frameworks.layers import (
    arrays,
    equinox,
    flax,
    haiku,
    keras,
    mlx,
    tinygrad,
    torch_,
)
from torch_ref.lockstep.frameworks.layers.layout import ChannelsLast, last
from torch_ref.lockstep.frameworks.layers.spellings import LAYER
from torch_ref.lockstep.frameworks.shown import shown

Settings = dict[str, Any]
Shape = tuple[int, ...]


class Layer(Protocol):
    """What the judge knows of a layer; see the package."""

    layout: str

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        """The output, and in training the new statistics."""

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """The gradient of the last input."""

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        """An array, flat, by torch's name."""

    def write(self, name: str, values: np.ndarray) -> None:
        """Set an array that can be read."""


@dataclass(frozen=True)
class Wanted:
    """What is known of the layer that a candidate is to be.

    Attributes:
        sizes: torch's first arguments, with what to try.
        defaults: torch's, of the settings.
        parameter_shape: of γ and β, from the sizes.
        by_channel: whether the channels of an input are an axis of their own.
        layout: "channels_last" for an input (N, …, C), whatever the candidate is.
    """

    sizes: Mapping[str, Any]
    defaults: Mapping[str, Any]
    parameter_shape: Callable[[Settings], Shape]
    by_channel: bool
    layout: str = ""


@dataclass(frozen=True)
class Construction:
    """A way to make a candidate, and what torch is to be given.

    Attributes:
        make: makes it in a dtype, for inputs of a shape.
        sizes: of torch's module.
        settings: of torch's module; the candidate's own, where it has them.
    """

    make: Callable[[np.dtype, Shape], Layer]
    sizes: Settings
    settings: Settings


def construction(candidate: Any, wanted: Wanted, asked: Settings) -> Construction:
    """Return a way to make the candidate with the ``asked`` settings, by torch's names."""
    sizes = {name: asked.get(name, value) for name, value in wanted.sizes.items()}
    settings = {name: value for name, value in asked.items() if name not in sizes}
    if isinstance(candidate, type) or (callable(candidate) and not _is_made(candidate)):
        return _called(candidate, wanted, sizes, settings)
    return _copied(candidate, wanted, sizes, settings)


def _is_made(candidate: Any) -> bool:
    """Whether it is a layer already, rather than what makes one."""
    kinds = (flax.is_linen, flax.is_nnx, equinox.is_module, keras.is_layer, mlx.is_module)
    known = (torch_.is_module, tinygrad.is_layer, *kinds)
    return hasattr(candidate, "forward") or any(is_one(candidate) for is_one in known)


def _copied(candidate: Any, wanted: Wanted, sizes: Settings, settings: Settings) -> Construction:
    def own(names: Iterable[str]) -> Settings:
        return {
            name: getattr(candidate, n)
            for name in names
            for n in reversed(LAYER[name])
            if isinstance(getattr(candidate, n, ...), bool | int | float | tuple | list | None)
        }

    def make(dtype: np.dtype, shape: Shape) -> Layer:
        made = candidate if haiku.is_transformed(candidate) else copy.deepcopy(candidate)
        return adapted(made, wanted, dtype, shape)

    sizes |= {name: size for name, size in own(sizes).items() if size is not None}
    held = _weight_of(candidate)
    if held is not None:
        sizes[list(sizes)[-1]] = sizes.get("normalized_shape") or held
        if math.prod(wanted.parameter_shape(sizes)) != held:
            sizes[list(sizes)[-1]] = held
    settings = own(name for name in wanted.defaults if name != "bias") | settings
    return Construction(make, sizes, settings)


def _weight_of(candidate: Any) -> int | None:
    """The number of elements of γ, where the candidate holds one."""
    held = {**getattr(candidate, "__dict__", {}), **(getattr(candidate, "params", None) or {})}
    found = (held.get(n, getattr(candidate, n, None)) for n in LAYER["weight"])
    return next((math.prod(w.shape) for w in found if w is not None and hasattr(w, "shape")), None)


def _called(
    candidate: Callable[..., Any], wanted: Wanted, sizes: Settings, settings: Settings
) -> Construction:
    parameters = _parameters(candidate)
    given: Settings = {
        n: v for n, v in settings.items() if n in parameters and n not in wanted.defaults
    }
    shared = {name: value for name, value in settings.items() if name not in given}
    for name, otherwise in wanted.defaults.items():
        spelling = next((n for n in LAYER[name] if n in parameters), None)
        default = parameters[spelling].default if spelling else None
        if spelling and (name != "bias" or isinstance(default, bool)):  # else it is an array
            # Who has None for a default leaves it to the layer; of the momentum it means the mean.
            torchs = default is inspect.Parameter.empty or (default is None and name != "momentum")
            shared[name] = settings.get(name, otherwise if torchs else default)
            if name in settings or not isinstance(shared[name], bool) or default is not None:
                given[spelling] = shared[name]
    c = math.prod(wanted.parameter_shape(sizes))
    if arrays.is_function_of_x(candidate):
        return Construction(
            lambda dtype, shape: _laid_out(
                arrays.FunctionLayer(candidate, c, given), wanted, wanted.layout
            ),
            sizes,
            shared,
        )

    def make(dtype: np.dtype, shape: Shape) -> Layer:
        known = {"weight": np.ones(c, dtype), "bias": np.zeros(c, dtype)}
        needed = {n for n, p in parameters.items() if p.default is inspect.Parameter.empty}
        extra = {n: a for name, a in known.items() for n in LAYER[name] if n in needed}
        made = _make(candidate, sizes, {**extra, **given, **_extras(candidate, dtype)}, parameters)
        return adapted(made, wanted, dtype, shape)

    return Construction(make, sizes, shared)


def _parameters(candidate: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The arguments; of a class whose metaclass takes any, those of its constructor."""
    found = inspect.signature(candidate).parameters
    kinds = {p.kind for p in found.values()}
    if (
        not isinstance(candidate, type)
        or not kinds
        or kinds
        - {
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        }
    ):
        return found
    own = dict(inspect.signature(_constructor(candidate)).parameters)
    return {n: p for n, p in list(own.items())[1:] if p.kind not in kinds}


def _constructor(cls: type) -> Callable[..., None]:
    found: Callable[..., None] = next(
        vars(each)["__init__"] for each in cls.__mro__ if "__init__" in vars(each)
    )
    return found


def _make(
    candidate: Callable[..., Any],
    sizes: Settings,
    given: Settings,
    parameters: Mapping[str, inspect.Parameter],
) -> Any:
    """Call it with its sizes by name, else one after another, unless it needs none."""
    named = {n: v for name, v in sizes.items() for n in LAYER[name][:1] if n in parameters}
    for name, value in sizes.items():
        found = [n for n in LAYER[name] if n in parameters and n not in given]
        if name not in named and found and value not in named.values():
            named[found[0]] = value
    if haiku.is_module(candidate):
        return haiku.transformed(candidate, named | given)
    needed = [
        n
        for n, p in parameters.items()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(named) == len(sizes) or not set(needed) - {*named, *given}:
        return candidate(**named, **given)
    return candidate(*sizes.values(), **given)


def _extras(candidate: Any, dtype: np.dtype) -> Settings:
    """What an ecosystem's layers need or take besides, where the candidate takes it."""
    parameters = _parameters(candidate)
    extras: Settings = {}
    if "dtype" in parameters and not _is_framework(candidate):
        module = torch_.is_module_class(candidate)
        extras["dtype"] = getattr(sys.modules["torch"], dtype.name) if module else dtype
    if "rngs" in parameters and "flax.nnx" in sys.modules:
        extras["rngs"] = sys.modules["flax.nnx"].Rngs(0)
    if haiku.is_module(candidate):
        extras |= {n: True for n in ("create_scale", "create_offset") if n in parameters}
        extras |= {"axis": -1} if parameters.get("axis") and _needed(parameters["axis"]) else {}
    return extras


def _needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _is_framework(candidate: Any) -> bool:
    """Whether its dtype is its framework's word for something else."""
    home = getattr(candidate, "__module__", "") or ""
    return home.split(".")[0] in ("flax", "haiku", "keras", "equinox", "mlx", "tinygrad")


def adapted(made: Any, wanted: Wanted, dtype: np.dtype, shape: Shape) -> Layer:
    """What was made, behind the interface, with its channels where it has them.

    Raises:
        TypeError: it is no layer.
    """
    layer: Any
    example = np.zeros(shape, dtype)
    example = last(example) if wanted.by_channel and example.ndim > 2 else example
    layout = wanted.layout or "channels_last"
    if keras.is_layer(made):
        first = keras.channels_first(made)
        example = np.zeros(shape, dtype) if first else example
        layer = keras.of_layer(keras.in_dtype(made, dtype), example, dtype)
        layout = wanted.layout if first else layout
    elif torch_.is_module(made):
        layer, layout = torch_.ModuleLayer(made, dtype), wanted.layout
    elif haiku.is_transformed(made):
        layer = haiku.of_transformed(made, example, dtype)
    elif flax.is_linen(made):
        layer = flax.of_linen(made, example, dtype)
    elif flax.is_nnx(made):
        layer = flax.of_nnx(made, dtype)
    elif mlx.is_module(made):
        layer = mlx.MlxLayer(made, dtype)
    elif equinox.is_module(made):
        layer, layout = equinox.of_module(made, dtype), wanted.layout
    elif tinygrad.is_layer(made):
        layer, layout = tinygrad.TinygradLayer(made, dtype), wanted.layout
    elif callable(getattr(made, "forward", made)):
        layer, layout = arrays.ArrayLayer(made), wanted.layout
    else:
        raise TypeError(
            f"candidate must have forward(x), or be a layer of torch, Keras, flax, Haiku, MLX, "
            f"tinygrad or equinox; got {shown(made)}"
        )
    return _laid_out(layer, wanted, layout)


def _laid_out(layer: Any, wanted: Wanted, layout: str) -> Layer:
    last_axis = wanted.by_channel and layout == "channels_last"
    laid: Layer = ChannelsLast(layer) if last_axis else layer
    return laid
