"""Section 6.3.2: training with and without batch normalization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure, curves, subject
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, number, say

PLAIN, NORMALIZED = say("without BatchNorm"), say("with BatchNorm")
#: The chapter's figure, its layer and its colours.
RUNS: dict[str, dict[str, bool]] = {
    NORMALIZED: {"batch_norm": True, "chapter_batch_norm": True},
    PLAIN: {},
}
#: What is drawn dashed, as in the chapter.
DASHED = (PLAIN,)
#: The chapter's sixteen, of which it shows the fifth alone.
SCALES: tuple[float, ...] = tuple(np.logspace(0, -4, 16).tolist())


@dataclass(frozen=True)
class Settings:
    """The chapter's: a thousand images, on which it overfits soon, and plain SGD."""

    hidden: tuple[int, ...] = (100, 100, 100, 100, 100)
    images: int = 1000
    batch_size: int = 100
    epochs: int = 20
    lr: float = 0.01
    scales: tuple[float, ...] = (SCALES[4],)


def measure(context: Context) -> Measurements:
    """The accuracy on the training images before the first epoch and after each."""
    settings, measurements = context.settings, Measurements()
    for run, options in RUNS.items():
        accuracy = train(context, run, options, [run])
        measurements.add(run, "accuracy", np.arange(settings.epochs + 1), accuracy[0])
    return measurements


def train(
    context: Context, run: str, options: Mapping[str, bool], names: Sequence[str]
) -> np.ndarray:
    """Accuracies (scales, seeds, epochs + 1); all scales and seeds train as one stack.

    Args:
        options: of the network.
        names: what the run is called in each of the scales.
    """
    settings, data = context.settings, context.data
    images, labels = data.train_images[: settings.images], data.train_labels[: settings.images]
    seeds, inits = context.stacked(settings.scales)
    net = context.backend.network(
        784, settings.hidden, len(data.classes), init=inits, seed=seeds, **options
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


def stack(settings: Settings, trainings: int = len(RUNS)) -> Stack:
    """All scales at once, in each of the trainings."""
    return Stack.of(
        784,
        settings.hidden,
        settings.batch_size,
        steps=trainings * settings.epochs * (settings.images // settings.batch_size),
        runs=len(settings.scales),
        batch_norm=True,
    )


def shown(values: Mapping[str, float]) -> dict[str, str]:
    """The values of the two runs, for a text."""
    return {"plain": number(values[PLAIN]), "normalized": number(values[NORMALIZED])}


def faster(seed: Seed) -> tuple[bool, Text]:
    means = {run: float(seed[run, "accuracy"].mean()) for run in RUNS}
    holds = means[NORMALIZED] > means[PLAIN]
    return holds, say(
        "mean accuracy: without BatchNorm {plain}, with BatchNorm {normalized}", **shown(means)
    )


def higher(seed: Seed) -> tuple[bool, Text]:
    final = {run: float(seed[run, "accuracy"][-1]) for run in RUNS}
    holds = final[NORMALIZED] > final[PLAIN]
    return holds, say(
        "accuracy in the end: without BatchNorm {plain}, with BatchNorm {normalized}",
        **shown(final),
    )


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """The accuracy over epochs."""
    return Figure(
        f"{settings.images:,} {subject(by_backend)} images, {len(settings.hidden)} hidden layers, "
        f"SGD {settings.lr:g}, weights N(0, {settings.scales[0]:.3g}²)",
        [curves(by_backend, "accuracy", say("epoch"), dashed=DASHED, range=(0, 1))],
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
