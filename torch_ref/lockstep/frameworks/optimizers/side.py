"""What the adapters of this folder have in common, and the choice between several."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays, Evaluate


class Side:
    """An adapter that can do no more than step.

    Attributes:
        precision: the only dtype that it can be run in, or ``""``.
        optimizer: the object that takes the steps, if there is one.
        remark: a sentence on what a run of it does not show, or ``""``.
    """

    strict = False
    pair: Any = None
    precision = ""
    name = ""
    remark = ""
    optimizer: Any = None

    def start(self, params: Arrays) -> None:
        raise NotImplementedError

    def step(self, grads: Arrays) -> None:
        raise NotImplementedError

    def params(self) -> Arrays:
        raise NotImplementedError

    def minimize(self, evaluate: Evaluate) -> None:
        """Where there is no closure to give, a step along the gradient."""
        self.step(evaluate(self.params())[1])

    def add(self, name: str, w: np.ndarray) -> None:
        raise NotImplementedError(f"{self.name} is made for all parameters at once")

    def kept(self, grads: Arrays) -> Arrays:
        return grads

    def state(self) -> dict[str, Arrays]:
        return {name: {} for name in self.params()}

    def scale_lr(self, factor: float) -> bool:
        return False


class FirstThatRuns(Side):
    """The first of several ways of calling a candidate in which it takes a step.

    The names of its arguments say what it takes, but not always whether that is a dict, a list or
    an array, or whose. Where it takes none, the error is that of the first.
    """

    def __init__(self, name: str, sides: Sequence[Adapter]) -> None:
        self.name, self._sides, self._side = name, list(sides), sides[0]

    @property
    def optimizer(self) -> Any:
        return getattr(self._side, "optimizer", None)

    @property
    def precision(self) -> str:  # type: ignore[override]
        return str(getattr(self._side, "precision", ""))

    def start(self, params: Arrays) -> None:
        self._params = {name: w.copy() for name, w in params.items()}
        self._settle(lambda side: side.start(self._params))

    def step(self, grads: Arrays) -> None:
        if len(self._sides) == 1:
            self._side.step(grads)
            return
        given = {name: None if g is None else g.copy() for name, g in grads.items()}

        def first(side: Adapter) -> None:
            if side is not self._side:
                side.start(self._params)
            for name, g in given.items():  # the side before may have changed them
                if g is not None:
                    grads[name][...] = g
            side.step(grads)

        self._settle(first)
        self._sides = [self._side]

    def _settle(self, run: Any) -> None:
        """Choose the first side that can be run; those before it are left out."""
        failed: list[Exception] = []
        for at, side in enumerate(self._sides):
            try:
                run(side)
            except Exception as error:  # whatever code raises that is called wrongly
                failed.append(error)
            else:
                self._side, self._sides = side, self._sides[at:]
                return
        raise failed[0]

    def minimize(self, evaluate: Evaluate) -> None:
        self._side.minimize(evaluate)

    def add(self, name: str, w: np.ndarray) -> None:
        self._side.add(name, w)

    def kept(self, grads: Arrays) -> Arrays:
        return self._side.kept(grads)

    def params(self) -> Arrays:
        return self._side.params()

    def state(self) -> dict[str, Arrays]:
        return self._side.state()

    def scale_lr(self, factor: float) -> bool:
        return self._side.scale_lr(factor)
