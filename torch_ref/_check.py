"""Refusing a bad argument of torch's kinds: its name, what is allowed, and the value that came.

What is of no kind of torch's is checked by ``scratch._check``. Only what is known without waiting
for a device is looked at: kinds, dtypes and shapes, and no values.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from scratch import _check


def shown(value: object) -> str:
    """A value for a message; a tensor by its dtype and shape.

    >>> shown(torch.ones(2, 3)), shown([1])
    ('float32 of shape (2, 3)', '[1]')
    """
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return _check.shown(value)


def tensor(name: str, value: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return ``value``, or raise if it is no floating-point tensor, or not one of ``dtype``.

    Within ``torch.autocast`` torch itself sees to the dtype.

    >>> tensor("x", torch.arange(3))
    Traceback (most recent call last):
        ...
    TypeError: x must be a floating-point tensor, got int64 of shape (3,)
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor, got {shown(value)}")
    if dtype not in (None, value.dtype) and not _is_cast(value):
        raise TypeError(f"{name} must be of {dtype}, got {shown(value)}")
    return value


def _is_cast(value: Tensor) -> bool:
    try:
        return torch.is_autocast_enabled(value.device.type)
    except RuntimeError:  # of a device that has no such thing, as "meta"
        return False


def tensors(name: str, value: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return ``value``, or raise if it is no dict of floating-point tensors, or an empty one."""
    if not _check.mapping(name, value):
        raise ValueError(f"{name} must not be empty")
    for key, each in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{name} must have texts as keys, got {shown(key)}")
        tensor(f"{name}[{_check.shown(key)}]", each)
    return value


def floating(dtype: torch.dtype) -> torch.dtype:
    """Return ``dtype``, or raise if it is no dtype of floating-point numbers."""
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point torch.dtype, got {shown(dtype)}")
    return dtype


def device(value: torch.device | str) -> torch.device:
    """Return what torch knows by that name, or raise."""
    try:
        if isinstance(value, str | torch.device):
            return torch.device(value)
    except RuntimeError:
        pass
    raise ValueError(
        f"device must be what torch calls one, like 'cpu' or 'cuda:1', got {shown(value)}"
    )


def generator(name: str, value: object) -> torch.Generator:
    """Return ``value``, or raise if it is no generator of torch's on the CPU."""
    if not isinstance(value, torch.Generator) or value.device.type != "cpu":
        raise TypeError(f"{name} must be a torch.Generator on the CPU, got {shown(value)}")
    return value


def generators(
    name: str, value: torch.Generator | Sequence[torch.Generator]
) -> torch.Generator | Sequence[torch.Generator]:
    """Return ``value``, or raise if it is neither a generator nor a list of one for each run."""
    if isinstance(value, list | tuple) and value:
        for i, each in enumerate(value):
            generator(f"{name}[{i}]", each)
        return value
    return generator(name, value)
