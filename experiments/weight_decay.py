"""Sections 6.4.1 and 6.4.2: overfitting on 300 images, and weight decay against it."""

from dataclasses import dataclass, replace

import numpy as np

from experiments import overfitting
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, say
from experiments.overfitting import chart, ends, gap, never_all, shown, title, train

WITHOUT, WITH = say("without weight decay"), say("with weight decay")


@dataclass(frozen=True)
class Settings(overfitting.Settings):
    """The chapter's."""

    weight_decay: float = 0.1


def measure(context: Context) -> Measurements:
    """The accuracies as training goes on; with decay and without, all seeds train as one stack."""
    measurements, decays = Measurements(), {WITHOUT: 0.0, WITH: context.settings.weight_decay}
    seeds, each = context.stacked(list(decays.values()))
    train(context, measurements, list(decays), seeds, weight_decay=np.array(each))
    return measurements


def learns_them_by_heart(seed: Seed) -> tuple[bool, Text]:
    return ends(seed, WITHOUT)[0] >= 0.99, shown(seed, WITHOUT)


def knows_no_others(seed: Seed) -> tuple[bool, Text]:
    return gap(seed, WITHOUT) > 0.15, shown(seed, WITHOUT)


def narrower(seed: Seed) -> tuple[bool, Text]:
    return gap(seed, WITH) < gap(seed, WITHOUT), shown(seed, WITHOUT, WITH)


def not_all(seed: Seed) -> tuple[bool, Text]:
    return never_all(seed, WITH)


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """Training and test accuracy over epochs, without and with decay."""
    return Figure(
        f"{title(by_backend, settings)}, weight decay {settings.weight_decay:g}",
        [chart(by_backend, (WITHOUT, WITH))],
    )


def stack(settings: Settings) -> Stack:
    """With decay and without."""
    steps = settings.epochs * settings.per_epoch
    return Stack.of(784, settings.hidden, settings.batch_size, steps=steps, runs=2)


EXPERIMENT = Experiment(
    name="weight-decay",
    section="6.4.1–6.4.2",
    title=say("overfitting on 300 images, and weight decay against it"),
    settings=Settings(),
    quick=replace(Settings(), epochs=50),
    measure=measure,
    figure=figure,
    claims=(
        Claim(
            "without it the network overfits: in the end it knows at least 99 % of the 300 images",
            learns_them_by_heart,
        ),
        Claim(
            "but not others: the test accuracy stays behind by more than 15 points",
            knows_no_others,
        ),
        Claim("weight decay narrows the gap between the two accuracies", narrower),
        Claim("with it the training accuracy does not reach 100 %", not_all),
    ),
    needs_data=True,
    stack=stack,
)
