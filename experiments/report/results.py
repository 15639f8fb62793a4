"""What the results folder has. Nothing that stands in a file is trusted, or leads to another."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import experiments
from experiments.engine.experiment import Experiment
from experiments.engine.measurements import Measurements
from experiments.texts import Text, say

RESULT, METRICS = "result.json", "metrics.csv"
SWEEP, BENCH, PARITY = "sweep/sweep.json", "bench.json", "parity.json"
HEADER = ["backend", "run", "metric", "seed", "x", "value"]
LARGEST = 400_000_000  # bytes; a file that is larger is none of ours


class Damaged(Exception):
    """A file cannot be used; ``why`` says so in both languages."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


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
class Result:
    """One experiment: what ``result.json`` says, and the curves of each backend."""

    name: str
    info: Mapping[str, Any]
    sides: Mapping[str, Measurements]


@dataclass(frozen=True)
class Document:
    """A file of JSON that is what it should be."""

    name: str
    content: Mapping[str, Any]


Item = Result | Document | Missing | Unreadable


@dataclass(frozen=True)
class Results:
    """Everything that the page is made of.

    Attributes:
        experiments: in the chapter's order.
    """

    experiments: dict[str, Result | Missing | Unreadable]
    sweep: Document | Missing | Unreadable
    bench: Document | Missing | Unreadable
    parity: Document | Missing | Unreadable

    @property
    def items(self) -> list[Item]:
        """All of it, in the page's order."""
        return [*self.experiments.values(), self.sweep, self.parity, self.bench]


def read(folder: Path) -> Results:
    """Read what the folder has; a folder that is not there has nothing."""
    return Results(
        {name: _experiment(folder, name) for name in experiments.NAMES},
        _document(folder, "sweep", SWEEP, "lockstep sweep", _check_sweep),
        _document(folder, "bench", BENCH, "lockstep bench", _check_bench),
        _document(folder, "parity", PARITY, "lockstep parity", _check_parity),
    )


def _experiment(folder: Path, name: str) -> Result | Missing | Unreadable:
    command = f"lockstep run {name}"
    if not _exists(folder / name / RESULT):
        return Missing(name, command)
    try:
        info = _json(folder / name / RESULT)
        _check_result(info, name)
        return Result(name, info, _curves(folder / name / METRICS, info))
    except Damaged as error:
        return Unreadable(name, command, error.why)


def _document(
    folder: Path, name: str, file: str, command: str, check: Callable[[Mapping], None]
) -> Document | Missing | Unreadable:
    if not _exists(folder / file):
        return Missing(name, command)
    try:
        content = _json(folder / file)
        check(content)
        return Document(name, content)
    except Damaged as error:
        return Unreadable(name, command, error.why)


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
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON knows no {name}")


def field(content: Any, path: str, kind: type | tuple[type, ...]) -> Any:
    """What stands at a path such as ``dataset/name``.

    Raises:
        Damaged: nothing of the kind does.
    """
    value = content
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return _of_kind(value, path, kind)


def each(content: Any, path: str, kind: type | tuple[type, ...]) -> list[Any]:
    """The list at a path, all of whose items are of one kind."""
    return [_of_kind(item, path, kind) for item in field(content, path, list)]


def _of_kind(value: Any, path: str, kind: type | tuple[type, ...]) -> Any:
    # To isinstance, True is an int.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Damaged(say("{field} is not what it should be", field=path))
    return value


def _check_result(info: Mapping[str, Any], name: str) -> None:
    if field(info, "experiment", str) != name:
        raise Damaged(say("{file} is of another experiment", file=RESULT))
    texts = ("title", "section", "python", "machine", "finished", "code", f"files/{METRICS}")
    for path in texts:
        field(info, path, str)
    field(info, "quick", bool)
    _check_settings(field(info, "settings", dict), asdict(experiments.load(name).settings))
    if "texts" in info:
        _check_texts(field(info, "texts", dict))
    if not each(info, "seeds", int):
        raise Damaged(say("{field} is not what it should be", field="seeds"))
    if info.get("dataset") is not None:
        field(info, "dataset/name", str)
    for side in _sides(info):
        field(info, f"backends/{side}/device", str)
        for claim in each(info, f"claims/{side}", dict):
            _check_claim(claim)
    if len({len(info["claims"][side]) for side in info["backends"]}) > 1:
        raise Damaged(say("{field} is not what it should be", field="claims"))


def settings(experiment: Experiment, found: Mapping[str, Any]) -> Any:
    """The settings in a result; those that the experiment does not know are left out."""
    known = {f.name for f in fields(experiment.settings)}
    return replace(experiment.settings, **{k: v for k, v in found.items() if k in known})


def _check_settings(found: Mapping[str, Any], like: Mapping[str, Any]) -> None:
    for key, value in found.items():
        if key in like and not _alike(value, like[key]):
            raise Damaged(say("{field} is not what it should be", field=f"settings/{key}"))


def _alike(value: Any, like: Any) -> bool:
    """Whether a setting is of the chapter's kind, and so is what is in it."""
    if isinstance(like, dict | list | tuple):
        kinds = dict if isinstance(like, dict) else (list, tuple)
        if not isinstance(value, kinds) or not value:
            return False
        inner, inners = ((v.values() if isinstance(v, dict) else v) for v in (value, like))
        return all(_alike(each, next(iter(inners))) for each in inner)
    numbers = isinstance(like, int | float) and not isinstance(like, bool)
    return isinstance(value, int | float if numbers else type(like))


def _check_texts(texts: Mapping[str, Any]) -> None:
    for text, found in texts.items():
        well = isinstance(found, list) and [type(part) for part in found] == [str, dict]
        if not well or not all(isinstance(value, str) for value in found[1].values()):
            raise Damaged(say("{field} is not what it should be", field=f"texts/{text}"))


def _sides(content: Mapping[str, Any]) -> list[str]:
    """The names of the backends."""
    sides = field(content, "backends", dict)
    if not sides or not set(sides) <= {"scratch", "torch"}:
        raise Damaged(say("{field} is not what it should be", field="backends"))
    for side in sides:
        field(sides, side, dict)
    return list(sides)


def _check_claim(claim: Mapping[str, Any]) -> None:
    field(claim, "text", str)
    field(claim, "holds", int)
    field(claim, "of", int)
    for verdict in each(claim, "seeds", dict):
        field(verdict, "seed", int)
        field(verdict, "holds", bool)
        field(verdict, "measured", str)


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
    sides, one = {side: Measurements() for side in info["backends"]}, next(iter(info["backends"]))
    for (backend, run, metric), by_seed in curves.items():
        if backend not in sides or list(by_seed) != info["seeds"]:
            raise ValueError(f"{backend} {run}, {metric} is not of the seeds in {RESULT}")
        first = by_seed[info["seeds"][0]][0]
        if not all(xs == first and np.isfinite(xs).all() for xs, _ in by_seed.values()):
            raise ValueError(f"the x of {run}, {metric} differ from seed to seed")
        if curves.get((one, run, metric), by_seed)[info["seeds"][0]][0] != first:
            raise ValueError(f"the x of {run}, {metric} differ from backend to backend")
        sides[backend].add(run, metric, np.array(first), [v for _, v in by_seed.values()])
    for side, measurements in sides.items():
        if not measurements.curves:
            raise ValueError(f"there is nothing of {side}")
    return sides


def _check_sweep(content: Mapping[str, Any]) -> None:
    field(content, "runs", int)
    _sides(content)
    for path in ("settings", "summary"):
        field(content, path, dict)
    if not content["summary"] or not all(content["summary"].values()):
        raise Damaged(say("{field} is not what it should be", field="summary"))
    for side in content["summary"]:
        for optimizer in field(content["summary"], side, dict):
            found = field(content["summary"][side], optimizer, dict)
            field(found, "runs", int)
            field(found, "diverged", int)
            for best in (found.get("best"), *field(found, "by_architecture", dict).values()):
                _check_best(best)


def _check_best(best: Any) -> None:
    for key in ("lr", "loss", "low", "high"):
        field(best, key, (int, float))
    field(best, "learns", bool)


def _check_bench(content: Mapping[str, Any]) -> None:
    field(content, "machine", dict)
    field(content, "options", dict)
    if "texts" in content:
        _check_texts(field(content, "texts", dict))
    for section in each(content, "sections", dict):
        field(section, "name", str)
        field(section, "title", str)
        for row in each(section, "rows", dict):
            field(row, "what", str)
            field(row, "against", str)
            field(row, "unit", str)
            if row.get("value") is not None:
                for key in ("low", "median", "high"):
                    field(row, f"value/{key}", (int, float))
            if row.get("goal") is not None:
                field(row, "goal", (int, float))


def _check_parity(content: Mapping[str, Any]) -> None:
    field(content, "machine", dict)
    for twin in each(content, "twins", dict):
        field(twin, "table", str)
        field(twin, "name", str)
        for found in field(twin, "distance", dict).values():
            field(found, "relative", (int, float))
            field(found, "ulp", (int, float))
    for drift in each(content, "drift", dict):
        field(drift, "optimizer", str)
        steps = each(drift, "steps", int)
        for name in field(drift, "distance", dict):
            if len(each(drift["distance"], name, (int, float))) != len(steps):
                raise Damaged(say("{field} is not what it should be", field=name))
    for row in each(content, "conventions", dict):
        field(row, "name", str)
        field(row, "apart", (int, float))
        field(row, "aligned", (int, float))
