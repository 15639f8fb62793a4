"""Moves compared one by one, where torch itself rounds them to eight bits, as Muon's are.

Their sum says little: a twentieth of every move is rounding, and the weights are large beside a
move. So for each parameter it is the length of the difference of two moves that is looked at,
beside the length of the move, on the average over the steps. How much of that is rounding is seen
by the rule: computed with eight bits and with all. Other orders of the same products gave up to
2.6 times that.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from torch_ref.lockstep.compare.distance import Distance
from torch_ref.lockstep.compare.problems import RecordedGradients
from torch_ref.lockstep.compare.report import PARAMETER, Divergence, Report
from torch_ref.lockstep.diagnose.catalogue import Catalogue
from torch_ref.lockstep.diagnose.causes import changes_something
from torch_ref.lockstep.diagnose.search import changes_of, together
from torch_ref.lockstep.diagnose.trial import FIRST_STEPS, Recorded, Trial, parts_of
from torch_ref.lockstep.finding import Finding, Variant

MARGIN = 4.0


def judge(
    report: Report,
    mine: Recorded,
    theirs: Recorded,
    catalogue: Catalogue,
    problem: RecordedGradients,
) -> float:
    """Judge the run by its moves, whatever the report said; returns what is rounding of a move."""
    trial = MovesTrial(catalogue, mine, problem)
    shares = trial.shares(np.array(theirs.trajectory))
    agrees = bool((shares.mean(axis=0) <= trial.tolerance).all())
    report.first = None if agrees else _divergence(report, shares, mine, theirs, problem)
    return trial.tolerance


def _divergence(
    report: Report,
    shares: np.ndarray,
    mine: Recorded,
    theirs: Recorded,
    problem: RecordedGradients,
) -> Divergence:
    """The move that is farthest from torch's, at the element that is."""
    step, which = np.unravel_index(np.nan_to_num(shares, nan=np.inf).argmax(), shares.shape)
    names, parts = sorted(problem.params), parts_of(problem.params)
    shape = problem.params[names[which]].shape
    a, b = (side.trajectory[step][parts[which]] for side in (mine, theirs))
    i = int(np.abs(a - b).argmax())
    element = tuple(int(each) for each in np.unravel_index(i, shape))
    share = float(shares[step, which])
    ulp = abs(float(a[i] - b[i])) / float(np.spacing(abs(b[i])))
    at = Distance(share, ulp)
    return Divergence(int(step) + 1, names[which], PARAMETER, element, float(a[i]), float(b[i]), at)


class MovesTrial(Trial):
    """A trial whose distance is the largest share of a parameter's moves, on the average."""

    def __init__(self, catalogue: Catalogue, run: Recorded, problem: RecordedGradients) -> None:
        super().__init__(catalogue.rule, run, problem, tolerance=math.inf)
        self._parts = parts_of(problem.params)
        rounded, exact = (
            self._trajectory({"rounds": rounds}, self.steps) for rounds in (True, False)
        )
        self.tolerance = MARGIN * float(self._shares(exact, rounded).mean(axis=0).max())

    def distance(self, changes: Mapping[str, Any]) -> float:
        for steps in (FIRST_STEPS, self.steps):
            largest = float(self.shares(self._trajectory(changes, steps)).mean(axis=0).max())
            if not largest <= (2 if steps < self.steps else 1) * self.tolerance:
                return math.inf
        return largest

    def times(self, changes: Mapping[str, Any]) -> float | None:
        """How many times as long the candidate's first moves are; ``None`` if they are not like it.

        From the moves of one direction each: what is rounding across it does not count.
        """
        with np.errstate(all="ignore"):
            moves, mine = self._moves_of(changes), self._moves
            times = float((mine * moves).sum() / (moves * moves).sum())
        return times if times > 0 and abs(times - 1) > self.tolerance / 4 else None

    def shares(self, w: np.ndarray) -> np.ndarray:
        """The candidate's moves from these, in parts of their lengths: by step and parameter."""
        return self._shares(self._expected[: len(w)], w)

    def _shares(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        moves, others = (
            np.diff(w, axis=0, prepend=[self._run.began.astype(np.float64)]) for w in (mine, theirs)
        )
        with np.errstate(all="ignore"):
            shares = [
                np.linalg.norm((moves - others)[:, part], axis=1)
                / np.linalg.norm(others[:, part], axis=1)
                for part in self._parts
            ]
        return np.array(shares).T


def causes(catalogue: Catalogue, trial: MovesTrial) -> tuple[list[Finding], int]:
    """The variants that make the same moves, and how many sets of them were tried.

    Each alone; then another lr; then two together; then another lr with each.
    """
    tried = 0
    for sets in _in_turn(catalogue, trial):
        tried += len(sets)
        if found := _nearest(sets, trial):
            return found, tried
    return [], tried


def _in_turn(catalogue: Catalogue, trial: MovesTrial) -> Iterator[Sequence[tuple[Variant, ...]]]:
    """Yield the sets to try; a rate costs a run, so none is looked for before its turn."""
    alone = [(each,) for each in catalogue.variants if changes_something(each, trial.rule)]
    yield alone
    yield _with_a_rate([()], trial)
    # Where torch alone rounds is no cause beside another.
    several = [each for (each,) in alone if each.changes != catalogue.textbooks]
    yield [pair for pair in combinations(several, 2) if together(pair)]
    yield _with_a_rate([(each,) for each in several], trial)


def _nearest(sets: Sequence[tuple[Variant, ...]], trial: MovesTrial) -> list[Finding]:
    """The sets that agree, but for those from which another one is far nearer."""
    found = [(trial.distance(changes_of(each)), each) for each in sets]
    nearest = min((distance for distance, _ in found), default=math.inf)
    if nearest == math.inf:
        return []
    # What is far nearer than another is that, though the other is not excluded.
    most = max(nearest, trial.tolerance / 6)
    return [Finding.of(each, distance) for distance, each in found if distance <= most]


def _with_a_rate(
    sets: Sequence[tuple[Variant, ...]], trial: MovesTrial
) -> list[tuple[Variant, ...]]:
    """The sets, each with the lr at which its first moves are as long as the candidate's."""
    found = []
    for chosen in sets:
        times = trial.times(changes_of(chosen))
        if times is None or "lr" in changes_of(chosen):
            continue
        name = f"lr about {times:.2g} times the one asked for"
        rate = {"lr": trial.rule().lr * times}
        found.append((Variant(name, "torch has the lr it is given", rate), *chosen))
    return found
