"""What an experiment is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from experiments.data import Dataset
from experiments.engine.accuracy import Accuracy
from experiments.engine.backends import Backend
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.figures import Figure
from experiments.engine.measurements import Key, Measurements
from experiments.engine.memory import Stack
from experiments.engine.progress import Report
from experiments.engine.texts import Text
from experiments.engine.watching import ROWS, TIMES, Watch, Watched
from scratch.callbacks import Callback
from scratch.train import History

#: One seed's measurements: (run, metric) → values over x.
Seed = Mapping[Key, np.ndarray]


@dataclass(frozen=True)
class Claim:
    """A sentence of the chapter, as a predicate over one seed's measurements.

    Attributes:
        text: what the chapter says, with the number that makes it testable.
        judge: whether it holds, and what was measured, in words.
        ours: whether the chapter says nothing of it, and the sentence is this project's.
    """

    text: str
    judge: Callable[[Seed], tuple[bool, Text]]
    ours: bool = False


@dataclass(frozen=True)
class Context:
    """What an experiment is given to measure with.

    Attributes:
        watched: where to put what TensorBoard is to show, if that is asked for.
    """

    backend: Backend
    settings: Any
    seeds: Sequence[int]
    data: Dataset | None
    report: Report
    checkpoints: Checkpoints | None = None
    watched: Watched | None = None

    def fit(
        self,
        net: Any,
        optimizer: Any,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        runs: Sequence[str],
        tested: Accuracy | None = None,
        after: int = 0,
        times: int = TIMES,
        **options: Any,
    ) -> History:
        """Train, as ``scratch.train.fit``; where it was interrupted before, from there on.

        Args:
            runs: what the stack's networks are called, each of them with every seed.
            tested: measures the accuracy on test images, where ``evaluate`` has others.
            after: the iterations that they have behind them.
            times: about how often TensorBoard is to show what is in them.
        """
        callbacks: list[Callback] = [next(self.checkpoints)] if self.checkpoints else []
        if tested is not None:
            callbacks.append(tested)
        if self.watched is not None:
            inspect = partial(self.backend.inspect, images=images[:ROWS], labels=labels[:ROWS])
            watch = Watch(inspect, options["iterations"], times)
            callbacks.append(watch)
        history = self.backend.fit(net, optimizer, images, labels, callbacks=callbacks, **options)
        if self.watched is not None:
            self.watched.training(runs, after, history, watch)
            if evaluate := options.get("evaluate"):
                of = "train" if evaluate[0] is images else "test"
                self.watched.accuracy(runs, after, history, of)
            if tested is not None:
                self.watched.accuracy(runs, after, tested, "test")
        return history

    def tested(
        self, images: np.ndarray, labels: np.ndarray, *, every: int, iterations: int
    ) -> Accuracy:
        """What :meth:`fit` takes under this name: the accuracy every so many iterations."""
        of = partial(self.backend.accuracy, images=images, labels=labels)
        return Accuracy(of, every, iterations)

    def stacked(self, items: Sequence[Any]) -> tuple[list[int], list[Any]]:
        """(seeds, items) for a stack of every item with every seed, an item's seeds together."""
        seeds = [seed for _ in items for seed in self.seeds]
        return seeds, [item for item in items for _ in self.seeds]

    def progress(self, what: str, steps: int) -> Callable[[int, np.ndarray], None]:
        """A callback for ``fit`` that reports the mean loss of the runs that have one."""

        def progress(step: int, losses: np.ndarray) -> None:
            finite = losses[np.isfinite(losses)]
            self.report(what, step, steps, float(finite.mean()) if finite.size else None)

        return progress


@dataclass(frozen=True)
class Experiment:
    """One figure of the chapter.

    Attributes:
        name: on the command line.
        section: of the chapter.
        title: the question, in a few words.
        settings: a frozen dataclass, the chapter's.
        quick: the same, smaller, for a first look.
        measure: runs it in one backend for all seeds.
        figure: what the measurements of one or two backends show.
        claims: what the chapter says about it.
        needs_data: whether it reads images.
        stack: what it trains at once for each seed.
    """

    name: str
    section: str
    title: str
    settings: Any
    quick: Any
    measure: Callable[[Context], Measurements]
    figure: Callable[[Mapping[str, Measurements], Any], Figure]
    claims: tuple[Claim, ...]
    needs_data: bool = False
    stack: Callable[[Any], Stack] = lambda settings: Stack()

    def chosen(self, quick: bool) -> Any:
        """The settings to run with."""
        return self.quick if quick else self.settings


def judged(
    claims: Sequence[Claim], measurements: Measurements, seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """For every claim: its text, in how many seeds it holds, and what each seed showed."""
    results = []
    for claim in claims:
        verdicts = [claim.judge(measurements.of_seed(i)) for i in range(len(seeds))]
        each = [
            {"seed": seed, "holds": bool(holds), "measured": measured}
            for seed, (holds, measured) in zip(seeds, verdicts, strict=True)
        ]
        holds = sum(verdict["holds"] for verdict in each)
        said = {"text": claim.text, "ours": claim.ours}
        results.append(said | {"holds": holds, "of": len(seeds), "seeds": each})
    return results


def label(optimizer: str) -> str:
    """What an optimizer is called in a figure.

    >>> label("chapter.Adam")
    'Adam'
    """
    return optimizer.rpartition(".")[2]
