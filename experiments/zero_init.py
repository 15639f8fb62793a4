"""Section 6.2.1: weights that start at zero stay equal for ever, but for rounding.

Units that start alike get the same gradient in exact arithmetic. A library may add up the products
for one unit in another order than those for its neighbour (at the edge of a block of a matrix
product, for instance), and rounds differently then; training amplifies the difference. Which units,
and after how many steps it shows, depends on the library, the processor and the number of units.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import ByBackend, Figure, curves, first, mean, subject
from experiments.engine.measurements import Curve, Measurements
from experiments.engine.memory import Stack
from experiments.engine.texts import Text, joined, number, say
from experiments.engine.verdicts import final_loss, listed

#: Gradients without rounding are whole multiples of 1 / GRID.
GRID = 2.0**20
#: Units that differ by more, as a part of the largest weight, have parted.
PARTED = 1e-5


class WithoutRounding:
    """A network in float64 whose gradients are rounded to multiples of 2⁻²⁰.

    Two orders of summing up 128 terms of at most 0.05 together come apart by 7e-16 in float64 at
    the very worst, by 3e-18 in the trainings that were looked at. Multiples are 1e-6 apart, so that
    one sum in 10¹¹ may land on another one, and a training has half a million. The learning rate
    is a power of two and the weights start at zero, so the steps are exact as well: what rounding
    does is gone before it can grow.
    """

    def loss_and_gradient(self, x: Any, t: Any) -> tuple[Any, dict[str, Any]]:
        loss, grads = super().loss_and_gradient(x, t)
        for g in grads.values():
            g[...] = (GRID * g).round() / GRID
        return loss, grads


ZEROS, EXACT, RANDOM = say("all zeros"), say("zeros without rounding"), say("std 0.01")
RUNS = {
    ZEROS: {"init": "zeros"},
    EXACT: {"init": "zeros", "dtype": "float64", "mixin": WithoutRounding},
    RANDOM: {"init": 0.01},
}


@dataclass(frozen=True)
class Settings:
    """A two-layer network with sigmoid units; with ReLU, zeros would not even move."""

    hidden: int = 50
    activation: str = "sigmoid"
    lr: float = 0.5
    batch_size: int = 128
    iterations: int = 1000
    look_every: int = 100


def measure(context: Context) -> Measurements:
    """How different the hidden units are, and the loss, as training goes on."""
    settings, data, measurements = context.settings, context.data, Measurements()
    for run, options in RUNS.items():
        net = context.backend.network(
            784,
            [settings.hidden],
            len(data.classes),
            activation=settings.activation,
            seed=list(context.seeds),
            **options,
        )
        optimizer = context.backend.optimizer("SGD", lr=settings.lr)
        steps = np.arange(0, settings.iterations + 1, settings.look_every)
        found, losses = [units(context, net)], []
        for step in steps[1:]:
            history = context.fit(
                net,
                optimizer,
                data.train_images,
                data.train_labels,
                iterations=settings.look_every,
                batch_size=settings.batch_size,
                runs=[run],
                after=int(step) - settings.look_every,
                times=1,
            )
            losses.append(history.loss)
            found.append(units(context, net))
            context.report(run, int(step), settings.iterations, float(history.loss[:, -1].mean()))
        for metric, measured in (("difference of units", difference), ("largest weight", largest)):
            measurements.add(run, metric, steps, np.stack([measured(w) for w in found], 1))
        measurements.add(run, "loss", np.arange(settings.iterations), np.concatenate(losses, 1))
    return measurements


def units(context: Context, net: Any) -> np.ndarray:
    """All that belongs to each hidden unit, (K, in + 1 + out, units): its W1, b1 and W2."""
    w1, b1, w2 = (context.backend.numpy(net.params[name]) for name in ("W1", "b1", "W2"))
    return np.concatenate([w1, b1[:, None], w2.swapaxes(-1, -2)], axis=1)


def difference(weights: np.ndarray) -> np.ndarray:
    """How far the units of (K, …, units) are from the first, relative to the largest weight."""
    apart, size = largest(weights - weights[..., :1]), largest(weights)
    return np.divide(apart, size, out=np.zeros_like(apart), where=size > 0)


def largest(weights: np.ndarray) -> np.ndarray:
    """The largest magnitude in each run."""
    return np.abs(weights).max(axis=(1, 2))


def units_stay_equal(seed: Seed) -> tuple[bool, Text]:
    apart = float(seed[EXACT, "difference of units"].max())
    size = float(seed[EXACT, "largest weight"][-1])  # equal because none has moved proves nothing
    return apart == 0 < size, say(
        "they differ by {apart} of the largest weight, {size}",
        apart=f"{apart:.1g}",
        size=f"{size:.2g}",
    )


def random_units_differ(seed: Seed) -> tuple[bool, Text]:
    smallest = float(seed[RANDOM, "difference of units"].min())
    return smallest > 0.1, say(
        "they differ by {apart} of the largest weight", apart=f"{smallest:.1g}"
    )


def zeros_learn_less(seed: Seed) -> tuple[bool, Text]:
    losses = {run: final_loss(seed, run) for run in (EXACT, RANDOM)}
    return losses[EXACT] > 2 * losses[RANDOM], say(
        "loss in the end: {losses}", losses=listed(losses)
    )


def parted(curve: Curve) -> int | None:
    """The first iteration looked at where the units of some seed have parted, if there is one."""
    found = np.flatnonzero((curve.values > PARTED).any(axis=0))
    return int(curve.x[found[0]]) if found.size else None


def figure(by_backend: ByBackend, settings: Settings) -> Figure:
    """The difference of the units and the loss over iterations."""
    difference = curves(
        by_backend,
        "difference of units",
        axis=say("difference of the hidden units (0 is drawn at 1e-9)"),
        title=say("How different the units are"),
        finding=_parting(by_backend),
        least=1e-9,
        log=True,
    )
    return Figure(
        f"{subject(by_backend)}, 784–{settings.hidden}–10, {settings.activation}: "
        "weights that start at zero",
        [difference, curves(by_backend, "loss", smooth=True, log=True)],
    )


def _parting(by_backend: ByBackend) -> Text:
    """When the units parted in each backend, which is a measurement of this machine."""
    sentences = []
    for name, measurements in by_backend.items():
        if (at := parted(measurements[ZEROS, "difference of units"])) is None:
            sentence = say("With {backend} the zeros' units have not parted.", backend=name)
        else:
            where = {"backend": name, "at": at}
            sentence = say(
                "With {backend} the zeros' units have parted at iteration {at}.", **where
            )
        sentences.append(sentence)
    exact = mean(first(by_backend)[EXACT, "difference of units"]).max()
    how_soon = say(
        "How soon depends on the library, the processor and the number of units; without "
        "rounding they differ by {exact}.",
        exact=number(exact),
    )
    return joined([*sentences, how_soon])


def stack(settings: Settings) -> Stack:
    """Twice what the others take: one of the runs is in float64."""
    steps = len(RUNS) * settings.iterations
    one = Stack.of(784, [settings.hidden], settings.batch_size, steps=steps)
    return replace(one, bytes_per_run=2 * one.bytes_per_run)


EXPERIMENT = Experiment(
    name="zero-init",
    section="6.2.1",
    title=say("weights that start at zero: equal units, until rounding tells them apart"),
    settings=Settings(),
    quick=replace(Settings(), iterations=300, look_every=50),
    measure=measure,
    figure=figure,
    claims=(
        Claim(
            "from zeros, the units of a layer get the same gradients: without rounding they stay "
            "equal to the last bit",
            units_stay_equal,
        ),
        Claim(
            "from random weights they differ by over a tenth of the largest weight",
            random_units_differ,
        ),
        Claim("equal units are worth one: the loss stays over twice as high", zeros_learn_less),
    ),
    needs_data=True,
    stack=stack,
)
