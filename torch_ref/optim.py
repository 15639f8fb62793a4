"""The twins of ``scratch.optim``: the same names and arguments, stepped by ``torch.optim``.

Each is used like its twin, ``update(params, grads)`` on two dicts, here of tensors:

>>> from torch_ref.optim import SGD
>>> params = {"w": torch.tensor([1.0, -2.0])}
>>> SGD(lr=0.1).update(params, {"w": torch.tensor([1.0, 1.0])})
>>> params["w"]
tensor([ 0.9000, -2.1000])
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from scratch import _check
from scratch.optim import Optimizer
from torch_ref import _check as _torch_check
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

    Torch's rates are one for each of its ``param_groups``. So where ``lr`` is an array (K,), the
    parameters of a stack become views of the runs with the same rate, and each rate is a group of
    such views; every class of ``torch.optim`` then serves as it is. Runs of equal rates side by
    side are one view, so a stack in the order of its rates takes the fewest.

    Args:
        optimizer: the hand-written one to stand beside; only its settings are used.

    Attributes:
        torch: the ``torch.optim.Optimizer``, from the first update on.

    >>> params = {"w": torch.ones(2, 3)}
    >>> sgd = Twin(OPTIMIZERS["SGD"].scratch(lr=np.array([0.5, 0.25])))
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
        self._views: dict[str, list[View]] = {}

    @property
    def lr(self) -> float | np.ndarray:
        """The learning rate, or one for each run; it may be assigned between two updates.

        As in ``scratch``, what ``groups`` gives another rate keeps that. Runs that began with the
        same rate are in the same group of torch, and must be given the same again.
        """
        own = [g for g in self._torchs_groups() if g["pattern"] is None]
        if not own:
            return self.settings["lr"]
        if own[0]["runs"] is None:
            return own[0]["lr"]
        rates = np.empty(1 + max(max(group["runs"]) for group in own))
        for group in own:
            rates[group["runs"]] = float(group["lr"])
        return rates

    @lr.setter
    def lr(self, value: float | np.ndarray) -> None:
        if isinstance(value, np.ndarray):
            value = _check.rate("lr", value)
        changed = [
            (group, _shared_rate(value, group["runs"]))
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
        self,
        params: Tensors,
        grads: Mapping[str, torch.Tensor | None] | None = None,
        closure: Closure | None = None,
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

        Where runs have rates of their own, buffers are put together to the parameter's shape, in a
        copy; a number that differs from run to run, as ASGD's ``eta``, is a tensor (K,).
        """
        self.bind(params)
        return {name: self._state_of(self._views[name]) for name in params}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.pair.torch}({settings})"

    def _begin(self, params: Tensors) -> None:
        if self.torch is None:
            self._bound, self._views = dict(params), {}
            groups, settings = self._param_groups(), dict(self.settings)
            if isinstance(settings["lr"], np.ndarray):  # every group has its own
                settings["lr"] = float(settings["lr"][0])
            self.torch = resolve(self.pair.torch)(groups, **settings)

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

    def _assign(self, grads: Mapping[str, torch.Tensor | None]) -> None:
        for name, views in self._views.items():
            g = grads[name]
            for view in views:
                view.tensor.grad = g if g is None or view.runs is None else g[view.runs]

    def _state_of(self, views: "list[View]") -> dict[str, Any]:
        states = [self.torch.state.get(view.tensor, {}) for view in views]
        if len(views) == 1:
            return dict(states[0])
        return {key: _joined(views, [state[key] for state in states]) for key in states[0]}

    def _param_groups(self) -> list[dict[str, Any]]:
        """Torch's ``param_groups``: the parameters by the pattern their names fit, and by rate."""
        groups: dict[tuple[str | None, float], dict[str, Any]] = {}
        for name, w in self._bound.items():
            pattern = self._original.pattern_of(name)
            settings = self.pair.to_torch(self._original.group_of(name)) if pattern else {}
            rate: Any = settings.get("lr", self.settings["lr"])
            self._views[name] = _views(name, w, rate)
            for view in self._views[name]:
                runs = view.runs
                own = rate if runs is None else float(rate[runs.start])
                group = groups.setdefault(
                    (pattern, own),
                    settings
                    | {"lr": own, "params": [], "pattern": pattern}
                    | {"runs": None if runs is None else np.flatnonzero(rate == own).tolist()},
                )
                group["params"].append(view.tensor)
        return list(groups.values())


def _checked_gradients(
    params: Tensors, given: Mapping[str, torch.Tensor | None] | None
) -> Mapping[str, torch.Tensor | None]:
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


class View(NamedTuple):
    """What torch updates of a parameter: the tensor itself, or the part of some of its runs."""

    tensor: torch.Tensor
    runs: slice | None


def _views(name: str, w: torch.Tensor, rate: float | np.ndarray) -> list[View]:
    """``w`` itself; or, where there is a rate for each run, views of the runs with equal ones."""
    if not isinstance(rate, np.ndarray):
        return [View(w, None)]
    if w.shape[:1] != rate.shape:
        raise ValueError(
            f"params[{name!r}] must have a leading axis of {len(rate)}, as many runs as lr has "
            f"values, got shape {tuple(w.shape)}"
        )
    ends = [*(np.flatnonzero(np.diff(rate)) + 1).tolist(), len(rate)]
    runs = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    return [View(w.detach()[part], part) for part in runs]


def _shared_rate(value: float | np.ndarray, runs: list[int] | None) -> float:
    """The rate in ``value`` that the runs of one of torch's groups all have."""
    if not isinstance(value, np.ndarray):
        return value
    rates = value if runs is None else value[runs] if max(runs) < len(value) else value[:0]
    if len(set(rates.tolist())) != 1:
        these = "all runs" if runs is None else f"the runs {', '.join(map(str, runs))}"
        raise ValueError(
            f"lr must have one rate for {these}, which are one group in torch because they began "
            f"with the same, got {rates.tolist()} of {len(value)} values; use a new optimizer"
        )
    return float(rates[0])


def _joined(views: list[View], values: list[Any]) -> Any:
    """One entry of the state of a parameter's views, as that of the whole parameter."""
    first = values[0]
    if isinstance(first, torch.Tensor) and first.shape == views[0].tensor.shape:
        return torch.cat(values)
    if all(bool(value == first) for value in values):
        return first
    lengths = torch.tensor([len(view.tensor) for view in views])
    return torch.stack([torch.as_tensor(v).cpu() for v in values]).repeat_interleave(lengths)


def by_name(name: str, **settings: Any) -> Twin:
    """The twin of ``scratch.optim``'s ``name`` with the same settings.

    >>> by_name("chapter.Adam", beta1=0.5)
    torch_ref.optim.EpsilonHatAdam(lr=0.001, betas=(0.5, 0.999), eps=1e-07)
    """
    return Twin(OPTIMIZERS[_check.choice("name", name, OPTIMIZERS)].scratch(**settings))


def __getattr__(name: str) -> Any:
    if name not in OPTIMIZERS:
        raise AttributeError(f"torch_ref.optim has no {name!r}; it has {', '.join(OPTIMIZERS)}")
    return lambda **settings: by_name(name, **settings)
