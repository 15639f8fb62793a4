"""The last benchmark, as ratios: ours ÷ torch's, less than 1 is faster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.report.chapter import trouble_of
from experiments.report.charts import Axis, Chart, Panel, Table, pack
from experiments.report.results import Document, Item
from experiments.report.texts import Text, known, number, say


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
    for part in item.content["sections"]:
        rows = [row for row in part["rows"] if row.get("value")]
        ratios = [row for row in rows if row["unit"] == "×" and row["value"]["median"] > 0]
        if ratios:
            charts.append(_chart(part, ratios))
        if others := [row for row in rows if row["unit"] != "×"]:
            tables.append((known(part["title"]), _others(others)))
    rows = [row for part in item.content["sections"] for row in part["rows"]]
    reached = [row["reached"] for row in rows if isinstance(row.get("reached"), bool)]
    goals = say("{reached} of {count} goals are reached.", reached=sum(reached), count=len(reached))
    quick = item.content["options"].get("quick") is True
    return Speed(item, None, goals if reached else None, charts, tables, quick)


def _chart(part: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> Chart:
    """A point with its quartiles for each ratio, and the goals."""
    labels = [f"{row['what']} ÷ {row['against']}" for row in rows]
    at = list(range(len(rows)))
    values = [row["value"] for row in rows]
    medians = [v["median"] for v in values]
    panel = Panel(Axis("ours ÷ torch's (quartiles)", log=True), Axis(), rows=labels)
    point = {"type": "scatter", "mode": "markers", "group": None, "side": None, "choice": None}
    panel.traces.append(
        point
        | {
            "name": "ratio",
            "x": pack(medians),
            "y": at,
            "marker": {"color": "@0", "size": 10},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": pack([v["high"] - v["median"] for v in values]),
                "arrayminus": pack([v["median"] - v["low"] for v in values]),
                "color": "@0",
            },
        }
    )
    goals = [(row["goal"], i) for i, row in enumerate(rows) if row.get("goal")]
    if goals:
        xs, ys = zip(*goals, strict=True)
        marker = {"symbol": "line-ns-open", "size": 16, "color": "@1", "line": {"width": 2}}
        panel.traces.append(
            point | {"name": "goal", "x": list(xs), "y": list(ys), "marker": marker}
        )
    faster = sum(m < 1 for m in medians)
    finding = say(
        "{faster} of {count} are faster than what they are compared with; the best ratio is "
        "{best}, the worst {worst}.",
        faster=faster,
        count=len(rows),
        best=number(min(medians)),
        worst=number(max(medians)),
    )
    header = (say("what ÷ against"), say("ratio"), say("quartiles"), say("goal"))
    table = Table(header, [(name, *_cells(row)) for name, row in zip(labels, rows, strict=True)])
    name = f"speed-{part['name']}"
    title = known(part["title"])
    return Chart(name, title, finding, table, [panel], columns=1, height=34 * len(rows) + 70)


def _cells(row: Mapping[str, Any]) -> tuple[str | Text, ...]:
    value, goal = row["value"], row.get("goal")
    spread = f"{number(value['low'])}–{number(value['high'])}"
    if goal is None:
        return number(value["median"]), spread, ""
    template = "≤ {goal}: ✓ reached" if value["median"] <= goal else "≤ {goal}: ✗ not reached"
    return number(value["median"]), spread, say(template, goal=number(goal))


def _others(rows: list[Mapping[str, Any]]) -> Table:
    header = (say("what"), say("of"), say("value"), say("quartiles"), say("goal"))
    shown = []
    for row in rows:
        median, spread, goal = _cells(row)
        value = f"{median} {row['unit']}"
        shown.append((known(row["what"]), known(row["against"]), value, spread, goal))
    return Table(header, shown)
