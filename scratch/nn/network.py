"""Fully connected networks: the chapter's multi-layer network, and the two-layer one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratch import _check
from scratch._signals import SignalsWait
from scratch.init import by_name
from scratch.nn.activations import ACTIVATIONS
from scratch.nn.affine import Affine
from scratch.nn.arguments import (
    array_like,
    check_rows,
    check_writeable,
    decay_of,
    layer_sizes,
    per_run,
    plain,
)
from scratch.nn.batchnorm import BatchNorm1d
from scratch.nn.chapter import BatchNormalization
from scratch.nn.dropout import Dropout
from scratch.nn.layer import Layer
from scratch.nn.loss import CrossEntropyLoss, class_numbers
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Integers, Labels, Rate

#: What a normalization layer remembers from batch to batch.
REMEMBERED = ("running_mean", "running_var", "num_batches_tracked")


class MultiLayerNet:
    """Affine, [BatchNorm], activation, [Dropout] for each hidden layer, then Affine and softmax.

    Args:
        input_size: D, the features of an input row.
        hidden_sizes: the units of each hidden layer.
        output_size: C, the classes.
        activation: "relu", "sigmoid" or "tanh".
        init: a name of ``scratch.init.INITIALIZERS``, or a number for N(0, init²); biases are zero.
        batch_norm: normalize before each activation.
        dropout: the probability of dropping a hidden unit.
        weight_decay: λ of ½·λ·Σ W², added to the loss; biases, γ and β do not decay. For a stack it
            may be an array (K,), a λ for each run.
        seed: of the weights, the dropout masks and, in ``scratch.train``, the batches.
        dtype: float32 or float64.
        inverted_dropout: scale the kept units in training, as torch does; otherwise all units in
            evaluation, as the chapter's book does.
        chapter_batch_norm: normalize with the chapter's :class:`BatchNormalization`, not torch's.

    ``seed`` and ``init`` may each be a sequence of K: the network is then a stack of K networks
    that train at once. Its parameters have a leading axis of K, its inputs may have one (without,
    every run gets the same), and losses and accuracies have the shape (K,).

    Attributes:
        params: ``W1, b1, gamma1, beta1, W2, …``, with W of shape (in, out).
        generators: one for each run.

    >>> net = MultiLayerNet(784, [100, 100], 10)
    >>> list(net.params)
    ['W1', 'b1', 'W2', 'b2', 'W3', 'b3']
    >>> x, t = np.zeros((5, 784), np.float32), np.array([0, 1, 2, 3, 4])
    >>> round(net.loss(x, t), 4)  # ln 10: it knows nothing yet
    2.3026
    >>> net.gradient(x, t)["W2"].shape
    (100, 100)
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
        dtype: DTypeLike = np.float32,
        *,
        inverted_dropout: bool = True,
        chapter_batch_norm: bool = False,
    ) -> None:
        self.sizes = layer_sizes(input_size, hidden_sizes, output_size)
        self.activation = _check.choice("activation", activation, ACTIVATIONS)
        self.batch_norm = _check.flag("batch_norm", batch_norm)
        self.dtype = _check.floating(dtype)
        self.dropout = _check.number("dropout", dropout, at_least=0, below=1)
        self.inverted_dropout = _check.flag("inverted_dropout", inverted_dropout)
        self.chapter_batch_norm = _check.flag("chapter_batch_norm", chapter_batch_norm)
        self.runs, seeds, inits = per_run(seed, init)
        self.weight_decay = decay_of(self.runs, weight_decay)
        self._decay = np.array(self.weight_decay, self.dtype)
        self.generators = [Generator(seed) for seed in seeds]
        self._initializers = [by_name(init) for init in inits]

        self._layers: list[Layer] = []
        #: By the name of a parameter, its layer and its name there.
        self._slots: dict[str, tuple[Layer, str]] = {}
        for i, sizes in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            self._add(self._affine(*sizes), {"weight": f"W{i}", "bias": f"b{i}"})
            if i < len(self.sizes) - 1:
                self._add_hidden(i)
        self._loss = CrossEntropyLoss()
        self.params = {name: layer.params[slot] for name, (layer, slot) in self._slots.items()}

    def predict(self, x: Array, train: bool = False) -> Array:
        """The scores (N, C) of the rows of ``x`` (N, D), before the softmax."""
        train, y = _check.flag("train", train), self._checked(x)
        for layer in self.layers:
            y = layer.train(train).forward(y)
        return y

    def activations(self, x: Array, train: bool = False) -> dict[str, Array]:
        """Return the output of each hidden layer, (N, units), and last the scores.

        >>> net = MultiLayerNet(3, [4], 2)
        >>> {name: y.shape for name, y in net.activations(np.zeros((5, 3))).items()}
        {'layer1': (5, 4), 'layer2': (5, 2)}
        """
        train, y = _check.flag("train", train), self._checked(x)
        outputs, number = {}, 0
        for layer in self.layers:
            y = layer.train(train).forward(y)
            number += isinstance(layer, Affine)
            outputs[f"layer{number}"] = y
        return outputs

    def loss(self, x: Array, t: Labels, train: bool = False) -> float | Array:
        """The cross-entropy for the labels ``t``, class numbers or one-hot, and the weight decay.

        With ``train`` batches are normalized and units dropped as in training.
        """
        x = self._checked(x)
        # The labels are checked before the forward pass, which may change running statistics.
        labels = self._labels(x, t)
        loss = self._loss.forward(self.predict(x, train), labels)
        if self._decay.any():
            weights = [self.params[name] for name in self._weights()]
            squares = sum(np.vecdot(w, w).sum(axis=-1) for w in weights)
            loss = loss + self._decay / 2 * squares
        return float(loss) if self.runs is None else loss

    def gradient(self, x: Array, t: Labels) -> dict[str, Array]:
        """∂loss/∂w for every parameter, by backpropagation, in training."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: Array, t: Labels) -> tuple[float | Array, dict[str, Array]]:
        """Both, from one forward pass."""
        loss = self.loss(x, t, train=True)
        dy = self._loss.backward()
        first, *others = self._layers
        for layer in reversed(others):
            dy = layer.backward(dy)
        first.backward_params(dy)
        grads = {name: layer.grads[slot] for name, (layer, slot) in self._slots.items()}
        if self._decay.any():
            for name in self._weights():
                grads[name] += self._decay[..., None, None] * self.params[name]
        return loss, grads

    def accuracy(self, x: Array, t: Labels) -> float | Array:
        """The share of the rows of ``x`` whose largest score is that of their label."""
        x = self._checked(x)
        labels = self._labels(x, t)
        hits = (self.predict(x).argmax(axis=-1) == labels).mean(axis=-1)
        return float(hits) if self.runs is None else hits

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A snapshot of all that training changes: ``params``, and what the layers remember.

        Returns:
            Copies of the parameters, of the running statistics of each normalization layer
            (``running_mean1``, ``running_var1``, ``num_batches_tracked1``, …), and the states of
            the ``generators`` (``generator1``, …).

        >>> net = MultiLayerNet(3, [4], 2, batch_norm=True)
        >>> list(net.state_dict())[4:]  # doctest: +NORMALIZE_WHITESPACE
        ['W2', 'b2', 'running_mean1', 'running_var1', 'num_batches_tracked1', 'generator1']
        """
        state = {name: np.array(w) for name, w in self.params.items()}
        for i, norm in enumerate(self.batch_norms, start=1):
            state |= {f"{name}{i}": np.array(getattr(norm, name)) for name in REMEMBERED}
        for k, generator in enumerate(self.generators, start=1):
            state[f"generator{k}"] = generator.get_state()
        return state

    def load_state_dict(self, state_dict: Mapping[str, NDArray[Any]]) -> None:
        """Resume from a snapshot of a network like this one.

        Raises:
            TypeError, ValueError: it is not one; nothing was changed.
        """
        own = self.state_dict()
        given = _check.keys("state_dict", state_dict, own)
        # Copies: the snapshot may hold the network's own arrays.
        values = {name: np.array(plain(f"state_dict[{name!r}]", given[name])) for name in own}
        for name, mine in own.items():
            value = values[name]
            if (value.shape, value.dtype) != (mine.shape, mine.dtype):
                raise ValueError(
                    f"state_dict[{name!r}] must be {mine.dtype} of shape {mine.shape}, got "
                    f"{value.dtype} of shape {value.shape}"
                )
        check_writeable(self.params)
        for name in own.keys() - self.params.keys():
            # Not a number is what a training that diverged remembers.
            if not name.startswith("running_mean") and (values[name] < 0).any():
                raise ValueError(f"state_dict[{name!r}] must be >= 0, got {values[name].min()}")
        states = [values[f"generator{k}"] for k, _ in enumerate(self.generators, start=1)]
        for state in states:
            Generator(0).set_state(state)  # raises where it is none
        with SignalsWait():
            for name, w in self.params.items():
                w[...] = values[name]
            for i, norm in enumerate(self.batch_norms, start=1):
                norm.running_mean[...] = values[f"running_mean{i}"]
                norm.running_var[...] = values[f"running_var{i}"]
                norm.num_batches_tracked = int(values[f"num_batches_tracked{i}"])
            for generator, state in zip(self.generators, states, strict=True):
                generator.set_state(state)

    @property
    def layers(self) -> list[Layer]:
        """The layers from input to output, with ``params`` as they are now.

        An optimizer may have put another array there.
        """
        for name, (layer, slot) in self._slots.items():
            w, before = self.params.get(name), layer.params[slot]
            if w is not before:
                layer.params[slot] = array_like(f"params[{name!r}]", w, before)
        return self._layers

    @property
    def batch_norms(self) -> list[BatchNorm1d]:
        """The normalization layers, from input to output; empty without ``batch_norm``."""
        return [layer for layer in self._layers if isinstance(layer, BatchNorm1d)]

    def _affine(self, fan_in: int, fan_out: int) -> Affine:
        weights = [
            np.ascontiguousarray(init((fan_out, fan_in), generator=generator, dtype=self.dtype).T)
            for init, generator in zip(self._initializers, self.generators, strict=True)
        ]
        if self.runs is None:
            return Affine(weights[0], np.zeros(fan_out, self.dtype))
        return Affine(np.stack(weights), np.zeros((self.runs, fan_out), self.dtype))

    def _add_hidden(self, i: int) -> None:
        if self.batch_norm:
            kind = BatchNormalization if self.chapter_batch_norm else BatchNorm1d
            norm = kind(self.sizes[i], dtype=self.dtype, runs=self.runs)
            self._add(norm, {"weight": f"gamma{i}", "bias": f"beta{i}"})
        self._add(ACTIVATIONS[self.activation](), {})
        if self.dropout:
            generator = self.generators[0] if self.runs is None else self.generators
            self._add(Dropout(self.dropout, generator, inverted=self.inverted_dropout), {})

    def _add(self, layer: Layer, names: dict[str, str]) -> None:
        self._layers.append(layer)
        self._slots |= {name: (layer, slot) for slot, name in names.items()}

    def _weights(self) -> list[str]:
        return [name for name in self.params if name.startswith("W")]

    def _labels(self, x: Array, t: Labels) -> Integers:
        """The labels of the rows of ``x`` as class numbers, for each run."""
        lead = () if self.runs is None else (self.runs,)
        return class_numbers(t, (*lead, x.shape[-2], self.sizes[-1]))

    def _checked(self, x: Array) -> Array:
        x = _check.as_array("x", x, self.dtype)
        check_rows(x.shape, self.sizes[0], self.runs)
        return x


class TwoLayerNet(MultiLayerNet):
    """The network of the chapter's first loop: one hidden layer, weights from N(0, 0.01²).

    Args:
        input_size, hidden_size, output_size: the units of the three layers.
        options: as for :class:`MultiLayerNet`.
    """

    def __init__(self, input_size: int, hidden_size: int, output_size: int, **options: Any) -> None:
        hidden_size = _check.integer("hidden_size", hidden_size, at_least=1)
        super().__init__(input_size, [hidden_size], output_size, **{"init": 0.01} | options)
