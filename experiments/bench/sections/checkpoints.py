"""What checkpoints cost: the time to write one, as a share of the time between two."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

import scratch.train
import torch_ref.train
from experiments.bench.goals import CHECKPOINTS
from experiments.bench.scale import Scale
from experiments.bench.section import Bench, Row
from experiments.bench.timing import Call, Spread
from experiments.engine.checkpoints import EVERY, Checkpoints
from experiments.texts import say
from scratch.keeper import Held
from scratch.nn import MultiLayerNet
from scratch.optim import Adam
from torch_ref import held
from torch_ref.optim import by_name

TITLE = say("Checkpoints")
ITERATIONS = 2000
RUNS = (1, 32)


def measure(bench: Bench) -> Iterator[Row]:
    """Of the chapter's network with Adam, one and a stack, on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), "bench", "the benchmark", every=0.0)
        calls: dict[str, Call] = {}
        for runs in RUNS:
            seeds = list(range(runs))
            calls[f"scratch, K = {runs}"] = by_hand(bench.scale, seeds, checkpoints).pause
            twin = by_torch(bench.scale, seeds, bench.device, checkpoints)
            calls[f"torch_ref, K = {runs}"] = twin.pause
        timings = bench.timer.compare(calls)
    for name, seconds in timings.seconds.items():
        share = Spread.of(100 * seconds / EVERY)
        median = timings.of(name).median
        against = say("of a run, one every {seconds} s", seconds=f"{EVERY:g}")
        yield Row(name, against, share, "%", seconds=median, goal=CHECKPOINTS)


def by_hand(scale: Scale, seeds: list[int], checkpoints: Checkpoints) -> Held:
    """A training by hand after its first step, which is kept at every pause."""
    net, adam = MultiLayerNet(*scale.network, seed=seeds), Adam()
    adam.update(net.params, {name: 0 * w for name, w in net.params.items()})
    record = scratch.train.Record.empty(len(seeds), ITERATIONS)
    return Held(checkpoints.next(), ITERATIONS, network=net, optimizer=adam, record=record)


def by_torch(
    scale: Scale, seeds: list[int], device: torch.device, checkpoints: Checkpoints
) -> Held:
    """The same through torch."""
    net = torch_ref.nn.MultiLayerNet(*scale.network, seed=seeds, device=device)
    adam = by_name("Adam")
    adam.update(net.params, {name: torch.zeros_like(w) for name, w in net.params.items()})
    return Held(
        checkpoints.next(),
        ITERATIONS,
        network=held.Network(net),
        optimizer=held.Optimizer(adam),
        draws=held.Draws(net, 60_000, scale.batch, ITERATIONS),
        record=torch_ref.train.Record(net, ITERATIONS),
    )
