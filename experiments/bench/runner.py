"""Measuring the sections, one after another."""

import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from rich.console import Console

from experiments import bench
from experiments.bench import machine
from experiments.bench.report import Benchmark, Measured, print_goals, print_machine, print_section
from experiments.bench.scale import FULL, QUICK
from experiments.bench.section import Bench, create
from experiments.engine.memory import cores
from experiments.engine.threads import limited


def run(names: Sequence[str], device: torch.device, quick: bool, console: Console) -> Benchmark:
    """Measure the sections called ``names``, and print each when it is done."""
    scale = QUICK if quick else FULL
    options = {"device": str(device), "quick": quick, "sections": list(names)}
    report = Benchmark(machine.describe(device), options)
    print_machine(console, report.machine)
    for name in names:
        console.print(f"[bold]{bench.load(name).TITLE}[/]  [dim]{name}[/]")
        report.sections.append(measured(name, create(device, scale)))
        print_section(console, report.sections[-1])
    report.machine["load after"] = machine.load()
    print_goals(console, report)
    console.print(f"[dim]load after:[/] {report.machine['load after']}")
    return report


def measured(name: str, given: Bench, most: int | None = None) -> Measured:
    """The rows of a section. What it raises is kept beside the rows that were there before.

    Args:
        most: threads of each library, where the section is measured with more than one;
            ``None`` for one on each core that this process may use.
    """
    section = bench.load(name)
    result, start = Measured(name, section.TITLE), time.perf_counter()
    counts = {1, most or cores()} if getattr(section, "THREADED", False) else {1}
    try:
        for threads in sorted(counts):
            with limited(threads):
                rows = section.measure(replace(given, threads=threads))
                result.rows.extend(row.by(threads) for row in rows)
    except Exception as error:  # the other sections are not to be lost by it
        result.failed = f"{type(error).__name__}: {error}"
    result.seconds = time.perf_counter() - start
    return result
