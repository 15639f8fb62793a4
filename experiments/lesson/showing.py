"""Experiments, code and pictures in a notebook; with ipywidgets, with sliders."""

import inspect
import io
import os
import textwrap
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from experiments.engine.texts import Text, say
from experiments.lesson.exercises import EXERCISES
from experiments.lesson.language import told

#: With this in the environment the trainings are too short to mean anything.
QUICK = os.environ.get("LOCKSTEP_QUICK") == "1"
#: With this in the environment pictures have no sliders: so are those that are stored.
STILL = os.environ.get("LOCKSTEP_STILL") == "1"
_SHORT = {"iterations": 40, "look_every": 20, "epochs": 2, "searches": 4} if QUICK else {}
_START, _STEPS = (-7.0, 2.0), 30


def code(*pieces: Any) -> Any:
    """Show the source of functions and classes."""
    from IPython.display import Markdown

    source = "\n".join(textwrap.dedent(inspect.getsource(piece)) for piece in pieces)
    return Markdown(f"```python\n{source}```")


def run(name: str, sides: tuple[str, ...] = ("scratch",), **changes: Any) -> None:
    """Run an experiment of the chapter, draw it, and judge the chapter's claims.

    Args:
        name: of ``lockstep list``.
        sides: "scratch" for the project's own NumPy, "torch" for PyTorch; or both.
        changes: settings other than the chapter's.
    """
    from IPython.display import Markdown, display

    import experiments
    from experiments.engine import backends
    from experiments.engine.drawing import draw
    from experiments.engine.experiment import Context, judged

    experiment = experiments.load(name)
    settings = experiment.chosen(QUICK)
    short = {key: value for key, value in _SHORT.items() if hasattr(settings, key)}
    settings, measured = replace(settings, **short | changes), {}
    for side in sides:
        data = _mnist() if experiment.needs_data else None
        context = Context(backends.create(side), settings, (0,), data, lambda *_: None)
        measured[side] = experiment.measure(context)
    display(_picture(draw(experiment.figure(measured, settings))))
    rows = [
        ("✓" if claim["holds"] else "✗", told(Text(claim["text"])), side, told(each["measured"]))
        for side, measurements in measured.items()
        for claim in judged(experiment.claims, measurements, (0,))
        for each in claim["seeds"]
    ]
    head = "", told(say("what the chapter says")), "", told(say("measured"))
    display(Markdown(_table(head, rows)))


def bowl(answer: Any, lr: float) -> Any:
    """The path of an optimizer down the bowl x²/20 + y², with a slider for its learning rate.

    Args:
        answer: the class that you wrote; as long as it is empty, the solution goes in its place.
        lr: the learning rate to begin with.
    """
    optimizer = _own_or_solution(answer)

    def draw(lr: float) -> Any:
        return _picture(_path(optimizer, lr))

    return _with_slider(draw, lr=(lr, 0.001, 10.0))


def layers(std: float, activation: str = "sigmoid") -> Any:
    """What arrives in five layers of 100 units, with a slider for the std of the weights.

    Args:
        std: of the normal weights.
        activation: "sigmoid", "tanh" or "relu".
    """

    def draw(std: float) -> Any:
        return _picture(_histograms(std, activation))

    return _with_slider(draw, std=(std, 0.001, 10.0))


def _own_or_solution(answer: Any) -> Callable[..., Any]:
    """The learner's class; as long as it is empty, the solution, and a line that says so."""
    from IPython.display import Markdown, display

    exercise = EXERCISES.get(getattr(answer, "__name__", ""))
    if exercise is None or not exercise.is_empty(answer):
        return answer
    text = say("`{name}` is still empty: this is the path of the solution.", name=exercise.name)
    display(Markdown(told(text)))
    return exercise.solution


def _with_slider(draw: Callable[..., Any], **start: tuple[float, float, float]) -> Any:
    """The picture; with a slider beside it, from the least value to the most, if there are any."""
    ((name, (value, low, high)),) = start.items()
    if STILL or find_spec("ipywidgets") is None:
        return draw(**{name: value})
    from IPython.display import display
    from ipywidgets import FloatLogSlider, interact

    powers = {"min": np.log10(low), "max": np.log10(high), "step": 0.02}
    slider = FloatLogSlider(value=value, base=10, description=name, readout_format=".3g", **powers)
    slider.continuous_update = False
    interact(lambda **now: display(draw(**now)), **{name: slider})
    return None


def _path(optimizer: Callable[..., Any], lr: float) -> Any:
    from matplotlib.figure import Figure

    from experiments.surface import f, gradient

    chosen, point, path = optimizer(lr=lr), dict(zip("xy", map(np.array, _START), strict=True)), []
    with np.errstate(all="ignore"):  # a rate that is too large is there to be seen
        for _ in range(_STEPS + 1):
            path.append((float(point["x"]), float(point["y"])))
            grads = gradient(point["x"], point["y"])
            chosen.update(point, {k: np.array(g) for k, g in zip("xy", grads, strict=True)})
    paper = Figure(figsize=(6, 3.4), layout="constrained")
    axes = paper.subplots()
    x, y = np.linspace(-10, 10, 80), np.linspace(-4, 4, 60)
    axes.contour(x, y, np.sqrt(f(*np.meshgrid(x, y))), 12, colors="0.8", linewidths=0.8)
    axes.plot(*np.array(path).T, "o-", color="#0072B2", ms=3, lw=1.2)
    axes.plot(0, 0, "+", color="black", ms=10)
    axes.set(xlim=(-10, 10), ylim=(-4, 4), xlabel="x", ylabel="y")
    last = f(*path[-1])
    axes.set_title(
        f"{optimizer.__name__}, lr {lr:.3g}: f = {last:.2g} after {_STEPS} steps", fontsize=10
    )
    return paper


def _histograms(std: float, activation: str) -> Any:
    from matplotlib.figure import Figure

    from scratch import nn

    random = np.random.default_rng(0)
    x = random.standard_normal((1000, 100)).astype(np.float32)
    paper = Figure(figsize=(8, 2), layout="constrained")
    low = -1 if activation == "tanh" else 0
    for i, axes in enumerate(paper.subplots(1, 5, sharey=True), 1):
        weights = std * random.standard_normal((100, 100))
        x = nn.ACTIVATIONS[activation]().forward(x @ weights.astype(np.float32))
        axes.hist(x.ravel(), 30, range=(low, 1), color="#0072B2")
        axes.set_title(f"{i}: std {x.std():.2g}", fontsize=9)
        axes.set_ylim(0, 20_000)
        axes.tick_params(labelsize=7)
    return paper


def _picture(paper: Any) -> Any:
    """The figure as an image of few colours, which takes a third of the bytes."""
    from IPython.display import Image
    from PIL import Image as Pixels

    drawn, small = io.BytesIO(), io.BytesIO()
    paper.savefig(drawn, dpi=72, facecolor="white")
    pixels = Pixels.open(drawn).convert("RGB").quantize(64, Pixels.Quantize.MAXCOVERAGE)
    pixels.save(small, "PNG", optimize=True)
    return Image(small.getvalue())


def _mnist() -> Any:
    from experiments.data import load_mnist

    mnist = load_mnist()
    if not QUICK:
        return mnist
    few = {"test_images": mnist.test_images[:500], "test_labels": mnist.test_labels[:500]}
    return replace(mnist, **few)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in lines
    )
