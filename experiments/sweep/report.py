"""What a sweep says: a table of the best learning rates, how broad they are, and for whom."""

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


def table(summary: Summary) -> list[str]:
    """A line for each optimizer: its best rate, the loss there, and how broad that is."""
    header = ("optimizer", "best lr", "loss", "good range", "by architecture", "diverged")
    rows = [header, *(_row(label(name), found) for name, found in summary.items())]
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip()
        for row in rows
    ]


def _row(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    best, lost = found["best"], f"{found['diverged']:,} of {found['runs']:,}"
    rates = [each.lr for each in found["by_architecture"].values() if each.learns]
    by_architecture = _range(min(rates), max(rates)) if rates else "–"
    if not best.learns:
        return name, "–", f"{best.loss:.3g}", "–", by_architecture, lost
    at, good = f"{best.lr:.3g}", _range(best.low, best.high)
    return name, at, f"{best.loss:.3g}", good, by_architecture, lost


def _range(low: float, high: float) -> str:
    return f"{low:.3g}" if low == high else f"{low:.3g}–{high:.3g}"


def notes(settings: Sweep, summary: Summary) -> list[str]:
    """What the table is over, and what it cannot show."""
    architectures = next(iter(summary.values()))["by_architecture"]
    lines = [
        f"The loss is the mean over {_counted(len(architectures), 'architecture')} and "
        f"{_counted(settings.seeds, 'seed')}; the good range is that of the rates whose loss is "
        f"within {MARGIN:.0%} of it."
    ]
    ends = settings.rates[0], settings.rates[-1]
    at_end = [label(o) for o, f in summary.items() if f["best"].learns and f["best"].lr in ends]
    if at_end and len(settings.rates) > 1:
        lines.append(
            f"At an end of the grid: {', '.join(at_end)}. A wider --lr may find a better rate."
        )
    for optimizer, found in summary.items():
        each = found["by_architecture"].values()
        if lost := sum(not best.learns for best in each):
            lines.append(f"{label(optimizer)} learns at no rate in {lost} of {len(each)}.")
    return [*lines, *_ranking(summary)]


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
    of = _counted(len(architectures), "architecture")
    return [f"With each optimizer at its best rate, the lowest loss of {of} is that of: {shares}."]


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
