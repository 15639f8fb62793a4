"""How long a run of the scratch backend takes, and the most memory that it has at once."""

import time
from collections.abc import Iterator

from experiments.bench.goals import PEAK_MEMORY, RUN_ALL
from experiments.bench.processes import peak_of_lockstep
from experiments.bench.section import Bench, Comparison, reason
from experiments.bench.timing import Spread
from experiments.engine.texts import say

TITLE = say("A run of the scratch backend: time and peak memory")


def measure(bench: Bench) -> Iterator[Comparison]:
    """In a process of its own, once."""
    what = f"lockstep {' '.join(bench.scale.experiment)}"
    start = time.perf_counter()
    try:
        peak = Spread.of([peak_of_lockstep(*bench.scale.experiment) / 1e6])
    except RuntimeError as error:
        yield Comparison(what, say("peak"), None, "MB", skipped=reason(error))
    else:
        seconds = Spread.of([time.perf_counter() - start])
        yield Comparison(what, say("takes"), seconds, "s", goal=RUN_ALL)
        yield Comparison(what, say("peak"), peak, "MB", goal=PEAK_MEMORY)
