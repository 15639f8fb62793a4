"""Anything that optimizes, behind one interface: start from parameters, step along gradients."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch

from scratch import _check
from scratch.optim import Optimizer, RowGradient
from torch_ref import convert
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, OptimizerPair

Arrays = dict[str, np.ndarray]
#: The loss and the gradients at parameters.
Evaluate = Callable[[Arrays], tuple[float, Arrays]]


class Adapter(Protocol):
    """One implementation in a run.

    Attributes:
        name: what it is called in a report.
        strict: whether its buffers must agree too, and not only the parameters: where they are
            known to be in torch's names and units.
        pair: in the registry, if it is one side of one: it says which gradients it takes.
    """

    name: str
    strict: bool
    pair: OptimizerPair | None

    def start(self, params: Arrays) -> None:
        """Begin anew with copies of ``params``."""

    def step(self, grads: Arrays) -> None:
        """Take one step."""

    def minimize(self, evaluate: Evaluate) -> None:
        """Take one step that may evaluate loss and gradients several times, if it takes such."""

    def add(self, name: str, w: np.ndarray) -> None:
        """Take a copy of one more parameter, between two steps."""

    def kept(self, grads: Arrays) -> Arrays:
        """The gradients of the last step, where the optimizer has them: ``grads``, or copies."""

    def params(self) -> Arrays:
        """The parameters as they stand."""

    def state(self) -> dict[str, Arrays]:
        """Return the known buffers by parameter, under the side's own names."""


class UpdateAdapter:
    """An object with the chapter's ``update(params, grads)``, in place or on the dict.

    The object is copied for each run, so that one candidate can run several times.
    """

    def __init__(self, optimizer: Any) -> None:
        self._original = optimizer
        self.name = type(optimizer).__name__
        pairs = (pair for pair in OPTIMIZERS.values() if pair.scratch is type(optimizer))
        self.pair = next(pairs, None)
        self.strict = self.pair is not None

    def start(self, params: Arrays) -> None:
        self.optimizer = copy.deepcopy(self._original)
        self._params = {name: w.copy() for name, w in params.items()}

    def step(self, grads: Arrays) -> None:
        if gradients_of(self) == "rows":
            rows = {name: g if g is None else RowGradient.of(g) for name, g in grads.items()}
            self.optimizer.update(self._params, rows)
        else:
            self.optimizer.update(self._params, grads)

    def minimize(self, evaluate: Evaluate) -> None:
        self.optimizer.update(self._params, closure=lambda: evaluate(self.params()))

    def add(self, name: str, w: np.ndarray) -> None:
        self._params[name] = w.copy()

    def kept(self, grads: Arrays) -> Arrays:
        return grads

    def params(self) -> Arrays:
        return {name: np.asarray(w) for name, w in self._params.items()}

    def state(self) -> dict[str, Arrays]:
        if self.strict and isinstance(self.optimizer, Optimizer):
            return {n: _arrays(s) for n, s in convert.state_to_torch(self.optimizer).items()}
        return _found(vars(self.optimizer) if hasattr(self.optimizer, "__dict__") else {}, self)


class TorchAdapter:
    """A ``torch.optim.Optimizer`` class with its settings; the twin of a hand-written one too."""

    def __init__(self, cls: type[torch.optim.Optimizer] | Twin, **settings: Any) -> None:
        self._cls, self._settings = cls, settings
        self.name = str(cls) if isinstance(cls, Twin) else _public_name(cls)
        self.strict = True
        self.pair = cls.pair if isinstance(cls, Twin) else _pair_of_torchs(cls)

    def start(self, params: Arrays) -> None:
        self.tensors = {name: torch.tensor(w) for name, w in params.items()}
        if isinstance(self._cls, Twin):
            self.twin = copy.copy(self._cls)
            self.twin.torch = None
            self.twin.bind(self.tensors)
            self.optimizer: torch.optim.Optimizer | Any = self.twin.torch
        else:
            self.optimizer = self._cls(list(self.tensors.values()), **self._settings)

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


class InitUpdateAdapter:
    """A pair of functions in optax's style, recognised by their names.

    ``init(params)`` gives a state, ``update(grads, state, params)`` the updates, which are added to
    the parameters, and the next state.
    """

    strict = False
    pair: OptimizerPair | None = None

    def __init__(self, pair: Any) -> None:
        self._pair = pair
        self.name = getattr(pair, "__name__", type(pair).__name__)

    def start(self, params: Arrays) -> None:
        self._params = {name: w.copy() for name, w in params.items()}
        self._state = self._pair.init(self._params)

    def step(self, grads: Arrays) -> None:
        updates, self._state = self._pair.update(grads, self._state, self._params)
        self._params = {
            name: np.asarray(w + np.asarray(updates[name]), w.dtype)
            for name, w in self._params.items()
        }

    def minimize(self, evaluate: Evaluate) -> None:
        raise TypeError(f"{self.name} takes gradients, and no closure that evaluates them")

    def add(self, name: str, w: np.ndarray) -> None:
        raise NotImplementedError(
            "the state of an init and update pair is made for all parameters at once"
        )

    def kept(self, grads: Arrays) -> Arrays:
        return grads

    def params(self) -> Arrays:
        return self._params

    def state(self) -> dict[str, Arrays]:
        fields = self._state
        if hasattr(fields, "_asdict"):
            fields = fields._asdict()
        return _found(fields if isinstance(fields, Mapping) else {}, self)


def as_adapter(candidate: Any, **settings: Any) -> Adapter:
    """The side for a candidate, by what it has; ``settings`` are for a class of torch.

    Raises:
        TypeError: it has nothing that optimizes; the message says what would do.
    """
    return named_adapter("candidate", candidate, settings)


def named_adapter(name: str, candidate: Any, settings: Mapping[str, Any]) -> Adapter:
    """The same of an argument called ``name``."""
    if hasattr(candidate, "start") and hasattr(candidate, "step") and hasattr(candidate, "strict"):
        return candidate
    if isinstance(candidate, Twin) or (
        isinstance(candidate, type) and issubclass(candidate, torch.optim.Optimizer)
    ):
        return TorchAdapter(candidate, **settings)
    if callable(getattr(candidate, "init", None)) and callable(getattr(candidate, "update", None)):
        return InitUpdateAdapter(candidate)
    if callable(getattr(candidate, "update", None)) and not isinstance(candidate, Mapping | set):
        return UpdateAdapter(candidate)
    raise TypeError(
        f"{name} must be an object with update(params, grads), a subclass of "
        "torch.optim.Optimizer, or a pair of init(params) and update(grads, state, params); "
        f"got {_check.shown(candidate)}"
    )


def gradients_of(side: Adapter) -> str:
    """Return the kind of gradients a side takes; see ``OptimizerPair.gradients``."""
    pair = getattr(side, "pair", None)
    return pair.gradients if pair else "dense"


def _pair_of_torchs(cls: type[torch.optim.Optimizer]) -> OptimizerPair | None:
    """The first pair whose side in torch is the class."""
    name = _public_name(cls)
    return next((pair for pair in OPTIMIZERS.values() if pair.torch == name), None)


def _public_name(cls: type) -> str:
    """The name under which a class is imported: torch.optim.Adam, not torch.optim.adam.Adam."""
    known = getattr(torch.optim, cls.__name__, None) is cls
    return f"torch.optim.{cls.__name__}" if known else f"{cls.__module__}.{cls.__qualname__}"


def _arrays(state: Mapping[str, Any]) -> Arrays:
    return {key: np.asarray(value) for key, value in state.items() if key != "step"}


def _found(attributes: Mapping[str, Any], side: Adapter) -> dict[str, Arrays]:
    """Buffers among ``attributes``: dicts by parameter, or a dict of dicts by parameter."""
    params = side.params()
    found: dict[str, Arrays] = {name: {} for name in params}
    for key, value in attributes.items():
        if not isinstance(value, Mapping) or not value.keys() & params.keys():
            continue
        for name in value.keys() & params.keys():
            inner = value[name] if isinstance(value[name], Mapping) else {key: value[name]}
            for buffer, array in inner.items():
                array = np.asarray(array) if isinstance(array, np.ndarray | float) else None
                if array is not None and array.shape == params[name].shape:
                    found[name][buffer] = array
    return found
