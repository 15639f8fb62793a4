"""Many runs: as one stack, against one after another."""

from collections.abc import Iterator
from functools import partial

from experiments.bench.goals import STACKED
from experiments.bench.section import Bench, Row, Section, ratio_row
from experiments.bench.training import scratch_step, twin_step


def measure(bench: Bench) -> Iterator[Row]:
    """A step of a stack of K, against K steps of a single network, on both sides.

    The single network is one and the same: trained one after another, each has the cache to itself.
    """
    sides = {"scratch": scratch_step, "torch_ref": partial(twin_step, device=bench.device)}
    for side, step in sides.items():
        names = {runs: f"{side}, K = {runs}" for runs in bench.scale.stacks}
        calls = {names[runs]: step(bench.scale, runs=runs) for runs in names}
        timings = bench.timer.compare({"alone": step(bench.scale), **calls})
        for runs, name in names.items():
            goal = STACKED.get(runs) if side == "scratch" or bench.on_cpu else None
            yield ratio_row(timings, name, "alone", "one after another", times=runs, goal=goal)


SECTION = Section("K runs as one stack against one after another, a training step", measure)
