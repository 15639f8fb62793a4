"""How long it takes until something is imported, or says how it is used."""

from collections.abc import Iterator
from functools import partial

from experiments.bench.goals import HELP
from experiments.bench.processes import run_python
from experiments.bench.section import Bench, Comparison
from experiments.engine.texts import say

TITLE = say("Starting, from the start of Python")
_HELP = "lockstep --help"


def measure(bench: Bench) -> Iterator[Comparison]:
    """Each in a process of its own, Python's own start included."""
    commands = {"python -c pass": ("-c", "pass"), _HELP: ("-m", "experiments", "--help")}
    commands |= {f"import {name}": ("-c", f"import {name}") for name in bench.scale.imports}
    timings = bench.timer.compare({k: partial(run_python, *v) for k, v in commands.items()})
    for name in commands:
        goal = HELP if name == _HELP else None
        yield Comparison(name, say("seconds"), timings.of(name), "s", goal=goal)
