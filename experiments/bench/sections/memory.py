"""The most memory that a run of the scratch backend has at once."""

from collections.abc import Iterator

from experiments.bench.goals import PEAK_MEMORY
from experiments.bench.processes import peak_of_lockstep
from experiments.bench.section import Bench, Row, Section, reason
from experiments.bench.timing import Spread


def measure(bench: Bench) -> Iterator[Row]:
    """In a process of its own."""
    what = f"lockstep {' '.join(bench.scale.experiment)}"
    try:
        peak = Spread.of([peak_of_lockstep(*bench.scale.experiment) / 1e6])
    except RuntimeError as error:
        yield Row(what, "peak", None, "MB", skipped=reason(error))
    else:
        yield Row(what, "peak", peak, "MB", goal=PEAK_MEMORY)


SECTION = Section("Peak memory", measure)
