"""What TensorBoard shows of a training: curves and histograms over its iterations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.engine.accuracy import Accuracy
from experiments.engine.measurements import Measurements
from scratch.callbacks import Callback
from scratch.train import History

TIMES = 10  # about how often a training is recorded, besides before its first step
ROWS = 200  # of the training images are what it is looked at with
BINS = 64
#: What a histogram is kept as: its least and largest value, their sum, that of their squares, and
#: the counts in bins of equal width from the least to the largest.
MOMENTS = 4
WIDTH = MOMENTS + BINS


class Watch(Callback):
    """Looks at a stack of networks while it trains.

    Args:
        inspect: gives arrays (K, …) of a network, by tag, and leaves it as it is.
        iterations: of the training.
        times: how often, besides before the first step.
    """

    def __init__(
        self,
        inspect: Callable[[Any], Mapping[str, np.ndarray]],
        iterations: int,
        times: int = TIMES,
    ) -> None:
        self._inspect, self._last = inspect, iterations
        self._every = max(1, iterations // times)
        self.steps: list[int] = []
        self.seen: dict[str, list[np.ndarray]] = {}

    def before_step(self, step: int, net: Any) -> None:
        if step % self._every and step != self._last:
            return
        self.steps.append(step)
        with np.errstate(all="ignore"):  # of a run that has diverged
            for tag, values in self._inspect(net).items():
                self.seen.setdefault(tag, []).append(summaries(values))

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps),
            "seen": {tag: [*all_] for tag, all_ in self.seen.items()},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.steps = list(state_dict["steps"])
        self.seen = {tag: list(all_) for tag, all_ in state_dict["seen"].items()}


class Watched(Measurements):
    """Curves, and histograms as curves of :data:`WIDTH` numbers at each step, by (run, tag)."""

    def training(self, runs: Sequence[str], after: int, history: History, watch: Watch) -> None:
        """Add what was seen of a stack's training.

        Args:
            runs: of each, as many networks as there are seeds.
            after: the iterations before this training.
        """
        steps = after + np.arange(history.loss.shape[1])
        self._extend(runs, "loss/train", steps, history.loss)
        for tag, seen in watch.seen.items():
            steps = after + np.array(watch.steps)
            self._extend(runs, tag, np.repeat(steps, WIDTH), np.concatenate(seen, axis=1))

    def accuracy(
        self, runs: Sequence[str], after: int, measured: History | Accuracy, of: str
    ) -> None:
        """Add the accuracies of a stack's training, on ``"train"`` or ``"test"`` images."""
        steps = after + np.array(measured.evaluated)
        self._extend(runs, f"accuracy/{of}", steps, measured.accuracy)

    def histogram(self, run: str, tag: str, values: np.ndarray) -> None:
        """Add one that belongs to no training; ``values`` is (seeds, …)."""
        self.add(run, tag, np.zeros(WIDTH, int), summaries(values))

    def _extend(self, runs: Sequence[str], tag: str, steps: np.ndarray, values: np.ndarray) -> None:
        """Add to each run's curve its share of ``values``, from the first step on that is new."""
        for run, own in zip(runs, np.split(values, len(runs)), strict=True):
            x, y = steps, own
            if earlier := self.curves.get((run, tag)):
                new = steps > earlier.x[-1]
                x = np.concatenate([earlier.x, steps[new]])
                y = np.concatenate([earlier.values, own[:, new]], axis=1)
            self.add(run, tag, x, y)


def summaries(values: np.ndarray) -> np.ndarray:
    """For each of K arrays, its histogram (K, WIDTH) of finite values; NaN where it has none.

    >>> summary = summaries(np.array([[0.0, 1.0, 3.0]]))[0].tolist()
    >>> least, largest, total, squares, *counts = summary
    >>> least, largest, total, squares, counts[0], counts[-1], sum(counts)
    (0.0, 3.0, 4.0, 10.0, 1.0, 1.0, 3.0)
    """
    return np.stack([_summary(own.ravel().astype(np.float64)) for own in values])


def _summary(values: np.ndarray) -> np.ndarray:
    values = values[np.isfinite(values)]
    if not values.size:
        return np.full(WIDTH, np.nan)
    least, largest = values.min(), values.max()
    place = (values - least) / ((largest - least) or 1) * BINS
    counts = np.bincount(np.minimum(place.astype(int), BINS - 1), minlength=BINS)
    return np.array([least, largest, values.sum(), (values * values).sum(), *counts], np.float64)
