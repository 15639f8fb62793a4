"""Running experiments: measure, judge the claims, draw, write."""

import json
import math
import platform
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

import experiments
from experiments import data
from experiments.engine import interrupt, memory, output, tensorboard, threads
from experiments.engine.backends import Backend
from experiments.engine.checkpoints import EVERY
from experiments.engine.crew import Crew, Unit
from experiments.engine.distributed import Order, Team
from experiments.engine.drawing import draw, save
from experiments.engine.experiment import Experiment, judged
from experiments.engine.fingerprint import code_digest, common, fingerprint
from experiments.engine.lock import locked
from experiments.engine.measurements import Measurements, distances, joined, write_csv
from experiments.engine.measuring import (
    Here,
    Measuring,
    Seeds,
    fits_timed,
    fits_watched,
    stacks,
    watched_in,
)
from experiments.engine.parts import FOLDER, Job, Parts
from experiments.terminal import escape
from experiments.texts import parts

#: Processes take about three seconds to start, in which a network of the chapter is trained for so
#: many steps.
WORTH_STARTING = 4000
RESULT, METRICS, FIGURES = "result.json", "metrics.csv", ("figure.png", "figure.svg")


@dataclass(frozen=True)
class Options:
    """What ``lockstep run`` was asked for.

    Attributes:
        checkpoint_every: seconds.
        memory: bytes that the runs may take; ``None`` for half of what is available.
        processes: side by side; ``None`` to have them where it is worth it.
        threads: of each process; ``None`` for as many as are fastest.
    """

    backends: tuple[Backend, ...]
    seeds: tuple[int, ...]
    out: Path
    dataset: str = "mnist"
    data_dir: Path | None = None
    quick: bool = False
    force: bool = False
    debug: bool = False
    tensorboard: bool = False
    checkpoint_every: float = EVERY
    memory: int | None = None
    processes: int | None = None
    threads: int | None = None
    team: Team | None = None


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
        jobs: by backend.
        pieces: of each of them.
        units: what is missing of all.
    """

    experiment: Experiment
    images: data.Dataset | None
    identity: Mapping[str, Any]
    jobs: dict[str, Job]
    pieces: dict[str, list[Seeds]]
    units: list[Unit]


def run_all(
    names: Sequence[str],
    options: Options,
    crew: Crew,
    console: Console,
    outcome: Outcome,
    beside: Sequence[Unit] = (),
) -> None:
    """Run the experiments; ``outcome`` says at any time how far it has come.

    One that fails is reported and does not stop the others.

    Args:
        names: of the experiments.
        options: for all of them.
        crew: does the work.
        console: for the results.
        outcome: of each experiment.
        beside: other work for the crew; what goes wrong with that is raised in the end.
    """
    output.prepare(options.out)
    with locked(options.out):
        _run_each(names, options, crew, console, outcome, beside)


def _run_each(
    names: Sequence[str],
    options: Options,
    crew: Crew,
    console: Console,
    outcome: Outcome,
    beside: Sequence[Unit],
) -> None:
    load, wrong = _once(lambda: data.load(options.dataset, options.data_dir)), []
    planned: dict[str, Planned] = {}
    for name in names:
        with _failing(name, options, console, outcome):
            if plan := _planned(name, options, crew, load, console, outcome):
                planned[name] = plan
    left = {name: len(plan.units) for name, plan in planned.items()}

    def finish(name: str) -> None:
        with _failing(name, options, console, outcome):
            result = _finished(planned[name], options, console)
            outcome.written.append(name)
            _report_result(console, result)

    for name in [name for name, missing in left.items() if not missing]:
        finish(name)
    units = [*(unit for plan in planned.values() for unit in plan.units), *beside]
    for unit, error in crew.do(units, lambda unit: unit.of not in outcome.failed):
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
    """``load``, called at most once: a download that failed would take as long to fail again."""
    loaded: list[data.Dataset | data.DataError] = []

    def get() -> data.Dataset:
        if not loaded:
            try:
                loaded.append(load())
            except data.DataError as error:
                loaded.append(error)
        if isinstance(loaded[0], data.DataError):
            raise loaded[0]
        return loaded[0]

    return get


def _planned(
    name: str,
    options: Options,
    crew: Crew,
    load: Callable[[], data.Dataset],
    console: Console,
    outcome: Outcome,
) -> Planned | None:
    """What there is to do for an experiment; ``None`` where it is done already."""
    experiment = experiments.load(name)
    images = load() if experiment.needs_data else None
    identity = _identity(experiment, options, images)
    if not options.force and finished(options.out / name, identity, options.tensorboard):
        _clear_parts(name, options, identity)  # it may have been killed just before that
        outcome.kept.append(name)
        console.print(f"[bold]{name}[/] is done already; --force runs it again")
        return None
    output.prepare(options.out / name)
    plan = Planned(experiment, images, identity, {}, {}, [])
    for backend in options.backends:
        _plan_for(backend, plan, options, crew)
    return plan


def _plan_for(backend: Backend, plan: Planned, options: Options, crew: Crew) -> None:
    """Add what there is to do in a backend: the seeds in pieces, of which some may be finished."""
    experiment, seeds = plan.experiment, options.seeds
    work = _work(experiment, options, backend, plan.images)
    job = _job(work, options, plan.identity["fingerprint"])
    budget = memory.budget(work.device, options.memory)
    sharing = crew.size if work.device == "cpu" or options.team else 1
    settings = experiment.chosen(options.quick)
    pieces = job.parts.planned(
        lambda: stacks(
            experiment,
            settings,
            seeds,
            work.device,
            budget,
            sharing,
            options.team.size if options.team else 1,
        ),
        lambda kept: json.dumps([s for part in kept for s in part]) == json.dumps(seeds),
    )
    stack = experiment.stack(settings)
    if len(pieces) >= memory.MANY:
        largest, runs = max(map(len, pieces)) * stack.bytes, len(seeds) * stack.runs
        job.parts.say(memory.announced(job.parts.what, runs, len(pieces), largest))
    plan.jobs[backend.name], plan.pieces[backend.name] = job, pieces
    plan.units.extend(
        Unit(
            job,
            piece,
            stack.steps * stack.runs * len(piece),
            stack.steps,
            work.device,
            _order(work, plan.identity),
            f"{job.parts.what}, {named(piece)}" if len(pieces) > 1 else job.parts.what,
            experiment.name,
        )
        for piece in job.missing(pieces)
    )


def _finished(plan: Planned, options: Options, console: Console) -> dict[str, Any]:
    """Sum up what was measured, write the files, and return what ``result.json`` has."""
    experiment, images = plan.experiment, plan.images
    _set_aside(options.out / experiment.name, plan.identity, console)
    folder = output.prepare(options.out / experiment.name)
    measured: dict[str, Measurements] = {}
    watched: dict[str, Measurements] = {}
    seconds: dict[str, float] = {}
    for name, job in plan.jobs.items():
        parts = [job.parts.find(piece) for piece in plan.pieces[name]]
        measured[name] = joined(parts, options.seeds)
        if options.tensorboard:
            watched[name] = joined(watched_in(parts), options.seeds)
        if images and images.name != "mnist":
            measured[name].subject = images.name
        seconds[name] = round(sum(part["seconds"] for part in parts), 3)
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
    _clear_parts(experiment.name, options, plan.identity)
    return result


def _clear_parts(name: str, options: Options, identity: Mapping[str, Any]) -> None:
    for backend in options.backends:
        _parts(name, backend.name, options, identity["fingerprint"]).clear()


def fitting(names: Sequence[str], options: Options, sides: int) -> int:
    """How many processes are worth it: none beside this one where there is little to train.

    Args:
        names: of the experiments.
        options: for them; its backends are not needed,
        sides: but how many there are.
    """
    if options.processes or options.team:
        return options.processes or 1
    chosen = [experiments.load(name) for name in names]
    stacks = [experiment.stack(experiment.chosen(options.quick)) for experiment in chosen]
    steps = sum(stack.steps * stack.runs for stack in stacks)
    if steps * len(options.seeds) * sides < WORTH_STARTING:
        return 1
    used = max(_threads(experiment, options) for experiment in chosen)
    return max(1, memory.cores() // used)


def _order(work: Measuring, identity: Mapping[str, Any]) -> Order:
    return {
        "experiment": work.experiment,
        "backend": work.backend,
        "fingerprint": identity["fingerprint"],
        "same": common(identity),
    }


def _job(work: Measuring, options: Options, of: str) -> Job:
    parts = _parts(work.experiment, work.backend, options, of)
    return Job(work, parts, named, fits_watched if options.tensorboard else fits_timed)


def _parts(experiment: str, backend: str, options: Options, of: str) -> Parts:
    if options.tensorboard:  # pieces that were not watched are others
        of = fingerprint({"of": of, "tensorboard": True})
    folder = options.out / FOLDER / experiment / of[:16] / backend
    what = f"{experiment} · {backend}"
    return Parts(folder, f"{of}/{backend}", what, options.checkpoint_every)


def named(seeds: Sequence[int]) -> str:
    """A piece, for people.

    >>> named([0]), named([1, 2, 3])
    ('seed 0', 'seeds 1, 2, 3')
    """
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def assist(options: Options) -> None:
    """Measure what the first process of the team asks for, until it has all."""
    load = _once(lambda: data.load(options.dataset, options.data_dir))

    def job_of(order: Order) -> Job:
        experiment = experiments.load(order["experiment"])
        images = load() if experiment.needs_data else None
        if common(_identity(experiment, options, images)) != order["same"]:
            raise ValueError("its code, data set or settings are not those of the first process")
        backend = next(b for b in options.backends if b.name == order["backend"])
        work = _work(experiment, options, backend, images)
        return _job(work, options, order["fingerprint"])

    options.team.follow(job_of)


def _work(
    experiment: Experiment, options: Options, backend: Backend, images: data.Dataset | None
) -> Measuring:
    return Measuring(
        experiment.name,
        backend.name,
        backend.device,
        _threads(experiment, options),
        options.dataset,
        options.data_dir,
        options.quick,
        options.tensorboard,
        Here(backend, images),
    )


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
    try:
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        same = result["fingerprint"] == identity["fingerprint"]
        names = [METRICS, *FIGURES]
        if events:
            names += result["tensorboard"]
        return same and all(output.sha256(folder / name) == result["files"][name] for name in names)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _identity(
    experiment: Experiment, options: Options, images: data.Dataset | None
) -> dict[str, Any]:
    """What makes this run the run it is; the fingerprint covers all of it."""
    settings, used = experiment.chosen(options.quick), _threads(experiment, options)
    identity = {
        "experiment": experiment.name,
        "settings": asdict(settings),
        "quick": options.quick,
        "seeds": list(options.seeds),
        "backends": {
            b.name: {"device": b.device, **b.versions, "threads": used} for b in options.backends
        },
        "dataset": {"name": images.name, "digest": images.digest} if images else None,
        "code": code_digest(),
    }
    return identity | {"fingerprint": fingerprint(identity)}


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
    with output.atomic(folder / RESULT) as path:
        text = json.dumps(result, indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


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
