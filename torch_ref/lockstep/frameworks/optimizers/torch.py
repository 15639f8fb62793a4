"""A class of ``torch.optim``, or one of the user's own. Of this folder, it alone imports torch."""

from typing import Any

import numpy as np
import torch

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate, gradients_of


class TorchAdapter:
    """A ``torch.optim.Optimizer`` class with its settings."""

    strict = True
    pair: Any = None

    def __init__(self, cls: type[torch.optim.Optimizer], **settings: Any) -> None:
        self._cls, self._settings = cls, settings
        self.name = public_name(cls)

    def start(self, params: Arrays) -> None:
        self.tensors = {name: torch.tensor(w) for name, w in params.items()}
        self.optimizer = self.made()

    def made(self) -> torch.optim.Optimizer:
        """The optimizer of ``self.tensors``."""
        return self._cls(list(self.tensors.values()), **self._settings)

    def step(self, grads: Arrays) -> None:
        self._assign(grads)
        self.optimizer.step()

    def minimize(self, evaluate: Evaluate) -> None:
        def closure() -> float:
            loss, grads = evaluate(self.params())
            self._assign(grads)
            return loss

        self.optimizer.step(closure)

    def _assign(self, grads: Arrays) -> None:
        for name, w in self.tensors.items():
            w.grad = None
            if grads[name] is not None:
                g = torch.from_numpy(np.array(grads[name], order="C"))  # faster than tensor(g)
                # One sparse axis: the elements of a row are all there.
                w.grad = g.to_sparse(1) if gradients_of(self) == "rows" else g

    def add(self, name: str, w: np.ndarray) -> None:
        self.tensors[name] = torch.tensor(w)
        self.optimizer.add_param_group({"params": [self.tensors[name]]})

    def kept(self, grads: Arrays) -> Arrays:
        held = {name: w.grad for name, w in self.tensors.items() if w.grad is not None}
        return {name: g.detach().numpy() for name, g in held.items()}

    def params(self) -> Arrays:
        return {name: w.detach().numpy() for name, w in self.tensors.items()}

    def state(self) -> dict[str, Arrays]:
        return {
            name: {
                key: np.asarray(value if torch.is_tensor(value) else float(value))
                for key, value in self.optimizer.state.get(w, {}).items()
                if key != "step" and isinstance(value, torch.Tensor | int | float)
            }
            for name, w in self.tensors.items()
        }

    def scale_lr(self, factor: float) -> bool:
        for group in self.optimizer.param_groups:
            group["lr"] *= factor
        return True


def public_name(cls: type) -> str:
    """The name under which a class is imported: torch.optim.Adam, not torch.optim.adam.Adam."""
    known = getattr(torch.optim, cls.__name__, None) is cls
    return f"torch.optim.{cls.__name__}" if known else f"{cls.__module__}.{cls.__qualname__}"
