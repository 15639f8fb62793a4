"""Numbers read off a series of moves."""

import math

import numpy as np

from torch_ref.lockstep.diagnose.numbers import least_squares

EXACT = 1e-6


def short(value: float) -> str:
    """The number in four digits.

    >>> short(0.9000000001), short(1e-8)
    ('0.9', '1e-08')
    """
    return f"{value:.4g}"


def series(values: np.ndarray) -> str:
    """The first numbers of a series, and its last; once, where all are the same.

    >>> series(np.array([1.0, 1.9, 2.71, 3.439])), series(np.ones(5))
    ('1, 1.9, 2.71, …, 3.439', '1 throughout')
    """
    if len(set(map(short, values))) == 1:
        return f"{short(values[0])} throughout"
    return ", ".join([*map(short, values[:3]), "…", short(values[-1])])


def moments(moves: np.ndarray) -> str:
    """How the moves after an impulse die away.

    One decay, of a momentum; or Adam's two, mₜ = β₁mₜ₋₁ and vₜ = β₂vₜ₋₁, corrected for their start.

    >>> moments(0.9 ** np.arange(9)), moments(np.array([1.0, 0, 0]))
    ('0.9 times the step before', 'no step after it')
    """
    if not moves[0] or not moves[1:].any():
        return "no step after it" if moves[0] else "no step"
    with np.errstate(all="ignore"):
        ratios = moves[1:] / moves[:-1]
    if not (np.isfinite(ratios).all() and (ratios > 0).all()):
        return series(moves / moves[0])
    if np.ptp(ratios[1:]) < EXACT:
        same = abs(ratios[0] - ratios[1]) < EXACT
        first = "" if same else f", the second {short(ratios[0])} times the first"
        return f"{short(ratios[1])} times the step before{first}"
    t = np.arange(1, len(moves))

    def apart(places: np.ndarray) -> np.ndarray:
        beta1, beta2 = _parts(places)
        corrected = (1 - beta1**t) / (1 - beta1 ** (t + 1))
        return np.log(beta1 / beta2**0.5 * corrected / _root(beta2, t) / ratios)

    found = least_squares(apart, np.array([2.0, 5.0]))
    if np.abs(apart(found)).max() > EXACT:
        return series(ratios)
    beta1, beta2 = _parts(found)
    return f"as two averages do: β₁ = {short(beta1)}, β₂ = {short(beta2)}"


def _parts(places: np.ndarray) -> np.ndarray:
    """From log odds, so that each is between zero and one."""
    return 1 / (1 + np.exp(-np.clip(places, -12, 12)))


def _root(beta2: float, t: np.ndarray) -> np.ndarray:
    return np.sqrt((1 - beta2**t) / (1 - beta2 ** (t + 1)))


def epsilon(sizes: np.ndarray, moves: np.ndarray) -> str:
    """Where ε stands, and its value, from the lengths of moves along gradients of these sizes.

    Beside the root a move is g/(g + ε) of the longest, inside of it g/√(g² + ε).

    >>> g = 10.0 ** np.arange(-11, 3)
    >>> epsilon(g, g / (g + 1e-8)), epsilon(g, g / np.sqrt(g * g + 1e-8)), epsilon(g, 0 * g + 1)
    ('beside the root, 1e-08', 'inside the root, 1e-08', 'none')
    """
    share = moves / moves[-1]
    seen = (share > 0.01) & (share < 0.99)
    if not seen.any():
        return "none" if share.min() > 0.99 else "below all gradients"
    g, share = sizes[seen], share[seen]
    beside, inside = g * (1 / share - 1), g * g * (1 / share**2 - 1)
    for where, values in (("beside", beside), ("inside", inside)):
        if np.ptp(values) < 0.01 * values.mean():
            return f"{where} the root, {short(float(np.median(values)))}"
    return f"half as long for gradients of {short(float(g[np.abs(share - 0.5).argmin()]))}"


def power(small: float, large: float, by: float) -> str:
    """How much longer a move is along a gradient so many times as large.

    >>> power(1.0, 100.0, 100.0), power(1.0, 1.0, 100.0)
    ('100 times as long', 'as long')
    """
    if not (small and math.isfinite(large / small)):
        return "none"
    times = large / small
    return "as long" if abs(times - 1) < 1e-3 else f"{short(times)} times as long"


def narrowest(values: np.ndarray) -> str:
    """The shortest format of numbers that has all of these.

    >>> narrowest(np.array([1.0, 0.5])), narrowest(np.array([0.1])), narrowest(np.float32([0.1]))
    ('bfloat16', 'float64', 'float32')
    """
    single = values.astype(np.float32)
    if not np.array_equal(single, values):
        return "float64"
    if not (single.view(np.uint32) & 0xFFFF).any():
        return "bfloat16"
    return "float16" if np.array_equal(values.astype(np.float16), values) else "float32"


def dampening(impulse: np.ndarray, steady: np.ndarray) -> str:
    """The part τ of later gradients that a momentum leaves out: b = μb + (1 − τ)g, at first g.

    >>> dampening(0.9 ** np.arange(4), np.array([1.0, 1.4, 1.76, 2.084]))
    '0.5'
    """
    with np.errstate(all="ignore"):
        mu, ratios = impulse[1] / impulse[0], impulse[1:] / impulse[:-1]
        if not (np.ptp(ratios) < EXACT and mu > 0):
            return "no momentum of one decay"
        left_out = 1 - (steady[1] / steady[0] - mu)
    return short(left_out) if abs(left_out) > EXACT else "none"
