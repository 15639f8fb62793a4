"""Sections 6.5.2 and 6.5.3: a random search for the learning rate and the weight decay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from experiments.engine import figures
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, number, say
from scratch.random import Generator

TOGETHER = 10  # trials are trained as one stack
BEST, SHOWN = 5, 20  # trials are judged, and shown
#: What is measured of all trials, over their numbers.
TRIALS = "trials"
RATE, DECAY, ACCURACY = "learning rate", "weight decay", "validation accuracy"
#: Where the chapter finds those of the best trials.
FOUND = {RATE: (1e-3, 1e-2), DECAY: (1e-8, 1e-6)}
NAMES = {RATE: say("learning rate"), DECAY: say("weight decay")}


@dataclass(frozen=True)
class Settings:
    """The chapter's; the ranges are exponents of 10, drawn from uniformly.

    The validation images are the last of the ``images``: MNIST comes shuffled.
    """

    hidden: tuple[int, ...] = (100, 100, 100, 100, 100, 100)
    init: str = "he"
    images: int = 500
    validation: float = 0.2
    trials: int = 100
    epochs: int = 50
    batch_size: int = 100
    lr: tuple[float, float] = (-6, -2)
    weight_decay: tuple[float, float] = (-8, -4)

    @property
    def training(self) -> int:
        """The images that are trained on."""
        return round(self.images * (1 - self.validation))

    @property
    def per_epoch(self) -> int:
        """The iterations of an epoch."""
        return max(1, self.training // self.batch_size)


class Drawn(NamedTuple):
    """The hyperparameters of all trials, (seeds, trials) each."""

    rates: np.ndarray
    decays: np.ndarray


def drawn(settings: Settings, seeds: Sequence[int]) -> Drawn:
    """Each seed's trials; the stream of random numbers is torch's, too."""
    ranges, size = (settings.lr, settings.weight_decay), (settings.trials,)
    each = [
        [10 ** generator.uniform(*exponents, size, dtype=np.float64) for exponents in ranges]
        for generator in map(Generator, seeds)
    ]
    return Drawn(*np.swapaxes(each, 0, 1))


def measure(context: Context) -> Measurements:
    """The accuracy on the validation images before the first epoch and after each."""
    settings, measurements = context.settings, Measurements()
    found = drawn(settings, context.seeds)
    accuracies = np.concatenate([*_trained(context, found)])
    numbers = range(settings.trials)
    for metric, values in ((RATE, found.rates), (DECAY, found.decays)):
        measurements.add(TRIALS, metric, numbers, values)
    measurements.add(TRIALS, ACCURACY, numbers, accuracies[:, :, -1].T)
    for number_, accuracy in enumerate(accuracies):
        measurements.add(_name(number_), ACCURACY, range(settings.epochs + 1), accuracy)
    return measurements


def _name(trial: int) -> str:
    return f"trial {trial}"


def _trained(context: Context, found: Drawn) -> Iterator[np.ndarray]:
    """The accuracies (trials, seeds, epochs + 1) of some trials after others."""
    settings = context.settings
    for first in range(0, settings.trials, TOGETHER):
        trials = range(first, min(first + TOGETHER, settings.trials))
        yield _stack(context, found, trials).reshape(len(trials), len(context.seeds), -1)


def _stack(context: Context, found: Drawn, trials: range) -> np.ndarray:
    """The accuracies of a stack of trials; each has weights and batches of its own."""
    settings, data = context.settings, context.data
    own, others = slice(settings.training), slice(settings.training, settings.images)
    iterations = settings.epochs * settings.per_epoch
    rates, decays = (values.T[trials.start : trials.stop].ravel() for values in found)
    net = context.backend.network(
        784,
        settings.hidden,
        len(data.classes),
        init=settings.init,
        weight_decay=decays,
        seed=[seed * settings.trials + trial for trial in trials for seed in context.seeds],
    )
    history = context.fit(
        net,
        context.backend.optimizer("SGD", lr=rates),
        data.train_images[own],
        data.train_labels[own],
        iterations=iterations,
        batch_size=settings.batch_size,
        evaluate=(data.train_images[others], data.train_labels[others]),
        every=settings.per_epoch,
        runs=[_name(trial) for trial in trials],
        progress=context.progress(f"trials {trials.start + 1}–{trials.stop}", iterations),
    )
    return history.accuracy


def ranked(accuracies: np.ndarray) -> np.ndarray:
    """The trials from the best to the worst; of equal ones the first.

    >>> ranked(np.array([0.5, 0.7, 0.7, 0.1])).tolist()
    [1, 2, 0, 3]
    """
    return np.argsort(-accuracies, kind="stable")


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's: 1 where both rise together, 0 where they have nothing to do with each other.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 1000.0]))
    1.0
    """
    x, y = (ranks - ranks.mean() for ranks in map(_ranks, (a, b)))
    norm = np.sqrt((x @ x) * (y @ y))  # 0 where all are equal, which rise with nothing
    return float(x @ y / norm) if norm else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """Those that equal values share are their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def in_range(seed: Seed, metric: str) -> tuple[bool, Text]:
    """Whether all of the best trials are where the chapter finds them."""
    values, accuracies = seed[TRIALS, metric], seed[TRIALS, ACCURACY]
    best, (low, high) = values[ranked(accuracies)[:BEST]], FOUND[metric]
    return bool((low <= best.min()) and (best.max() <= high)), say(
        "from {least} to {most}; its rank correlation with the accuracy over all trials is {rho}",
        least=number(best.min()),
        most=number(best.max()),
        rho=f"{rank_correlation(values, accuracies):.2f}",
    )


def rates_are_found(seed: Seed) -> tuple[bool, Text]:
    return in_range(seed, RATE)


def decays_are_found(seed: Seed) -> tuple[bool, Text]:
    return in_range(seed, DECAY)


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """The accuracy of all trials over both hyperparameters, and the best ones over epochs."""
    title = (
        f"{settings.training} of {settings.images} {figures.subject(by_backend)} images, "
        f"{settings.trials} trials of {settings.epochs} epochs: the accuracy on the others"
    )
    return Figure(title, [_all(by_backend), _best(by_backend)], stacked=True)


def _all(by_backend: ByBackend) -> figures.Chart:
    trials = _of_first_seed(by_backend)
    order = ranked(trials[ACCURACY])
    header = [say("place"), *NAMES.values(), say("accuracy on validation images")]
    rows = [
        [str(place), *(number(trials[metric][trial]) for metric in trials)]
        for place, trial in enumerate(order[:SHOWN], 1)
    ]
    ends = {
        f"{end}_{key}": number(pick(trials[metric][order[:BEST]]))
        for key, metric in (("rate", RATE), ("decay", DECAY))
        for end, pick in (("least", np.min), ("most", np.max))
    }
    return figures.Chart(
        "trials",
        say(
            "Accuracy on validation images after the last epoch, a point for each trial; between "
            "the lines the chapter finds the best"
        ),
        say(
            "The five best trials have learning rates from {least_rate} to {most_rate} and weight "
            "decays from {least_decay} to {most_decay}.",
            **ends,
        ),
        figures.Table(header, rows),
        [_over(by_backend, metric) for metric in NAMES],
        columns=2,
        size=(5.5, 3.2),
        height=340,
    )


def _of_first_seed(by_backend: ByBackend) -> dict[str, np.ndarray]:
    """What was drawn for each trial of the first seed, and what came of it."""
    found = figures.first(by_backend)
    return {metric: found[TRIALS, metric].values[0] for metric in (RATE, DECAY, ACCURACY)}


def _over(by_backend: ByBackend, metric: str) -> figures.Panel:
    """All trials of all seeds over a hyperparameter, the best of each seed in another colour."""
    marks: list[figures.Mark] = [figures.Rule(x=x) for x in FOUND[metric]]
    for backend, found in by_backend.items():
        x, y = (found[TRIALS, m].values for m in (metric, ACCURACY))
        order = np.array([ranked(own) for own in y])
        parts = ((say("other trials"), 7, order[:, BEST:]), (say("five best"), 3, order[:, :BEST]))
        for name, color, part in parts:
            points = (
                np.take_along_axis(values, part, axis=1).ravel().tolist() for values in (x, y)
            )
            marks.append(figures.Points(name, color, *points, backend=backend))
    y_axis = figures.Axis(say("accuracy"), range=(0, 1))
    return figures.Panel(figures.Axis(NAMES[metric], log=True), y_axis, marks)


def _best(by_backend: ByBackend) -> figures.Chart:
    trials = _of_first_seed(by_backend)
    accuracies = trials[ACCURACY]
    order = ranked(accuracies)[:SHOWN]
    header = [say("epoch"), *(say("place {place}", place=str(i + 1)) for i in range(len(order)))]
    curves = [figures.first(by_backend)[_name(int(trial)), ACCURACY] for trial in order]
    rows = [
        [number(curves[0].x[i]), *(number(curve.values[0, i]) for curve in curves)]
        for i in figures.spaced(len(curves[0].x))
    ]
    return figures.Chart(
        "best",
        say("Accuracy on validation images over epochs, in the twenty best trials of a seed"),
        say(
            "In the end the best of them has an accuracy of {best}, the last of them {last}.",
            best=number(accuracies[order[0]]),
            last=number(accuracies[order[-1]]),
        ),
        figures.Table(header, rows),
        [_of_trial(by_backend, trials, int(trial)) for trial in order],
        columns=5,
        size=(2.2, 1.8),
        height=170,
    )


def _of_trial(by_backend: ByBackend, trials: dict[str, np.ndarray], trial: int) -> figures.Panel:
    drawn_ = [
        figures.Line(say("validation images"), 0, curve.x, curve.values[:1], backend)
        for backend, found in by_backend.items()
        for curve in [found[_name(trial), ACCURACY]]
    ]
    rate, decay = (number(trials[metric][trial]) for metric in NAMES)
    y = figures.Axis(say("accuracy"), range=(0, 1))
    title = say("η {rate}, λ {decay}", rate=rate, decay=decay)
    return figures.Panel(figures.Axis(say("epoch")), y, drawn_, title)


def stack(settings: Settings) -> Stack:
    """Some trials at once, and the others after them."""
    rounds = -(-settings.trials // TOGETHER)
    steps = rounds * settings.epochs * settings.per_epoch
    return Stack.of(784, settings.hidden, settings.batch_size, steps=steps, runs=TOGETHER)


EXPERIMENT = Experiment(
    name="hyperparameter-search",
    section="6.5.2–6.5.3",
    title=say("a random search for the learning rate and the weight decay"),
    settings=Settings(),
    quick=replace(Settings(), trials=20, epochs=20),
    measure=measure,
    figure=figure,
    claims=(
        Claim(
            "learning goes well with rates from 0.001 to 0.01: those of the five best trials",
            rates_are_found,
        ),
        Claim(
            "and with weight decays from 10⁻⁸ to 10⁻⁶: those of the five best trials",
            decays_are_found,
        ),
    ),
    needs_data=True,
    stack=stack,
)
