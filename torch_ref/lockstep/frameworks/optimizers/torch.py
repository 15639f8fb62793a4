"""A class of ``torch.optim``, or one of the user's own. Of this folder, it alone imports torch."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate, gradients_of
from torch_ref.lockstep.frameworks.optimizers.rate import LEARNING_RATE
from torch_ref.lockstep.frameworks.optimizers.recipe import arguments
from torch_ref.lockstep.frameworks.optimizers.roles import positional, required
from torch_ref.lockstep.frameworks.optimizers.side import Side

#: How an optimizer is given its parameters, the usual way first.
_WAYS: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "a list of tensors": lambda tensors: list(tensors.values()),
    "a list of names and tensors": lambda tensors: list(tensors.items()),
    "a group": lambda tensors: [{"params": list(tensors.values())}],
    # Muon of several packages: which parameters it is to orthogonalize, and which not.
    "groups by use_muon": lambda tensors: [
        {"params": found, "use_muon": muon}
        for muon in (True, False)
        if (found := [w for w in tensors.values() if (w.ndim >= 2) is muon])
    ],
}


#: The argument for the class of an optimizer that another one, as SAM, is around.
BASE = "base_optimizer"
_TWO_STEPS = (
    "its first_step and second_step were given one gradient: it is the rule of the second that was "
    "compared, not where the gradient is taken"
)


class TorchAdapter(Side):
    """A ``torch.optim.Optimizer`` class with its settings.

    One that has ``train()`` is put into training. One that wants its parameters otherwise than as a
    list of tensors is given them so; one that wants a closure, a closure that has nothing to do;
    one that is around another, SGD, whose settings it then takes too.
    """

    _way = ""  # the one of _WAYS that it takes, once that is known
    _closure: bool | None = False  # whether a step takes one; None until the first, where it may

    def __init__(self, cls: type[torch.optim.Optimizer], **settings: Any) -> None:
        around = {BASE: torch.optim.SGD} if BASE in required(cls) else {}
        self._cls, self._settings = cls, around | settings
        if all(hasattr(cls, name) for name in ("first_step", "second_step")):
            self.remark = _TWO_STEPS
        self.name = public_name(cls)
        self.strict = cls.__module__.startswith("torch.optim.")
        self._closure = True if "closure" in required(cls.step) else None

    def start(self, params: Arrays) -> None:
        self.tensors = {name: as_tensor(w) for name, w in params.items()}
        self.optimizer = self.made()
        if callable(train := getattr(self.optimizer, "train", None)):
            train()

    def made(self) -> torch.optim.Optimizer:
        """The optimizer of ``self.tensors``, given these in the first way that it takes."""
        failed = []
        for name in [self._way] if self._way else _WAYS:
            try:
                made = self._cls(_WAYS[name](self.tensors), **self._settings)
            except Exception as error:  # whatever a constructor raises
                failed.append(error)
            else:
                self._way = name
                return made
        raise failed[0]

    def step(self, grads: Arrays) -> None:
        self._assign(grads)
        if self._closure:
            self.optimizer.step(self._again(grads))
        elif self._closure is None and "closure" in positional(self._cls.step):
            self._first(grads)
        else:
            self.optimizer.step()

    def _first(self, grads: Arrays) -> None:
        """The first step, without a closure; if that fails, with one."""
        try:
            self.optimizer.step()
            self._closure = False
        except Exception as error:  # whatever they raise that want one
            if "closure" not in f"{type(error).__name__} {error}".lower():
                raise
            self.optimizer.step(self._again(grads))
            self._closure = True

    def _again(self, grads: Arrays) -> Callable[[], Any]:
        """A closure that finds the same gradients again, wherever the parameters are by then."""

        def closure() -> Any:
            self._assign(grads)
            return torch.zeros((), requires_grad=True)

        return closure

    def minimize(self, evaluate: Evaluate) -> None:
        def closure() -> Any:
            loss, grads = evaluate(self.params())
            self._assign(grads)
            return loss

        self.optimizer.step(closure)

    def _assign(self, grads: Arrays) -> None:
        for name, w in self.tensors.items():
            w.grad = None
            if grads[name] is not None:
                g = as_tensor(grads[name])
                # One sparse axis: the elements of a row are all there.
                w.grad = g.to_sparse(1) if gradients_of(self) == "rows" else g

    def add(self, name: str, w: np.ndarray) -> None:
        self.tensors[name] = as_tensor(w)
        self.optimizer.add_param_group({"params": [self.tensors[name]]})

    def kept(self, grads: Arrays) -> Arrays:
        held = {name: w.grad for name, w in self.tensors.items() if w.grad is not None}
        return {name: as_array(g.detach().to_dense()) for name, g in held.items()}

    def params(self) -> Arrays:
        return {name: as_array(w) for name, w in self.tensors.items()}

    def state(self) -> dict[str, Arrays]:
        return {
            name: {
                key: _array(value)
                for key, value in self.optimizer.state.get(w, {}).items()
                if key != "step" and isinstance(value, torch.Tensor | int | float)
            }
            for name, w in self.tensors.items()
        }

    def scale_lr(self, factor: float) -> bool:
        groups = self.optimizer.param_groups
        rates = [(group, name) for group in groups for name in LEARNING_RATE if name in group]
        for group, name in rates:
            group[name] = group[name] * factor
        return bool(rates)


def _array(value: Any) -> np.ndarray:
    """A buffer, or a number, in a dtype that NumPy has."""
    if not torch.is_tensor(value):
        return np.asarray(float(value))
    known = value.dtype in (torch.float32, torch.float64)
    return (value if known else value.to(torch.float32)).detach().cpu().numpy()


def parameters(cls: type[torch.optim.Optimizer]) -> dict[str, inspect.Parameter]:
    """The settings of a class: the arguments of its constructor but for the parameters."""
    found = arguments(cls, skip=1)
    around = arguments(torch.optim.SGD, skip=1) if found.pop(BASE, None) else {}
    return found | {name: p for name, p in around.items() if name not in found}


def fits(target: Any) -> bool:
    """Whether it is a subclass of ``torch.optim.Optimizer``."""
    return isinstance(target, type) and issubclass(target, torch.optim.Optimizer)


def as_tensor(a: np.ndarray) -> torch.Tensor:
    """A copy as a tensor; NumPy's bfloat16, of ``ml_dtypes``, is handed over by its bits."""
    a = np.array(a, order="C")  # with from_numpy faster than torch.tensor
    if a.dtype.name == "bfloat16":
        return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(a)


def as_array(t: torch.Tensor) -> np.ndarray:
    """The values of a tensor on the CPU, of which it need not be a copy."""
    if str(t.dtype) == "torch.bfloat16":
        return t.detach().view(torch.int16).numpy().view("bfloat16")
    return t.detach().numpy()


def public_name(cls: type) -> str:
    """The name under which a class is imported: torch.optim.Adam, not torch.optim.adam.Adam."""
    known = getattr(torch.optim, cls.__name__, None) is cls
    return f"torch.optim.{cls.__name__}" if known else f"{cls.__module__}.{cls.__qualname__}"
