"""A whole sweep: train what is not trained yet, sum up, draw, write."""

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments import data
from experiments.engine import measuring, memory, output, telling, threads, units
from experiments.engine.drawing import draw, save
from experiments.engine.fingerprint import check_code, identity_of
from experiments.engine.lock import locked
from experiments.engine.options import Options
from experiments.engine.progress import Display
from experiments.engine.terminal import escape, show
from experiments.engine.units import Unit
from experiments.engine.workers import Workers
from experiments.sweep import figures, report
from experiments.sweep.plan import Sweep, pieces, stack_of
from experiments.sweep.run import Row, trained

NAME, CSV, JSON, SUMMARY = "sweep", "sweep.csv", "sweep.json", "summary.txt"
FIGURES = ("best-lr.png", "best-lr.svg", "heat-map.png", "heat-map.svg")
FILES = (CSV, SUMMARY, *FIGURES)


def sweep(
    settings: Sweep, options: Options, workers: Workers, display: Display, console: Console
) -> Path:
    """Do the sweep, write its files, print its table; returns the folder.

    A finished one of the same settings, code and data is kept, and one that was interrupted goes
    on where it was.

    Raises:
        LockstepError, MemoryError.
    """
    output.prepare(options.out)
    with locked(options.out):
        return _sweep(settings, options, workers, display, console)


def _sweep(
    settings: Sweep, options: Options, workers: Workers, display: Display, console: Console
) -> Path:
    folder = output.inside(options.out, options.out / NAME)
    images = measuring.images(options.dataset, options.data_dir)
    used = threads_of(settings, options.threads, images)
    of = identity_of(options.backends, used, images, settings=asdict(settings))
    kept = units.folder_of(options.out, NAME, of["fingerprint"])
    if not options.force and telling.is_done(
        console, NAME, output.altered(folder / JSON, of, FILES)
    ):
        units.clear(kept)  # it may have been killed just before that
        _tell(console, (folder / SUMMARY).read_text(encoding="utf-8").splitlines())
        return folder
    start = time.perf_counter()
    asked = _units(settings, options, images, of["fingerprint"], used, workers.processes)
    for _, error in units.run([u for u in asked if u.find() is None], workers, display):
        if error:
            raise error
    rows = [row for found in units.gathered(asked) for row in found["rows"]]
    seconds = time.perf_counter() - start
    result = _result(settings, of, rows, len(images.classes), seconds)
    _write(folder, settings, rows, result, images)
    units.clear(kept)
    show(console, f"[bold]sweep[/] of {len(rows):,} runs in {seconds:.1f} s")
    _tell(console, result["lines"])
    return folder


def _tell(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        show(console, f"  {escape(line)}")


def _units(
    settings: Sweep,
    options: Options,
    images: data.Dataset,
    of: str,
    used: int,
    sharing: int,
) -> list[Unit]:
    """What there is to train, in all backends, by as many processes as are ``sharing`` memory."""
    inputs, made = images.train_images.shape[1], []
    for backend in options.backends:
        share = memory.budget(backend.device, options.memory) // sharing
        for piece in pieces(settings, backend.name, share, backend.device, inputs):
            made.append(
                Unit(
                    f"{NAME} · {piece}",
                    partial(trained, piece, backend, used, options),
                    units.folder_of(options.out, NAME, of),
                    f"{of}/{json.dumps(asdict(piece))}",
                    len(piece.runs) * piece.depth * (1 + piece.batch_norm),
                    piece.iterations,
                    every=options.checkpoint_every,
                )
            )
    return made


def threads_of(settings: Sweep, asked: int | None, images: data.Dataset) -> int:
    """How many a process computes with: those asked for, or those for the deepest networks."""
    stack = stack_of(settings, max(settings.depths), False, images.train_images.shape[1])
    return asked or threads.fastest(stack.operations)


def _of_backend(rows: Sequence[Row], name: str) -> list[Row]:
    return [row for row in rows if row["backend"] == name]


def _result(
    settings: Sweep,
    of: Mapping[str, Any],
    rows: Sequence[Row],
    classes: int,
    seconds: float,
) -> dict[str, Any]:
    summaries = {
        name: report.summary(settings, _of_backend(rows, name), classes) for name in of["backends"]
    }
    first = next(iter(summaries.values()))
    lines = [*report.table(first), *report.notes(settings, first)]
    result = dict(of) | {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "runs": len(rows),
        "seconds": round(seconds, 1),
        "lines": lines,
        "summary": summaries,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if len(summaries) == 2:
        result["distance"] = report.apart(*summaries.values())
        largest = max(result["distance"].values())
        lines.append(
            f"scratch and torch differ in the loss at a best rate by at most {largest:.1%}."
        )
    return result


def _write(
    folder: Path,
    settings: Sweep,
    rows: Sequence[Row],
    result: dict[str, Any],
    images: data.Dataset,
) -> None:
    """All files of a sweep; ``sweep.json`` comes last and vouches for the others."""
    check_code()  # all that computes and sums up is imported now
    output.write(folder / CSV, report.as_csv(rows))
    output.write(folder / SUMMARY, "".join(f"{line}\n" for line in result["lines"]))
    losses = {
        name: report.losses_of(settings, _of_backend(rows, name)) for name in result["backends"]
    }
    classes, subject = len(images.classes), "MNIST" if images.name == "mnist" else images.name
    lr = figures.best_lr(losses, settings, classes)
    heat = figures.heat_map(next(iter(losses.values())), settings, classes)
    lr, heat = (
        draw(replace(f, title=f"{subject}, layers of {settings.width}: {f.title}"))
        for f in (lr, heat)
    )
    for name, figure in zip(FIGURES, (lr, lr, heat, heat), strict=True):
        with output.atomic(folder / name) as path:
            save(figure, path)
    result["files"] = {name: output.sha256(folder / name) for name in FILES}
    output.write_json(folder / JSON, result)
