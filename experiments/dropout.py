"""Section 6.4.3: dropout against overfitting, as the book has it and as torch does.

The book's layer is torch's times 1 − p, in training and in evaluation. Through six of them the
signal shrinks to 0.8⁶, a quarter of what it is in torch's network, and learning is slower.
"""

from dataclasses import dataclass, replace
from typing import Any

from experiments import overfitting
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, say
from experiments.overfitting import chart, gap, never_all, shown, title, train

WITHOUT, WITH, TORCHS = (
    say("without dropout"),
    say("with the chapter's dropout"),
    say("with torch's dropout"),
)


@dataclass(frozen=True)
class Settings(overfitting.Settings):
    """Those of the experiment before this one, for longer."""

    epochs: int = 300
    dropout: float = 0.2


def measure(context: Context) -> Measurements:
    """The accuracies as training goes on; all seeds train as one stack."""
    measurements, p = Measurements(), context.settings.dropout
    runs: dict[str, dict[str, Any]] = {
        WITHOUT: {},
        WITH: {"dropout": p, "inverted_dropout": False},
        TORCHS: {"dropout": p},
    }
    for run, options in runs.items():
        train(context, measurements, [run], list(context.seeds), **options)
    return measurements


def narrower(seed: Seed) -> tuple[bool, Text]:
    return gap(seed, WITH) < gap(seed, WITHOUT), shown(seed, WITHOUT, WITH)


def not_all(seed: Seed) -> tuple[bool, Text]:
    return never_all(seed, WITH)


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """Training and test accuracy over epochs, without and with both kinds of dropout."""
    return Figure(
        f"{title(by_backend, settings)}, dropout {settings.dropout:g}",
        [chart(by_backend, (WITHOUT, WITH, TORCHS))],
    )


def stack(settings: Settings) -> Stack:
    """One run after another."""
    steps = 3 * settings.epochs * settings.per_epoch
    return Stack.of(784, settings.hidden, settings.batch_size, steps=steps)


EXPERIMENT = Experiment(
    name="dropout",
    section="6.4.3",
    title=say("dropout against overfitting"),
    settings=Settings(),
    quick=replace(Settings(), epochs=50),
    measure=measure,
    figure=figure,
    claims=(
        Claim("dropout narrows the gap between training and test accuracy", narrower),
        Claim("with it the training accuracy does not reach 100 %", not_all),
    ),
    needs_data=True,
    stack=stack,
)
