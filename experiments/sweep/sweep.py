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
from experiments.engine import memory, output, threads
from experiments.engine.backends import Backend
from experiments.engine.checkpoints import EVERY
from experiments.engine.crew import Unit, crew
from experiments.engine.distributed import Order, Team
from experiments.engine.drawing import draw, save
from experiments.engine.fingerprint import code_digest, common, fingerprint
from experiments.engine.lock import locked
from experiments.engine.parts import FOLDER, Job, Parts
from experiments.engine.progress import Display
from experiments.sweep import figures, report
from experiments.sweep.plan import Piece, Settings, are_all, bytes_of, pieces
from experiments.sweep.run import Row, SweepError, Training, fits
from experiments.terminal import escape

NAME, CSV, JSON, SENTENCES = "sweep", "sweep.csv", "sweep.json", "sentences.txt"
FIGURES = ("best-lr.png", "best-lr.svg", "heat-map.png", "heat-map.svg")
FILES = (CSV, SENTENCES, *FIGURES)


@dataclass(frozen=True)
class Options:
    """What ``lockstep sweep`` was asked for, besides the grid.

    Attributes:
        checkpoint_every: seconds.
        memory: bytes that the runs may take; ``None`` for half of what is available.
        processes: side by side; ``None`` for the cores, or one where a GPU computes.
        threads: of each process; ``None`` for as many as are fastest.
    """

    backends: tuple[Backend, ...]
    out: Path
    dataset: str = "mnist"
    data_dir: Path | None = None
    force: bool = False
    checkpoint_every: float = EVERY
    memory: int | None = None
    processes: int | None = None
    threads: int | None = None
    team: Team | None = None


def sweep(settings: Settings, options: Options, console: Console) -> Path:
    """Do the sweep, write its files, print its sentences; returns the folder.

    A finished one of the same settings, code and data is kept, and one that was interrupted goes
    on where it was.

    Raises:
        OutputError, DataError, SweepError.
    """
    output.prepare(options.out)
    with locked(options.out):
        return _sweep(settings, options, console)


def _sweep(settings: Settings, options: Options, console: Console) -> Path:
    folder = output.prepare(options.out / NAME)
    images = data.load(options.dataset, options.data_dir)
    identity = _identity(settings, options, images)
    jobs = [_job(b, settings, options, identity["fingerprint"], images) for b in options.backends]
    if not options.force and (said := _finished(folder, identity)) is not None:
        for job in jobs:
            job.parts.clear()  # it may have been killed just before that
        console.print(f"[bold]sweep[/] is done already; --force runs it again\n{escape(said)}")
        return folder
    start = time.perf_counter()
    rows = _rows(settings, options, jobs, identity, console)
    seconds = time.perf_counter() - start
    result = _result(settings, identity, rows, len(images.classes), seconds)
    _write(folder, settings, rows, result, images)
    for job in jobs:
        job.parts.clear()
    console.print(
        f"[bold]sweep[/] of {len(rows):,} runs in {seconds:.1f} s\n"
        + escape("\n".join(result["sentences"]))
    )
    return folder


def assist(settings: Settings, options: Options) -> None:
    """Train what the first process of the team gives out, until it has all."""
    images = data.load(options.dataset, options.data_dir)
    same = common(_identity(settings, options, images))

    def job_of(order: Order) -> Job:
        if order["same"] != same:
            raise ValueError("its code, data set or settings are not those of the first process")
        backend = next(b for b in options.backends if b.name == order["backend"])
        return _job(backend, settings, options, order["fingerprint"], images)

    options.team.follow(job_of)


def _job(
    backend: Backend, settings: Settings, options: Options, of: str, images: data.Dataset
) -> Job:
    folder = options.out / FOLDER / NAME / of[:16] / backend.name
    what = f"{NAME} · {backend.name}"
    parts = Parts(folder, f"{of}/{backend.name}", what, options.checkpoint_every)
    used = _threads(settings, options, images)
    work = Training(backend.device, used, options.dataset, options.data_dir, images)
    return Job(work, parts, called, fits)


def called(piece: Mapping[str, Any]) -> str:
    """A piece, for people."""
    return str(Piece.of(piece))


def _rows(
    settings: Settings,
    options: Options,
    jobs: Sequence[Job],
    identity: Mapping[str, Any],
    console: Console,
) -> list[Row]:
    """Train what is missing, here or in other processes; the rows of all pieces, in their order."""
    todo, units = [], []
    workers, used = _workers(options, jobs[0].work.threads), jobs[0].work.threads
    with Display(console) as display, crew(workers, display, options.team, used) as people:
        for backend, job in zip(options.backends, jobs, strict=True):
            pieces = _pieces(settings, options, backend, job, people.size)
            todo += [(job, piece) for piece in pieces]
            order = {"backend": backend.name, "fingerprint": identity["fingerprint"]}
            order |= {"same": common(identity)}
            for piece in sorted(job.missing(pieces), key=_length, reverse=True):
                title = f"{NAME} · {called(piece)}"
                length, steps = _length(piece), piece["iterations"]
                units.append(Unit(job, piece, length, steps, backend.device, order, title))
        for _, error in people.do(units):
            if error:
                raise error
    return [row for job, piece in todo for row in job.parts.find(piece)["rows"]]


def _pieces(
    settings: Settings, options: Options, backend: Backend, job: Job, workers: int
) -> list[Mapping[str, Any]]:
    """All of a backend; many are announced."""
    inputs = job.work.images.train_images.shape[1]
    sharing = workers if backend.device == "cpu" or options.team else 1
    todo = job.parts.planned(
        lambda: [p.plain() for p in planned(settings, options, backend, inputs, sharing)],
        lambda kept: are_all(kept, settings, backend.name),
    )
    if len(todo) >= memory.MANY:
        largest = max(bytes_of(Piece.of(piece), inputs) for piece in todo)
        runs = settings.runs
        job.parts.say(memory.announced(job.parts.what, runs, len(todo), largest))
    return todo


def _length(piece: Mapping[str, Any]) -> int:
    """How long a piece takes: the longest goes first, so that all processes end together."""
    return len(piece["runs"]) * piece["depth"] * (1 + piece["batch_norm"])


def _workers(options: Options, threads: int) -> int:
    fitting = max(1, memory.cores() // threads)
    on_the_cpu = any(backend.device == "cpu" for backend in options.backends)
    return options.processes or (fitting if on_the_cpu and not options.team else 1)


def _threads(settings: Settings, options: Options, images: data.Dataset) -> int:
    """How many a process computes with: those for the deepest networks."""
    hidden, inputs = [settings.width] * max(settings.depths), images.train_images.shape[1]
    largest = memory.operations(inputs, hidden, settings.batch_size)
    return options.threads or threads.fastest(largest)


def planned(
    settings: Settings, options: Options, backend: Backend, inputs: int, workers: int
) -> list[Piece]:
    """The pieces for a backend.

    Raises:
        SweepError: one run alone takes more memory than there is to be used.
    """
    budget = memory.budget(backend.device, options.memory) // workers
    widest = memory.WIDEST if backend.device == "cpu" else None
    try:
        return list(pieces(settings, backend.name, budget, workers, widest=widest, inputs=inputs))
    except ValueError as error:
        raise SweepError(f"{error}; see --memory and --processes") from None


def _identity(settings: Settings, options: Options, images: data.Dataset) -> dict[str, Any]:
    """What makes this sweep the sweep it is; the fingerprint covers all of it."""
    used = _threads(settings, options, images)
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
