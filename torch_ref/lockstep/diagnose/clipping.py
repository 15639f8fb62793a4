"""Checking gradient clipping against torch's: by the norm of all gradients, or by value."""

from typing import Any

import numpy as np

from scratch import _check
from scratch.optim import clip_grad_norm, clip_grad_value
from torch_ref.lockstep.candidates.candidate import CandidateError, name_of
from torch_ref.lockstep.candidates.reference import CLIP, find
from torch_ref.lockstep.diagnose.search import closest, search, within
from torch_ref.lockstep.finding import Variant
from torch_ref.lockstep.frameworks.clipping import Grads, clipping_of
from torch_ref.lockstep.result import Result

Settings = dict[str, Any]
#: Relative to the largest element of a gradient; a norm is one sum and one root.
TOLERANCE = 1e-12

_TOTAL = "torch has one norm, of the elements of all gradients"
_EPS = "torch divides by the norm + 1e-6"
_BY_VALUE = "torch clips every element to [−clip_value, clip_value]"
BY_NORM = (
    Variant("norm of each tensor by itself", _TOTAL, {"each": True}),
    Variant("eps left out", _EPS, {"eps": 0.0}),
    Variant("eps 1e-8", _EPS, {"eps": 1e-8}),
    Variant(
        "scaled up to max_norm, too", "torch leaves gradients of a smaller norm alone", {"up": True}
    ),
    Variant("the largest magnitude as the norm", "torch's is the 2-norm", {"p": np.inf}),
    Variant("the sum of magnitudes as the norm", "torch's is the 2-norm", {"p": 1.0}),
    Variant("the square of the norm", "torch's is the 2-norm", {"p": "square"}),
    Variant("the root mean square as the norm", "torch's is the 2-norm", {"p": "mean"}),
    Variant("clipped by value", "torch scales all elements by the same", {"value": True}),
    Variant("not clipped", "torch scales what is larger than max_norm", {"off": True}),
)
BY_VALUE = (
    Variant("clipped from above alone", _BY_VALUE, {"low": False}),
    Variant("clipped from below alone", _BY_VALUE, {"high": False}),
    Variant("scaled by the norm of all", _BY_VALUE, {"norm": "all"}),
    Variant("scaled by the norm of each", _BY_VALUE, {"norm": "each"}),
    Variant("scaled by the largest magnitude of each", _BY_VALUE, {"norm": "largest"}),
    Variant("not clipped", _BY_VALUE, {"off": True}),
)


def check_clipping(
    candidate: Any,
    against: str = "clip_grad_norm_",
    *,
    dtype: np.typing.DTypeLike = np.float64,
    max_norm: float = 1.0,
    norm_type: float = 2.0,
    clip_value: float = 0.5,
) -> Result:
    """Compare a function that clips gradients with torch's, and name the cause if they diverge.

    Args:
        candidate: takes parameters with ``.grad``, a dict or a list of gradients, or one gradient,
            changes them in place or returns others; or a pair of ``init`` and ``update`` in
            optax's style; or what makes such a one of its settings.
        against: "clip_grad_norm_" or "clip_grad_value_".
        dtype: of the gradients; they are compared within the rounding of it.
        max_norm, norm_type: of the former, under the candidate's names for them.
        clip_value: of the latter.

    Raises:
        TypeError: no way to call the candidate gave gradients.

    >>> def mine(grads, max_norm):
    ...     norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
    ...     return {name: g * max_norm / max(norm, max_norm) for name, g in grads.items()}
    >>> check_clipping(mine).findings[0].names
    ('eps left out',)
    """
    dtype = _check.floating(dtype)
    try:
        theirs = find(against)
    except CandidateError as error:
        raise ValueError(f"against must be a function that clips gradients: {error}") from error
    by_norm = theirs.name.rstrip("_").endswith("norm")
    settings = _settings(by_norm, max_norm, norm_type, clip_value)
    clip = clipping_of(candidate, settings)
    cases = _cases(max_norm if by_norm else clip_value, dtype)
    mine = [clip(grads) for grads in cases]
    verdict = Result(name_of(candidate), theirs.name, CLIP, notes=[f"called as {clip.way}"])
    tolerance = TOLERANCE if np.dtype(dtype) == np.float64 else 1e-5
    apart, at = _distance(mine, [_torchs(grads, by_norm, settings) for grads in cases])
    if apart <= tolerance:
        verdict.seen = f"{verdict.mine} agrees with {verdict.theirs} for {len(cases)} sets of "
        verdict.seen += f"gradients: at most {apart:.1e} relative"
        return verdict
    verdict.first = at

    def distance(changes: Settings) -> float:
        return _distance(mine, [_changed(grads, by_norm, settings, changes) for grads in cases])[0]

    found, _ = search(BY_NORM if by_norm else BY_VALUE, within(distance, tolerance))
    verdict.explain(closest(found), "alone or in pairs")
    return verdict


def _settings(by_norm: bool, max_norm: float, norm_type: float, clip_value: float) -> Settings:
    clip_value = _check.number("clip_value", clip_value, above=0)
    max_norm = _check.number("max_norm", max_norm, above=0)
    norm_type = _check.number_or_inf("norm_type", norm_type, at_least=0)
    if not by_norm:
        return {"clip_value": clip_value}
    return {"max_norm": max_norm} | ({} if norm_type == 2.0 else {"norm_type": norm_type})


def _cases(bound: float, dtype: np.dtype) -> list[Grads]:
    """Gradients of norms and elements far above, near and far below the bound."""
    random = np.random.default_rng(0)
    shapes = {"w0": (7, 5), "w1": (5,), "w2": (3, 2)}
    cases = []
    for scale in (100.0, 3.0, 0.16, 0.05, 1e-3):
        grads = {n: scale * bound * random.standard_normal(s) for n, s in shapes.items()}
        cases.append({n: np.asarray(g, dtype) for n, g in grads.items()})
    cases[1]["w1"] *= 0.01  # one tensor is small, where all together are not
    return cases


def _torchs(grads: Grads, by_norm: bool, settings: Settings) -> Grads:
    """Torch's, by hand: proven equal to it."""
    clipped = {name: g.copy() for name, g in grads.items()}
    if by_norm:
        clip_grad_norm(clipped, **settings)
    else:
        clip_grad_value(clipped, **settings)
    return clipped


def _changed(grads: Grads, by_norm: bool, settings: Settings, changes: Settings) -> Grads:
    if changes.get("off"):
        return grads
    bound = settings["max_norm" if by_norm else "clip_value"]
    if by_norm and not changes.get("value"):
        return scaled(grads, bound, {"p": settings.get("norm_type", 2.0)} | changes)
    if kind := changes.get("norm"):
        p = np.inf if kind == "largest" else 2.0
        return scaled(grads, bound, {"eps": 0.0, "each": kind != "all", "p": p})
    low = -bound if changes.get("low", True) else -np.inf
    high = bound if changes.get("high", True) else np.inf
    return {name: np.clip(g, low, high) for name, g in grads.items()}


def scaled(grads: Grads, bound: float, changes: Settings) -> Grads:
    """The gradients, where their norm is larger than the bound scaled down to that.

    Args:
        grads: by name.
        bound: of the norm.
        changes: "each" for the norm of each by itself; its "p", 2, and "eps", 1e-6; and "up" if
            they are scaled up as well.

    >>> scaled({"w": np.array([3.0, 4.0])}, 2.5, {"eps": 0.0})
    {'w': array([1.5, 2. ])}
    """
    if changes.get("each"):
        one = {**changes, "each": False}
        return {name: scaled({name: g}, bound, one)[name] for name, g in grads.items()}
    norm = _norm(np.concatenate([g.ravel() for g in grads.values()]), changes.get("p", 2.0))
    factor = bound / (norm + changes.get("eps", 1e-6))
    factor = factor if changes.get("up") else min(factor, 1.0)
    return {name: g * factor for name, g in grads.items()}


def _norm(x: np.ndarray, p: float | str) -> float:
    if p == "square":
        return float((x**2).sum())
    if p == "mean":
        return float(np.sqrt((x**2).mean()))
    return float(np.linalg.norm(x, float(p)))


def _distance(mine: list[Grads], theirs: list[Grads]) -> tuple[float, str]:
    """The largest distance of a gradient, relative to its largest element; and where it is."""
    worst, at = 0.0, ""
    for case, (a, b) in enumerate(zip(mine, theirs, strict=True), 1):
        for name in b:
            apart = float(np.abs(a[name] - b[name]).max() / max(np.abs(b[name]).max(), 1e-300))
            if not apart <= worst:
                worst = apart if np.isfinite(apart) else np.inf
                i = np.unravel_index(np.abs(a[name] - b[name]).argmax(), b[name].shape)
                place = f"{name}[{', '.join(map(str, i))}] of set {case}"
                at = f"{place}: {a[name][i]:.8g} instead of {b[name][i]:.8g}"
    return worst, at
