"""A whole sweep: train what is not trained yet, sum up, draw, write."""

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from experiments import data
from experiments.engine import output
from experiments.engine.backends import Backend
from experiments.engine.experiment import Report
from experiments.engine.figures import save
from experiments.engine.fingerprint import code_digest, fingerprint
from experiments.engine.interrupt import heeding_ctrl_c
from experiments.engine.progress import reporting
from experiments.sweep import figures, report
from experiments.sweep.plan import (
    WIDEST,
    Piece,
    Settings,
    available_memory,
    cores,
    pieces,
)
from experiments.sweep.run import Kept, Row, Source, SweepError, train_all

NAME, CSV, JSON, SENTENCES = "sweep", "sweep.csv", "sweep.json", "sentences.txt"
FIGURES = ("best-lr.png", "best-lr.svg", "heat-map.png", "heat-map.svg")
FILES = (CSV, SENTENCES, *FIGURES)


@dataclass(frozen=True)
class Options:
    """What ``lockstep sweep`` was asked for, besides the grid.

    Attributes:
        memory: bytes that the runs may take; ``None`` for half of what is available.
        processes: side by side; ``None`` for the cores, or one where a GPU computes.
    """

    backends: tuple[Backend, ...]
    out: Path
    device: str = "cpu"
    dataset: str = "mnist"
    data_dir: Path | None = None
    force: bool = False
    memory: int | None = None
    processes: int | None = None


def sweep(settings: Settings, options: Options, console: Console) -> Path:
    """Do the sweep, write its files, print its sentences; returns the folder.

    A finished one of the same settings, code and data is kept, and one that was interrupted goes
    on where it was.

    Raises:
        OutputError, DataError, SweepError.
    """
    folder = output.prepare(options.out / NAME)
    images = data.load(options.dataset, options.data_dir)
    identity = _identity(settings, options, images)
    if not options.force and (said := _finished(folder, identity)) is not None:
        console.print(f"[bold]sweep[/] is done already; --force runs it again\n{escape(said)}")
        return folder
    kept = Kept(output.prepare(folder / "pieces"), _shared(identity))
    if options.force:
        kept.clear()
        output.prepare(kept.folder)
    start = time.perf_counter()
    with heeding_ctrl_c() as check:
        rows = _train(settings, options, images, kept, console)
        check()
    seconds = time.perf_counter() - start
    result = _result(settings, identity, rows, len(images.classes), seconds)
    _write(folder, settings, rows, result, images)
    kept.clear()
    console.print(
        f"[bold]sweep[/] of {len(rows):,} runs in {seconds:.1f} s\n"
        + escape("\n".join(result["sentences"]))
    )
    return folder


def _train(
    settings: Settings, options: Options, images: data.Dataset, kept: Kept, console: Console
) -> list[Row]:
    rows: list[Row] = []
    for backend in options.backends:
        todo, workers = planned(settings, options, backend, images)
        source = Source(options.dataset, options.data_dir, options.device)
        with reporting(console, f"sweep · {backend.name}") as progress:
            rows += train_all(todo, images, source, workers, kept, _counting(todo, progress))
    return rows


def _counting(todo: Sequence[Piece], progress: Report) -> Callable[[Piece], None]:
    """A function to be called with every piece that is done; it reports how many runs are."""
    total, done = sum(len(piece.runs) for piece in todo), 0
    progress("runs", done, total, None)

    def count(piece: Piece) -> None:
        nonlocal done
        done += len(piece.runs)
        progress("runs", done, total, None)

    return count


def planned(
    settings: Settings, options: Options, backend: Backend, images: data.Dataset
) -> tuple[list[Piece], int]:
    """The pieces for a backend, and how many processes train them.

    Raises:
        SweepError: one run alone takes more memory than there is to be used.
    """
    on_cpu = backend.device == "cpu"
    workers = options.processes or (cores() if on_cpu else 1)
    memory = options.memory or _available(backend) // 2
    try:
        found = list(
            pieces(
                settings,
                backend.name,
                memory // workers,
                workers,
                widest=WIDEST if on_cpu else None,
                inputs=images.train_images.shape[1],
            )
        )
    except ValueError as error:
        raise SweepError(f"{error}; see --memory and --processes") from None
    return found, workers


def _available(backend: Backend) -> int:
    if not backend.device.startswith("cuda"):
        return available_memory()
    import torch

    return torch.cuda.mem_get_info(backend.device)[0]


def _identity(settings: Settings, options: Options, images: data.Dataset) -> dict[str, Any]:
    """What makes this sweep the sweep it is; the fingerprint covers all of it."""
    identity = {
        "settings": asdict(settings),
        "backends": {b.name: {"device": b.device, **b.versions} for b in options.backends},
        "dataset": {"name": images.name, "digest": images.digest},
        "code": code_digest(),
    }
    return identity | {"fingerprint": fingerprint(identity)}


def _shared(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What a piece's numbers depend on besides its own settings."""
    return {key: identity[key] for key in ("backends", "dataset", "code")}


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
    for figure in drawn:
        figure.suptitle(f"{subject}, layers of {settings.width}: {figure.get_suptitle()}")
    for name, figure in zip(FIGURES, (drawn[0], drawn[0], drawn[1], drawn[1]), strict=True):
        with output.atomic(folder / name) as path:
            save(figure, path)
    result["files"] = {name: output.sha256(folder / name) for name in FILES}
    with _text(folder / JSON) as file:
        file.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def _text(path: Path) -> Iterator[Any]:
    with output.atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
        yield f
