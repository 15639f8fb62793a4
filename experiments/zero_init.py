"""Section 6.2.1: weights that start at zero stay equal for ever."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import draw_metric, new_figure, subject
from experiments.engine.measurements import Measurements
from experiments.engine.memory import Stack, bytes_per_run
from experiments.engine.verdicts import final_loss, listed

RUNS = {"all zeros": "zeros", "std 0.01": 0.01}


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
    for run, init in RUNS.items():
        net = context.backend.network(
            784,
            [settings.hidden],
            len(data.classes),
            activation=settings.activation,
            init=init,
            seed=list(context.seeds),
        )
        optimizer = context.backend.optimizer("SGD", lr=settings.lr)
        looks = np.arange(0, settings.iterations + 1, settings.look_every)
        weights, losses = [context.backend.numpy(net.params["W1"]).copy()], []
        for look in looks[1:]:
            history = context.fit(
                net,
                optimizer,
                data.train_images,
                data.train_labels,
                iterations=settings.look_every,
                batch_size=settings.batch_size,
                runs=[run],
                after=int(look) - settings.look_every,
                looks=1,
            )
            losses.append(history.loss)
            weights.append(context.backend.numpy(net.params["W1"]).copy())
            context.report(run, int(look), settings.iterations, float(history.loss[:, -1].mean()))
        measurements.add(
            run, "difference of units", looks, np.stack([difference(w) for w in weights], 1)
        )
        measurements.add(run, "loss", np.arange(settings.iterations), np.concatenate(losses, 1))
    return measurements


def difference(weight: np.ndarray) -> np.ndarray:
    """How far the units of W (K, in, out) are from their mean, relative to the largest weight."""
    apart = np.abs(weight - weight.mean(axis=-1, keepdims=True)).max(axis=(1, 2))
    largest = np.abs(weight).max(axis=(1, 2))
    return np.divide(apart, largest, out=np.zeros_like(apart), where=largest > 0)


def units_stay_equal(seed: Seed) -> tuple[bool, str]:
    largest = float(seed["all zeros", "difference of units"].max())
    return largest < 1e-5, f"they differ by {largest:.1g} of the largest weight"


def random_units_differ(seed: Seed) -> tuple[bool, str]:
    smallest = float(seed["std 0.01", "difference of units"].min())
    return smallest > 0.1, f"they differ by {smallest:.1g} of the largest weight"


def zeros_learn_less(seed: Seed) -> tuple[bool, str]:
    losses = {run: final_loss(seed, run) for run in RUNS}
    return losses["all zeros"] > 2 * losses["std 0.01"], f"loss in the end: {listed(losses)}"


def plot(by_backend: Mapping[str, Measurements], settings: Settings) -> Figure:
    """The difference of the units and the loss over iterations."""
    figure, axes = new_figure(
        f"{subject(by_backend)}, 784–{settings.hidden}–10, {settings.activation}: "
        "weights that start at zero",
        1,
        2,
        figsize=(12, 4.4),
    )
    draw_metric(axes[0, 0], by_backend, "difference of units")
    axes[0, 0].set_yscale("symlog", linthresh=1e-8)
    axes[0, 0].set(
        xlabel="iteration",
        ylabel="difference of the hidden units\n(part of the largest weight)",
        title="zeros: equal units, until rounding tells them apart",
        ylim=(-1e-9, 2),
    )
    draw_metric(axes[0, 1], by_backend, "loss", smooth=True)
    axes[0, 1].set(xlabel="iteration", ylabel="training loss (mean of 21 batches)")
    return figure


EXPERIMENT = Experiment(
    name="zero-init",
    section="6.2.1",
    title="weights that start at zero: equal units, until rounding tells them apart",
    settings=Settings(),
    quick=replace(Settings(), iterations=300, look_every=50),
    measure=measure,
    plot=plot,
    claims=(
        Claim(
            "from zeros, the units of a layer stay equal, to 1e-5 of the largest weight",
            units_stay_equal,
        ),
        Claim("from random weights they differ by over a tenth of it", random_units_differ),
        Claim("equal units are worth one: the loss stays over twice as high", zeros_learn_less),
    ),
    needs_data=True,
    stack=lambda s: Stack(bytes_per_run(784, [s.hidden], s.batch_size)),
)
