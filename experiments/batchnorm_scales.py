"""Section 6.3.2: batch normalization over sixteen scales of the initial weights."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from experiments import batchnorm_effect
from experiments.batchnorm_effect import DASHED, NORMALIZED, PLAIN, SCALES
from experiments.engine import figures
from experiments.engine.experiment import Claim, Context, Experiment, Seed
from experiments.engine.measurements import Measurements
from experiments.engine.texts import Text, number, say

TORCHS = say("with torch's BatchNorm")
#: The chapter's two, and beside them what torch's ε = 1e-5 and running variance do.
RUNS = batchnorm_effect.RUNS | {TORCHS: {"batch_norm": True}}
COLORS = figures.colors([*RUNS])


@dataclass(frozen=True)
class Settings(batchnorm_effect.Settings):
    """The experiment before this one, for the chapter's sixteen scales at once."""

    scales: tuple[float, ...] = SCALES


def measure(context: Context) -> Measurements:
    """As in ``batchnorm_effect``, for every scale."""
    settings, measurements = context.settings, Measurements()
    for run, options in RUNS.items():
        names = [_name(run, scale) for scale in settings.scales]
        accuracies = batchnorm_effect.train(context, run, options, names)
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


def sooner(seed: Seed) -> tuple[bool, Text]:
    plain, normalized = (_epochs_to(_by_scale(seed, run), 0.8) for run in (PLAIN, NORMALIZED))
    count, neither = np.sum(normalized < plain), np.sum(np.isinf(normalized) & np.isinf(plain))
    return bool(count >= 14 * len(plain) / 16), say(
        "sooner in {count} of {of} scales; in {neither} neither gets there",
        count=count,
        of=len(plain),
        neither=neither,
    )


def ahead(seed: Seed) -> tuple[bool, Text]:
    plain, normalized = (_by_scale(seed, run).mean(axis=1) for run in (PLAIN, NORMALIZED))
    count = int(np.sum(normalized > plain))
    return count >= 14 * len(plain) / 16, say(
        "ahead in {count} of {of} scales", count=count, of=len(plain)
    )


def some_do_not_learn(seed: Seed) -> tuple[bool, Text]:
    final = _by_scale(seed, PLAIN)[:, -1]
    count = int(np.sum(final < 0.2))
    return count >= 1, say("{count} of {of} scales end below 20 %", count=count, of=len(final))


def depends_less(seed: Seed) -> tuple[bool, Text]:
    spread = {run: float(np.std(_by_scale(seed, run)[:, -1])) for run in (PLAIN, NORMALIZED)}
    return spread[NORMALIZED] < spread[PLAIN] / 2, say(
        "std of the final accuracy: without BatchNorm {plain}, with BatchNorm {normalized}",
        plain=f"{spread[PLAIN]:.3f}",
        normalized=f"{spread[NORMALIZED]:.3f}",
    )


def torchs_is_behind(seed: Seed) -> tuple[bool, Text]:
    chapters, torchs = (float(_by_scale(seed, run).mean()) for run in (NORMALIZED, TORCHS))
    return torchs < chapters, say(
        "mean accuracy: the chapter's layer {chapters}, torch's {torchs}",
        chapters=number(chapters),
        torchs=number(torchs),
    )


def figure(by_backend: figures.ByBackend, settings: Settings) -> figures.Figure:
    """The last epoch over the scales, and a panel for each scale."""
    final = [
        _final(run, measured, backend, settings)
        for run in RUNS
        for backend, measured in by_backend.items()
    ]
    scales = [f"{scale:.3g}" for scale in settings.scales]
    header = [
        say("scale w"),
        *(say("{run}, {backend}", run=m.name, backend=m.backend) for m in final),
    ]
    rows = [
        (scale, *(_or_diverges(values) for values in means))
        for scale, *means in zip(scales, *(line.mean for line in final), strict=True)
    ]
    normalized, plain, torchs = (
        line.mean for line in final if line.backend == next(iter(by_backend))
    )
    finding = say(
        "After the last epoch the accuracy is at least 80 % in {plain} of {count} scales without "
        "BatchNorm, in {normalized} with it. Where a curve is missing, the training diverges. At "
        "the smallest scale it is {chapters} with the chapter's layer, ε = 10⁻⁶, and {torchs} with "
        "PyTorch's, 10⁻⁵.",
        plain=int((plain >= 0.8).sum()),
        normalized=int((normalized >= 0.8).sum()),
        count=len(scales),
        chapters=number(normalized[-1]),
        torchs=number(torchs[-1]),
    )
    shown = finding, figures.Table(header, rows)
    x = figures.Axis(say("scale w"), log=True)
    y = figures.Axis(say("accuracy after the last epoch"), range=(0, 1))
    over_scales = figures.Chart(
        "final",
        say("The last epoch's accuracy over the scale of the initial weights"),
        *shown,
        [figures.Panel(x, y, final)],
        size=(11, 3.2),
        height=380,
    )
    each = figures.Chart(
        "all",
        say("Accuracy on training images, for weights from N(0, w²)"),
        *shown,
        [_of_scale(by_backend, scale) for scale in settings.scales],
        columns=4,
        size=(2.75, 2.3),
        height=190,
    )
    title = (
        f"{settings.images:,} {figures.subject(by_backend)} images, {len(settings.hidden)} hidden "
        f"layers, SGD {settings.lr:g}: accuracy on them for weights from N(0, w²)"
    )
    return figures.Figure(title, [over_scales, each], stacked=True)


def _final(run: str, measured: Measurements, backend: str, settings: Settings) -> figures.Line:
    """The accuracy after the last epoch over the scales, in each seed."""
    curves = [measured[_name(run, scale), "accuracy"] for scale in settings.scales]
    values = np.stack([curve.values[:, -1] for curve in curves], axis=1)
    scales, dash = np.array(settings.scales), run in DASHED
    return figures.Line(run, COLORS[run], scales, values, backend, markers=True, dash=dash)


def _or_diverges(value: float) -> str:
    return number(value) if np.isfinite(value) else say("diverges")


def _of_scale(by_backend: figures.ByBackend, scale: float) -> figures.Panel:
    names = {run: _name(run, scale) for run in RUNS}
    lines = figures.lines(by_backend, "accuracy", names, COLORS, dashed=DASHED)
    lost = {line.name: np.isnan(line.values[:, -1]) for line in lines}
    y = figures.Axis(say("accuracy"), range=(0, 1))
    notes = [(_lost(run, seeds), COLORS[run]) for run, seeds in lost.items() if seeds.any()]
    return figures.Panel(figures.Axis(say("epoch")), y, lines, f"w = {scale:.3g}", notes=notes)


def _lost(run: str, seeds: np.ndarray) -> Text:
    if seeds.all():
        return say("{run}: diverges", run=run)
    return say("{run}: diverges in {lost} of {of} seeds", run=run, lost=seeds.sum(), of=len(seeds))


EXPERIMENT = Experiment(
    name="batchnorm-scales",
    section="6.3.2",
    title=say("batch normalization over sixteen scales of the initial weights"),
    settings=Settings(),
    quick=replace(Settings(), epochs=8),
    measure=measure,
    figure=figure,
    claims=(
        Claim("in at least 14 of 16 scales its mean accuracy is higher", ahead),
        Claim("without it some scales learn nothing: they end below 20 %", some_do_not_learn),
        Claim("in at least 14 of 16 scales it reaches 80 % sooner", sooner, ours=True),
        Claim(
            "with it the scale matters little: the final accuracies spread less than half as much",
            depends_less,
            ours=True,
        ),
        Claim(
            "with torch's ε and running variance it is behind the chapter's layer: its mean "
            "accuracy over all scales is lower",
            torchs_is_behind,
            ours=True,
        ),
    ),
    needs_data=True,
    stack=partial(batchnorm_effect.stack, trainings=len(RUNS)),
)
