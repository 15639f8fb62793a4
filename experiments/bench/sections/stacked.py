"""Many runs: as one stack, against one after another."""

from collections.abc import Iterator
from functools import partial

from experiments.bench.goals import STACKED
from experiments.bench.section import Bench, Comparison, ratio_row
from experiments.bench.sections.matrix_products import multiplying, shapes
from experiments.bench.training import graph_step, scratch_step, twin_step
from experiments.engine.texts import say
from torch_ref.graph import has_graphs

TITLE = say("K runs as one stack against one after another, a training step")
FLOOR = f"scratch, {say('products alone')}"


def measure(bench: Bench) -> Iterator[Comparison]:
    """A step of a stack of K, against K steps of a single network, on all sides.

    The single network is one and the same: trained one after another, each has the cache to itself.
    The last row is what would be left if a stack's step were nothing but its matrix products.
    """
    sides = {"scratch": scratch_step, "torch_ref": partial(twin_step, device=bench.device)}
    if has_graphs(bench.device):
        sides[f"torch_ref, {say('CUDA graph')}"] = partial(graph_step, device=bench.device)
    for side, step in sides.items():
        names = {runs: f"{side}, K = {runs}" for runs in bench.scale.stacks}
        calls = {names[runs]: step(bench.scale, runs=runs) for runs in names}
        floor = {FLOOR: multiplying(shapes(bench.scale))} if side == "scratch" else {}
        timings = bench.timer.compare({"alone": step(bench.scale), **calls, **floor})
        for runs, name in names.items():
            goal = STACKED.get(runs) if side == "scratch" or bench.on_cpu else None
            yield ratio_row(timings, name, "alone", say("one after another"), times=runs, goal=goal)
        for name in floor:
            yield ratio_row(timings, name, "alone", say("one after another"))
