"""Section 6.1.8: the optimizers on MNIST."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from experiments.engine.experiment import Claim, Context, Experiment, Seed, label
from experiments.engine.figures import ByBackend, Figure, curves, subject
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, say
from experiments.engine.verdicts import final_loss, listed

ADAPTIVE = ("Momentum", "AdaGrad", "Adam")


def _optimizers() -> dict[str, dict[str, Any]]:
    """The chapter's four with its learning rates, and RMSProp."""
    return {
        "SGD": {"lr": 0.01},
        "Momentum": {"lr": 0.01},
        "AdaGrad": {"lr": 0.01},
        "chapter.Adam": {"lr": 0.001},
        "RMSProp": {"lr": 0.001},
    }


@dataclass(frozen=True)
class Settings:
    """The chapter's network and training."""

    hidden: tuple[int, ...] = (100, 100, 100, 100)
    init: str = "he"
    batch_size: int = 128
    iterations: int = 2000
    evaluate_every: int = 200
    optimizers: dict[str, dict[str, Any]] = field(default_factory=_optimizers)


def measure(context: Context) -> Measurements:
    """The loss of every batch, and the accuracy on the test images as training goes on."""
    settings, data, measurements = context.settings, context.data, Measurements()
    for name, options in settings.optimizers.items():
        net = context.backend.network(
            784, settings.hidden, len(data.classes), init=settings.init, seed=list(context.seeds)
        )
        history = context.fit(
            net,
            context.backend.optimizer(name, **options),
            data.train_images,
            data.train_labels,
            iterations=settings.iterations,
            batch_size=settings.batch_size,
            evaluate=(data.test_images, data.test_labels),
            every=settings.evaluate_every,
            runs=[label(name)],
            progress=context.progress(label(name), settings.iterations),
        )
        measurements.add(label(name), "loss", np.arange(settings.iterations), history.loss)
        measurements.add(label(name), "test accuracy", history.evaluated, history.accuracy)
    return measurements


def sgd_is_slowest(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in ("SGD", *ADAPTIVE)}
    return max(losses, key=losses.get) == "SGD", listed(losses)


def others_are_alike(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in ("SGD", *ADAPTIVE)}
    others = [losses[run] for run in ADAPTIVE]
    return max(others) / min(others) < losses["SGD"] / max(others), listed(losses)


def adagrad_leads(seed: Seed) -> tuple[bool, Text]:
    means = {run: float(seed[run, "loss"].mean()) for run in ADAPTIVE}
    return min(means, key=means.get) == "AdaGrad", listed(means)


def others_end_higher(seed: Seed) -> tuple[bool, Text]:
    final = {run: float(seed[run, "test accuracy"][-1]) for run in ("SGD", *ADAPTIVE)}
    return min(final[run] for run in ADAPTIVE) > final["SGD"], listed(final)


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """Loss and test accuracy over iterations."""
    # As in the chapter's figure: before the first step it is a tenth, and that is not the question.
    accuracy = curves(by_backend, "test accuracy", range=(0.8, 1))
    return Figure(
        f"{subject(by_backend)}, 784–{'–'.join(map(str, settings.hidden))}–10, ReLU, batches of "
        f"{settings.batch_size}: the optimizers",
        [curves(by_backend, "loss", smooth=True, log=True), accuracy],
    )


EXPERIMENT = Experiment(
    name="optimizer-comparison",
    section="6.1.8",
    title=say("the optimizers on MNIST: who learns fastest"),
    settings=Settings(),
    quick=replace(Settings(), iterations=200, evaluate_every=50),
    measure=measure,
    figure=figure,
    claims=(
        Claim("SGD learns most slowly: its loss is the highest in the end", sgd_is_slowest),
        Claim(
            "the other three learn alike: they differ by a smaller factor than the slowest of "
            "them from SGD",
            others_are_alike,
        ),
        Claim(
            "AdaGrad is a little faster than the other two: its mean loss is the lowest",
            adagrad_leads,
        ),
        Claim("the other three end at a higher test accuracy than SGD", others_end_higher),
    ),
    needs_data=True,
    stack=lambda s: Stack.of(784, s.hidden, s.batch_size, steps=len(s.optimizers) * s.iterations),
)
