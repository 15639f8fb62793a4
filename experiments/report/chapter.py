"""The chapter, section by section: figures, the settings that made them, claims."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import experiments
from experiments.engine.experiment import label
from experiments.engine.figures import Axis, Chart, Panel, Points, Table, colors, mean
from experiments.engine.measurements import MissingCurve
from experiments.engine.texts import Text, joined, named, number, restored, say
from experiments.report import results
from experiments.report.reasons import REASONS
from experiments.report.results import Document, Finished, Item, Missing, Results, Unreadable
from experiments.report.rules import RULES, Rule
from experiments.report.why import WHY


@dataclass(frozen=True)
class Verdict:
    """Of one backend on a claim; smaller settings than the chapter's judge nothing."""

    backend: str
    holds: int
    of: int
    judged: bool = True

    @property
    def always(self) -> bool:
        return self.holds == self.of

    @property
    def sign(self) -> str:
        return ("✓" if self.always else "✗") if self.judged else "–"

    @property
    def look(self) -> str:
        """The class of the style."""
        return ("holds" if self.always else "fails") if self.judged else "unjudged"

    @property
    def words(self) -> Text:
        if not self.judged:
            return say("not judged")
        if self.of == 1:
            return say("holds") if self.always else say("does not hold")
        if self.always:
            return say("holds in {holds} of {of} seeds", holds=self.holds, of=self.of)
        if self.holds:
            return say("holds in only {holds} of {of} seeds", holds=self.holds, of=self.of)
        return say("holds in none of {of} seeds", of=self.of)


@dataclass(frozen=True)
class JudgedClaim:
    """What the chapter says, and what was measured.

    Attributes:
        seen: (backend, seed, whether it holds, what was measured).
        ours: whether the chapter says nothing of it.
    """

    name: str
    text: Text
    verdicts: list[Verdict]
    seen: list[tuple[str, int, bool, Text]]
    ours: bool = False

    @property
    def judged(self) -> bool:
        """Whether the settings were the chapter's."""
        return all(verdict.judged for verdict in self.verdicts)

    @property
    def why(self) -> Text | None:
        """Why it does not hold, where that is known."""
        return None if self.holds or not self.judged else REASONS.get(str(self.text))

    @property
    def holds(self) -> bool:
        """In every seed, whoever computed it."""
        return all(verdict.always for verdict in self.verdicts)


@dataclass(frozen=True)
class Section:
    """One experiment on the page.

    Attributes:
        trouble: why there is no figure, or nothing.
        parting: from where on scratch and torch are visibly apart, and why.
        notes: what else is to be known about the numbers.
    """

    name: str
    number: str
    title: Text
    item: Item
    trouble: Text | None = None
    command: str = ""
    parting: Text | None = None
    notes: list[Text] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    settings: list[tuple[str, str]] = field(default_factory=list)
    claims: list[JudgedClaim] = field(default_factory=list)

    @property
    def why(self) -> Text | None:
        """What makes the figure look as it does."""
        return WHY.get(self.name) if self.charts else None

    @property
    def rules(self) -> list[Rule]:
        """Those behind the figure."""
        return RULES.get(self.name, []) if self.charts else []


def sections(found: Results) -> list[Section]:
    """A section for each experiment, and one for the sweep behind section 6.1.8."""
    parts = []
    for name, item in found.experiments.items():
        parts.append(_section(name, item))
        if name == "optimizer-comparison":
            parts.append(_sweep(found.sweep))
    return parts


def overview(found: list[Section]) -> tuple[Text | None, list[tuple[Section, JudgedClaim]]]:
    """How many claims hold, and those that do not."""
    claims = [(part, claim) for part in found for claim in part.claims if claim.judged]
    failing = [(section, claim) for section, claim in claims if not claim.holds]
    if not claims:
        return None, []
    held = len(claims) - len(failing)
    if not failing:
        return say("All {count} claims hold in every seed.", count=held), []
    shown = say(
        "{held} of {count} claims hold in every seed. These do not:", held=held, count=len(claims)
    )
    return shown, failing


def trouble_of(item: Item) -> Text | None:
    """Why there is nothing to show of it."""
    if isinstance(item, Missing):
        return say("There is no result of {name} yet. This makes it:", name=item.name)
    if isinstance(item, Unreadable):
        return say(
            "The result of {name} is unreadable: {why}. This makes it anew:",
            name=item.name,
            why=item.why,
        )
    return None


def _section(name: str, item: Finished | Missing | Unreadable) -> Section:
    experiment = experiments.load(name)
    section = Section(name, experiment.section, experiment.title, item)
    if not isinstance(item, Finished):
        return replace(section, trouble=trouble_of(item), command=item.command)
    settings = item.info["settings"]
    section = replace(section, settings=flat(settings), claims=_claims(item), notes=_notes(item))
    section = replace(section, parting=_parting(item))
    try:
        figure = experiment.figure(item.by_backend, results.settings(experiment, settings))
    except MissingCurve as missing:
        trouble = say(
            "Its numbers lack what the figure needs, {metric} of {run}. This makes it anew:",
            metric=missing.metric,
            run=missing.run,
        )
        return replace(section, trouble=trouble, command=f"lockstep run {name} --force")
    names = ("-".join(filter(None, (name, chart.name))) for chart in figure.charts)
    charts = [replace(c, name=unique) for c, unique in zip(figure.charts, names, strict=True)]
    return replace(section, charts=charts)


def _notes(result: Finished) -> list[Text]:
    info, notes = result.info, []
    if info["quick"]:
        notes.append(say("Quick settings: smaller than the chapter's, for a first look."))
    if (dataset := info.get("dataset")) and dataset["name"] != "mnist":
        notes.append(say("Not MNIST: these images are {name}.", name=dataset["name"]))
    if len(info["seeds"]) > 1 and _differ(result):
        notes.append(
            say(
                "Lines are means over {count} seeds, bands go from the lowest to the highest seed.",
                count=len(info["seeds"]),
            )
        )
    lost = {
        (run, backend): say("{run} ({backend})", run=named(run), backend=backend)
        for backend, measurements in result.by_backend.items()
        for (run, _), curve in measurements.curves.items()
        if curve.values.size and not np.isfinite(curve.values[:, -1]).all()
    }
    if lost:
        runs = joined(list(lost.values()), ", ")
        notes.append(say("Diverges in some seed: {runs}.", runs=runs))
    return notes


#: What a reader sees at a glance: so far apart, of the larger of both.
VISIBLE = 0.05


def _parting(result: Finished) -> Text | None:
    """Where scratch and torch part visibly: the runs, and from which x on."""
    if len(result.by_backend) < 2:
        return None
    found: dict[str, float] = {}
    ours, theirs = (measurements.curves for measurements in result.by_backend.values())
    for (run, metric), curve in ours.items():
        if (run, metric) not in theirs:
            continue
        a, b = mean(curve), mean(theirs[run, metric])
        apart = np.abs(a - b) > VISIBLE * np.maximum(np.abs(a), np.abs(b))
        if curve.x.size > 1 and apart.any():
            found[run] = min(found.get(run, np.inf), float(curve.x[apart.argmax()]))
    if not found:
        return None
    runs = [say("{run} (from {x} on)", run=named(run), x=number(x)) for run, x in found.items()]
    return say(
        "Here scratch and torch are more than 5 % apart somewhere: {runs}. Both take the same "
        "steps, but round differently in float32, and where training is unstable it makes any "
        "difference, however small, grow until two runs of one seed are two different runs.",
        runs=joined(runs, ", "),
    )


def _differ(result: Finished) -> bool:
    """Whether the seeds do."""
    return any(
        not np.array_equal(curve.values, np.broadcast_to(curve.values[0], curve.values.shape))
        for measurements in result.by_backend.values()
        for curve in measurements.curves.values()
    )


def flat(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings as names and values, as they stand in the file."""
    return [(str(key), json.dumps(value, ensure_ascii=False)) for key, value in settings.items()]


def _claims(result: Finished) -> list[JudgedClaim]:
    info = result.info
    by_backend = {backend: info["claims"].get(backend) or [] for backend in info["backends"]}
    texts = info.get("texts") or {}
    found = []
    for index, first in enumerate(next(iter(by_backend.values()))):
        judged = {backend: claims[index] for backend, claims in by_backend.items()}
        found.append(
            JudgedClaim(
                f"{result.name}-claim-{index + 1}",
                Text(first["text"]),
                [
                    Verdict(name, claim["holds"], claim["of"], not info["quick"])
                    for name, claim in judged.items()
                ],
                [
                    (backend, seen["seed"], seen["holds"], restored(seen["measured"], texts))
                    for backend, claim in judged.items()
                    for seen in claim["seeds"]
                ],
                bool(first.get("ours")),
            )
        )
    return found


def _sweep(item: Document | Missing | Unreadable) -> Section:
    title = say("Which learning rate: the best one for each optimizer and architecture")
    if not isinstance(item, Document):
        return Section("sweep", "6.1.8", title, item, trouble_of(item), item.command)
    content = item.info
    charts = [_best_rates(content["summary"])]
    note = say("{count} trainings.", count=f"{content['runs']:,}")
    settings = flat(content["settings"])
    return Section("sweep", "6.1.8", title, item, notes=[note], charts=charts, settings=settings)


def _best_rates(summary: Mapping[str, Mapping[str, Any]]) -> Chart:
    """For each optimizer the best rate of every architecture, and those nearly as good."""
    backend, found = next(iter(summary.items()))
    palette = colors([label(name) for name in found])
    points = [_points(label(name), palette[label(name)], of) for name, of in found.items()]
    header = (
        say("optimizer"),
        say("best rate over all architectures"),
        say("within 10 % of it"),
        say("loss there"),
        say("best rates by architecture"),
        say("diverged"),
    )
    lowest = min(found, key=lambda name: found[name]["best"]["loss"])
    finding = say(
        "Over all architectures the lowest loss is {optimizer}'s, {loss} at a learning rate of "
        "{lr}. The bars show the rates that are within 10 % of the best.",
        optimizer=label(lowest),
        loss=number(found[lowest]["best"]["loss"]),
        lr=number(found[lowest]["best"]["lr"]),
    )
    x, y = Axis(say("best learning rate"), log=True), Axis(say("lowest loss"), log=True)
    return Chart(
        "sweep-best",
        say("The best learning rates, a point for each architecture ({backend})", backend=backend),
        finding,
        Table(header, [_row(label(name), of) for name, of in found.items()]),
        [Panel(x, y, points)],
    )


def _learning(of: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The best rate of each architecture that learns at all."""
    return {name: best for name, best in of["by_architecture"].items() if best["learns"]}


def _points(name: str, color: int, of: Mapping[str, Any]) -> Points:
    each = _learning(of)
    x, y, low, high = ([b[k] for b in each.values()] for k in ("lr", "loss", "low", "high"))
    return Points(name, color, x, y, texts=list(each), spread=(low, high))


def _row(name: str, of: Mapping[str, Any]) -> tuple[str, ...]:
    best, rates = of["best"], [b["lr"] for b in _learning(of).values()]
    return (
        named(name),
        number(best["lr"]) if best["learns"] else "–",
        f"{number(best['low'])}–{number(best['high'])}" if best["learns"] else "–",
        number(best["loss"]),
        f"{number(min(rates))}–{number(max(rates))}" if rates else "–",
        f"{of['diverged']} / {of['runs']}",
    )
