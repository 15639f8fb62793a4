"""The twins of ``scratch.optim``: the same names and arguments, stepped by ``torch.optim``.

Each is used like its twin, ``update(params, grads)`` on two dicts, here of tensors:

>>> from torch_ref.optim import SGD
>>> params = {"w": torch.tensor([1.0, -2.0])}
>>> SGD(lr=0.1).update(params, {"w": torch.tensor([1.0, 1.0])})
>>> params["w"]
tensor([ 0.9000, -2.1000])
"""

from collections.abc import Mapping
from typing import Any

import torch

from scratch.optim import Optimizer
from torch_ref.registry import OPTIMIZERS, pair_of, resolve


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with the paper's ε̂ beside the uncorrected √v: torch's with eps = ε̂/√(1 − β₂ᵗ)."""

    def __init__(
        self, params: Any, eps: float, betas: tuple[float, float], **settings: Any
    ) -> None:
        # A group for each parameter: one that is skipped in a step has a t, and an ε, of its own.
        groups = [{"params": [w]} for w in params]
        super().__init__(groups, eps=eps, betas=betas, **settings)
        self._epsilon_hat, self._beta2 = eps, betas[1]

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            t = int(self.state.get(group["params"][0], {}).get("step", 0)) + 1
            group["eps"] = self._epsilon_hat / (1 - self._beta2**t) ** 0.5
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

    @property
    def lr(self) -> float:
        """The learning rate; it may be assigned between two updates."""
        return self.settings["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        self.settings["lr"] = value
        for group in self.torch.param_groups if self.torch else []:
            group["lr"] = value

    def update(
        self,
        params: Mapping[str, torch.Tensor],
        grads: Mapping[str, torch.Tensor | None],
    ) -> None:
        """Take one step: change every tensor of ``params`` in place, on whatever device it is."""
        self.bind(params)
        for name, w in params.items():
            w.grad = grads[name]
        self.torch.step()

    def bind(self, params: Mapping[str, torch.Tensor]) -> None:
        """Construct torch's optimizer over ``params``, if that is not done yet."""
        if self.torch is None:
            self.torch = resolve(self.pair.torch)(list(params.values()), **self.settings)
        bound = [id(w) for group in self.torch.param_groups for w in group["params"]]
        if bound != [id(w) for w in params.values()]:
            raise ValueError(
                f"params must hold the tensors of the first update, got others under {list(params)}"
            )

    def state(self, params: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
        """Torch's own state of each parameter, by the parameter's name."""
        self.bind(params)
        return {name: dict(self.torch.state.get(w, {})) for name, w in params.items()}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.pair.torch}({settings})"


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
