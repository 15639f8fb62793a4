"""Running experiments: measure, judge the claims, draw, write."""

import json
import math
import platform
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

import experiments
from experiments import data
from experiments.engine import interrupt, measuring, memory, output, tensorboard, threads, units
from experiments.engine.backends import Described
from experiments.engine.drawing import draw, save
from experiments.engine.experiment import Experiment, judged
from experiments.engine.fingerprint import fingerprint, identity_of
from experiments.engine.lock import locked
from experiments.engine.measurements import Measurements, distances, joined, write_csv
from experiments.engine.options import Options
from experiments.engine.progress import Display
from experiments.engine.terminal import escape
from experiments.engine.texts import parts
from experiments.engine.units import Unit
from experiments.engine.workers import Workers

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


@dataclass(frozen=True)
class Planned:
    """An experiment that is to be run.

    Attributes:
        images: its data set, if it reads one.
        identity: of its result.
        units: by backend, finished ones too.
    """

    experiment: Experiment
    images: data.Dataset | None
    identity: Mapping[str, Any]
    units: dict[str, list[Unit]]


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
        _run_each(names, options, workers, display, console, outcome, beside)


def _run_each(
    names: Sequence[str],
    options: Options,
    workers: Workers,
    display: Display,
    console: Console,
    outcome: Outcome,
    beside: Sequence[Unit],
) -> None:
    load = _once(lambda: measuring.images(options.dataset, options.data_dir))
    planned: dict[str, Planned] = {}
    for name in names:
        with _failing(name, options, console, outcome):
            if plan := _planned(name, options, workers, load, console, outcome):
                planned[name] = plan
    asked = [unit for plan in planned.values() for own in plan.units.values() for unit in own]
    todo = [unit for unit in [*asked, *beside] if unit.find() is None]
    left = Counter(unit.of for unit in todo)

    def finish(name: str) -> None:
        with _failing(name, options, console, outcome):
            result = _finished(planned[name], options, console)
            outcome.written.append(name)
            _report_result(console, result)

    for name in [name for name in planned if not left[name]]:
        finish(name)
    wrong = []
    for unit, error in units.run(
        todo, workers, display, lambda unit: unit.of not in outcome.failed
    ):
        if not unit.of:
            wrong += [error] if error else []
        elif unit.of not in outcome.failed:
            left[unit.of] -= 1
            if error:
                _fail(unit.of, error, options, console, outcome)
            elif not left[unit.of]:
                finish(unit.of)
    if wrong:
        raise wrong[0]


@contextmanager
def _failing(name: str, options: Options, console: Console, outcome: Outcome) -> Iterator[None]:
    """Around what is done for an experiment: where it fails, that is reported."""
    interrupt.check()
    try:
        yield
    except Exception as error:
        _fail(name, error, options, console, outcome)


def _fail(
    name: str, error: Exception, options: Options, console: Console, outcome: Outcome
) -> None:
    outcome.failed.append(name)
    _report_failure(console, name, error, options.debug)


def _once(load: Callable[[], data.Dataset]) -> Callable[[], data.Dataset]:
    """``load``, which is not tried again: a download that failed would take as long to fail."""
    failed: list[data.DataError] = []

    def get() -> data.Dataset:
        if failed:
            raise failed[0]
        try:
            return load()
        except data.DataError as error:
            failed.append(error)
            raise

    return get


def _planned(
    name: str,
    options: Options,
    workers: Workers,
    load: Callable[[], data.Dataset],
    console: Console,
    outcome: Outcome,
) -> Planned | None:
    """What there is to do for an experiment; ``None`` where it is done already."""
    experiment = experiments.load(name)
    images = load() if experiment.needs_data else None
    identity = _identity(experiment, options, images)
    if not options.force and finished(options.out / name, identity, options.tensorboard):
        units.clear(_folder(name, options, identity))  # it may have been killed just before that
        outcome.kept.append(name)
        console.print(f"[bold]{name}[/] is done already; --force runs it again")
        return None
    output.prepare(options.out / name)
    by_backend = {
        backend.name: _units(experiment, backend, options, identity, workers)
        for backend in options.backends
    }
    return Planned(experiment, images, identity, by_backend)


def _units(
    experiment: Experiment,
    backend: Described,
    options: Options,
    identity: Mapping[str, Any],
    workers: Workers,
) -> list[Unit]:
    """What there is to do in a backend: a unit for each stack of seeds."""
    stack = experiment.stack(experiment.chosen(options.quick))
    share = memory.budget(backend.device, options.memory) // workers.processes
    what = f"a seed of {experiment.name}"
    cut = memory.stacks(options.seeds, stack.bytes, share, backend.device, stack.runs, what)
    title, used = f"{experiment.name} · {backend.name}", _threads(experiment, options)
    folder, made = _folder(experiment.name, options, identity), []
    for seeds in cut:
        work = measuring.Measuring(
            experiment.name,
            backend,
            seeds,
            used,
            options.dataset,
            options.data_dir,
            options.quick,
            options.tensorboard,
        )
        made.append(
            Unit(
                f"{title}, {named(seeds)}" if len(cut) > 1 else title,
                work,
                folder,
                f"{identity['fingerprint']}/{backend.name}/{json.dumps(seeds)}",
                stack.steps * stack.runs * len(seeds),
                stack.steps,
                experiment.name,
                options.checkpoint_every,
            )
        )
    return made


def _finished(plan: Planned, options: Options, console: Console) -> dict[str, Any]:
    """Sum up what was measured, write the files, and return what ``result.json`` has."""
    experiment, images = plan.experiment, plan.images
    _set_aside(options.out / experiment.name, plan.identity, console)
    folder = output.prepare(options.out / experiment.name)
    measured: dict[str, Measurements] = {}
    watched: dict[str, Measurements] = {}
    seconds: dict[str, float] = {}
    for name, own in plan.units.items():
        found = units.gathered(own)
        measured[name] = joined(found, options.seeds)
        if options.tensorboard:
            watched[name] = joined([each["watched"] for each in found], options.seeds)
        if images and images.name != "mnist":
            measured[name].subject = images.name
        seconds[name] = round(sum(each["seconds"] for each in found), 3)
    result = {
        **plan.identity,
        "title": experiment.title,
        "section": experiment.section,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "seconds": seconds,
        "claims": {
            name: judged(experiment.claims, measurements, options.seeds)
            for name, measurements in measured.items()
        },
        "distance": _plain(distances(*measured.values())) if len(measured) == 2 else None,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    shown = watched if options.tensorboard else None
    settings = experiment.chosen(options.quick)
    _write(folder, experiment, settings, measured, shown, options.seeds, result)
    units.clear(_folder(experiment.name, options, plan.identity))
    return result


def _folder(name: str, options: Options, identity: Mapping[str, Any]) -> Path:
    """For the units of an experiment."""
    of = identity["fingerprint"]
    if options.tensorboard:  # units that were not watched are others
        of = fingerprint({"of": of, "tensorboard": True})
    return units.folder_of(options.out, name, of)


def fitting(names: Sequence[str], options: Options, sides: int) -> int:
    """How many processes are worth it: none beside this one where there is little to train.

    Args:
        names: of the experiments.
        options: for them; its backends are not needed,
        sides: but how many there are.
    """
    if options.processes:
        return options.processes
    chosen = [experiments.load(name) for name in names]
    stacks = [experiment.stack(experiment.chosen(options.quick)) for experiment in chosen]
    steps = sum(stack.steps * stack.runs for stack in stacks)
    if steps * len(options.seeds) * sides < WORTH_STARTING:
        return 1
    used = max(_threads(experiment, options) for experiment in chosen)
    return max(1, memory.cores() // used)


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
        earlier = json.loads((folder / RESULT).read_text(encoding="utf-8"))
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
        console.print(f"{escape(folder.name)}: the earlier result is kept as {escape(name)}")


def finished(folder: Path, identity: Mapping[str, Any], events: bool = False) -> bool:
    """Whether ``folder`` has the whole, unchanged result of exactly this experiment.

    Args:
        events: whether files for TensorBoard belong to it.
    """
    more = "tensorboard" if events else ""
    return output.vouched(folder / RESULT, identity, [METRICS, *FIGURES], more)


def _identity(
    experiment: Experiment, options: Options, images: data.Dataset | None
) -> dict[str, Any]:
    """What makes this run the run it is; the fingerprint covers all of it."""
    return identity_of(
        options.backends,
        _threads(experiment, options),
        images,
        experiment=experiment.name,
        settings=asdict(experiment.chosen(options.quick)),
        quick=options.quick,
        seeds=list(options.seeds),
    )


def _threads(experiment: Experiment, options: Options) -> int:
    """How many a process computes with."""
    stack = experiment.stack(experiment.chosen(options.quick))
    return options.threads or threads.fastest(stack.operations)


def _write(
    folder: Path,
    experiment: Experiment,
    settings: Any,
    measured: Mapping[str, Measurements],
    watched: Mapping[str, Measurements] | None,
    seeds: Sequence[int],
    result: dict[str, Any],
) -> None:
    """All files of a result; ``result.json`` comes last and vouches for the others."""
    with (
        output.atomic(folder / METRICS) as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        write_csv(file, dict(measured), list(seeds))
    figure = draw(experiment.figure(measured, settings))
    for name in FIGURES:
        with output.atomic(folder / name) as path:
            save(figure, path)
    names = [METRICS, *FIGURES]
    if watched is None:
        tensorboard.remove(folder)
    else:
        result["tensorboard"] = tensorboard.write(folder, watched, seeds)
        names += result["tensorboard"]
    result["texts"] = parts(result["claims"])
    result["files"] = {name: output.sha256(folder / name) for name in names}
    output.write(folder / RESULT, json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _report_result(console: Console, result: Mapping[str, Any]) -> None:
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in result["seconds"].items())
    console.print(f"[bold]{result['experiment']}[/] ({result['section']}) in {seconds}")
    by_backend = result["claims"]
    for index, claim in enumerate(next(iter(by_backend.values()))):
        counts = {name: claims[index] for name, claims in by_backend.items()}
        all_hold = all(c["holds"] == c["of"] for c in counts.values())
        mark = "[green]✓[/]" if all_hold else "[red]✗[/]"
        held = ", ".join(f"{name} {c['holds']}/{c['of']}" for name, c in counts.items())
        console.print(f"  {mark} {escape(claim['text'])} [dim]({held})[/]")
        if not all_hold:
            for name, c in counts.items():
                shown = next((s for s in c["seeds"] if not s["holds"]), None)
                if shown:
                    measured = escape(f"{name}, seed {shown['seed']}: {shown['measured']}")
                    console.print(f"      [dim]{measured}[/]")
    if result["distance"] is not None:
        apart = ", ".join(
            f"{metric} {value if value == 'inf' else format(value, '.1e')}"
            for metric, value in result["distance"].items()
        )
        console.print(f"    [dim]scratch and torch differ by at most (relative): {apart}[/]")


def _plain(distance: Mapping[str, float]) -> dict[str, float | str]:
    """Distances as JSON has them, which knows no infinity."""
    return {m: value if math.isfinite(value) else "inf" for m, value in distance.items()}


def _report_failure(console: Console, name: str, error: Exception, debug: bool) -> None:
    console.print(f"[bold red]{name} failed:[/] {escape(str(error) or type(error).__name__)}")
    if debug:
        console.print(escape("".join(traceback.format_exception(error))))
