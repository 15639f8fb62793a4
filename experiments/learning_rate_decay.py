"""Section 6.1.5: learning rate decay, the idea that AdaGrad develops.

With the large rate training is close to diverging: rounding grows until the two backends' runs are
two different ones. What is claimed must hold for both.
"""

from dataclasses import dataclass, replace

import numpy as np

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure, curves, subject
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, say
from experiments.engine.verdicts import final_loss, listed

LARGE, DECAY, SMALL = (f"SGD, {how}" for how in (say("large"), say("decay"), say("small")))
ADAGRAD = "AdaGrad"
#: AdaGrad has its own colour, and SGD's too.
PALETTE = {LARGE: 6, DECAY: 0, SMALL: 4, ADAGRAD: 2}


@dataclass(frozen=True)
class Settings:
    """The network of section 6.1.8; SGD's learning rate falls from ``large`` to about ``small``."""

    hidden: tuple[int, ...] = (100, 100, 100, 100)
    init: str = "he"
    batch_size: int = 128
    iterations: int = 600
    evaluate_every: int = 20
    large: float = 0.5
    gamma: float = 0.995
    small: float = 0.025
    adagrad: float = 0.01


def measure(context: Context) -> Measurements:
    """The loss of every batch, and the accuracy on a thousand test images as training goes on."""
    settings, data, measurements = context.settings, context.data, Measurements()
    backend = context.backend
    runs = {
        LARGE: backend.optimizer("SGD", lr=settings.large),
        DECAY: backend.optimizer("SGD", lr=settings.large),
        SMALL: backend.optimizer("SGD", lr=settings.small),
        ADAGRAD: backend.optimizer("AdaGrad", lr=settings.adagrad),
    }
    schedules = {DECAY: backend.schedule("ExponentialLR", runs[DECAY], gamma=settings.gamma)}
    for run, optimizer in runs.items():
        net = backend.network(
            784, settings.hidden, len(data.classes), init=settings.init, seed=list(context.seeds)
        )
        history = context.fit(
            net,
            optimizer,
            data.train_images,
            data.train_labels,
            iterations=settings.iterations,
            batch_size=settings.batch_size,
            evaluate=(data.test_images[:1000], data.test_labels[:1000]),
            every=settings.evaluate_every,
            schedule=schedules.get(run),
            runs=[run],
            progress=context.progress(run, settings.iterations),
        )
        measurements.add(run, "loss", np.arange(settings.iterations), history.loss)
        measurements.add(run, "test accuracy", history.evaluated, history.accuracy)
    return measurements


def too_small_takes_long(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in (DECAY, SMALL)}
    return losses[DECAY] < losses[SMALL], listed(losses)


def too_large_ends_higher(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in (DECAY, LARGE)}
    return losses[DECAY] < losses[LARGE], listed(losses)


def decay_quiets(seed: Seed) -> tuple[bool, Text]:
    accuracies = {run: seed[run, "test accuracy"] for run in (DECAY, LARGE)}
    noise = {run: float(a[-max(2, len(a) // 4) :].std()) for run, a in accuracies.items()}
    return noise[DECAY] < noise[LARGE] / 2, say(
        "standard deviation: {values}", values=listed(noise)
    )


def adagrad_goes_further(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in (DECAY, ADAGRAD)}
    return losses[ADAGRAD] < losses[DECAY], listed(losses)


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """Loss and test accuracy over iterations."""
    return Figure(
        f"{subject(by_backend)}, 784–{'–'.join(map(str, settings.hidden))}–10, ReLU, batches of "
        f"{settings.batch_size}: SGD with learning rate {settings.large:g}, "
        f"{settings.large:g}·{settings.gamma:g}ᵗ and {settings.small:g}; AdaGrad "
        f"{settings.adagrad:g}",
        [
            curves(by_backend, "loss", smooth=True, log=True, palette=PALETTE),
            curves(by_backend, "test accuracy", range=(0.7, 1), palette=PALETTE),
        ],
    )


EXPERIMENT = Experiment(
    name="learning-rate-decay",
    section="6.1.5",
    title=say("learning rate decay: large steps first, small ones later"),
    settings=Settings(),
    quick=replace(Settings(), iterations=200, gamma=0.985),
    measure=measure,
    figure=figure,
    claims=(
        Claim(
            "a rate that is too small takes long: the one that decay ends with, from the start, "
            "ends at a higher loss than decay",
            too_small_takes_long,
        ),
        Claim(
            "one that is too large does not learn well: the one that decay starts from, to the "
            "end, ends at a higher loss than decay",
            too_large_ends_higher,
        ),
        Claim(
            "small steps at last are quiet: in the last quarter the test accuracy's standard "
            "deviation is less than half of that with the large rate",
            decay_quiets,
        ),
        Claim(
            "AdaGrad, with a decay of its own for each weight, goes further: its loss ends lower "
            "than that of SGD with decay",
            adagrad_goes_further,
            ours=True,
        ),
    ),
    needs_data=True,
    stack=lambda s: Stack.of(784, s.hidden, s.batch_size, steps=4 * s.iterations),
)
