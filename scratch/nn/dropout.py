"""Dropout: leave units out at random while training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratch import _check
from scratch.nn.layer import Layer
from scratch.random import Generator
from scratch.typing import Array


class Dropout(Layer):
    """Zero each element with probability ``p`` and scale the others by 1/(1 − p).

    The scaling keeps the expected value ("inverted dropout"), so that evaluation changes nothing
    (Srivastava et al. 2014; torch's ``Dropout``). The chapter's book scales in evaluation instead,
    by 1 − p: its layer is this one times 1 − p, in training and in evaluation.

    Args:
        p: the probability, in [0, 1].
        generator: where the masks come from; a list of K for a stack of K runs.
        inverted: scale in training, as torch does; otherwise in evaluation, as the book does.

    >>> x = np.ones((1, 6))
    >>> Dropout(0.5, Generator(0)).forward(x)
    array([[0., 0., 2., 0., 0., 0.]])
    >>> book = Dropout(0.5, Generator(0), inverted=False)
    >>> book.forward(x), book.eval().forward(x)
    (array([[0., 0., 1., 0., 0., 0.]]), array([[0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]))
    """

    def __init__(
        self, p: float, generator: Generator | Sequence[Generator], *, inverted: bool = True
    ) -> None:
        super().__init__()
        self.inverted = _check.flag("inverted", inverted)
        self.p = _check.number("p", p, at_least=0, at_most=1)
        several = isinstance(generator, list | tuple) and len(generator) > 0
        generators: Any = generator if several else (generator,)
        for each in generators:
            if not isinstance(each, Generator):
                raise TypeError(
                    "generator must be a scratch.random.Generator, or a list of one for each run, "
                    f"got {_check.shown(generator)}"
                )
        self.generator = generator

    def forward(self, x: Array) -> Array:
        _check.array("x", x)
        if not isinstance(self.generator, Generator) and x.shape[:1] != (len(self.generator),):
            raise ValueError(
                f"x must have a leading axis of {len(self.generator)} runs, got shape {x.shape}"
            )
        self._shape = x.shape
        self._scale = self._drawn(x) if self.training and self.p > 0 else self._in_evaluation(x)
        return x if self._scale is None else x * self._scale

    def backward(self, dy: Array) -> Array:
        scale: Array | None = self._kept("_scale")
        self._check_gradient(dy, self._shape)
        return dy if scale is None else dy * scale

    def _drawn(self, x: Array) -> Array:
        keep = 1 - self.p
        if isinstance(self.generator, Generator):
            kept = self.generator.bernoulli(keep, x.shape)
        else:
            kept = np.stack([g.bernoulli(keep, x.shape[1:]) for g in self.generator])
        scale: Array = kept.astype(x.dtype)
        return scale / x.dtype.type(keep or 1) if self.inverted else scale

    def _in_evaluation(self, x: Array) -> Array | None:
        return None if self.inverted else np.array(1 - self.p, x.dtype)
