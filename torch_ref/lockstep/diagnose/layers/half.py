"""Normalization layers in float16 and bfloat16, each beside torch's own arithmetic in it."""

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from torch_ref.extras import has_torch
from torch_ref.lockstep.candidates.candidate import CandidateError, name_of
from torch_ref.lockstep.candidates.reference import NORM, find
from torch_ref.lockstep.compare.precision import ROUNDS_ELSEWHERE, bound, dtype_of, in_ulps_of
from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings, Shape
from torch_ref.lockstep.diagnose.layers.reference import reference
from torch_ref.lockstep.diagnose.layers.trace import (
    Batches,
    Seen,
    batches,
    compare,
    trace,
)
from torch_ref.lockstep.frameworks.layers import Construction, Layer
from torch_ref.lockstep.frameworks.layers.layout import ChannelsLast
from torch_ref.lockstep.frameworks.layers.torch_ import ModuleLayer
from torch_ref.lockstep.result import Result

#: The standard deviations of what is normalized together: none so small that eps or float16's least
#: numbers matter; and the mean in them, with which E[x²] − μ² is 1 + μ²/σ² times σ², hardly more.
_LEAST, _MOST, _MEAN = 0.25, 4.0, 0.5
_Make = Callable[[np.dtype, Shape], Layer]


def check_norm_in_half(
    candidate: Any,
    norm: Normalization,
    made: Construction,
    settings: Settings,
    written: list[str],
    dtype: str,
    in_double: Result,
) -> Result:
    r"""Run a layer beside torch's with inputs, γ, β and statistics of ``dtype``.

    A right layer may round elsewhere than torch's does, so that two of them may be apart by

    .. math::
        \max\left(2u\,(n + k),\; 4 d\right), \qquad u = 2^{-p}

    of the largest in a column, where p is the bits of a number, n how many are added up, k the
    operations besides, and d the distance of torch's own from its run in float64.

    Args:
        candidate: as it was given.
        norm: which layer it is.
        made: how it is made.
        settings: of torch's module.
        written: the parameters that can be set.
        dtype: "float16" or "bfloat16".
        in_double: the verdict on it in float64.

    Raises:
        CandidateError: it is a layer of a framework that is not run in ``dtype`` here.
    """
    if not has_torch():
        raise CandidateError(f"{dtype} needs torch's own arithmetic in it: pip install torch")
    shape = norm.input_shapes(made.sizes)[0]
    given = _given(norm, shape, made.sizes, dtype_of(dtype))
    own, exact = (_torchs(norm, made, settings, given, written, d) for d in (dtype, "float64"))
    _, apart = compare(own, exact, sys.float_info.max)
    terms = math.prod(shape) // math.prod(norm.parameter_shape(made.sizes))
    allowed = bound(dtype, terms, apart)
    first, worst = compare(_mine(made, given, written, dtype), own, allowed)
    if first is not None:  # in units of the dtype, where they were float64's
        first = replace(first, distance=in_ulps_of(dtype, first.distance, bits=53))
    name, torchs = name_of(candidate), find(norm.name).name
    seen = f"{name} agrees with {torchs} in {dtype}: at most {worst:.1e} relative"
    verdict = Result(name, torchs, NORM, seen, first)
    verdict.notes = [
        f"in {dtype} two right layers may be {allowed:.2g} of the largest number apart; "
        f"{torchs} is {apart:.2g} from its run in float64"
    ]
    said = _in_double(in_double)
    if first is None:
        verdict.notes += [said] if in_double.first else []
    else:
        verdict.cause = [said]
    return verdict


def in_half_too(make: _Make) -> _Make:
    """A way to make a layer that holds what it has in half precision, where it is made in that."""

    def made(dtype: np.dtype, shape: Shape) -> Layer:
        layer = make(dtype, shape)
        if dtype.itemsize == 2:
            _cast(layer.inner if isinstance(layer, ChannelsLast) else layer, dtype)
        return layer

    return made


def _cast(layer: Any, dtype: np.dtype) -> None:
    if hasattr(layer, "cast"):
        layer.cast(dtype)
    elif not isinstance(layer, ModuleLayer):
        raise CandidateError(
            f"{dtype} is for layers on NumPy's arrays and torch's modules, since other frameworks "
            "choose what they compute in: check this one in float32"
        )


def _in_double(verdict: Result) -> str:
    if verdict.first is None:
        return ROUNDS_ELSEWHERE
    return "in float64 it diverges: --dtype float64 looks for the cause"


def _given(norm: Normalization, shape: Shape, sizes: Settings, dtype: np.dtype) -> Batches:
    """The batches, of numbers that the dtype has."""
    split, axes = norm.blocks(shape, sizes, {})

    def even(x: np.ndarray) -> np.ndarray:
        blocks = x.reshape(split)
        mean, std = (of(blocks, axis=axes, keepdims=True) for of in (np.mean, np.std))
        z = (blocks - mean) / std
        return ((z + _MEAN) * np.clip(std, _LEAST, _MOST)).reshape(shape).astype(dtype)

    made = batches(norm, [shape], np.dtype(np.float64))
    return [(training, even(x), dy.astype(dtype)) for training, x, dy in made]


def _mine(made: Construction, given: Batches, written: list[str], dtype: str) -> list[Seen]:
    layer = made.make(dtype_of(dtype), given[0][1].shape)
    return _in_double_precision(trace(layer, given, written))


def _torchs(
    norm: Normalization,
    made: Construction,
    settings: Settings,
    given: Batches,
    written: list[str],
    dtype: str,
) -> list[Seen]:
    to = dtype_of(dtype)
    module = reference(norm, made.sizes, settings, to)
    inputs = [(training, x.astype(to), dy.astype(to)) for training, x, dy in given]
    return _in_double_precision(trace(module, inputs, written))


def _in_double_precision(seen: Any) -> list[Seen]:
    return [
        each if each.array is None else each._replace(array=each.array.astype(np.float64))
        for each in seen
    ]
