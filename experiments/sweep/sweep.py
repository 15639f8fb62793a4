"""A whole sweep: train what is not trained yet, sum up, draw, write."""

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments import data
from experiments.engine import measuring, memory, output, threads, units
from experiments.engine.backends import Described
from experiments.engine.checkpoints import EVERY
from experiments.engine.drawing import draw, save
from experiments.engine.fingerprint import code_digest, fingerprint
from experiments.engine.lock import locked
from experiments.engine.progress import Display
from experiments.engine.units import Unit
from experiments.engine.workers import Workers
from experiments.sweep import figures, report
from experiments.sweep.plan import Settings, pieces
from experiments.sweep.run import Row, Training
from experiments.terminal import escape

NAME, CSV, JSON, SENTENCES = "sweep", "sweep.csv", "sweep.json", "sentences.txt"
FIGURES = ("best-lr.png", "best-lr.svg", "heat-map.png", "heat-map.svg")
FILES = (CSV, SENTENCES, *FIGURES)


@dataclass(frozen=True)
class Options:
    """What ``lockstep sweep`` was asked for, besides the grid.

    Attributes:
        checkpoint_every: seconds.
        memory: bytes that the runs may take; ``None`` for half of all.
        threads: of each process; ``None`` for as many as are fastest.
    """

    backends: tuple[Described, ...]
    out: Path
    dataset: str = "mnist"
    data_dir: Path | None = None
    force: bool = False
    checkpoint_every: float = EVERY
    memory: int | None = None
    threads: int | None = None


def sweep(
    settings: Settings, options: Options, workers: Workers, display: Display, console: Console
) -> Path:
    """Do the sweep, write its files, print its sentences; returns the folder.

    A finished one of the same settings, code and data is kept, and one that was interrupted goes
    on where it was.

    Raises:
        OutputError, DataError, MemoryError, WorkersError.
    """
    output.prepare(options.out)
    with locked(options.out):
        return _sweep(settings, options, workers, display, console)


def _sweep(
    settings: Settings, options: Options, workers: Workers, display: Display, console: Console
) -> Path:
    folder = output.prepare(options.out / NAME)
    images = measuring.images(options.dataset, options.data_dir)
    identity = _identity(settings, options, images)
    kept = units.folder_of(options.out, NAME, identity["fingerprint"])
    if not options.force and (said := _finished(folder, identity)) is not None:
        units.clear(kept)  # it may have been killed just before that
        console.print(f"[bold]sweep[/] is done already; --force runs it again\n{escape(said)}")
        return folder
    start = time.perf_counter()
    asked = _units(settings, options, images, identity, workers.processes)
    for _, error in units.run([u for u in asked if u.find() is None], workers, display):
        if error:
            raise error
    rows = [row for found in units.gathered(asked) for row in found["rows"]]
    seconds = time.perf_counter() - start
    result = _result(settings, identity, rows, len(images.classes), seconds)
    _write(folder, settings, rows, result, images)
    units.clear(kept)
    console.print(
        f"[bold]sweep[/] of {len(rows):,} runs in {seconds:.1f} s\n"
        + escape("\n".join(result["sentences"]))
    )
    return folder


def _units(
    settings: Settings,
    options: Options,
    images: data.Dataset,
    identity: Mapping[str, Any],
    sharing: int,
) -> list[Unit]:
    """What there is to train, in all backends, by as many processes as are ``sharing`` memory."""
    used, of = threads_of(settings, options.threads, images), identity["fingerprint"]
    return [
        Unit(
            f"{NAME} · {piece}",
            Training(piece, backend, used, options.dataset, options.data_dir),
            units.folder_of(options.out, NAME, of),
            f"{of}/{json.dumps(asdict(piece))}",
            len(piece.runs) * piece.depth * (1 + piece.batch_norm),
            piece.iterations,
            every=options.checkpoint_every,
        )
        for backend in options.backends
        for piece in pieces(
            settings,
            backend.name,
            memory.budget(backend.device, options.memory) // sharing,
            backend.device,
            images.train_images.shape[1],
        )
    ]


def threads_of(settings: Settings, asked: int | None, images: data.Dataset) -> int:
    """How many a process computes with: those asked for, or those for the deepest networks."""
    hidden, inputs = [settings.width] * max(settings.depths), images.train_images.shape[1]
    return asked or threads.fastest(memory.operations(inputs, hidden, settings.batch_size))


def _identity(settings: Settings, options: Options, images: data.Dataset) -> dict[str, Any]:
    """What makes this sweep the sweep it is; the fingerprint covers all of it."""
    used = threads_of(settings, options.threads, images)
    identity = {
        "settings": asdict(settings),
        "backends": {
            b.name: {"device": b.device, **b.versions, "threads": used} for b in options.backends
        },
        "dataset": {"name": images.name, "digest": images.digest},
        "code": code_digest(),
    }
    return identity | {"fingerprint": fingerprint(identity)}


def _finished(folder: Path, identity: Mapping[str, Any]) -> str | None:
    """The sentences of exactly this sweep, if ``folder`` has it whole and unchanged."""
    try:
        result = json.loads((folder / JSON).read_text(encoding="utf-8"))
        same = result["fingerprint"] == identity["fingerprint"] and all(
            output.sha256(folder / name) == result["files"][name] for name in FILES
        )
        return "\n".join(result["sentences"]) if same else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _result(
    settings: Settings,
    identity: Mapping[str, Any],
    rows: Sequence[Row],
    classes: int,
    seconds: float,
) -> dict[str, Any]:
    by_backend = {name: [r for r in rows if r["backend"] == name] for name in identity["backends"]}
    summaries = {name: report.summary(settings, mine, classes) for name, mine in by_backend.items()}
    lines = report.sentences(settings, next(iter(summaries.values())))
    result = dict(identity) | {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "runs": len(rows),
        "seconds": round(seconds, 1),
        "sentences": lines,
        "summary": summaries,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if len(summaries) == 2:
        result["distance"] = report.apart(settings, *summaries.values())
        largest = max(result["distance"].values())
        lines.append(
            f"scratch and torch differ in the loss at a best rate by at most {largest:.1%}."
        )
    return result


def _write(
    folder: Path,
    settings: Settings,
    rows: Sequence[Row],
    result: dict[str, Any],
    images: data.Dataset,
) -> None:
    """All files of a sweep; ``sweep.json`` comes last and vouches for the others."""
    with _text(folder / CSV) as file:
        report.write_csv(file, rows)
    with _text(folder / SENTENCES) as file:
        file.writelines(f"{line}\n" for line in result["sentences"])
    losses = {
        name: report.losses_of(settings, [row for row in rows if row["backend"] == name])
        for name in result["backends"]
    }
    drawn = (
        figures.best_lr(losses, settings, len(images.classes)),
        figures.heat_map(next(iter(losses.values())), settings, len(images.classes)),
    )
    subject = "MNIST" if images.name == "mnist" else images.name
    lr, heat = (
        draw(replace(f, title=f"{subject}, layers of {settings.width}: {f.title}")) for f in drawn
    )
    for name, figure in zip(FIGURES, (lr, lr, heat, heat), strict=True):
        with output.atomic(folder / name) as path:
            save(figure, path)
    result["files"] = {name: output.sha256(folder / name) for name in FILES}
    with _text(folder / JSON) as file:
        file.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def _text(path: Path) -> Iterator[Any]:
    with output.atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
        yield f
