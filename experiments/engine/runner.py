"""Running experiments: measure, judge the claims, draw, write."""

import json
import math
import platform
import re
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

import experiments
from experiments import data
from experiments.engine import (
    interrupt,
    measuring,
    memory,
    output,
    telling,
    tensorboard,
    threads,
    units,
)
from experiments.engine.drawing import draw, save
from experiments.engine.experiment import Experiment, judged
from experiments.engine.fingerprint import CodeMoved, check_code, fingerprint, identity_of
from experiments.engine.lock import locked
from experiments.engine.measurements import (
    Measurements,
    Parting,
    distances,
    joined,
    parting,
    write_csv,
)
from experiments.engine.memory import Stack
from experiments.engine.options import Options
from experiments.engine.progress import Display
from experiments.engine.terminal import escape, show
from experiments.engine.texts import parts as texts_of
from experiments.engine.units import Unit
from experiments.engine.workers import Workers
from torch_ref import files

#: Processes take about three seconds to start, in which a network of the chapter is trained for so
#: many steps.
WORTH_STARTING = 4000
RESULT, METRICS, FIGURES = "result.json", "metrics.csv", ("figure.png", "figure.svg")


@dataclass
class Outcome:
    """How each experiment of a run ended, by name."""

    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run_all(
    names: Sequence[str],
    options: Options,
    workers: Workers,
    display: Display,
    console: Console,
    outcome: Outcome,
    beside: Sequence[Unit] = (),
) -> None:
    """Run the experiments; ``outcome`` says at any time how far it has come.

    One that fails is reported and does not stop the others.

    Args:
        names: of the experiments.
        options: for all of them.
        workers: do the units.
        display: shows what they do.
        console: for the results.
        outcome: of each experiment.
        beside: other units; what goes wrong with them is raised in the end.
    """
    output.prepare(options.out)
    with locked(options.out):
        _Run(options, workers, display, console, outcome).all(names, beside)


@dataclass
class _Run:
    """A run of some experiments; see :func:`run_all`."""

    options: Options
    workers: Workers
    display: Display
    console: Console
    outcome: Outcome

    def all(self, names: Sequence[str], beside: Sequence[Unit]) -> None:
        asked: dict[str, Asked] = {}
        every: list[Unit] = []
        for name in names:
            with self._reported(name):
                if one := self._begun(name):
                    every += chain(*one.units.values())
                    asked[name] = one
        todo = [unit for unit in [*every, *beside] if unit.find() is None]
        left, wrong = Counter(unit.of for unit in todo), []
        for name in [name for name in asked if not left[name]]:
            self._finish(asked[name])
        for unit, error in units.run(todo, self.workers, self.display, self._wanted):
            left[unit.of] -= 1
            if error and unit.of:
                self._fail(unit.of, error)
            elif error:
                wrong.append(error)
            elif unit.of and self._wanted(unit) and not left[unit.of]:
                self._finish(asked[unit.of])
        if wrong:
            raise wrong[0]

    @contextmanager
    def _reported(self, name: str) -> Iterator[None]:
        """Around what is done for an experiment: where it fails, that is said."""
        interrupt.check()
        try:
            yield
        except CodeMoved:  # it is none of this experiment's own
            raise
        except Exception as error:
            self._fail(name, error)

    def _fail(self, name: str, error: Exception) -> None:
        if name in self.outcome.failed:
            return
        self.outcome.failed.append(name)
        message = escape(str(error) or type(error).__name__)
        show(self.console, f"[bold red]{name} failed:[/] {message}")
        if self.options.debug:
            self.console.print(escape("".join(traceback.format_exception(error))))

    def _wanted(self, unit: Unit) -> bool:
        return unit.of not in self.outcome.failed

    def _begun(self, name: str) -> "Asked | None":
        """What there is to do for an experiment; ``None`` where it is done already."""
        experiment = experiments.load(name)
        images = self._images if experiment.needs_data else None
        if isinstance(images, data.DataError):
            raise images
        asked = Asked(experiment, self.options, images, self.workers.processes)
        if not self.options.force and telling.is_done(
            self.console, name, altered(asked.folder, asked.identity, self.options.tensorboard)
        ):
            units.clear(asked.unit_folder)  # it may have been killed just before that
            self.outcome.kept.append(name)
            return None
        output.inside(self.options.out, asked.folder)
        return asked

    @cached_property
    def _images(self) -> data.Dataset | data.DataError:
        """Asked for once: a download that failed would take as long to fail again."""
        try:
            return measuring.images(self.options.dataset, self.options.data_dir)
        except data.DataError as error:
            return error

    def _finish(self, asked: "Asked") -> None:
        """Sum up what was measured, write the files, and say what they show."""
        name = asked.experiment.name
        with self._reported(name):
            _set_aside(asked.folder, asked.identity, self.console)
            output.inside(self.options.out, asked.folder)
            result = _written(asked)
            units.clear(asked.unit_folder)
            self.outcome.written.append(name)
            telling.tell(self.console, result)


@dataclass(frozen=True)
class Asked:
    """An experiment as the options ask for it.

    Attributes:
        images: its data set, if it reads one.
        sharing: the processes that share the memory.
    """

    experiment: Experiment
    options: Options
    images: data.Dataset | None = None
    sharing: int = 1

    @property
    def settings(self) -> Any:
        """The chapter's, or the quick ones."""
        return self.experiment.chosen(self.options.quick)

    @property
    def stack(self) -> Stack:
        """What it trains at once for each seed."""
        return self.experiment.stack(self.settings)

    @property
    def threads(self) -> int:
        """How many a process computes with."""
        return self.options.threads or threads.fastest(self.stack.operations)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What makes this run the run it is; the fingerprint covers all of it."""
        return identity_of(
            self.options.backends,
            self.threads,
            self.images,
            experiment=self.experiment.name,
            settings=asdict(self.settings),
            quick=self.options.quick,
            seeds=list(self.options.seeds),
        )

    @property
    def folder(self) -> Path:
        """For the result."""
        return self.options.out / self.experiment.name

    @property
    def unit_folder(self) -> Path:
        """For the units."""
        of = self.identity["fingerprint"]
        if self.options.tensorboard:  # units that were not watched are others
            of = fingerprint({"of": of, "tensorboard": True})
        return units.folder_of(self.options.out, self.experiment.name, of)

    @cached_property
    def units(self) -> dict[str, list[Unit]]:
        """What there is to do, finished or not: in each backend a unit for each stack of seeds."""
        name, options, stack = self.experiment.name, self.options, self.stack
        made: dict[str, list[Unit]] = {}
        for backend in options.backends:
            share = memory.budget(backend.device, options.memory) // self.sharing
            what = f"a seed of {name}"
            cut = memory.stacks(options.seeds, stack.bytes, share, backend.device, stack.runs, what)
            title = f"{name} · {backend.name}"
            made[backend.name] = [
                Unit(
                    f"{title}, {named(seeds)}" if len(cut) > 1 else title,
                    partial(measuring.measured, name, backend, seeds, self.threads, options),
                    self.unit_folder,
                    f"{self.identity['fingerprint']}/{backend.name}/{json.dumps(seeds)}",
                    stack.steps * stack.runs * len(seeds),
                    stack.steps,
                    name,
                    options.checkpoint_every,
                )
                for seeds in cut
            ]
        return made


def fitting(names: Sequence[str], options: Options, backends: int) -> int:
    """How many processes are worth it: none beside this one where there is little to train.

    Args:
        names: of the experiments.
        options: for them; its backends are not needed,
        backends: but how many there are.
    """
    if options.processes:
        return options.processes
    chosen = [Asked(experiments.load(name), options) for name in names]
    steps = sum(asked.stack.steps * asked.stack.runs for asked in chosen)
    if steps * len(options.seeds) * backends < WORTH_STARTING:
        return 1
    return max(1, memory.cores() // max(asked.threads for asked in chosen))


def named(seeds: Sequence[int]) -> str:
    """A stack, for people.

    >>> named([0]), named([1, 2, 3])
    ('seed 0', 'seeds 1, 2, 3')
    """
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _set_aside(folder: Path, identity: Mapping[str, Any], console: Console) -> None:
    """Keep a result of other settings, seeds, backends or data under another name.

    A result of the same ones is replaced: by newer code, or because ``--force`` asks for it.
    """
    identity = json.loads(json.dumps(identity))  # as a file has it: its tuples are lists
    try:
        earlier = json.loads(files.read(folder / RESULT))
        same = all(earlier[key] == identity[key] for key in ("settings", "seeds", "dataset"))
        if same and earlier["backends"].keys() == identity["backends"].keys():
            return
        mark = str(earlier["fingerprint"])[:8]
        if not re.fullmatch("[0-9a-f]{8}", mark):  # edited by hand: it could be any path
            mark = fingerprint(earlier)[:8]
        name = f"{folder.name}.{mark}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if not (folder.parent / name).exists():
        folder.rename(folder.parent / name)
        show(console, f"{escape(folder.name)}: the earlier result is kept as {escape(name)}")


def altered(folder: Path, identity: Mapping[str, Any], events: bool) -> list[str] | None:
    """What of exactly this experiment's result in ``folder`` is not whole and unchanged.

    Args:
        events: whether files for TensorBoard belong to it.
    """
    more = "tensorboard" if events else ""
    return output.altered(folder / RESULT, identity, [METRICS, *FIGURES], more)


def _written(asked: Asked) -> dict[str, Any]:
    """Sum up what was measured, and write it; returns what ``result.json`` has."""
    experiment, seeds, images = asked.experiment, asked.options.seeds, asked.images
    found = {name: units.gathered(own) for name, own in asked.units.items()}
    measured = {name: joined(parts, seeds) for name, parts in found.items()}
    if images and images.name != "mnist":
        for measurements in measured.values():
            measurements.subject = images.name
    result = {
        **asked.identity,
        "title": experiment.title,
        "section": experiment.section,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "seconds": {
            name: round(sum(part["seconds"] for part in parts), 3) for name, parts in found.items()
        },
        "claims": {
            name: judged(experiment.claims, measurements, seeds)
            for name, measurements in measured.items()
        },
        "distance": _plain(distances(*measured.values())) if len(measured) == 2 else None,
        "parting": asdict(apart) if (apart := _parting(measured)) else None,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _write(asked, found, measured, result)
    return result


def _write(
    asked: Asked,
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    measured: Mapping[str, Measurements],
    result: dict[str, Any],
) -> None:
    """All files of a result; ``result.json`` comes last and vouches for the others."""
    check_code()  # all that computes and judges is imported now
    folder, seeds = asked.folder, asked.options.seeds
    with (
        output.atomic(folder / METRICS) as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        write_csv(file, measured, seeds)
    figure = draw(asked.experiment.figure(measured, asked.settings))
    for name in FIGURES:
        with output.atomic(folder / name) as path:
            save(figure, path)
    names = [METRICS, *FIGURES]
    if asked.options.tensorboard:
        watched = {
            name: joined([part["watched"] for part in parts], seeds)
            for name, parts in found.items()
        }
        result["tensorboard"] = tensorboard.write(folder, watched, seeds)
        names += result["tensorboard"]
    else:
        tensorboard.remove(folder)
    result["texts"] = texts_of(result["claims"])
    result["files"] = {name: output.sha256(folder / name) for name in names}
    output.write_json(folder / RESULT, result)


def _parting(measured: Mapping[str, Measurements]) -> Parting | None:
    return parting(*measured.values()) if len(measured) == 2 else None


def _plain(distance: Mapping[str, float]) -> dict[str, float | str]:
    """Distances as JSON has them, which knows no infinity."""
    return {m: value if math.isfinite(value) else "inf" for m, value in distance.items()}
