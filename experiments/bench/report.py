"""What was measured: as tables, and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.bench.section import Comparison
from experiments.engine import output
from experiments.engine.terminal import escape
from experiments.engine.texts import parts

_FORMATS = {"×": ".2f", "%": ".1f", "s": ".2f", "MB": ".0f", "GFLOP/s": ".0f"}


@dataclass
class Measured:
    """A section's rows.

    Attributes:
        failed: what went wrong after the last of the rows.
    """

    name: str
    title: str
    rows: list[Comparison] = field(default_factory=list)
    seconds: float = 0.0
    failed: str = ""


@dataclass
class Benchmark:
    """All that was measured, and on what."""

    machine: dict[str, Any]
    options: dict[str, Any]
    sections: list[Measured] = field(default_factory=list)

    @property
    def rows(self) -> list[Comparison]:
        """Those of all sections."""
        return [row for section in self.sections for row in section.rows]

    def spread(self) -> dict[str, Any]:
        """How wide the ratios' spreads are: between the quartiles, as a part of the median."""
        ratios = [row for row in self.rows if row.unit == "×" and row.value]
        if not ratios:
            return {}
        widest = max(ratios, key=lambda row: row.value.width)
        return {
            "typical": float(np.median([row.value.width for row in ratios])),
            "widest": widest.value.width,
            "widest of": f"{widest.what}, {widest.against}",
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        sections = [
            vars(section) | {"rows": [row.as_dict() for row in section.rows]}
            for section in self.sections
        ]
        about = {"machine": self.machine, "options": self.options, "spread": self.spread()}
        return about | {"sections": sections, "texts": parts(sections)}

    def write(self, path: Path) -> None:
        """As JSON, whole or not at all.

        Raises:
            LockstepError: it cannot be written.
        """
        output.write_json(path, self.as_dict(), indent=1)


def print_machine(console: Console, machine: Mapping[str, Any]) -> None:
    """One line for each thing that is known of it."""
    for name, value in machine.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {each}" for key, each in value.items()) or "none set"
        console.print(f"[dim]{escape(name)}:[/] {escape(str(value))}", soft_wrap=True)
    console.print()


def print_section(console: Console, section: Measured) -> None:
    """A table with a line for each thing measured, and a column for what it is against."""
    timed = ["takes"] if any(row.seconds for row in section.rows) else []
    columns = list(dict.fromkeys(row.against for row in section.rows))
    lines: dict[str, dict[str, Comparison]] = {}
    for row in section.rows:
        lines.setdefault(row.what, {})[row.against] = row
    table = Table(box=None)
    table.add_column("", no_wrap=True)
    for name in timed:
        table.add_column(name, justify="right", no_wrap=True)
    for column in columns:
        table.add_column(escape(column), justify="left")
    for what, cells in lines.items():
        first = next(iter(cells.values()))
        times = [duration(first.seconds) if first.seconds else "" for _ in timed]
        shown = [cell(cells[column]) if column in cells else "" for column in columns]
        table.add_row(escape(what), *times, *shown)
    console.print(table)
    if section.failed:
        console.print(f"[bold red]Failed:[/] {escape(section.failed)}")
    console.print()


def print_goals(console: Console, report: Benchmark) -> None:
    """How many goals are reached, those that are not, and how wide the spreads were."""
    rows = [row for row in report.rows if row.reached is not None]
    missed = [row for row in rows if not row.reached]
    if rows:
        console.print(f"[bold]{len(rows) - len(missed)} of {len(rows)} goals reached[/]")
    for row in missed:
        what = f"{escape(row.what)}, {escape(row.against)}"
        console.print(f"  not reached: {what}: {cell(row)}", soft_wrap=True)
    if spread := report.spread():
        typical, widest = (f"{100 * spread[each]:.0f} %" for each in ("typical", "widest"))
        console.print(
            f"The quartiles of a ratio lie {typical} of it apart, typically; at most {widest}: "
            f"{escape(spread['widest of'])}.",
            soft_wrap=True,
        )


def cell(row: Comparison) -> str:
    """A value with its quartiles, and its goal: ``0.42 (0.40–0.45) ≤ 0.5 reached``."""
    if row.value is None:
        return f"[dim]{escape(row.skipped)}[/]"
    quartiles = (row.value.low, row.value.median, row.value.high)
    low, median, high = (format(each, _FORMATS[row.unit]) for each in quartiles)
    shown = f"{median}{row.unit}" if row.unit == "×" else f"{median} {row.unit}"
    if row.value.count > 1:
        shown += f" [dim]({low}–{high})[/]"
    if row.reached is not None:
        verdict = "[green]reached[/]" if row.reached else "[red]not reached[/]"
        shown += f" ≤ {row.goal} {verdict}"
    return shown


def duration(seconds: float) -> str:
    """A time in a unit that fits it.

    >>> duration(0.0000251), duration(0.00134), duration(2.5)
    ('25.1 µs', '1.34 ms', '2.5 s')
    """
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
