"""The twins of ``scratch.nn.MultiLayerNet`` and ``TwoLayerNet``, through autograd."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from scratch import _check
from scratch.nn.arguments import check_rows, decay_of, layer_sizes, per_run
from scratch.random import Generator
from scratch.typing import Rate
from torch_ref import _check as _torch_check
from torch_ref.device import widest
from torch_ref.init import by_name
from torch_ref.nn.layers import ACTIVATIONS, Affine, BatchNorm1d, BatchNormalization, Dropout


class MultiLayerNet(torch.nn.Module):
    """The twin of ``scratch.nn.MultiLayerNet``: the same arguments, names and initial weights.

    Args:
        device: where the parameters are; inputs must be there too. The weights are drawn on the
            CPU, from torch's generator, so that they do not depend on it.
        The others: as ``scratch.nn.MultiLayerNet``'s.

    >>> net = MultiLayerNet(784, [100], 10)
    >>> list(net.params)
    ['W1', 'b1', 'W2', 'b2']
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        output_size: int,
        activation: str = "relu",
        init: str | float | Sequence[str | float] = "he",
        batch_norm: bool = False,
        dropout: float = 0.0,
        weight_decay: Rate = 0.0,
        seed: int | Sequence[int] = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        *,
        inverted_dropout: bool = True,
        chapter_batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.sizes = layer_sizes(input_size, hidden_sizes, output_size)
        self.activation = _check.choice("activation", activation, ACTIVATIONS)
        self.batch_norm = _check.flag("batch_norm", batch_norm)
        self.dropout = _check.number("dropout", dropout, at_least=0, below=1)
        self.inverted_dropout = _check.flag("inverted_dropout", inverted_dropout)
        self.chapter_batch_norm = _check.flag("chapter_batch_norm", chapter_batch_norm)
        self.dtype, self.device = _torch_check.floating(dtype), _torch_check.device(device)
        self.runs, seeds, inits = per_run(seed, init)
        self.weight_decay = decay_of(self.runs, weight_decay)
        self.generators = [_seeded(seed) for seed in seeds]
        self._initializers = [by_name(init) for init in inits]
        self._slots: dict[str, tuple[int, str]] = {}
        self.layers = torch.nn.Sequential()
        for i, sizes in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            self._add(self._affine(*sizes), {f"W{i}": "weight", f"b{i}": "bias"})
            if i < len(self.sizes) - 1:
                self._add_hidden(i)
        decay = torch.tensor(self.weight_decay, dtype=self.dtype)
        self.register_buffer("_decay", decay, persistent=False)
        self.to(self.device)

    @property
    def dropouts(self) -> list[tuple[Dropout, int]]:
        """The dropout layers, with the number of their units."""
        layers = [layer for layer in self.layers if isinstance(layer, Dropout)]
        return list(zip(layers, self.sizes[1:], strict=False))

    @contextmanager
    def keeping(self, kept: Sequence[Tensor]) -> Iterator[None]:
        """Within, the dropout layers use these masks, one for each, instead of drawing them."""
        try:
            for (layer, _), mask in zip(self.dropouts, kept, strict=True):
                layer.kept = mask
            yield
        finally:
            for layer, _ in self.dropouts:
                layer.kept = None

    @property
    def params(self) -> dict[str, torch.nn.Parameter]:
        """``W1, b1, gamma1, beta1, W2, …``, as ``scratch``'s."""
        return {name: getattr(self.layers[i], slot) for name, (i, slot) in self._slots.items()}

    def predict(self, x: Tensor, train: bool = False) -> Tensor:
        """The scores of the rows of ``x``."""
        train, x = _check.flag("train", train), self._checked(x)
        return self.train(train).layers(x)

    def activations(self, x: Tensor, train: bool = False) -> dict[str, Tensor]:
        """Return the output of each hidden layer, and last the scores."""
        train = _check.flag("train", train)
        x, outputs, number = self._checked(x), {}, 0
        for layer in self.train(train).layers:
            x = layer(x)
            number += isinstance(layer, Affine)
            outputs[f"layer{number}"] = x
        return outputs

    def loss(self, x: Tensor, t: Tensor, train: bool = False) -> Tensor:
        """The cross-entropy for the labels ``t`` and the weight decay; (K,) for a stack."""
        t = self._labels(x, t)  # before the forward pass, which may change running statistics
        y = self.predict(x, train)
        losses = F.cross_entropy(y.flatten(0, -2), t.flatten(), reduction="none")
        loss = losses.unflatten(0, y.shape[:-1]).mean(dim=-1)
        if np.any(self.weight_decay):
            weights = [w for name, w in self.params.items() if name.startswith("W")]
            squares = sum(w.square().sum((-2, -1)) for w in weights)
            loss = loss + self.get_buffer("_decay") / 2 * squares
        return loss

    def gradient(self, x: Tensor, t: Tensor) -> dict[str, Tensor]:
        """∂loss/∂w for every parameter, by autograd, in training."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: Tensor, t: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Both, from one forward pass."""
        loss, params = self.loss(x, t, train=True), self.params
        # The runs of a stack share no parameter: the gradient of the sum is each run's own.
        grads = torch.autograd.grad(loss.sum(), list(params.values()))
        return loss.detach(), dict(zip(params, grads, strict=True))

    @torch.no_grad()
    def accuracy(self, x: Tensor, t: Tensor) -> Tensor:
        """The share of the rows of ``x`` whose largest score is that of their label."""
        t, y = self._labels(x, t), self.predict(x)
        right = y.argmax(dim=-1) == t
        return right.mean(dim=-1, dtype=widest(y.device))

    def _checked(self, x: Tensor) -> Tensor:
        _torch_check.tensor("x", x, next(self.layers.parameters()).dtype)
        check_rows(x.shape, self.sizes[0], self.runs)
        return x

    def _labels(self, x: Tensor, t: Tensor) -> Tensor:
        """The labels of the rows of ``x`` as class numbers, for each run."""
        lead = () if self.runs is None else (self.runs,)
        return class_numbers(t, (*lead, self._checked(x).shape[-2], self.sizes[-1]))

    def _affine(self, fan_in: int, fan_out: int) -> Affine:
        weights = [
            init((fan_out, fan_in), generator=generator, dtype=self.dtype).T.contiguous()
            for init, generator in zip(self._initializers, self.generators, strict=True)
        ]
        bias = torch.zeros(len(weights), fan_out, dtype=self.dtype)
        if self.runs is None:
            return Affine(weights[0], bias[0])
        return Affine(torch.stack(weights), bias)

    def _add_hidden(self, i: int) -> None:
        if self.batch_norm:
            kind = BatchNormalization if self.chapter_batch_norm else BatchNorm1d
            norm = kind(self.sizes[i], dtype=self.dtype, runs=self.runs)
            self._add(norm, {f"gamma{i}": "weight", f"beta{i}": "bias"})
        self._add(ACTIVATIONS[self.activation](), {})
        if self.dropout:
            generator = self.generators[0] if self.runs is None else self.generators
            self._add(Dropout(self.dropout, generator, inverted=self.inverted_dropout), {})

    def _add(self, layer: torch.nn.Module, names: dict[str, str]) -> None:
        self._slots |= {name: (len(self.layers), slot) for name, slot in names.items()}
        self.layers.append(layer)


def class_numbers(t: Tensor, scores_shape: Sequence[int]) -> Tensor:
    """The labels ``t`` as class numbers, from either form; their values are not looked at."""
    numbers, one_hot = (scores_shape[:-1], scores_shape[-2:-1]), (scores_shape, scores_shape[-2:])
    if not isinstance(t, Tensor) or t.is_complex() or t.dtype == torch.bool:
        raise TypeError(f"t must be a tensor of labels, got {_torch_check.shown(t)}")
    if t.shape in numbers and not t.is_floating_point():
        return t.long().expand(scores_shape[:-1])
    if t.shape not in one_hot:
        allowed = " or ".join(str(tuple(s)) for s in dict.fromkeys((*numbers, *one_hot)))
        raise ValueError(
            f"t must hold class numbers or one-hot rows for x, of shape {allowed}, got "
            f"{_torch_check.shown(t)}"
        )
    return t.argmax(dim=-1).expand(scores_shape[:-1])


def _seeded(seed: int) -> torch.Generator:
    """A generator on the CPU that draws what ``scratch.random.Generator(seed)`` does."""
    Generator(seed)  # raises for what is no seed
    return torch.Generator().manual_seed(int(seed))


class TwoLayerNet(MultiLayerNet):
    """The twin of ``scratch.nn.TwoLayerNet``."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int, **options: Any) -> None:
        hidden_size = _check.integer("hidden_size", hidden_size, at_least=1)
        super().__init__(input_size, [hidden_size], output_size, **({"init": 0.01} | options))
