"""What a sweep says: the best learning rates, how broad they are, and for whom."""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.engine.experiment import label
from experiments.sweep.plan import Architecture, Sweep, architectures
from experiments.sweep.run import COLUMNS, Row

MARGIN = 0.1  # how much worse than the best rate another may be and still count as good

#: (optimizer, architecture) → losses (rates, seeds).
Losses = dict[tuple[str, Architecture], np.ndarray]
#: By optimizer: its best rate, that of each architecture, and how many runs diverged.
Summary = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Best:
    """The best of several learning rates.

    Attributes:
        lr: where the loss is lowest.
        loss: there.
        low, high: the rates around it, without a gap, whose loss is within 10 % of that.
        learns: whether the loss is at least 1 % below that of guessing.
    """

    lr: float
    loss: float
    low: float
    high: float
    learns: bool


def losses_of(settings: Sweep, rows: Iterable[Row]) -> Losses:
    """The losses in the rows of one backend; NaN for a run that diverged."""
    shape = (len(settings.rates), settings.seeds)
    losses = {
        (optimizer, architecture): np.full(shape, np.nan)
        for optimizer in settings.optimizers
        for architecture in architectures(settings)
    }
    for row in rows:
        if row["loss"] is not None:
            architecture = Architecture(row["depth"], row["batch_norm"], row["init"])
            place = settings.rates.index(row["lr"]), row["seed"]
            losses[row["optimizer"], architecture][place] = row["loss"]
    return losses


def capped(losses: np.ndarray, classes: int) -> np.ndarray:
    """Losses of at most ln(classes), that of guessing; a run that diverged counts as that.

    A run that is worse than guessing has learned nothing, and how much worse says nothing; but in
    a mean it would hide all others.
    """
    guessing = math.log(classes)
    return np.minimum(np.nan_to_num(losses, nan=guessing, posinf=guessing), guessing)


def best_of(rates: Sequence[float], losses: np.ndarray, classes: int) -> Best:
    """The best rate by the mean losses (rates,).

    >>> best_of([0.1, 0.2, 0.4, 0.8], np.array([2.0, 1.05, 1.0, 2.3]), classes=10)
    Best(lr=0.4, loss=1.0, low=0.2, high=0.4, learns=True)
    """
    best = int(losses.argmin())
    good = losses <= losses[best] * (1 + MARGIN)
    low = high = best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(rates) - 1 and good[high + 1]:
        high += 1
    learns = bool(losses[best] < 0.99 * math.log(classes))
    return Best(rates[best], float(losses[best]), rates[low], rates[high], learns)


def summary(settings: Sweep, rows: Sequence[Row], classes: int) -> Summary:
    """By optimizer: the best rate over all architectures, and for each of them."""
    losses, result = losses_of(settings, rows), {}
    for optimizer in settings.optimizers:
        curves = {
            str(architecture): capped(losses[optimizer, architecture], classes).mean(axis=1)
            for architecture in architectures(settings)
        }
        mine = [row for row in rows if row["optimizer"] == optimizer]
        result[optimizer] = {
            "best": best_of(settings.rates, np.mean(list(curves.values()), axis=0), classes),
            "runs": len(mine),
            "diverged": sum(row["diverged"] is not None for row in mine),
            "by_architecture": {
                name: best_of(settings.rates, curve, classes) for name, curve in curves.items()
            },
        }
    return result


def sentences(settings: Sweep, summary: Summary) -> list[str]:
    """A sentence or two for each optimizer, and one on which of them is best where."""
    lines = [
        f"{label(optimizer)}: {_overall(settings, found)} {_by_architecture(found)}".rstrip()
        for optimizer, found in summary.items()
    ]
    return [*lines, *_ranking(summary)]


def _overall(settings: Sweep, found: Mapping[str, Any]) -> str:
    best, count = found["best"], len(found["by_architecture"])
    over = f"over {_counted(count, 'architecture')} and {_counted(settings.seeds, 'seed')}"
    if not best.learns:
        return f"learns nothing at any learning rate, {over}."
    ends = (settings.rates[0], settings.rates[-1]) if len(settings.rates) > 1 else ()
    at, low, high = (
        f"{lr:.3g}{' (the end of the grid)' if lr in ends else ''}"
        for lr in (best.lr, best.low, best.high)
    )
    within = f"from {low} to {high}" if best.low < best.high else "at no other of the grid"
    return (
        f"best learning rate {at}, loss {best.loss:.3g} there, {over}; within 10 % of it {within}. "
        f"{found['diverged']} of {_counted(found['runs'], 'run')} diverged."
    )


def _by_architecture(found: Mapping[str, Any]) -> str:
    each = found["by_architecture"]
    rates = {name: best.lr for name, best in each.items() if best.learns}
    if len(each) < 2 or not rates:
        return ""
    lowest, highest = (pick(rates, key=rates.get) for pick in (min, max))
    text = (
        f"By architecture the best rate goes from {rates[lowest]:.3g} ({lowest}) to "
        f"{rates[highest]:.3g} ({highest})"
    )
    if rates[lowest] == rates[highest]:
        text = "It is the best rate of every architecture"
    if len(rates) < len(each):
        text += f"; {len(each) - len(rates)} of {len(each)} learn at no rate"
    return text + "."


def _ranking(summary: Summary) -> list[str]:
    """In how many architectures each optimizer, at its own best rate, has the lowest loss."""
    if len(summary) < 2:
        return []
    wins: Counter[str] = Counter()
    architectures = next(iter(summary.values()))["by_architecture"]
    for architecture in architectures:
        found = {o: s["by_architecture"][architecture] for o, s in summary.items()}
        if any(best.learns for best in found.values()):
            wins[label(min(found, key=lambda o: found[o].loss))] += 1
    if not wins:
        return []
    shares = ", ".join(f"{name} in {count}" for name, count in wins.most_common())
    return [
        f"Each at its own best rate, the lowest loss has {shares} of "
        f"{_counted(len(architectures), 'architecture')}."
    ]


def apart(mine: Summary, theirs: Summary) -> dict[str, float]:
    """For each optimizer, the largest relative distance of two backends in a best rate's loss."""
    found = {}
    for optimizer in mine:
        sides = (each[optimizer]["by_architecture"].values() for each in (mine, theirs))
        pairs = zip(*sides, strict=True)
        found[optimizer] = max(abs(a.loss - b.loss) / b.loss for a, b in pairs)
    return found


def as_csv(rows: Iterable[Row]) -> str:
    """A row for each run; ``batch_norm`` is on or off, and what a run has not is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"batch_norm": "on" if row["batch_norm"] else "off"} for row in rows)
    return file.getvalue()


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
