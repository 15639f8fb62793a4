"""What an experiment measured."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from torch_ref.errors import LockstepError

Key = tuple[str, str]


class MissingCurve(LockstepError, LookupError):
    """A figure needs a curve that was not measured."""

    def __init__(self, run: str, metric: str) -> None:
        super().__init__(f"there is no {metric} of {run}")
        self.run, self.metric = run, metric


@dataclass(frozen=True)
class Curve:
    """Values over x, for each seed.

    Attributes:
        x: (X,), steps, epochs, layers, bins …
        values: (seeds, X).
    """

    x: np.ndarray
    values: np.ndarray


class Measurements:
    """Curves by (run, metric): ``m["Adam", "loss"]``.

    Attributes:
        subject: what the images are called in a figure's title.

    >>> m = Measurements()
    >>> m.add("Adam", "loss", [0, 1], [[2.3, 0.5], [2.2, 0.4]])
    >>> m["Adam", "loss"].values.shape
    (2, 2)
    >>> m.of_seed(1)["Adam", "loss"]
    array([2.2, 0.4])
    """

    def __init__(self) -> None:
        self.subject = "MNIST"
        self.curves: dict[Key, Curve] = {}

    def add(self, run: str, metric: str, x: np.ndarray, values: np.ndarray) -> None:
        """Add a curve; ``values`` is (seeds, X)."""
        x, values = np.asarray(x), np.asarray(values, np.float64)
        if values.ndim != 2 or values.shape[1:] != x.shape:
            raise ValueError(f"values must be (seeds, {len(x)}), got {values.shape}")
        self.curves[run, metric] = Curve(x, values)

    def __getitem__(self, key: Key) -> Curve:
        if key not in self.curves:
            raise MissingCurve(*key)
        return self.curves[key]

    def runs(self, metric: str) -> list[str]:
        """The runs that have the metric, in the order they were added; there is at least one."""
        found = [run for run, name in self.curves if name == metric]
        if not found:
            raise MissingCurve("any run", metric)
        return found

    def table(self, runs: Sequence[str], metric: str) -> np.ndarray:
        """The first seed's values, (runs, X)."""
        rows = [self[run, metric].values[0] for run in runs]
        for run, row in zip(runs, rows, strict=True):
            if len(row) != len(rows[0]):
                raise MissingCurve(run, metric)
        return np.array(rows)

    def of_seed(self, index: int) -> dict[Key, np.ndarray]:
        """One seed's values, (X,) for each curve: what a claim is judged on."""
        return {key: curve.values[index] for key, curve in self.curves.items()}

    def rows(self, seeds: list[int]) -> Iterator[tuple]:
        """(run, metric, seed, x, value) for every number."""
        for (run, metric), curve in self.curves.items():
            for seed, values in zip(seeds, curve.values, strict=True):
                for x, value in zip(curve.x.tolist(), values.tolist(), strict=True):
                    yield run, metric, seed, x, value

    def snapshot(self) -> dict[str, Any]:
        """All curves, in what a file can hold."""
        return {
            "curves": [
                {"run": run, "metric": metric, "x": curve.x, "values": curve.values}
                for (run, metric), curve in self.curves.items()
            ]
        }


def joined(parts: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> Measurements:
    """The measurements of ``seeds`` from parts: snapshots, each with its own ``seeds``.

    >>> parts = []
    >>> for seed in (1, 0):
    ...     m = Measurements()
    ...     m.add("Adam", "loss", [0, 1], [[2.0 + seed, 0.5]])
    ...     parts.append({"seeds": [seed], **m.snapshot()})
    >>> joined(parts, [0, 1])["Adam", "loss"].values
    array([[2. , 0.5],
           [3. , 0.5]])
    """
    measurements = Measurements()
    place = {
        seed: (i, row) for i, part in enumerate(parts) for row, seed in enumerate(part["seeds"])
    }
    for index, first in enumerate(parts[0]["curves"]):
        curves = [part["curves"][index] for part in parts]
        values = [curves[i]["values"][row] for i, row in map(place.__getitem__, seeds)]
        measurements.add(first["run"], first["metric"], first["x"], np.array(values))
    return measurements


def write_csv(file: TextIO, by_backend: dict[str, Measurements], seeds: list[int]) -> None:
    """All numbers as ``backend,run,metric,seed,x,value``; floats so that they read back exactly."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["backend", "run", "metric", "seed", "x", "value"])
    for backend, measurements in by_backend.items():
        writer.writerows((backend, *row) for row in measurements.rows(seeds))


@dataclass(frozen=True)
class Parting:
    """Where two sides begin to differ by more than rounding.

    Attributes:
        metric, run: of the curve.
        x: the first at which they are further apart than ``limit``.
        first: how far they are apart where the curve begins.
        limit: as a part of the curve's largest value, as ``first``.
    """

    metric: str
    run: str
    x: float
    first: float
    limit: float


def parting(mine: Measurements, theirs: Measurements, limit: float = 1e-3) -> Parting | None:
    """The earliest parting in the first metric that has one; ``None`` if all curves agree."""
    found: dict[str, list[Parting]] = {}
    for (run, metric), curve in mine.curves.items():
        apart = _apart(curve.values, theirs[run, metric].values)
        (beyond,) = np.nonzero(apart > limit)
        if beyond.size:
            x, first = float(curve.x[beyond[0]]), min(float(apart[0]), 1e308)
            found.setdefault(metric, []).append(Parting(metric, run, x, first, limit))
    return min(next(iter(found.values())), key=lambda each: each.x) if found else None


def _apart(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """At each x the largest distance of a seed, as a part of the largest value; (X,)."""
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    with np.errstate(invalid="ignore"):  # both infinite
        apart = np.abs(mine - theirs) / (scale or 1.0)
    one_sided = np.isfinite(mine) != np.isfinite(theirs)
    apart = np.where(one_sided, np.inf, np.where(np.isfinite(apart), apart, 0.0))
    return apart.max(axis=0, initial=0.0)


def distances(mine: Measurements, theirs: Measurements) -> dict[str, float]:
    """For each metric, the largest |mine − theirs| of a curve, as a part of its largest value.

    Infinite where a run diverged on one side only.
    """
    largest: dict[str, float] = {}
    for (run, metric), curve in mine.curves.items():
        other = theirs[run, metric].values
        if (np.isnan(curve.values) != np.isnan(other)).any():
            largest[metric] = math.inf
        apart, scale = np.abs(curve.values - other), np.abs(other)
        if np.isfinite(apart).any() and np.nanmax(scale) > 0:
            relative = float(np.nanmax(apart) / np.nanmax(scale))
            largest[metric] = max(largest.get(metric, 0.0), relative)
    return largest
