"""The twins of ``scratch.optim``: the same names and arguments, stepped by ``torch.optim``.

Each is used like its twin, ``update(params, grads)`` on two dicts, here of tensors:

>>> from torch_ref.optim import SGD
>>> params = {"w": torch.tensor([1.0, -2.0])}
>>> SGD(lr=0.1).update(params, {"w": torch.tensor([1.0, 1.0])})
>>> params["w"]
tensor([ 0.9000, -2.1000])
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from scratch.optim import Optimizer
from torch_ref.registry import OPTIMIZERS, pair_of, resolve

Tensors = Mapping[str, torch.Tensor]
Closure = Callable[[], tuple[torch.Tensor, Tensors]]


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with the paper's ε̂ beside the uncorrected √v: torch's with eps = ε̂/√(1 − β₂ᵗ)."""

    def __init__(self, params: Any, **settings: Any) -> None:
        # A group for each parameter: one that is skipped in a step has a t, and an ε, of its own.
        groups = [
            group | {"params": [w]}
            for group in (p if isinstance(p, dict) else {"params": [p]} for p in params)
            for w in group["params"]
        ]
        super().__init__(groups, **settings)
        for group in self.param_groups:
            group["epsilon_hat"] = group["eps"]

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            t = int(self.state.get(group["params"][0], {}).get("step", 0)) + 1
            group["eps"] = group["epsilon_hat"] / (1 - group["betas"][1] ** t) ** 0.5
        return super().step(closure)


class Twin:
    """An optimizer of torch behind the contract of ``scratch.optim.Optimizer``.

    Args:
        optimizer: the hand-written one to stand beside; only its settings are used.

    Attributes:
        torch: the ``torch.optim.Optimizer``, from the first update on.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.pair = pair_of(optimizer)
        self.settings = self.pair.to_torch(optimizer)
        self.torch: torch.optim.Optimizer | None = None
        self._original = optimizer
        self._bound: dict[str, torch.Tensor] = {}

    @property
    def lr(self) -> float:
        """The learning rate; it may be assigned between two updates.

        As in ``scratch``, what ``groups`` gives another rate keeps that.
        """
        own = next((g for g in self._torchs_groups() if g["pattern"] is None), self.settings)
        return own["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        self.settings["lr"] = value
        for group in self._torchs_groups():
            if "lr" not in self._original.groups.get(group["pattern"], {}):
                group["lr"] = value

    def update(
        self,
        params: Tensors,
        grads: Mapping[str, torch.Tensor | None] | None = None,
        closure: Closure | None = None,
    ) -> torch.Tensor | None:
        """Take one step: change every tensor of ``params`` in place, on whatever device it is."""
        self.bind(params)
        if closure is None:
            _assign(params, grads)
            return self.torch.step()

        def evaluate() -> torch.Tensor:
            loss, grads = closure()
            _assign(params, grads)
            return loss

        return self.torch.step(evaluate)

    def bind(self, params: Tensors) -> None:
        """Construct torch's optimizer over ``params``, if that is not done yet."""
        if self.torch is None:
            self._bound = dict(params)
            self.torch = resolve(self.pair.torch)(self._param_groups(), **self.settings)
        if {name: id(w) for name, w in self._bound.items()} != {
            n: id(w) for n, w in params.items()
        }:
            raise ValueError(
                f"params must hold the tensors of the first update, got others under {list(params)}"
            )

    def state(self, params: Tensors) -> dict[str, dict[str, Any]]:
        """Torch's own state of each parameter, by the parameter's name."""
        self.bind(params)
        return {name: dict(self.torch.state.get(w, {})) for name, w in params.items()}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.pair.torch}({settings})"

    def _torchs_groups(self) -> list[dict[str, Any]]:
        return self.torch.param_groups if self.torch else []

    def _param_groups(self) -> list[dict[str, Any]]:
        """Torch's ``param_groups``: the parameters by the pattern that their names fit."""
        groups: dict[str | None, dict[str, Any]] = {}
        for name, w in self._bound.items():
            pattern = self._original.pattern_of(name)
            if pattern not in groups:
                settings = self.pair.to_torch(self._original.group_of(name)) if pattern else {}
                groups[pattern] = settings | {"params": [], "pattern": pattern}
            groups[pattern]["params"].append(w)
        return list(groups.values())


def _assign(params: Tensors, grads: Mapping[str, torch.Tensor | None]) -> None:
    for name, w in params.items():
        w.grad = grads[name]


def by_name(name: str, **settings: Any) -> Twin:
    """The twin of ``scratch.optim``'s ``name`` with the same settings.

    >>> by_name("chapter.Adam", beta1=0.5)
    torch_ref.optim.EpsilonHatAdam(lr=0.001, betas=(0.5, 0.999), eps=1e-07)
    """
    return Twin(OPTIMIZERS[name].scratch(**settings))


def __getattr__(name: str) -> Any:
    if name not in OPTIMIZERS:
        raise AttributeError(f"torch_ref.optim has no {name!r}; it has {', '.join(OPTIMIZERS)}")
    return lambda **settings: by_name(name, **settings)
