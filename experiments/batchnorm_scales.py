"""Section 6.3.2: batch normalization over sixteen scales of the initial weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments import batchnorm_effect
from experiments.batchnorm_effect import RUNS
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.figures import (
    COLORS,
    backend_handles,
    draw_curve,
    new_figure,
    strokes,
    subject,
)
from experiments.engine.measurements import Measurements

PLAIN, NORMALIZED = RUNS


@dataclass(frozen=True)
class Settings(batchnorm_effect.Settings):
    """The experiment before this one, for the chapter's sixteen scales at once."""

    scales: tuple[float, ...] = tuple(np.logspace(0, -4, 16).tolist())


def measure(context: Context) -> Measurements:
    """As in ``batchnorm_effect``, for every scale."""
    settings, measurements = context.settings, Measurements()
    for run, batch_norm in RUNS.items():
        names = [_name(run, scale) for scale in settings.scales]
        accuracies = batchnorm_effect.train(context, run, batch_norm, names)
        for name, accuracy in zip(names, accuracies, strict=True):
            measurements.add(name, "accuracy", range(settings.epochs + 1), accuracy)
    return measurements


def _name(run: str, scale: float) -> str:
    return f"{run}, w {scale:.3g}"


def _by_scale(seed: Seed, run: str) -> np.ndarray:
    """The accuracies (scales, epochs + 1) of the run in every scale."""
    rows = [values for (name, _), values in seed.items() if name.startswith(f"{run}, ")]
    return np.nan_to_num(np.array(rows))  # a run that diverged knows nothing


def _epochs_to(accuracy: np.ndarray, goal: float) -> np.ndarray:
    """The first epoch at which each row reaches the goal; infinity for never."""
    reached = accuracy >= goal
    return np.where(reached.any(axis=1), reached.argmax(axis=1), np.inf)


def sooner(seed: Seed) -> tuple[bool, str]:
    plain, normalized = (_epochs_to(_by_scale(seed, run), 0.8) for run in RUNS)
    count, neither = np.sum(normalized < plain), np.sum(np.isinf(normalized) & np.isinf(plain))
    measured = f"sooner in {count} of {len(plain)} scales; in {neither} neither gets there"
    return bool(count >= 14 * len(plain) / 16), measured


def ahead(seed: Seed) -> tuple[bool, str]:
    plain, normalized = (_by_scale(seed, run).mean(axis=1) for run in RUNS)
    count = int(np.sum(normalized > plain))
    return count >= 14 * len(plain) / 16, f"ahead in {count} of {len(plain)} scales"


def some_do_not_learn(seed: Seed) -> tuple[bool, str]:
    final = _by_scale(seed, PLAIN)[:, -1]
    count = int(np.sum(final < 0.2))
    return count >= 1, f"{count} of {len(final)} scales end below 20 %"


def depends_less(seed: Seed) -> tuple[bool, str]:
    spread = {run: float(np.std(_by_scale(seed, run)[:, -1])) for run in RUNS}
    shown = ", ".join(f"{run} {value:.3f}" for run, value in spread.items())
    return spread[NORMALIZED] < spread[PLAIN] / 2, f"std of the final accuracy: {shown}"


def plot(by_backend: Mapping[str, Measurements], settings: Settings) -> Figure:
    """A panel for each scale."""
    columns = 4
    rows = -(-len(settings.scales) // columns)
    figure, axes = new_figure(
        f"{settings.images:,} {subject(by_backend)} images, {len(settings.hidden)} hidden layers, "
        f"SGD {settings.lr:g}: accuracy on them for weights from N(0, w²)",
        rows,
        columns,
        figsize=(11, 2.4 * rows),
        share=True,
    )
    for panel, scale in zip(axes.flat, settings.scales, strict=False):
        for run, color in zip(RUNS, COLORS, strict=False):
            for backend, stroke in strokes(by_backend).items():
                curve = by_backend[backend][_name(run, scale), "accuracy"]
                draw_curve(panel, curve, color, stroke)
            lost, seeds = int(np.isnan(curve.values[:, -1]).sum()), len(curve.values)
            if lost:
                some = "" if lost == seeds else f" in {lost} of {seeds} seeds"
                place = {"x": 0.5, "y": 0.9, "transform": panel.transAxes, "ha": "center"}
                panel.text(s=f"{run}: diverges{some}", color=color, **place)
        panel.set(title=f"w = {scale:.3g}", ylim=(0, 1))
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    for panel in axes[:, 0]:
        panel.set_ylabel("accuracy")
    handles = [
        Line2D([], [], color=color, lw=2.5, label=run)
        for run, color in zip(RUNS, COLORS, strict=False)
    ]
    figure.legend(
        handles=handles + backend_handles(by_backend), loc="outside lower center", ncols=4
    )
    return figure


EXPERIMENT = Experiment(
    name="batchnorm-scales",
    section="6.3.2",
    title="batch normalization over sixteen scales of the initial weights",
    settings=Settings(),
    quick=replace(Settings(), epochs=8),
    measure=measure,
    plot=plot,
    claims=(
        Claim("in at least 14 of 16 scales it reaches 80 % sooner", sooner),
        Claim("in at least 14 of 16 scales its mean accuracy is higher", ahead),
        Claim("without it some scales learn nothing: they end below 20 %", some_do_not_learn),
        Claim(
            "with it the scale matters little: the final accuracies spread less than half as much",
            depends_less,
        ),
    ),
    needs_data=True,
    stack=batchnorm_effect.stack,
)
