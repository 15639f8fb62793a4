"""An optimizer of torch behind the contract of ``scratch.optim.Optimizer``."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from scratch import _check
from scratch.optim import Optimizer
from scratch.typing import Rate
from torch_ref import _check as _torch_check
from torch_ref import run_rates
from torch_ref.registry import pair_of, resolve

Tensors = Mapping[str, torch.Tensor]
Gradients = Mapping[str, torch.Tensor | None]
Closure = Callable[[], tuple[torch.Tensor, Tensors]]


class Twin:
    """An optimizer of torch behind the contract of ``scratch.optim.Optimizer``.

    A stack of runs may have an array (K,) as ``lr``, as in ``scratch``; see ``run_rates``.

    Args:
        optimizer: the hand-written one to stand beside; only its settings are used.

    Attributes:
        torch: the ``torch.optim.Optimizer``, from the first update on.

    >>> from scratch import optim
    >>> params = {"w": torch.ones(2, 3)}
    >>> sgd = Twin(optim.SGD(lr=np.array([0.5, 0.25])))
    >>> sgd.update(params, {"w": torch.ones(2, 3)})
    >>> params["w"]
    tensor([[0.5000, 0.5000, 0.5000],
            [0.7500, 0.7500, 0.7500]])
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.pair = pair_of(optimizer)
        self.settings = self.pair.to_torch(optimizer)
        # None until then, but whoever has bound it need not ask.
        self.torch: torch.optim.Optimizer | Any = None
        self._original = optimizer
        self._bound: dict[str, torch.Tensor] = {}
        self._views: dict[str, list[run_rates.View]] = {}

    @property
    def lr(self) -> Rate:
        """The learning rate, or one for each run; it may be assigned between two updates.

        As in ``scratch``, what ``groups`` gives another rate keeps that. Runs that began with the
        same rate are in the same group of torch, and must be given the same again.
        """
        own = [g for g in self._torchs_groups() if g["pattern"] is None]
        return run_rates.rates(own) if own else self.settings["lr"]

    @lr.setter
    def lr(self, value: Rate) -> None:
        if isinstance(value, np.ndarray):
            value = _check.rate("lr", value)
        changed = [
            (group, run_rates.shared_rate(value, group["runs"]))
            for group in self._torchs_groups()
            if "lr" not in self._original.groups.get(group["pattern"], {})
        ]
        self.settings["lr"] = value
        for group, rate in changed:
            group["lr"] = rate

    @property
    def has_rates(self) -> bool:
        """Whether runs of a stack have rates of their own, and torch's parameters are views."""
        return any(group["runs"] is not None for group in self._torchs_groups())

    def update(
        self, params: Tensors, grads: Gradients | None = None, closure: Closure | None = None
    ) -> torch.Tensor | None:
        """Take one step: change every tensor of ``params`` in place, on whatever device it is."""
        self._check_params(params)
        if closure is None:
            checked = _checked_gradients(params, grads)
            self._begin(params)
            self._assign(checked)
            loss: Any = self.torch.step()
            return loss

        def evaluate() -> Any:  # a tensor, where torch's annotations have a float
            loss, grads = closure()
            self._assign(_checked_gradients(params, grads))
            return loss

        _check.function("closure", closure)
        self._begin(params)
        loss = self.torch.step(evaluate)
        return loss

    def bind(self, params: Tensors) -> None:
        """Construct torch's optimizer over ``params``, if that is not done yet."""
        self._check_params(params)
        self._begin(params)

    def state(self, params: Tensors) -> dict[str, dict[str, Any]]:
        """Torch's own state of each parameter, by the parameter's name.

        Where runs have rates of their own, it is put together; see ``run_rates.joined``.
        """
        self.bind(params)
        return {
            name: run_rates.joined(views, [self.torch.state.get(v.tensor, {}) for v in views])
            for name, views in self._views.items()
        }

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.pair.torch}({settings})"

    def _torch_class(self) -> Callable[..., torch.optim.Optimizer]:
        return resolve(self.pair.torch)

    def _begin(self, params: Tensors) -> None:
        if self.torch is None:
            self._bound, self._views = dict(params), {}
            groups, settings = self._param_groups(), dict(self.settings)
            if isinstance(settings["lr"], np.ndarray):  # every group has its own
                settings["lr"] = float(settings["lr"][0])
            self.torch = self._torch_class()(groups, **settings)

    def _check_params(self, params: Tensors) -> None:
        if self.torch is None:
            _torch_check.tensors("params", params)
            return
        given = {name: id(w) for name, w in _check.mapping("params", params).items()}
        if {name: id(w) for name, w in self._bound.items()} != given:
            raise ValueError(
                "params must hold the tensors of the first update, got others under "
                f"{_check.names(given)}"
            )

    def _torchs_groups(self) -> list[dict[str, Any]]:
        return self.torch.param_groups if self.torch else []

    def _assign(self, grads: Gradients) -> None:
        for name, views in self._views.items():
            g = grads[name]
            for view in views:
                view.tensor.grad = g if g is None or view.runs is None else g[view.runs]

    def _param_groups(self) -> list[dict[str, Any]]:
        """Torch's ``param_groups``: the parameters by the pattern their names fit, and by rate."""
        groups: dict[tuple[str | None, float], dict[str, Any]] = {}
        for name, w in self._bound.items():
            pattern = self._original.pattern_of(name)
            settings = self.pair.to_torch(self._original.group_of(name)) if pattern else {}
            rate: Any = settings.get("lr", self.settings["lr"])
            self._views[name] = run_rates.views(name, w, rate)
            for view in self._views[name]:
                own, runs = run_rates.rate_of(view, rate)
                group = {"lr": own, "params": [], "pattern": pattern, "runs": runs}
                groups.setdefault((pattern, own), settings | group)["params"].append(view.tensor)
        return list(groups.values())


class Named(Twin):
    """A twin that is made by the settings of its hand-written counterpart.

    Attributes:
        by_hand: the class of ``scratch.optim``.
        by_torch: the class that takes the steps.
    """

    by_hand: ClassVar[type[Optimizer]]
    by_torch: ClassVar[type[torch.optim.Optimizer]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(self.by_hand(**settings))

    def _torch_class(self) -> Callable[..., torch.optim.Optimizer]:
        return self.by_torch


def _checked_gradients(params: Tensors, given: Gradients | None) -> Gradients:
    grads = _check.mapping("grads", given)
    if missing := params.keys() - grads.keys():
        raise KeyError(f"grads must have the keys of params, lacks {_check.names(missing)}")
    for name, w in params.items():
        g = grads[name]
        if g is not None and (not isinstance(g, torch.Tensor) or g.shape != w.shape):
            raise ValueError(
                f"grads[{_check.shown(name)}] must be None or a tensor of shape "
                f"{tuple(w.shape)}, got {_torch_check.shown(g)}"
            )
    return grads
