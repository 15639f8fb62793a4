"""What the two experiments of section 6.4 share: a network that overfits on 300 images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.engine.experiment import Context, Seed
from experiments.engine.figures import (
    Axis,
    ByBackend,
    Chart,
    Line,
    Panel,
    Table,
    first,
    lines,
    mean,
    subject,
)
from experiments.engine.measurements import Measurements
from experiments.engine.texts import Text, joined, named, number, say

#: What the accuracy is measured on, by the name of the metric.
ON = {"accuracy": say("training images"), "test accuracy": say("test images")}


@dataclass(frozen=True)
class Settings:
    """The chapter's: so few images, so many layers and so many epochs that it overfits."""

    hidden: tuple[int, ...] = (100, 100, 100, 100, 100, 100)
    init: str = "he"
    images: int = 300
    test_images: int = 1000
    batch_size: int = 100
    epochs: int = 200
    evaluate_every: int = 5
    lr: float = 0.01

    @property
    def per_epoch(self) -> int:
        """The iterations of an epoch."""
        return self.images // self.batch_size


def train(
    context: Context,
    measurements: Measurements,
    runs: Sequence[str],
    seeds: Sequence[int],
    **options: object,
) -> None:
    """Train a stack, and add what it measured on training and on test images.

    Args:
        runs: what its networks are called, each of them with every seed.
        seeds: of all of them.
        **options: of the network.
    """
    settings, data = context.settings, context.data
    images, labels = data.train_images[: settings.images], data.train_labels[: settings.images]
    times = {
        "iterations": settings.epochs * settings.per_epoch,
        "every": settings.evaluate_every * settings.per_epoch,
    }
    some = slice(settings.test_images)
    tested = context.tested(data.test_images[some], data.test_labels[some], **times)
    history = context.fit(
        context.backend.network(
            784, settings.hidden, len(data.classes), init=settings.init, seed=seeds, **options
        ),
        context.backend.optimizer("SGD", lr=settings.lr),
        images,
        labels,
        batch_size=settings.batch_size,
        evaluate=(images, labels),
        runs=runs,
        tested=tested,
        progress=context.progress(" / ".join(runs), times["iterations"]),
        **times,
    )
    epochs = history.evaluated // settings.per_epoch
    for metric, accuracy in zip(ON, (history.accuracy, tested.accuracy), strict=True):
        for run, own in zip(runs, np.split(accuracy, len(runs)), strict=True):
            measurements.add(run, metric, epochs, own)


def ends(seed: Seed, run: str) -> tuple[float, float]:
    """The accuracies after the last epoch, on training and on test images."""
    training, test = (float(seed[run, metric][-1]) for metric in ON)
    return training, test


def gap(seed: Seed, run: str) -> float:
    """By how much the training accuracy is the higher one."""
    training, test = ends(seed, run)
    return training - test


def shown(seed: Seed, *runs: str) -> Text:
    """The accuracies after the last epoch, for people."""
    return joined([_shown(run, *ends(seed, run)) for run in runs], "; ")


def _shown(run: str, training: float, test: float) -> Text:
    values = {"training": f"{training:.1%}", "test": f"{test:.1%}"}
    return say("{run} {training} in training and {test} in the test", run=named(run), **values)


def never_all(seed: Seed, run: str) -> tuple[bool, Text]:
    """Whether the training accuracy is below 100 % whenever it is measured."""
    highest = float(seed[run, "accuracy"].max())
    return highest < 1, say("highest training accuracy {highest}", highest=f"{highest:.1%}")


def title(by_backend: ByBackend, settings: Settings) -> str:
    """What a figure's settings have in common."""
    return (
        f"{settings.images:,} {subject(by_backend)} images, {len(settings.hidden)} hidden layers "
        f"of {settings.hidden[0]}, SGD {settings.lr:g}"
    )


def chart(by_backend: ByBackend, runs: Sequence[str]) -> Chart:
    """The two accuracies over epochs, in a panel for each run."""
    found = {run: _lines(by_backend, run) for run in runs}
    header = [
        say("run"),
        *(say("{run}, {backend}", run=m.name, backend=m.backend) for m in found[runs[0]]),
    ]
    last = {run: [float(line.mean[-1]) for line in drawn] for run, drawn in found.items()}
    rows = [[named(run), *map(number, values)] for run, values in last.items()]
    return Chart(
        "accuracy",
        say("Accuracy on training and on test images"),
        _finding(by_backend, runs),
        Table(header, rows),
        [_panel(run, drawn) for run, drawn in found.items()],
        columns=len(runs),
        size=(4.2, 3.8),
        height=320,
    )


def _lines(by_backend: ByBackend, run: str) -> list[Line]:
    """Both accuracies in each backend."""
    colors = {name: color for color, name in enumerate(ON.values())}
    return [m for metric, on in ON.items() for m in lines(by_backend, metric, {on: run}, colors)]


def _panel(run: str, drawn: Sequence[Line]) -> Panel:
    y = Axis(say("accuracy"), range=(0, 1.02))
    return Panel(Axis(say("epoch")), y, drawn, named(run))


def _finding(by_backend: ByBackend, runs: Sequence[str]) -> Text:
    """The gaps in the end, in the first backend."""
    found = first(by_backend)
    ends = {run: [mean(found[run, metric])[-1] for metric in ON] for run in runs}
    each = [joined([named(run), f"{a - b:.1%}"]) for run, (a, b) in ends.items()]
    return say(
        "After the last epoch the training accuracy is above the test accuracy by this much: "
        "{gaps}.",
        gaps=joined(each, ", "),
    )
