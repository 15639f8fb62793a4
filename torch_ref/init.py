"""The twins of ``scratch.init``: the same names, drawn by ``torch.nn.init``; and LSUV's.

Each takes ``(shape, …, generator, dtype)`` and returns a tensor on the CPU, where torch's generator
draws the numbers that ``scratch.random`` does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from scratch import _check
from scratch import init as scratch_init
from torch_ref import _check as _torch_check
from torch_ref.registry import INITIALIZERS, InitializerPair, resolve

if TYPE_CHECKING:
    from torch_ref.nn import MultiLayerNet


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


@torch.no_grad()
def lsuv(
    net: "MultiLayerNet",
    x: torch.Tensor,
    tolerance: float = 0.01,
    max_iterations: int = 10,
    *,
    start: Callable[..., torch.Tensor] | None = _TWINS["orthogonal"],
) -> dict[str, torch.Tensor]:
    """The twin of ``scratch.init.lsuv``: the same arguments, and a factor for each weight.

    Raises:
        ValueError: as there; but the weights stay as far as they were scaled.
    """
    from torch_ref.nn import MultiLayerNet  # which draws its weights here

    _check.instance("net", net, MultiLayerNet)
    tolerance = _check.number("tolerance", tolerance, at_least=0)
    max_iterations = _check.integer("max_iterations", max_iterations, at_least=0)
    if start is not None:
        _check.function("start", start)
    net.predict(x)  # raises for what is no batch
    names = {w: name for name, w in net.params.items() if name.startswith("W")}
    if start is not None:
        for w in names:
            _draw(w, net, start)
    net.eval()
    factors = {}
    for layer in net.layers:
        weight: Any = getattr(layer, "weight", None)
        if weight in names:
            factors[names[weight]] = _scale(weight, lambda: layer(x), tolerance, max_iterations)  # noqa: B023
        x = layer(x)
    return factors


def _draw(w: torch.Tensor, net: "MultiLayerNet", start: Callable[..., torch.Tensor]) -> None:
    runs = w if w.ndim == 3 else w[None]
    for of_run, generator in zip(runs, net.generators, strict=True):
        of_run.copy_(start(of_run.T.shape, generator=generator, dtype=net.dtype).T)


def _scale(
    w: torch.Tensor, output: Callable[[], torch.Tensor], tolerance: float, max_iterations: int
) -> torch.Tensor:
    factor = torch.ones(w.shape[:-2], dtype=torch.float64)
    for _ in range(max_iterations + 1):
        variance = output().cpu().double().var(dim=(-2, -1), correction=0)
        if not ((variance > 0) & variance.isfinite()).all():
            raise ValueError(f"x must give every layer outputs that vary, got {variance.tolist()}")
        off = (variance - 1).abs() > tolerance
        if not off.any():
            return factor
        std = torch.where(off, variance.sqrt(), 1.0)
        w.div_(std[..., None, None].to(w))
        factor /= std
    raise ValueError(f"max_iterations={max_iterations} gave variances of {variance.tolist()}")
