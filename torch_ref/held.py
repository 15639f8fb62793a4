"""The parts of a training through torch, as snapshots of arrays and plain values.

Each class here has ``state_dict()`` and ``load_state_dict()``, as ``scratch.keeper`` asks for.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from scratch import _check
from torch_ref import lr_scheduler
from torch_ref.device import put
from torch_ref.nn import MultiLayerNet
from torch_ref.optim import Twin

DRAWN_AHEAD = 2**20  # bytes

_TENSOR, _ON_CPU = "tensor", "on the CPU"
#: What is of a group itself, and no setting.
_OWN = ("params", "pattern", "runs")


class Draws:
    """The random numbers of a training, step by step, on the net's device.

    They come from the net's generators, on the CPU, in the order of a loop that draws them when it
    needs them, but many steps at a time: a device gets them in one copy, and waits for none.

    Args:
        net: the network.
        rows: of the data, to draw from.
        batch_size: N.
        iterations: the number of steps.

    Each item is the rows of the batch (K, N), and a mask for each dropout layer.
    """

    _block: Iterator[tuple[Tensor, ...]]

    def __init__(self, net: MultiLayerNet, rows: int, batch_size: int, iterations: int) -> None:
        self._net, self._rows = net, rows
        self._batch_size, self._iterations = batch_size, iterations
        masks = sum(units for _, units in net.dropouts)
        self._ahead = max(1, DRAWN_AHEAD // (len(net.generators) * batch_size * (8 + masks)))
        self._begin(0)

    def __next__(self) -> tuple[Tensor, ...]:
        step = next(self._block, None)
        if step is None:
            self._begin(self._first + self._taken)
            count = min(self._ahead, self._iterations - self._first)
            self._block = zip(*(put(t, self._net.device) for t in self._draw(count)), strict=True)
            step = next(self._block)
        self._taken += 1
        return step

    def state_dict(self) -> dict[str, Any]:
        """Return the generators' state at their last draw, and the steps taken since."""
        return {"first": self._first, "taken": self._taken, "generators": self._before}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Draw the same again."""
        first = _check.integer("first", state_dict["first"], at_least=0)
        taken = _check.integer("taken", state_dict["taken"], at_least=0)
        if first + taken > self._iterations or taken > self._ahead:
            raise ValueError(
                f"first and taken must be steps of {self._iterations}, of a block of "
                f"{self._ahead}, got {first} and {taken}"
            )
        for generator, state in zip(self._net.generators, state_dict["generators"], strict=True):
            generator.set_state(torch.tensor(state))
        self._begin(first)
        for _ in range(taken):
            next(self)

    def _begin(self, first: int) -> None:
        """The next block is to begin with the step ``first``."""
        self._first, self._taken = first, 0
        self._before = [generator.get_state().numpy() for generator in self._net.generators]
        self._block = iter(())

    def _draw(self, count: int) -> list[Tensor]:
        """For so many steps their batches and masks, each with a leading axis of steps."""
        if self._net.dropouts:
            steps = [self._draw_one() for _ in range(count)]
            return [torch.stack(tensors) for tensors in zip(*steps, strict=True)]
        shape = (count, self._batch_size)
        return [torch.stack([self._batch(shape, g) for g in self._net.generators], dim=1)]

    def _draw_one(self) -> list[Tensor]:
        batch = [self._batch((self._batch_size,), g) for g in self._net.generators]
        masks = [layer.draw((self._batch_size, units)) for layer, units in self._net.dropouts]
        return [torch.stack(batch), *masks]

    def _batch(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randint(self._rows, shape, generator=generator)


class Network:
    """A network's parameters and running statistics; its random streams are in ``Draws``."""

    def __init__(self, net: MultiLayerNet) -> None:
        self._net = net

    def state_dict(self) -> dict[str, Any]:
        return packed(self._net.state_dict())

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self._net.load_state_dict(unpacked(state_dict, self._net.device))


class Optimizer:
    """The settings and the state of a twin's optimizer of torch, by group and parameter."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin  # which gets torch's optimizer when it is bound

    def state_dict(self) -> dict[str, Any]:
        groups, state = self._twin.torch.param_groups, self._twin.torch.state
        return {
            "settings": [{k: v for k, v in group.items() if k not in _OWN} for group in groups],
            "state": [[packed(state.get(w, {})) for w in group["params"]] for group in groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        torchs = self._twin.torch
        groups = zip(torchs.param_groups, state_dict["settings"], state_dict["state"], strict=True)
        for group, settings, states in groups:
            group |= {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
            for w, state in zip(group["params"], states, strict=True):
                # Not torch's own load_state_dict: it casts to the parameter's type what NAdam and
                # ASGD keep in float32.
                if state:
                    torchs.state[w] = unpacked(state, w.device)
                else:
                    torchs.state.pop(w, None)

    def rehearse(self) -> None:
        """Take a step on copies: it raises where the state is not of these parameters."""
        torchs = self._twin.torch
        groups = [
            {**group, "params": [w.detach().clone() for w in group["params"]]}
            for group in torchs.param_groups
        ]
        cls: Any = type(torchs)
        other = cls(groups)
        for mine, theirs in zip(torchs.param_groups, groups, strict=True):
            for w, its in zip(mine["params"], theirs["params"], strict=True):
                its.grad = torch.zeros_like(its)
                if w in torchs.state:
                    other.state[its] = copy.deepcopy(torchs.state[w])
        other.step()


class Schedule:
    """A schedule of torch; what it sets is in the optimizer's settings."""

    def __init__(self, schedule: lr_scheduler.Schedule) -> None:
        self._schedule = schedule

    def state_dict(self) -> dict[str, Any]:
        return copy.deepcopy(self._schedule.torch.state_dict())

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self._schedule.torch.load_state_dict(copy.deepcopy(dict(state_dict)))


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
