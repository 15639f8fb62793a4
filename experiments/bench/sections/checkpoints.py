"""What checkpoints cost: the time to write one, as a share of the time between two."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import scratch.train
import torch_ref.train
from experiments.bench.goals import CHECKPOINTS
from experiments.bench.section import Bench, Comparison
from experiments.bench.timing import Call, Spread
from experiments.engine.checkpoints import EVERY, Checkpoint
from experiments.engine.texts import say
from scratch.callbacks import Callback, Training
from scratch.nn import MultiLayerNet
from scratch.optim import Adam

TITLE = say("Checkpoints")
ITERATIONS = 2000
RUNS = (1, 32)


def measure(bench: Bench) -> Iterator[Comparison]:
    """Of the chapter's network with Adam, one and a stack, on both sides."""
    sizes = bench.scale.network
    by_torch = partial(torch_ref.nn.MultiLayerNet, device=bench.device)
    sides = {
        "scratch": (scratch.train.fit, MultiLayerNet, Adam),
        "torch_ref": (torch_ref.train.fit, by_torch, torch_ref.optim.Adam),
    }
    with tempfile.TemporaryDirectory() as folder:
        calls: dict[str, Call] = {}
        for runs, (side, (fit, network, adam)) in product(RUNS, sides.items()):
            net = network(*sizes, seed=list(range(runs)))
            training = begun(partial(fit, net, adam(), batch_size=bench.scale.batch), sizes[0])
            path = Path(folder) / "unit" / f"{side}-{runs}.safetensors"
            checkpoint = Checkpoint(path, "bench", "the benchmark", every=0.0)
            checkpoint.begin(training)
            calls[f"{side}, K = {runs}"] = partial(checkpoint.after_step, training)
        timings = bench.timer.compare(calls)
    for name, seconds in timings.seconds.items():
        share = Spread.of(100 * seconds / EVERY)
        median = timings.of(name).median
        against = say("of a run, one every {seconds} s", seconds=f"{EVERY:g}")
        yield Comparison(name, against, share, "%", seconds=median, goal=CHECKPOINTS)


class FirstStep(Callback):
    """Leaves a training after its first step."""

    def after_step(self, training: Training) -> None:
        self.training = training
        raise InterruptedError


def begun(fit: Callable[..., Any], inputs: int) -> Training:
    """A training after its first step."""
    images, first = np.zeros((100, inputs), np.uint8), FirstStep()
    with suppress(InterruptedError):
        fit(images=images, labels=images[:, 0], iterations=ITERATIONS, callbacks=[first])
    return first.training
