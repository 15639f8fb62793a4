"""The random numbers of a training through torch, drawn ahead."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from scratch import _check
from torch_ref.device import put
from torch_ref.nn import MultiLayerNet

DRAWN_AHEAD = 2**20  # bytes


class Draws:
    """The random numbers of a training, step by step, on the net's device.

    They come from the net's generators, on the CPU, in the order of a loop that draws them when it
    needs them, but many steps at a time: a device gets them in one copy, and waits for none.

    Args:
        net: the network.
        rows: of the data, to draw from.
        parts: of a batch, its rows; each draws masks of its own.
        iterations: the number of steps.

    Each item is the rows of the batch (K, N), and a mask for each dropout layer.
    """

    _block: Iterator[tuple[Tensor, ...]]

    def __init__(
        self, net: MultiLayerNet, rows: int, parts: Sequence[slice], iterations: int
    ) -> None:
        self._net, self._rows, self._iterations = net, rows, iterations
        self._parts, self._batch_size = [part.stop - part.start for part in parts], parts[-1].stop
        masks = sum(units for _, units in net.dropouts)
        self._ahead = max(1, DRAWN_AHEAD // (len(net.generators) * self._batch_size * (8 + masks)))
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
        masks = [
            [layer.draw((n, units)) for layer, units in self._net.dropouts] for n in self._parts
        ]
        return [torch.stack(batch), *(torch.cat(own, dim=-2) for own in zip(*masks, strict=True))]

    def _batch(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randint(self._rows, shape, generator=generator)
