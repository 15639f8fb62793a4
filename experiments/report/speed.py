"""The last benchmark, as ratios: ours ÷ torch's, less than 1 is faster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.engine.figures import Axis, Chart, Mark, Panel, Points, Rule, Table
from experiments.engine.texts import Text, joined, named, number, restored, say
from experiments.report.chapter import trouble_of
from experiments.report.results import Document, Item

Read = Callable[[str], Text]
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Speed:
    """The section.

    Attributes:
        tables: (title, table) of what is no ratio.
    """

    item: Item
    trouble: Text | None = None
    goals: Text | None = None
    charts: list[Chart] = field(default_factory=list)
    tables: list[tuple[Text, Table]] = field(default_factory=list)
    quick: bool = False


def section(item: Item) -> Speed:
    """What was measured."""
    if not isinstance(item, Document):
        return Speed(item, trouble_of(item))
    charts, tables = [], []
    texts = item.info.get("texts") or {}

    def read(name: str) -> Text:
        """A title or the name of a row, as the benchmark made it."""
        return restored(name, texts) if name in texts else named(name)

    for part in item.info["sections"]:
        rows = [row for row in part["rows"] if row.get("value")]
        ratios = [row for row in rows if row["unit"] == "×" and row["value"]["median"] > 0]
        if ratios:
            charts.append(_chart(part, ratios, read))
        if others := [row for row in rows if row["unit"] != "×"]:
            tables.append((Text(part["title"]), _others(others, read)))
    rows = [row for part in item.info["sections"] for row in part["rows"]]
    reached = [row["reached"] for row in rows if isinstance(row.get("reached"), bool)]
    goals = say("{reached} of {count} goals are reached.", reached=sum(reached), count=len(reached))
    quick = item.info["options"].get("quick") is True
    return Speed(item, None, goals if reached else None, charts, tables, quick)


def _chart(part: Mapping[str, Any], rows: list[Mapping[str, Any]], read: Read) -> Chart:
    """A row for each of ours; in it a point with its quartiles for each of the others."""
    whats = list(dict.fromkeys(row["what"] for row in rows))
    groups = list(dict.fromkeys(row["against"] for row in rows))
    single = [read(groups[0])] if len(groups) == 1 else []
    marks: list[Mark] = [Rule(x=1)]
    for color, against in enumerate(groups):
        own = [row for row in rows if row["against"] == against]
        at = [whats.index(row["what"]) for row in own]
        low, median, high = ([row["value"][k] for row in own] for k in ("low", "median", "high"))
        marks.append(Points(read(against), color, median, at, spread=(low, high)))
        goals = [(row["goal"], y) for y, row in zip(at, own, strict=True) if row.get("goal")]
        if goals:
            marks.append(Points(say("goal"), color, *zip(*goals, strict=True), symbol="goal"))
    medians = [row["value"]["median"] for row in rows]
    finding = say(
        "{faster} of {count} are faster than what they are compared with; the best ratio is "
        "{best}, the worst {worst}.",
        faster=sum(m < 1 for m in medians),
        count=len(rows),
        best=number(min(medians)),
        worst=number(max(medians)),
    )
    header = (say("what ÷ against"), say("ratio"), say("quartiles"), say("goal"))
    cells = [(joined([read(r["what"]), read(r["against"])], " ÷ "), *_cells(r)) for r in rows]
    ratio = Axis(say("ours ÷ the other's"), log=True, ticks=TICKS)
    shown = [joined([read(what), *single], " ÷ ") for what in whats]
    return Chart(
        f"speed-{part['name']}",
        Text(part["title"]),
        finding,
        Table(header, cells),
        [Panel(ratio, Axis(), marks, rows=shown)],
        height=38 * len(whats) + 20,
    )


def _cells(row: Mapping[str, Any]) -> tuple[str | Text, ...]:
    value, goal = row["value"], row.get("goal")
    spread = f"{number(value['low'])}–{number(value['high'])}"
    if goal is None:
        return number(value["median"]), spread, ""
    reached = say("≤ {goal}: ✓ reached"), say("≤ {goal}: ✗ not reached")
    template = reached[value["median"] > goal].template
    return number(value["median"]), spread, say(template, goal=number(goal))


def _others(rows: list[Mapping[str, Any]], read: Read) -> Table:
    header = (say("what"), say("of"), say("value"), say("quartiles"), say("goal"))
    shown = []
    for row in rows:
        median, spread, goal = _cells(row)
        value = f"{median} {row['unit']}"
        shown.append((read(row["what"]), read(row["against"]), value, spread, goal))
    return Table(header, shown)
