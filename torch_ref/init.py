"""The twins of ``scratch.init``: the same names, drawn by ``torch.nn.init``.

Each takes ``(shape, …, generator, dtype)`` and returns a tensor on the CPU, where torch's generator
draws the numbers that ``scratch.random`` does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from scratch import _check
from scratch import init as scratch_init
from torch_ref import _check as _torch_check
from torch_ref.registry import INITIALIZERS, InitializerPair, resolve


def _twin(pair: InitializerPair) -> Callable[..., torch.Tensor]:
    def draw(
        shape: tuple[int, ...],
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
        **settings: Any,
    ) -> torch.Tensor:
        shape = _check.lengths("shape", shape)
        if generator is not None:
            _torch_check.generator("generator", generator)
        tensor = torch.empty(shape, dtype=_torch_check.floating(dtype))
        options = {**pair.settings, **settings}
        if pair.name == "sparse" and generator is not None:
            with _global_stream(generator):
                return resolve(pair.torch)(tensor, **options)
        drawn = {"generator": generator} if pair.draws else {}
        return resolve(pair.torch)(tensor, **options, **drawn)

    draw.__name__ = draw.__qualname__ = pair.name
    draw.__doc__ = f"The twin of ``scratch.init.{pair.name}``: ``{pair.torch}``."
    return draw


@contextmanager
def _global_stream(generator: torch.Generator) -> Iterator[None]:
    """Let torch's global stream be ``generator``'s: ``sparse_`` draws its permutations there."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())


_TWINS = {name: _twin(pair) for name, pair in INITIALIZERS.items()}


def __getattr__(name: str) -> Callable[..., torch.Tensor]:
    try:
        return _TWINS[name]
    except KeyError:
        raise AttributeError(
            f"torch_ref.init has no {name!r}; it has {', '.join(_TWINS)}"
        ) from None


def fixed_std(std: float) -> Callable[..., torch.Tensor]:
    """The twin of ``scratch.init.fixed_std``: draws N(0, std²) for every shape."""
    std = _check.number("std", std, at_least=0)

    def draw(shape: tuple[int, ...], **options: Any) -> torch.Tensor:
        return _TWINS["normal"](shape, std=std, **options)

    return draw


def by_name(init: str | float) -> Callable[..., torch.Tensor]:
    """The twin called ``init``, or N(0, init²) where ``init`` is a number."""
    scratch_init.by_name(init)  # raises for what is neither
    return _TWINS[init] if isinstance(init, str) else fixed_std(init)
