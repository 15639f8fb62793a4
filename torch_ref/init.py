"""The twins of ``scratch.init``: the same names, drawn by ``torch.nn.init``.

Each takes ``(shape, …, generator, dtype)`` and returns a tensor on the CPU, where torch's generator
draws the numbers that ``scratch.random`` does.
"""

from collections.abc import Callable
from typing import Any

import torch

from scratch import init as scratch_init
from torch_ref.registry import INITIALIZERS, InitializerPair, resolve


def _twin(pair: InitializerPair) -> Callable[..., torch.Tensor]:
    def draw(
        shape: tuple[int, ...],
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
        **settings: Any,
    ) -> torch.Tensor:
        tensor = torch.empty(shape, dtype=dtype)
        drawn = {} if pair.name == "zeros" else {"generator": generator}
        return resolve(pair.torch)(tensor, **pair.settings, **settings, **drawn)

    draw.__name__ = draw.__qualname__ = pair.name
    draw.__doc__ = f"The twin of ``scratch.init.{pair.name}``: ``{pair.torch}``."
    return draw


_TWINS = {name: _twin(pair) for name, pair in INITIALIZERS.items()}


def __getattr__(name: str) -> Callable[..., torch.Tensor]:
    try:
        return _TWINS[name]
    except KeyError:
        raise AttributeError(
            f"torch_ref.init has no {name!r}; it has {', '.join(_TWINS)}"
        ) from None


def by_name(init: str | float) -> Callable[..., torch.Tensor]:
    """The twin called ``init``, or N(0, init²) where ``init`` is a number."""
    scratch_init.by_name(init)  # raises for what is neither
    if isinstance(init, str):
        return _TWINS[init]

    def fixed_std(shape: tuple[int, ...], **options: Any) -> torch.Tensor:
        return _TWINS["normal"](shape, std=float(init), **options)

    return fixed_std
