"""What the results folder has. Nothing that stands in a file is trusted, or leads to another."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import experiments
from experiments.engine import output
from experiments.engine.experiment import Experiment
from experiments.engine.measurements import Measurements
from experiments.engine.texts import Text, say
from experiments.report import shapes
from experiments.report.shapes import Damaged

RESULT, METRICS = "result.json", "metrics.csv"
SWEEP, BENCH, PARITY = "sweep/sweep.json", "bench.json", "parity.json"
HEADER = ["backend", "run", "metric", "seed", "x", "value"]
LARGEST = 400_000_000  # bytes; a file that is larger is none of ours


@dataclass(frozen=True)
class Missing:
    """There is no such result; ``command`` would make it."""

    name: str
    command: str


@dataclass(frozen=True)
class Unreadable:
    """There is something, and it cannot be used."""

    name: str
    command: str
    why: Text


@dataclass(frozen=True)
class Document:
    """What a file of JSON says, which is what it should be."""

    name: str
    info: Mapping[str, Any]


@dataclass(frozen=True)
class Finished(Document):
    """One experiment: what ``result.json`` says, and the curves of each backend."""

    by_backend: Mapping[str, Measurements]


Item = Document | Missing | Unreadable


@dataclass(frozen=True)
class Results:
    """Everything that the page is made of.

    Attributes:
        experiments: in the chapter's order.
    """

    experiments: dict[str, Finished | Missing | Unreadable]
    sweep: Document | Missing | Unreadable
    bench: Document | Missing | Unreadable
    parity: Document | Missing | Unreadable

    @property
    def items(self) -> list[Item]:
        """All of it, in the page's order."""
        return [*self.experiments.values(), self.sweep, self.parity, self.bench]


def read(folder: Path) -> Results:
    """Read what the folder has; a folder that is not there has nothing."""
    found = {
        name: _read(name, f"run {name}", folder / name / RESULT, partial(_experiment, name))
        for name in experiments.NAMES
    }
    return Results(
        found,
        _read("sweep", "sweep", folder / SWEEP, _sweep),
        _read("bench", "bench", folder / BENCH, _bench),
        _read("parity", "parity", folder / PARITY, _parity),
    )


def _read(name: str, command: str, path: Path, made: Callable[[Path], Any]) -> Any:
    """What is made of a file; or that it is missing, or why it cannot be used."""
    if not _exists(path):
        return Missing(name, f"lockstep {command}")
    try:
        return made(path)
    except Damaged as error:
        return Unreadable(name, f"lockstep {command}", error.why)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the folder may not be looked into: reading will say why
        return True


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Damaged(say("{file} is not a file", file=path.name))
        if path.stat().st_size > LARGEST:
            raise Damaged(say("{file} is too large", file=path.name))
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Damaged(say("{file} cannot be read: {error}", file=path.name, error=reason)) from None


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(_bytes(path).decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        what = str(error).partition("\n")[0] or "nesting"
        raise Damaged(say("{file} is not JSON: {error}", file=path.name, error=what)) from None
    if not isinstance(content, dict):
        raise Damaged(say("{file} has no object in it", file=path.name))
    if not output.is_whole(content):
        raise Damaged(say("{file} was changed after it was written", file=path.name))
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON knows no {name}")


def verdicts(folder: Path, name: str) -> Mapping[str, Any]:
    """What the result of an experiment says, without its curves.

    Raises:
        Damaged: it cannot be used.
    """
    return _verdicts(name, folder / name / RESULT)


def _verdicts(name: str, path: Path) -> Mapping[str, Any]:
    info = _json(path)
    shapes.check(info, shapes.RESULT)
    if info["experiment"] != name:
        raise Damaged(say("{file} is of another experiment", file=RESULT))
    _check_backends(info)
    if not info["seeds"]:
        raise shapes.wrong("seeds")
    if len({len(info["claims"].get(backend) or ()) for backend in info["backends"]}) > 1:
        raise shapes.wrong("claims")
    return info


def _experiment(name: str, path: Path) -> Finished:
    info = _verdicts(name, path)
    chapters = asdict(experiments.load(name).settings)
    wanted = {f"{key}?": shapes.like(value) for key, value in chapters.items()}
    shapes.check(info["settings"], wanted, "settings")
    return Finished(name, info, _curves(path.with_name(METRICS), info))


def settings(experiment: Experiment, found: Mapping[str, Any]) -> Any:
    """The settings in a result; those that the experiment does not know are left out."""
    known = {field.name for field in fields(experiment.settings)}
    return replace(experiment.settings, **{k: v for k, v in found.items() if k in known})


def _check_backends(content: Mapping[str, Any]) -> None:
    backends = content["backends"]
    if not backends or None in backends.values() or not backends.keys() <= {"scratch", "torch"}:
        raise shapes.wrong("backends")


def _curves(path: Path, info: Mapping[str, Any]) -> dict[str, Measurements]:
    """The curves of ``metrics.csv``, which must be the file that ``result.json`` vouches for."""
    raw = _bytes(path)
    if hashlib.sha256(raw).hexdigest() != info["files"][METRICS]:
        raise Damaged(say("{file} was changed after it was written", file=METRICS))
    try:
        # Not splitlines(): a name may have any character in it.
        rows = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))
        return _measurements(rows, info)
    except (ValueError, csv.Error, StopIteration) as error:
        what = str(error) or "empty"
        raise Damaged(say("{file} has no curves: {error}", file=METRICS, error=what)) from None


def _measurements(rows: Iterator[list[str]], info: Mapping[str, Any]) -> dict[str, Measurements]:
    if next(rows) != HEADER:
        raise ValueError(f"its columns are not {', '.join(HEADER)}")
    curves: dict[tuple[str, str, str], dict[int, tuple[list[float], list[float]]]] = {}
    for backend, run, metric, seed, x, value in rows:
        xs, values = curves.setdefault((backend, run, metric), {}).setdefault(int(seed), ([], []))
        xs.append(float(x))
        values.append(float(value))
    by_backend = {backend: Measurements() for backend in info["backends"]}
    one = next(iter(by_backend))
    for (backend, run, metric), by_seed in curves.items():
        if backend not in by_backend or list(by_seed) != info["seeds"]:
            raise ValueError(f"{backend} {run}, {metric} is not of the seeds in {RESULT}")
        first = by_seed[info["seeds"][0]][0]
        if not all(xs == first and np.isfinite(xs).all() for xs, _ in by_seed.values()):
            raise ValueError(f"the x of {run}, {metric} differ from seed to seed")
        if curves.get((one, run, metric), by_seed)[info["seeds"][0]][0] != first:
            raise ValueError(f"the x of {run}, {metric} differ from backend to backend")
        by_backend[backend].add(run, metric, np.array(first), [v for _, v in by_seed.values()])
    for backend, measurements in by_backend.items():
        if not measurements.curves:
            raise ValueError(f"there is nothing of {backend}")
    return by_backend


def _sweep(path: Path) -> Document:
    content = _json(path)
    shapes.check(content, shapes.SWEEP)
    _check_backends(content)
    if not content["summary"] or not all(content["summary"].values()):
        raise shapes.wrong("summary")
    return Document("sweep", content)


def _bench(path: Path) -> Document:
    content = _json(path)
    shapes.check(content, shapes.BENCH)
    return Document("bench", content)


def _parity(path: Path) -> Document:
    content = _json(path)
    shapes.check(content, shapes.PARITY)
    for drift in content["drift"]:
        same = drift["distance"].keys() == content["drift"][0]["distance"].keys()
        lengths = {len(values) for values in drift["distance"].values()}
        if not same or lengths != {len(drift["steps"])}:
            raise shapes.wrong("drift")
    return Document("parity", content)
