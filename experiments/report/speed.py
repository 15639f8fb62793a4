"""The last benchmark, as ratios: ours ÷ torch's, less than 1 is faster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.report.chapter import trouble_of
from experiments.report.charts import Axis, Chart, Panel, Table, Trace, pack
from experiments.report.results import Document, Item
from experiments.report.texts import Text, known, number, say

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
    """A row for each of ours; in it a point with its quartiles for each of the others."""
    whats = list(dict.fromkeys(row["what"] for row in rows))
    groups = list(dict.fromkeys(row["against"] for row in rows))
    single = f" ÷ {groups[0]}" if len(groups) == 1 else ""
    ratio = Axis("ours ÷ the other's", log=True, ticks=TICKS)
    panel = Panel(ratio, Axis(), rows=[what + single for what in whats])
    panel.traces.append(_even(len(whats)))
    for group, against in enumerate(groups):
        own = [row for row in rows if row["against"] == against]
        panel.traces += _points(own, [whats.index(row["what"]) for row in own], against, group)
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
    table = Table(header, [(f"{row['what']} ÷ {row['against']}", *_cells(row)) for row in rows])
    name, title = f"speed-{part['name']}", known(part["title"])
    height = 38 * len(whats) + 20
    return Chart(name, title, finding, table, [panel], groups, columns=1, height=height)


def _even(rows: int) -> Trace:
    """The line where both take as long."""
    line = {"color": "@muted", "width": 2}
    shared = {"type": "scatter", "mode": "lines", "name": "", "hoverinfo": "skip"}
    return shared | {"x": [1, 1], "y": [-0.7, rows - 0.5], "line": line}


def _points(rows: list[Mapping[str, Any]], at: list[int], name: str, group: int) -> list[Trace]:
    values = [row["value"] for row in rows]
    shared = {"type": "scatter", "mode": "markers", "group": group}
    ratios = {
        "name": name,
        "x": pack([v["median"] for v in values]),
        "y": at,
        "marker": {"color": f"@{group}", "size": 10, "symbol": group},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": pack([v["high"] - v["median"] for v in values]),
            "arrayminus": pack([v["median"] - v["low"] for v in values]),
            "color": f"@{group}",
            "thickness": 1.5,
        },
    }
    goals = {
        "name": "goal",
        "x": [row["goal"] for row in rows if row.get("goal")],
        "y": [y for y, row in zip(at, rows, strict=True) if row.get("goal")],
        "marker": {
            "symbol": "line-ns-open",
            "size": 16,
            "color": f"@{group}",
            "line": {"width": 3},
        },
    }
    return [shared | ratios, shared | goals]


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
