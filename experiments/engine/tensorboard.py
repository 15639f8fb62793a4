"""Event files for TensorBoard, written by its own package; torch is not needed."""

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from experiments.engine.measurements import Curve
from experiments.engine.watching import MOMENTS, WIDTH, Watched
from torch_ref import files
from torch_ref.errors import LockstepError

FOLDER = "tensorboard"
HISTOGRAMS = ("activations/", "gradients/")
MISSING = (
    "the event files are written by the package tensorboard, which is not installed; "
    "pip install tensorboard, or this project with its extra of that name: '.[tensorboard]'"
)


def is_installed() -> bool:
    """Whether event files can be written."""
    return find_spec("tensorboard") is not None


def write(folder: Path, by_backend: Mapping[str, Watched], seeds: Sequence[int]) -> list[str]:
    """Write ``tensorboard/BACKEND/RUN/seed-N/`` in ``folder``, all of it or nothing.

    Returns:
        The files, relative to ``folder``. Those of an earlier result are removed.

    Raises:
        LockstepError: they cannot be written; the earlier ones are still there.
    """
    place = folder / FOLDER
    try:
        with _temporary(folder) as temporary:
            for backend, watched in by_backend.items():
                for run, name in _names(watched).items():
                    for i, seed in enumerate(seeds):
                        _write_one(temporary / backend / name / f"seed-{seed}", watched, run, i)
            remove(folder)
            if any(temporary.iterdir()):
                temporary.rename(place)
    except OSError as error:
        raise LockstepError(f"{place} was not written: {error.strerror or error}") from error
    written = (path for path in place.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in written)


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A folder that goes in the end; the next command removes it where this one is killed."""
    temporary = files.partial(folder / "events")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove(folder: Path) -> None:
    """Remove the event files of a result that is replaced."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _names(watched: Watched) -> dict[str, str]:
    """Each run's name as one of a folder, such as no two share.

    >>> watched = Watched()
    >>> watched.add("SGD, large", "loss/train", [0], [[2.3]])
    >>> watched.add("Xavier √(1/n)", "loss/train", [0], [[2.3]])
    >>> list(_names(watched).values())
    ['SGD-large', 'Xavier-1-n']
    """
    names: dict[str, str] = {}
    for run, _ in watched.curves:
        name = re.sub(r"[^A-Za-z0-9_.]+", "-", run).strip("-.") or "run"
        while name in names.values() and run not in names:
            name += "_"
        names.setdefault(run, name)
    return names


def _write_one(folder: Path, watched: Watched, run: str, index: int) -> None:
    """The event file of a run and a seed."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    values = [
        (step, Summary.Value(tag=tag, **value))
        for (name, tag), curve in watched.curves.items()
        if name == run
        for step, value in _values(tag, curve, index)
    ]
    folder.mkdir(parents=True)
    now = time.time()
    # By no thread, as tensorboard's own writer would: what goes wrong is raised here.
    with (folder / f"events.out.tfevents.{int(now)}.lockstep").open("xb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
        for step, value in sorted(values, key=lambda pair: pair[0]):
            event = Event(wall_time=time.time(), step=step, summary=Summary(value=[value]))
            writer.write(event.SerializeToString())


def _values(tag: str, curve: Curve, index: int) -> Iterator[tuple[int, dict]]:
    """(step, value) for what a curve has of a seed; nothing where that has diverged."""
    values = curve.values[index]
    if not tag.startswith(HISTOGRAMS):
        for step, value in zip(curve.x.tolist(), values.tolist(), strict=True):
            if np.isfinite(value):
                yield step, {"simple_value": value}
        return
    steps, rows = curve.x[::WIDTH].tolist(), values.reshape(-1, WIDTH)
    for step, (least, largest, total, squares, *counts) in zip(steps, rows.tolist(), strict=True):
        if np.isfinite(least):
            edges = np.linspace(least, largest, WIDTH - MOMENTS + 1)[1:].tolist()
            yield (
                step,
                {
                    "histo": {
                        "min": least,
                        "max": largest,
                        "num": sum(counts),
                        "sum": total,
                        "sum_squares": squares,
                        "bucket_limit": edges,
                        "bucket": counts,
                    }
                },
            )
