"""Section 6.2.4: the initializers on MNIST."""

import math
from dataclasses import dataclass, replace

import numpy as np

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure, Rule, curves, subject
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, say
from experiments.engine.verdicts import final_loss, listed

RUNS = {say("std 0.01"): 0.01, "Xavier": "xavier", "He": "he"}


@dataclass(frozen=True)
class Settings:
    """The network and the training of section 6.1.8, with SGD."""

    hidden: tuple[int, ...] = (100, 100, 100, 100)
    lr: float = 0.01
    batch_size: int = 128
    iterations: int = 2000


def measure(context: Context) -> Measurements:
    """The loss of every batch; all initializers and seeds train as one stack."""
    settings, data, measurements = context.settings, context.data, Measurements()
    seeds, inits = context.stacked(list(RUNS.values()))
    net = context.backend.network(784, settings.hidden, len(data.classes), init=inits, seed=seeds)
    history = context.fit(
        net,
        context.backend.optimizer("SGD", lr=settings.lr),
        data.train_images,
        data.train_labels,
        iterations=settings.iterations,
        batch_size=settings.batch_size,
        runs=list(RUNS),
        progress=context.progress("all initializers", settings.iterations),
    )
    for run, losses in zip(RUNS, np.split(history.loss, len(RUNS)), strict=True):
        measurements.add(run, "loss", np.arange(settings.iterations), losses)
    return measurements


def small_std_learns_nothing(seed: Seed) -> tuple[bool, Text]:
    loss = final_loss(seed, "std 0.01")
    return abs(loss / math.log(10) - 1) < 0.01, say(
        "loss {loss}, ln 10 = {guessing}", loss=f"{loss:.4f}", guessing=f"{math.log(10):.4f}"
    )


def xavier_and_he_learn(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in ("Xavier", "He")}
    return max(losses.values()) < 1, say("loss in the end: {losses}", losses=listed(losses))


def he_is_faster(seed: Seed) -> tuple[bool, Text]:
    means = {run: float(seed[run, "loss"].mean()) for run in ("Xavier", "He")}
    return means["He"] < means["Xavier"], say("mean loss: {losses}", losses=listed(means))


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """The loss over iterations."""
    guessing = Rule(y=math.log(10), text=say("ln 10: guessing"))
    return Figure(
        f"{subject(by_backend)}, 784–{'–'.join(map(str, settings.hidden))}–10, ReLU, "
        f"SGD {settings.lr:g}: where the weights start",
        [curves(by_backend, "loss", smooth=True, range=(0, 2.7), marks=[guessing])],
    )


EXPERIMENT = Experiment(
    name="init-comparison",
    section="6.2.4",
    title=say("the initializers on MNIST: whether it learns at all"),
    settings=Settings(),
    quick=replace(Settings(), iterations=300),
    measure=measure,
    figure=figure,
    claims=(
        Claim(
            "with std 0.01 nothing is learned: the loss ends within 1 % of ln 10",
            small_std_learns_nothing,
        ),
        Claim("with Xavier and He it learns: the loss ends below 1", xavier_and_he_learn),
        Claim("with He it learns faster: its mean loss is lower", he_is_faster),
    ),
    needs_data=True,
    stack=lambda s: Stack.of(784, s.hidden, s.batch_size, steps=s.iterations, runs=len(RUNS)),
)
