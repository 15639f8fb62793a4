"""Section 6.3.2: training with and without batch normalization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure, curves, subject
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, number, say

RUNS = {say("without BatchNorm"): False, say("with BatchNorm"): True}


@dataclass(frozen=True)
class Settings:
    """The chapter's: a thousand images, on which it overfits soon, and plain SGD."""

    hidden: tuple[int, ...] = (100, 100, 100, 100, 100)
    images: int = 1000
    batch_size: int = 100
    epochs: int = 20
    lr: float = 0.01
    scales: tuple[float, ...] = (0.1,)


def measure(context: Context) -> Measurements:
    """The accuracy on the training images before the first epoch and after each."""
    settings, measurements = context.settings, Measurements()
    for run, batch_norm in RUNS.items():
        accuracy = train(context, run, batch_norm, [run])
        measurements.add(run, "accuracy", np.arange(settings.epochs + 1), accuracy[0])
    return measurements


def train(context: Context, run: str, batch_norm: bool, names: Sequence[str]) -> np.ndarray:
    """Accuracies (scales, seeds, epochs + 1); all scales and seeds train as one stack.

    Args:
        names: what the run is called in each of the scales.
    """
    settings, data = context.settings, context.data
    images, labels = data.train_images[: settings.images], data.train_labels[: settings.images]
    seeds, inits = context.stacked(settings.scales)
    net = context.backend.network(
        784, settings.hidden, len(data.classes), init=inits, batch_norm=batch_norm, seed=seeds
    )
    per_epoch = settings.images // settings.batch_size
    history = context.fit(
        net,
        context.backend.optimizer("SGD", lr=settings.lr),
        images,
        labels,
        iterations=settings.epochs * per_epoch,
        batch_size=settings.batch_size,
        evaluate=(images, labels),
        every=per_epoch,
        runs=names,
        progress=context.progress(run, settings.epochs * per_epoch),
    )
    return history.accuracy.reshape(len(settings.scales), len(context.seeds), -1)


def stack(settings: Settings) -> Stack:
    """All scales at once."""
    return Stack.of(
        784,
        settings.hidden,
        settings.batch_size,
        steps=len(RUNS) * settings.epochs * (settings.images // settings.batch_size),
        runs=len(settings.scales),
        batch_norm=True,
    )


def shown(values: Mapping[str, float]) -> dict[str, str]:
    """The values of the two runs, for a text."""
    plain, normalized = (number(values[run]) for run in RUNS)
    return {"plain": plain, "normalized": normalized}


def faster(seed: Seed) -> tuple[bool, Text]:
    means = {run: float(seed[run, "accuracy"].mean()) for run in RUNS}
    holds = means["with BatchNorm"] > means["without BatchNorm"]
    return holds, say(
        "mean accuracy: without BatchNorm {plain}, with BatchNorm {normalized}", **shown(means)
    )


def higher(seed: Seed) -> tuple[bool, Text]:
    final = {run: float(seed[run, "accuracy"][-1]) for run in RUNS}
    holds = final["with BatchNorm"] > final["without BatchNorm"]
    return holds, say(
        "accuracy in the end: without BatchNorm {plain}, with BatchNorm {normalized}",
        **shown(final),
    )


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """The accuracy over epochs."""
    return Figure(
        f"{settings.images:,} {subject(by_backend)} images, {len(settings.hidden)} hidden layers, "
        f"SGD {settings.lr:g}, weights N(0, {settings.scales[0]:g}²)",
        [curves(by_backend, "accuracy", say("epoch"), range=(0, 1))],
    )


EXPERIMENT = Experiment(
    name="batchnorm-effect",
    section="6.3.2",
    title=say("training with and without batch normalization"),
    settings=Settings(),
    quick=replace(Settings(), epochs=8),
    measure=measure,
    figure=figure,
    claims=(
        Claim("batch normalization learns faster: its mean accuracy is higher", faster),
        Claim("after the last epoch it is ahead", higher),
    ),
    needs_data=True,
    stack=stack,
)
