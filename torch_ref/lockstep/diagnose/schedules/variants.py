"""The known ways in which schedules differ from torch's, and the ones that their rates show.

A variant's changes are of torch's rates, once they are computed, or of the settings that they are
computed with; the latter have "set " before the setting's name.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from torch_ref.lockstep.finding import Variant

Settings = dict[str, Any]
#: What may stand in the place of a word.
WORDS = {
    "mode": ("min", "max", "triangular", "triangular2", "exp_range"),
    "anneal_strategy": ("cos", "linear"),
    "threshold_mode": ("rel", "abs"),
    "scale_mode": ("cycle", "iterations"),
}

VARIANTS = (
    Variant(
        "one step ahead",
        "torch's lr before the first scheduler.step() is that of step 0",
        {"shift": 1},
    ),
    Variant(
        "one step behind",
        "torch's lr after k calls of scheduler.step() is that of step k, not k − 1",
        {"shift": -1},
    ),
    Variant(
        "steps counted from 1",
        "torch counts the steps from 0: the first lr is that of step 0",
        {"shift": "from 1"},
    ),
    Variant(
        "warm-up from zero, one step behind",
        "torch's first step is taken with a rate above zero: it counts that step as done",
        {"shift": "from zero"},
    ),
    Variant(
        "a factor instead of the lr",
        "torch's lr is the factor times the base lr, as LambdaLR multiplies",
        {"factor": True},
    ),
    Variant(
        "multiplied into the last lr, not into the base lr",
        "torch's lr is the base lr times the factor of the step: none is multiplied in twice",
        {"compound": True},
    ),
)
MOMENTUM = Variant(
    "momentum moved the wrong way",
    "torch's momentum falls where the lr rises, and rises where it falls",
    {"mirrored": True},
)
ANEW = Variant(
    "last_epoch left out: it begins anew",
    "torch's goes on after the last_epoch that it is given",
    {"set last_epoch": -1},
)


def shown(
    mine: np.ndarray, theirs: np.ndarray, lr: float, settings: Settings, tolerance: float
) -> Iterator[Variant]:
    """The variants that the candidate's rates suggest; only a run with them says whether they fit.

    Args:
        mine, theirs: the rates of both sides.
        lr: the base rate.
        settings: all of torch's.
        tolerance: relative to the largest rate.
    """
    near = tolerance * np.abs(mine).max()
    yield from _of_rates(mine, theirs, near)
    yield from _of_formula(settings)
    for name, value in settings.items():
        yield from _of_setting(name, value, mine, lr)


def changed(
    mine: np.ndarray, theirs: np.ndarray, lr: float, changes: Settings, tolerance: float
) -> float:
    """How far my rates are from torch's with changes, relative to the largest of them."""
    theirs = lr * np.cumprod(theirs / lr) if lr and changes.get("compound") else theirs
    theirs = theirs / lr if changes.get("factor") else theirs * changes.get("times", 1.0)
    if len(theirs) < 3:
        return math.inf  # too few to tell a shift by
    if "hold" in changes:
        theirs = theirs[np.minimum(np.arange(len(theirs)), changes["hold"])]
    if "period" in changes:
        theirs = theirs[np.arange(len(theirs)) % changes["period"]]
    scale = np.abs(theirs).max()
    apart = _shifted(mine, theirs, changes.get("shift", 0), tolerance * scale)
    distance = float(np.abs(apart).max() / scale) if apart is not None and scale else math.inf
    return math.inf if math.isnan(distance) else distance


def formula(settings: Settings, lr: float, steps: int) -> np.ndarray | None:
    """The rates by a formula that torch has not, where the settings have one."""
    rate = settings.get("formula")
    if rate is None:
        return None
    return np.array([rate(t, lr, settings) for t in range(steps)])


def _shifted(
    mine: np.ndarray, theirs: np.ndarray, shift: int | str, near: float
) -> np.ndarray | None:
    if shift == 1:
        return mine[:-1] - theirs[1:]
    if isinstance(shift, int) and shift > 1:
        return mine[:-shift] - theirs[shift:]
    if shift == -1:
        return mine - np.concatenate([theirs[:1], theirs[:-1]])
    if shift == "from zero":
        return mine - np.concatenate([[0.0], theirs[:-1]])
    if shift == "from 1":
        # Step 0 is known to it, or has its own name.
        known = abs(mine[0] - theirs[0]) <= near or mine[0] == 0
        return None if known else mine[1:] - theirs[:-1]
    return mine - theirs


def _of_rates(mine: np.ndarray, theirs: np.ndarray, near: float) -> Iterator[Variant]:
    same = np.abs(mine - mine[-1]) <= near
    held = len(mine) - int(np.argmin(same[::-1])) if not same.all() else 0
    if held < len(mine) - 1:
        name = f"stays from step {held} on" if held else "stays as it began"
        yield Variant(name, "torch's lr goes on changing", {"hold": held})
    for period in range(2, len(mine) // 2):
        if not same.all() and (np.abs(mine[period:] - mine[:-period]) <= near).all():
            yield Variant(
                f"begins anew every {period} steps", "torch's goes on", {"period": period}
            )
            break
    for ahead in range(2, len(mine) // 4):
        apart = np.abs(mine[:-ahead] - theirs[ahead:])
        if apart.max() <= near < np.ptp(mine[:-ahead]):
            yield Variant(
                f"{ahead} steps ahead", "torch's lr at step t is that of step t", {"shift": ahead}
            )
            break
    at = int(np.abs(theirs).argmax())
    if theirs[at] and np.isfinite(mine[at]) and mine[at]:
        times = float(f"{mine[at] / theirs[at]:.12g}")
        if abs(times - 1) > 1e-9:
            yield Variant(f"{times:.6g} times the lr", "torch's is once", {"times": times})


def _of_formula(settings: Settings) -> Iterator[Variant]:
    for name, needed, theirs, rate in _FORMULAS:
        if needed <= settings.keys():
            yield Variant(name, theirs, {"set formula": rate})
    if settings.keys() >= _STAIRS:
        for each in range(2, settings["step_size"] + 1):
            if settings["step_size"] % each == 0:
                yield Variant(
                    f"decays {each} times where torch decays once",
                    "torch multiplies by gamma once every step_size calls of step()",
                    {"set formula": partial(_again, each=each)},
                )


def _of_setting(name: str, value: Any, mine: np.ndarray, lr: float) -> Iterator[Variant]:
    """The variants of one setting, by its type."""

    def to(named: str, other: Any) -> Variant:
        return Variant(named, f"torch's {name} is {value!r}", {f"set {name}": other})

    if isinstance(value, bool):
        yield to(f"{name}={not value}", not value)
    elif isinstance(value, int):
        yield to(f"{name} counted one too few", value - 1)
        yield to(f"{name} counted one too many", value + 1)
        if value > 1:
            yield to(f"{name} 0", 0)
    elif isinstance(value, str):
        yield from (to(f"{name} {w}", w) for w in WORDS.get(name, ()) if w != value)
    elif isinstance(value, float):
        yield from (to(f"{name} {v:g}", v) for v in _values(name, value, mine, lr))
    elif isinstance(value, list | tuple) and all(isinstance(v, int) for v in value) and value:
        for by, said in ((-1, "few"), (1, "many")):
            yield to(f"{name} counted one too {said}", [v + by for v in value])
        yield to(f"each of the {name} counted from the one before", np.cumsum(value).tolist())
        for i, v in enumerate(value):
            yield to(f"{v} of the {name} left out", [*value[:i], *value[i + 1 :]])
            yield to(f"{v} of the {name} counted twice", [*value, v])


def _values(name: str, value: float, mine: np.ndarray, lr: float) -> list[float]:
    """What a setting's value may be by the candidate's rates."""
    with np.errstate(all="ignore"):
        steps = mine[1:] / mine[:-1]
    moved = [float(step) for step in steps if np.isfinite(step) and abs(step - 1) > 1e-12]
    ends = (float(mine.min()), float(mine.max()))
    guessed = {0.0, *ends, *(end / lr for end in (*ends, mine[0], mine[-1]) if lr), *moved[:1]}
    if "div_factor" in name and mine[0] and mine[-1]:
        guessed = {ends[1] / mine[0], mine[0] / mine[-1], ends[1] / mine[-1]}
    finite = [float(v) for v in guessed if math.isfinite(v)]
    # A round number as it is written; else all of its digits, which a power of it needs.
    rounded = [float(f"{v:.10g}") for v in finite]
    values = {
        r if abs(v - r) <= 1e-14 * abs(v) else v for v, r in zip(finite, rounded, strict=True)
    }
    return sorted(v for v in values if abs(v - value) > 1e-9)


def _annealed(lr: float, low: float, part: float) -> float:
    """From lr down to the lowest, as far as the part from 0 to 1 says."""
    return low + (lr - low) * (1 + math.cos(math.pi * part)) / 2


def _period(t: int, first: int, grown: Callable[[int], int], late: int = 0) -> tuple[int, int]:
    """The step since the last restart, and how long it is to the next."""
    period = first
    while t >= period + late:
        t, period = t - period, grown(period)
    return t, period


def _reaching(t: int, lr: float, settings: Settings) -> float:
    t, period = _period(t, settings["T_0"], lambda each: each * settings["T_mult"])
    return _annealed(lr, settings.get("eta_min", 0.0), t / max(period - 1, 1))


def _continuous(t: int, lr: float, settings: Settings) -> float:
    return float(lr * settings["gamma"] ** (t / settings["step_size"]))


def _again(t: int, lr: float, settings: Settings, each: int) -> float:
    period = settings["step_size"] // each
    times = sum((s // each) % period == 0 for s in range(1, t + 1))
    return float(lr * settings["gamma"] ** times)


def _by_sum(t: int, lr: float, settings: Settings) -> float:
    t, period = _period(t, settings["T_0"], lambda each: each + settings["T_0"])
    return _annealed(lr, settings.get("eta_min", 0.0), t / period)


def _late(t: int, lr: float, settings: Settings) -> float:
    t, period = _period(t, settings["T_0"], lambda each: each * settings["T_mult"], late=1)
    return _annealed(lr, settings.get("eta_min", 0.0), t / period)


def _once(t: int, lr: float, settings: Settings) -> float:
    return _annealed(lr, settings.get("eta_min", 0.0), min(t / settings["T_0"], 1.0))


def _linear(t: int, lr: float, settings: Settings, part: float | None = None) -> float:
    part = t / settings["total_iters"] if part is None else part
    start: float = settings["start_factor"]
    return lr * (start + (settings["end_factor"] - start) * part)


_COSINE, _RESTARTS, _STAIRS = {"T_max", "eta_min"}, {"T_0", "T_mult"}, {"step_size", "gamma"}
_LINE, _POWER = {"start_factor", "total_iters"}, {"power", "total_iters"}
_HALF = "torch's is (1 + cos πt/T)/2"
_GEOMETRIC = "torch multiplies by gamma at every step: gamma**t"
#: What a schedule with these settings may be by another formula, what torch's does, and the rate in
#: step t by that formula.
_FORMULAS: tuple[tuple[str, set[str], str, Callable[[int, float, Settings], float]], ...] = (
    (
        "eta_min added, not annealed to",
        _COSINE,
        "torch anneals from lr to eta_min: eta_min + (lr − eta_min)·(1 + cos)/2",
        lambda t, lr, s: s["eta_min"] + _annealed(lr, 0.0, t / s["T_max"]),
    ),
    (
        "eta_min as the least rate",
        _COSINE,
        "torch anneals from lr to eta_min",
        lambda t, lr, s: max(s["eta_min"], _annealed(lr, 0.0, t / s["T_max"])),
    ),
    (
        "a quarter of a cosine",
        _COSINE,
        "torch's is half of one: (1 + cos πt/T)/2",
        lambda t, lr, s: (
            s["eta_min"] + (lr - s["eta_min"]) * math.cos(math.pi / 2 * min(t / s["T_max"], 1.0))
        ),
    ),
    (
        "π left out of the cosine",
        _COSINE,
        _HALF,
        lambda t, lr, s: _annealed(lr, s["eta_min"], t / s["T_max"] / math.pi),
    ),
    (
        "2π in the cosine",
        _COSINE,
        _HALF,
        lambda t, lr, s: _annealed(lr, s["eta_min"], 2 * t / s["T_max"]),
    ),
    ("periods grow by T_0", _RESTARTS, "torch's grow by the factor T_mult", _by_sum),
    (
        "restarts one step late",
        _RESTARTS,
        "torch restarts at the step that would end it",
        _late,
    ),
    ("never restarts", _RESTARTS, "torch's begins anew after T_0 steps", _once),
    ("goes on beyond total_iters", _LINE, "torch's stays from there on", _linear),
    (
        "the part of the way rounded down",
        _LINE,
        "torch's moves at every step",
        lambda t, lr, s: _linear(t, lr, s, min(t // s["total_iters"], 1)),
    ),
    (
        "1 − (t/T)**power",
        _POWER,
        "torch's is (1 − t/T)**power",
        lambda t, lr, s: lr * (1 - min(t / s["total_iters"], 1.0) ** s["power"]),
    ),
    ("1/(1 + gamma·t)", {"gamma"}, _GEOMETRIC, lambda t, lr, s: lr / (1 + s["gamma"] * t)),
    (
        "1/(1 + (1 − gamma)·t)",
        {"gamma"},
        _GEOMETRIC,
        lambda t, lr, s: lr / (1 + (1 - s["gamma"]) * t),
    ),
    (
        "reaches eta_min before each restart: divided by T_i − 1",
        _RESTARTS,
        "torch divides by T_i: the step that would reach eta_min is the restart",
        _reaching,
    ),
    (
        "decays at every step: gamma**(step/step_size)",
        _STAIRS,
        "torch decays by gamma once every step_size steps",
        _continuous,
    ),
)
