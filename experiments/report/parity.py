"""The twins, how far apart they are, how the distance grows, and where the conventions differ."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.engine.experiment import label
from experiments.engine.figures import Axis, Chart, Line, Panel, Points, Table
from experiments.engine.texts import Text, named, number, say
from experiments.report.chapter import trouble_of
from experiments.report.results import Document, Item
from torch_ref.conventions import CONVENTIONS, Convention

TABLES = (say("optimizers"), say("schedules"), say("initializers"), say("layers"))
#: A distance in ULP says nothing where a rule is not followed to rounding: bfloat16, line searches.
TELLING = 1e6


@dataclass(frozen=True)
class TwinRow:
    """A row of the matrix: what is beside what, and for each dtype (ULP, relative, its shade)."""

    name: str
    torch: str
    note: Text
    cells: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Parity:
    """The section.

    Attributes:
        twins: by table.
        dots: all of them in one picture.
        differences: each convention, how far apart both come by it, and what is left of that.
    """

    item: Item
    trouble: Text | None = None
    finding: Text | None = None
    twins: dict[str, list[TwinRow]] = field(default_factory=dict)
    dots: Chart | None = None
    charts: list[Chart] = field(default_factory=list)
    differences: list[tuple[Convention, str, str]] = field(default_factory=list)


def section(item: Item) -> Parity:
    """What was measured; the conventions are told without it, too."""
    if not isinstance(item, Document):
        bare = [(convention, "", "") for convention in CONVENTIONS]
        return Parity(item, trouble_of(item), differences=bare)
    content = item.info
    twins: dict[str, list[TwinRow]] = {}
    for twin in content["twins"]:
        twins.setdefault(twin["table"], []).append(_twin(twin))
    charts = [_drift(content["drift"])] if content["drift"] else []
    numbers = {
        row["name"]: (number(row["apart"]), _power(row["aligned"]))
        for row in content["conventions"]
    }
    differences = [(each, *numbers.get(each.name, ("", ""))) for each in CONVENTIONS]
    dots = _dots(content["twins"])
    return Parity(item, None, _finding(content["twins"]), twins, dots, charts, differences)


def _twin(twin: Mapping[str, Any]) -> TwinRow:
    cells = []
    for dtype in ("float64", "float32"):
        found = twin["distance"].get(dtype)
        if found is None:
            cells.append(("", "", ""))
            continue
        ulp = found["ulp"]
        shade = "equal" if ulp == 0 else "one" if ulp <= 1 else "few" if ulp <= 10 else "more"
        shown = "–" if ulp > TELLING else number(ulp)
        cells.append((shown, _power(found["relative"]), shade))
    return TwinRow(twin["name"], str(twin.get("torch", "")), Text(str(twin.get("note", ""))), cells)


#: Where on a logarithmic axis those stand that are equal bit for bit.
EQUAL = 0.1


def _dots(twins: list[Mapping[str, Any]]) -> Chart:
    """A dot for each twin and dtype, by its distance, in a row for its table."""
    tables = list(dict.fromkeys(twin["table"] for twin in twins))
    dtypes = ("float64", "float32")
    marks = [_row_of_dots(twins, tables, color, dtype) for color, dtype in enumerate(dtypes)]
    x = Axis(say("largest distance in ULP; at 0.1: equal bit for bit"), log=True)
    rows = [Text(table) for table in tables]
    title = say("How far apart the twins are: a dot for each, in both precisions")
    panel = Panel(x, Axis(), marks, rows=rows)
    return Chart("parity-dots", title, _finding(twins), panels=[panel], height=70 * len(rows) + 40)


def _row_of_dots(
    twins: list[Mapping[str, Any]], tables: list[str], color: int, dtype: str
) -> Points:
    """Those of one dtype; what lies at one place in a row stands below each other."""
    x, y, texts, taken = [], [], [], Counter[tuple[str, float]]()
    for twin in twins:
        ulp = twin["distance"].get(dtype, {}).get("ulp", np.inf)
        if ulp > TELLING:
            continue
        place = (twin["table"], round(math.log10(max(ulp, EQUAL)) * 12))
        x.append(max(ulp, EQUAL))
        y.append(tables.index(twin["table"]) + 0.35 * color + 0.03 * (taken[place] % 10))
        texts.append(f"{twin['name']}: {number(ulp)} ULP")
        taken[place] += 1
    return Points(dtype, color, x, y, texts=texts)


def _finding(twins: list[Mapping[str, Any]]) -> Text:
    found = [twin["distance"]["float64"] for twin in twins if "float64" in twin["distance"]]
    telling = [d["ulp"] for d in found if d["ulp"] <= TELLING]
    return say(
        "Of {count} twins {equal} are equal bit for bit in float64; the others come at most {most} "
        "units in the last place apart.",
        count=len(found),
        equal=sum(ulp == 0 for ulp in telling),
        most=number(max(telling, default=0)),
    )


def _drift(drift: list[Mapping[str, Any]]) -> Chart:
    """A panel for each optimizer, a curve for each pair of sides."""
    groups = list(drift[0]["distance"])
    panels, rows = [], []
    x, y = Axis(say("step"), log=True), Axis(say("distance, relative"), log=True)
    for each in drift:
        name, curves = named(label(each["optimizer"])), []
        for color, group in enumerate(groups):
            values = np.array(each["distance"][group], float)
            shown = np.where(values > 0, values, np.nan)[None]
            curves.append(Line(group, color, np.array(each["steps"]), shown, markers=True))
            first, last = (f"{values[i]:.1e}" for i in (0, -1))
            rows.append((say("{run}, {backend}", run=name, backend=group), first, last))
        panels.append(Panel(x, y, curves, name))
    header = (say("optimizer, what is compared"), say("after the first step"), say("in the end"))
    ends = {name: max(each["distance"][name][-1] for each in drift) for name in groups}
    own = max((v for k, v in ends.items() if k.count("scratch") == 2), default=0.0)
    beside = max((v for k, v in ends.items() if k.count("float32") == 2), default=0.0)
    no_farther = say(
        "A training in float32 ends up to {own} away from itself in float64, and {beside} away "
        "from torch's in float32: rounding moves it no farther than the choice of float32 does."
    )
    farther = say(
        "A training in float32 ends up to {own} away from itself in float64, and {beside} away "
        "from torch's in float32."
    )
    template = farther if beside > own else no_farther
    finding = say(template, own=f"{own:.0e}", beside=f"{beside:.0e}")
    title = say("A network on MNIST from one start: how far apart its parameters come")
    return Chart("parity-drift", title, finding, Table(header, rows), panels, columns=2, height=300)


def _power(value: float) -> str:
    """How small a number is.

    >>> _power(2.2e-16), _power(0.0)
    ('2e-16', '0')
    """
    return f"{value:.0e}" if value else "0"
