"""LBFGS: the cause of a difference, from the places where a candidate evaluates the loss.

It takes many steps in an update, and each shows in where it looks next. So a variant is held
against the candidate place by place, on a landscape that curves down at first in some directions
and never in the others.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from scratch.optim.line_search import Point, strong_wolfe
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.contract import ContractError
from torch_ref.lockstep.compare.problems import Arrays
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.diagnose.causes import changes_something
from torch_ref.lockstep.diagnose.nearest import Nearest
from torch_ref.lockstep.diagnose.numbers import shorter
from torch_ref.lockstep.diagnose.probe import Probe
from torch_ref.lockstep.diagnose.search import search, within
from torch_ref.lockstep.diagnose.trial import Recorded, Trial, flat
from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.result import Result
from torch_ref.registry import SAME_GRADIENTS

#: How many updates, and how many places are compared in all of them.
UPDATES, PLACES = 3, 60
#: The largest distance of a place, beside the largest parameter so far: differences of gradients
#: have rounding errors that grow. In single precision nothing would be left to compare.
TOLERANCE = 1e-7
#: The histories that are tried.
HISTORIES = (*range(1, 31), 50, 100)

_FIRST = "takes the first step, along −g, times min(1, 1/Σ|g|)"
_START = "starts H from γ = yᵀs/yᵀy of the last pair"
_PAIRS = "keeps a pair only where yᵀs > 1e-10"
_SEARCH = "goes lr·d without a line search, or searches as line_search_fn says"
_ENDS = "ends an update at tolerance_grad = {tolerance_grad:g} and tolerance_change = "
_VARIANTS = (
    variant("first step not scaled by its gradient", _FIRST, first="lr"),
    variant("first step times 1/‖g‖", _FIRST, first="norm"),
    variant("first step times min(1, 1/‖g‖)", _FIRST, first="bounded norm"),
    variant("H from the identity", _START, "textbooks' first versions", start="one"),
    variant("H from yᵀy/yᵀs", _START, start="inverse"),
    variant("H from sᵀs/yᵀs", _START, start="long"),
    variant("H from the first pair's γ all along", _START, start="first"),
    variant("pairs kept whatever their curvature", _PAIRS, pairs="all"),
    variant("the history forgotten after an update", "keeps it", pairs="anew"),
    variant("the oldest pair first in both loops", "goes back from the newest first", order="old"),
    variant("no curvature: steps along −g", "multiplies g by H", pairs="none"),
    variant("lr in the first step alone", "has it in every step", lr_in="first"),
    variant("lr ignored, 1", "has the lr it is given, {lr:g}", lr=1.0),
    variant("line search ignored", _SEARCH, line_search_fn=None),
    variant("line search that nobody asked for", _SEARCH, line_search_fn="strong_wolfe"),
    variant("lr halved until the loss falls (Armijo)", _SEARCH, line_search_fn="armijo"),
    variant("one step in an update", "takes up to max_iter = {max_iter} of them", max_iter=1),
    variant("max_eval ignored", "evaluates at most 5/4·max_iter times", max_eval=10**6),
    variant("tolerance_change ignored", _ENDS + "{tolerance_change:g}", tolerance_change=-math.inf),
    variant("tolerance_grad ignored", _ENDS + "{tolerance_change:g}", tolerance_grad=-math.inf),
)

#: The loss and its gradient at a place.
Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray]]


class LBFGSRule:
    """``torch.optim.LBFGS``, on one vector of all parameters.

    ========= =======================================================================
    ``first`` the first step is scaled by the "sum", min(1, 1/Σ|g|); by the "norm",
              1/‖g‖; by the "bounded norm", min(1, 1/‖g‖); or not, "lr"
    ``start`` H starts from the "last" γ = yᵀs/yᵀy, "one", the "inverse", the
              "long" sᵀs/yᵀs, or the "first" γ
    ``pairs`` are kept if they are "curved", or "all", or "none"; or forgotten in
              each update, "anew"
    ``order`` in the first loop the "new" pair comes first, or the "old"
    ``lr_in`` "all" steps, or the "first"
    ========= =======================================================================

    The setting ``line_search_fn`` may also be "armijo".
    """

    PAPER: ClassVar[str] = ""
    VARIANTS: ClassVar[tuple[Variant, ...]] = _VARIANTS
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "lr": 1,
        "max_iter": 20,
        "max_eval": None,
        "tolerance_grad": 1e-7,
        "tolerance_change": 1e-9,
        "history_size": 100,
        "line_search_fn": None,
        "maximize": False,
    }
    FORMS: ClassVar[dict[str, str]] = {
        "first": "sum",
        "start": "last",
        "pairs": "curved",
        "order": "new",
        "lr_in": "all",
    }

    def __init__(self, settings: Mapping[str, Any] | None = None, **changes: Any) -> None:
        every = {**self.DEFAULTS, **self.FORMS, **(settings or {}), **changes}
        self.settings = {name: every[name] for name in self.DEFAULTS}
        self.form = {name: every[name] for name in self.FORMS}
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._scale, self._taken = 1.0, 0

    def update(self, evaluate: Evaluate, x: np.ndarray) -> np.ndarray:
        """Take up to ``max_iter`` steps from a place; returns where they end."""
        own = self.settings
        most = own["max_iter"] * 5 // 4 if own["max_eval"] is None else own["max_eval"]
        if self.form["pairs"] == "anew":
            self._pairs, self._last = [], None
        loss, g = evaluate(x)
        used = 1
        if np.abs(g).max() <= own["tolerance_grad"]:
            return x
        for step in range(1, own["max_iter"] + 1):
            d, t = self._direction(x, g)
            if g @ d > -own["tolerance_change"]:
                break
            before, from_here = loss, x
            ends = step == own["max_iter"]
            x, loss, g, evaluations = self._along(evaluate, x, loss, g, d, t, most - used, ends)
            used += evaluations
            if used >= most or np.abs(g).max() <= own["tolerance_grad"]:
                break
            change = own["tolerance_change"]
            if np.abs(x - from_here).max() <= change or abs(loss - before) < change:
                break
        return x

    def _direction(self, x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, float]:
        """The direction, and how far along it to go."""
        lr = float(self.settings["lr"])
        before, self._last = self._last, (x, g)
        self._taken += 1
        if before is None:
            norm = float(np.linalg.norm(g))
            scales = {
                "sum": min(1.0, 1 / float(np.abs(g).sum())),
                "norm": 1 / norm,
                "bounded norm": min(1.0, 1 / norm),
                "lr": 1.0,
            }
            return -g, scales[self.form["first"]] * lr
        self._keep(x - before[0], g - before[1])
        return -self._times(g), 1.0 if self.form["lr_in"] == "first" else lr

    def _keep(self, s: np.ndarray, y: np.ndarray) -> None:
        ys, kept = float(y @ s), self.form["pairs"]
        if kept == "none" or not (ys > 1e-10 or kept == "all"):
            return
        scales = {"last": ys / (y @ y), "one": 1.0, "inverse": (y @ y) / ys, "long": (s @ s) / ys}
        first = scales["last"] if not self._pairs else self._scale
        self._scale = float({**scales, "first": first}[self.form["start"]])
        self._pairs = [*self._pairs, (s, y)][-self.settings["history_size"] :]

    def _times(self, g: np.ndarray) -> np.ndarray:
        """H·g, in two loops over the pairs."""
        pairs = self._pairs[:: 1 if self.form["order"] == "old" else -1]
        alphas, q = [], g
        for s, y in pairs:
            alphas.append((s @ q) / (y @ s))
            q = q - alphas[-1] * y
        r = self._scale * q
        back = zip(pairs, alphas, strict=True)
        for (s, y), alpha in back if self.form["order"] == "old" else reversed(list(back)):
            r = r + (alpha - (y @ r) / (y @ s)) * s
        return r

    def _along(
        self,
        evaluate: Evaluate,
        x: np.ndarray,
        loss: float,
        g: np.ndarray,
        d: np.ndarray,
        t: float,
        left: int,
        ends: bool,
    ) -> tuple[np.ndarray, float, np.ndarray, int]:
        """Where a step leads, the loss and gradient there, and how many places were looked at."""

        def at(t: float) -> Point:
            there, slope = evaluate(x + t * d)
            return Point(t, there, slope, slope @ d)

        here, search = Point(0.0, loss, g, g @ d), self.settings["line_search_fn"]
        if search == "strong_wolfe":
            point, used = strong_wolfe(at, here, t, float(np.abs(d).max()), left)
            return x + point.t * d, point.loss, point.gradient, used
        if search == "armijo":
            point, used = at(t), 1
            while point.loss > loss + 1e-4 * point.t * here.slope and used < 40:
                point, used = at(point.t / 2), used + 1
            return x + point.t * d, point.loss, point.gradient, used
        # Of the last step the loss is not needed.
        point = Point(t, loss, g, here.slope) if ends else at(t)
        return x + t * d, point.loss, point.gradient, int(not ends)


class Waves:
    """A landscape without a loss that is a sum of squares: hills in a bowl, of two shapes.

    >>> loss, grads = Waves().evaluate(Waves().params)
    >>> sorted(grads), loss > 0
    (['b1', 'w1'], True)
    """

    undetermined: frozenset[str] = frozenset()

    def __init__(self) -> None:
        random = np.random.default_rng(6)
        self._steep = 10.0 ** np.linspace(-1, 1, 9)
        start = random.uniform(1.2, 2.5, 9) * np.where(random.random(9) < 0.5, -1, 1)
        self.params = self.of(start)

    @staticmethod
    def of(x: np.ndarray) -> Arrays:
        """The parameters that are these numbers in a row."""
        return {"b1": x[:3].copy(), "w1": x[3:].reshape(2, 3).copy()}

    def evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        """The loss and its gradients."""
        loss, g = self.at(flat(params))
        return loss, self.of(g)

    def at(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The same, of numbers in a row."""
        with np.errstate(all="ignore"):
            valley = x[1:] - x[:-1] ** 2 / 4
            loss = (self._steep * np.log1p(x * x)).sum() + (x @ x) / 20 + (valley**2).sum() / 2
            g = self._steep * 2 * x / (1 + x * x) + x / 10
            g[1:] += valley
            g[:-1] -= valley * x[:-1] / 2
        return float(loss), g


class Visited:
    """The places where a candidate evaluates a landscape, update by update, each once in a row."""

    def __init__(self, side: Any, landscape: Waves) -> None:
        self.landscape, self.places = landscape, list[list[np.ndarray]]()
        side.start({name: w.copy() for name, w in landscape.params.items()})
        for _ in range(UPDATES):
            self.places.append([])
            side.minimize(self._evaluate)
            self._add(flat(side.params()))

    def _evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        self._add(flat(params))
        return self.landscape.evaluate(params)

    def _add(self, x: np.ndarray) -> None:
        places = self.places[-1]
        if not places or not np.array_equal(places[-1], x, equal_nan=True):
            places.append(x.astype(np.float64))


class _Elsewhere(Exception):
    """A rule looks where the candidate does not."""


class Walk:
    """Rules held against the places of a candidate."""

    def __init__(self, seen: Visited, settings: Mapping[str, Any]) -> None:
        self._seen, self._settings = seen, settings

    def distance(self, changes: Mapping[str, Any]) -> float:
        """The largest distance of a place from the candidate's; infinite beyond the tolerance."""
        rule, self._left = LBFGSRule(self._settings, **changes), PLACES
        self._worst = self._size = 0.0
        x = flat(self._seen.landscape.params).astype(np.float64)
        try:
            with np.errstate(all="ignore"):
                for places in self._seen.places:
                    x = self._update(rule, x, places)
        except _Elsewhere:
            return math.inf
        return self._worst

    def _update(self, rule: LBFGSRule, x: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
        self._places, self._at = places, 0
        self._previous: np.ndarray | None = None
        uphill = -1 if rule.settings["maximize"] else 1

        def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
            self._look(x)
            loss, g = self._seen.landscape.at(x)
            return uphill * loss, uphill * g

        x = rule.update(evaluate, x)
        self._look(x)
        if self._at < len(places) and self._left > 0:
            raise _Elsewhere
        return x

    def _look(self, x: np.ndarray) -> None:
        """Hold the next place against the candidate's."""
        if self._previous is not None and np.array_equal(x, self._previous):
            return
        self._previous, self._left = x.copy(), self._left - 1
        if self._left < 0:
            return
        if self._at >= len(self._places):
            raise _Elsewhere
        there = self._places[self._at]
        if not np.isfinite(there).all():
            if np.isfinite(x).all():
                raise _Elsewhere
            self._left = 0  # from here on there is nothing to compare
            return
        self._size = max(self._size, float(np.abs(there).max()))
        apart = float(np.abs(x - there).max()) / self._size
        if not apart <= TOLERANCE:
            raise _Elsewhere
        self._at, self._worst = self._at + 1, max(self._worst, apart)


def diagnose_lbfgs(
    mine: Adapter, theirs: Adapter, settings: Mapping[str, Any], own: Mapping[str, Any]
) -> Result:
    """Find what a candidate does that LBFGS does not; in double precision.

    Args:
        mine, theirs: the sides.
        settings: of torch's.
        own: the candidate's settings, by their names.
    """
    with np.errstate(all="ignore"):
        report = lockstep(mine, theirs, Waves(), steps=UPDATES)
        seen = Visited(mine, Waves())
    result = Result.of_run(report, "float64", settings=LBFGSRule(settings).settings)
    walk = Walk(seen, settings)
    if report.agrees or walk.distance({}) <= TOLERANCE:
        result.first = None
        return result
    found, tried = _causes(walk, seen, mine, LBFGSRule(settings), {**settings, **own})
    result.findings = found
    result.cause = [each.line(result.mine, "together with", "bit for bit") for each in found]
    if not found:
        result.cause = [f"no known variant looks at the same places: {tried} sets were tried"]
    return result


def _causes(
    walk: Walk, seen: Visited, mine: Adapter, asked: LBFGSRule, known: Mapping[str, Any]
) -> tuple[list[Finding], int]:
    """The findings, and how many sets of variants were tried."""
    # The values that have a name of their own go last, and so before the others.
    every = {str(each.changes): each for each in (*_numbers(seen, asked), *_VARIANTS)}
    rule = partial(LBFGSRule, asked.settings)
    variants = [_told(each, asked) for each in every.values() if changes_something(each, rule)]
    fits = within(walk.distance, TOLERANCE)
    found, tried = search(variants, fits, depth=1)
    if found := found or _first_order(mine, known):
        return found, tried
    found, more = search(variants, fits, least=2)
    return found, tried + more


def _told(each: Variant, asked: LBFGSRule) -> Variant:
    return replace(each, theirs=each.instead(asked.settings))


def _numbers(seen: Visited, asked: LBFGSRule) -> Iterator[Variant]:
    """Yield values of settings that are read off the places: of lr, the steps, the history."""

    def other(name: str, value: Any) -> Variant:
        told = f"has the {name} it is given, {asked.settings[name]}"
        return variant(f"{name} = {value}, not {asked.settings[name]}", told, **{name: value})

    if len(seen.places[0]) > 1:
        x, following = seen.places[0][:2]
        g = seen.landscape.at(x)[1]
        lr = np.median((x - following) / g) / min(1.0, 1 / np.abs(g).sum())
        yield from (other("lr", shorter(float(lr), digits)) for digits in (1, 2, 3))
    yield other("max_iter", max(1, len(seen.places[0]) - 1))
    yield from (other("history_size", size) for size in HISTORIES)


def _first_order(mine: Adapter, known: Mapping[str, Any]) -> list[Finding]:
    """What the candidate is if it takes gradients, and makes nothing of how the loss curves."""
    problem, run = Probe(np.dtype(np.float64), steps=20), Recorded(mine)
    try:
        run.start(problem.params)
        for grads in problem.stream:
            run.step(grads)
    except (CandidateError, ContractError, TypeError, ValueError):
        return []
    make = partial(Trial, run=run, problem=problem, tolerance=SAME_GRADIENTS["float64"])
    nearest = Nearest(make, known)
    return nearest.same() or nearest.fitted()
