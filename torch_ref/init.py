"""The twins of ``scratch.init``: the same names, drawn by ``torch.nn.init``.

Each takes ``(shape, …, generator, dtype)`` and returns a tensor on the CPU, where torch's generator
draws the numbers that ``scratch.random`` does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import init as torchs

from scratch import _check
from scratch import init as scratch_init
from torch_ref import _check as _torch_check

Initializer = Callable[..., torch.Tensor]

_TWINS: dict[str, Initializer] = {}


def _twin(name: str, fill: Initializer, **own: Any) -> Initializer:
    """The twin of ``scratch.init``'s ``name``: a new tensor that torch's ``fill`` fills."""

    def draw(
        shape: tuple[int, ...],
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
        **settings: Any,
    ) -> torch.Tensor:
        shape = _check.lengths("shape", shape)
        tensor = torch.empty(shape, dtype=_torch_check.floating(dtype))
        with _global_stream(generator):
            return fill(tensor, **own | settings)

    draw.__name__ = draw.__qualname__ = name
    draw.__doc__ = f"The twin of ``scratch.init.{name}``: ``torch.nn.init.{fill.__name__}``."
    _TWINS[name] = draw
    return draw


@contextmanager
def _global_stream(generator: torch.Generator | None) -> Iterator[None]:
    """Let torch's global stream be ``generator``'s: ``sparse_`` looks at no other."""
    if generator is None:
        yield
        return
    _torch_check.generator("generator", generator)
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())


zeros = _twin("zeros", torchs.zeros_)
ones = _twin("ones", torchs.ones_)
constant = _twin("constant", torchs.constant_)
eye = _twin("eye", torchs.eye_)
dirac = _twin("dirac", torchs.dirac_)
normal = _twin("normal", torchs.normal_)
uniform = _twin("uniform", torchs.uniform_)
trunc_normal = _twin("trunc_normal", torchs.trunc_normal_)
sparse = _twin("sparse", torchs.sparse_)
xavier = _twin("xavier", torchs.kaiming_normal_, nonlinearity="linear")
he = _twin("he", torchs.kaiming_normal_, nonlinearity="relu")
lecun_normal = _twin("lecun_normal", torchs.kaiming_normal_, nonlinearity="linear")
lecun_uniform = _twin("lecun_uniform", torchs.kaiming_uniform_, nonlinearity="linear")
xavier_normal = _twin("xavier_normal", torchs.xavier_normal_)
xavier_uniform = _twin("xavier_uniform", torchs.xavier_uniform_)
kaiming_normal = _twin("kaiming_normal", torchs.kaiming_normal_)
kaiming_uniform = _twin("kaiming_uniform", torchs.kaiming_uniform_)
orthogonal = _twin("orthogonal", torchs.orthogonal_)


def fixed_std(std: float) -> Initializer:
    """The twin of ``scratch.init.fixed_std``: draws N(0, std²) for every shape."""
    std = _check.number("std", std, at_least=0)

    def draw(shape: tuple[int, ...], **options: Any) -> torch.Tensor:
        return normal(shape, std=std, **options)

    return draw


def by_name(init: str | float) -> Initializer:
    """The twin called ``init``, or N(0, init²) where ``init`` is a number."""
    scratch_init.by_name(init)  # raises for what is neither
    return _TWINS[init] if isinstance(init, str) else fixed_std(init)
