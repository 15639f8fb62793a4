"""A training through torch as a snapshot of arrays and plain values."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_TENSOR, _ON_CPU = "tensor", "on the CPU"
#: What is of a group itself, and no setting.
_OWN = ("params", "pattern", "runs")


class OptimizerState:
    """The settings and the state of an optimizer of torch, by group and parameter."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._torch = optimizer

    def state_dict(self) -> dict[str, Any]:
        groups, state = self._torch.param_groups, self._torch.state
        return {
            "settings": [{k: v for k, v in group.items() if k not in _OWN} for group in groups],
            "state": [[state.get(w, {}) for w in group["params"]] for group in groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        groups, state = self._torch.param_groups, self._torch.state
        given = zip(groups, state_dict["settings"], state_dict["state"], strict=True)
        for group, settings, states in given:
            group |= {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
            # Not torch's own load_state_dict: it casts to the parameter's type what NAdam and ASGD
            # keep in float32.
            for w, own in zip(group["params"], states, strict=True):
                if own:
                    state[w] = own
                else:
                    state.pop(w, None)

    def rehearse(self) -> None:
        """Take a step on copies: it raises where the state is not of these parameters."""
        groups = [
            {**group, "params": [w.detach().clone() for w in group["params"]]}
            for group in self._torch.param_groups
        ]
        cls: Any = type(self._torch)
        other = cls(groups)
        for mine, theirs in zip(self._torch.param_groups, groups, strict=True):
            for w, its in zip(mine["params"], theirs["params"], strict=True):
                its.grad = torch.zeros_like(its)
                if w in self._torch.state:
                    other.state[its] = copy.deepcopy(self._torch.state[w])
        other.step()


def packed(value: Any) -> Any:
    """Tensors as arrays that know whether they were on the CPU, at any depth.

    >>> packed({"step": torch.tensor(2.0)})
    {'step': {'tensor': array(2., dtype=float32), 'on the CPU': True}}
    """
    if isinstance(value, Tensor):
        return {_TENSOR: value.detach().cpu().numpy().copy(), _ON_CPU: value.device.type == "cpu"}
    if isinstance(value, Mapping):
        return {key: packed(each) for key, each in value.items()}
    return [packed(each) for each in value] if isinstance(value, list | tuple) else value


def unpacked(value: Any, device: torch.device) -> Any:
    """Undo :func:`packed`; what was not on the CPU goes to ``device``."""
    if isinstance(value, Mapping):
        if value.keys() == {_TENSOR, _ON_CPU}:
            return torch.tensor(value[_TENSOR], device="cpu" if value[_ON_CPU] else device)
        return {key: unpacked(each, device) for key, each in value.items()}
    return [unpacked(each, device) for each in value] if isinstance(value, list | tuple) else value
