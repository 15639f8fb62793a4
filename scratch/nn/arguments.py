"""Checks of a network's arguments on either side: its sizes, runs and inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scratch import _check
from scratch.typing import Array, Rate


def layer_sizes(input_size: int, hidden_sizes: Sequence[int], output_size: int) -> tuple[int, ...]:
    """All sizes from input to output, each checked to be a whole number >= 1."""
    if not _check.is_sequence(hidden_sizes):
        shown = _check.shown(hidden_sizes)
        raise TypeError(f"hidden_sizes must be a list of whole numbers, got {shown}")
    hidden = {f"hidden_sizes[{i}]": size for i, size in enumerate(hidden_sizes)}
    sizes = {"input_size": input_size, **hidden, "output_size": output_size}
    return tuple(_check.integer(name, size, at_least=1) for name, size in sizes.items())


def check_rows(shape: Sequence[int], features: int, runs: int | None) -> None:
    """Raise unless inputs of ``shape`` are rows (N, features), for all runs or for each."""
    rows = (*shape[-2:-1], features)
    allowed = [rows] if runs is None else [rows, (runs, *rows)]
    if len(shape) < 2 or shape not in allowed or shape[-2] == 0:
        stack = "" if runs is None else f" or ({runs}, N, {features})"
        raise ValueError(
            f"x must have shape (N, {features}){stack} with N >= 1, got {tuple(shape)}"
        )


def plain(name: str, value: Any) -> Any:
    """Return ``value``, or raise if it is an array of an odd kind."""
    if isinstance(value, np.ndarray) and not _check.is_plain(value):
        raise TypeError(f"{name} must be a plain array, got {_check.shown(value)}")
    return value


def array_like(name: str, value: Any, expected: Array) -> Array:
    """Return ``value``, or raise if it cannot take the place of the array ``expected``."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be an array, got {_check.shown(value)}")
    _check.array(name, value)
    if value.shape != expected.shape:
        raise ValueError(f"{name} must have shape {expected.shape}, got {value.shape}")
    return value


def check_writeable(params: Mapping[str, Array]) -> None:
    """Raise if one of the arrays cannot be changed in place."""
    for name, w in params.items():
        if not w.flags.writeable:
            raise ValueError(f"params[{name!r}] is read-only; pass a copy")


def per_run(
    seed: int | Sequence[int], init: str | float | Sequence[str | float]
) -> tuple[int | None, list[int], list[str | float]]:
    """(K, seeds, inits), each a list of K; or (None, [seed], [init]) for a single run."""
    given: dict[str, Any] = {"seed": seed, "init": init}
    lengths = {name: len(value) for name, value in given.items() if _check.is_sequence(value)}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(f"seed and init must have one value for each run, got {lengths}")
    runs = next(iter(lengths.values()), None)
    seeds, inits = (
        list(value) if name in lengths else [value] * (runs or 1) for name, value in given.items()
    )
    return runs, seeds, inits


def decay_of(runs: int | None, weight_decay: Rate) -> Rate:
    """The weight decay of all runs, or (K,), that of each."""
    decay = _check.rate("weight_decay", weight_decay)
    if isinstance(decay, np.ndarray) and decay.shape != (runs,):
        raise ValueError(
            f"weight_decay must be one number, or an array of one for each of {runs or 'several'} "
            f"runs, got shape {decay.shape}"
        )
    return decay
