"""Two optimizers side by side, compared as they go."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from scratch.optim import Optimizer
from torch_ref import convert
from torch_ref.lockstep.distance import Distance, Drift
from torch_ref.lockstep.problems import Problem
from torch_ref.optim import Twin


@dataclass
class Report:
    """What a run of both sides showed.

    Attributes:
        steps: how many were run.
        drifts: by (parameter's name, quantity); the quantity is "parameter" or a buffer's name.
            Parameters that the problem does not determine are left out, here and in ``norm``.
        norm: at each comparison, ‖mine − theirs‖ / ‖theirs‖ over all parameters together.
    """

    steps: int = 0
    drifts: dict[tuple[str, str], Drift] = field(default_factory=lambda: defaultdict(Drift))
    norm: list[float] = field(default_factory=list)

    @property
    def worst(self) -> Distance:
        """The largest distances of any element of any quantity at any comparison."""
        worst = Distance()
        for drift in self.drifts.values():
            worst = worst.or_larger(drift.worst)
        return worst


def lockstep(mine: Optimizer, theirs: Twin, problem: Problem, steps: int, every: int = 1) -> Report:
    """Run both optimizers on ``problem``; compare parameters and state after ``every`` steps."""
    report = Report()
    for step in range(1, steps + 1):
        my_grads, their_grads = problem.gradients()
        mine.update(problem.mine, my_grads)
        theirs.update(problem.theirs, their_grads)
        report.steps = step
        if step % every == 0 or step == steps:
            _compare(mine, theirs, problem, report)
    return report


def _compare(mine: Optimizer, theirs: Twin, problem: Problem, report: Report) -> None:
    theirs_now = {
        name: problem.as_mine(name, w)
        for name, w in problem.theirs.items()
        if name not in problem.undetermined
    }
    apart = sum(np.sum((problem.mine[name] - w) ** 2) for name, w in theirs_now.items())
    size = sum(np.sum(w**2) for w in theirs_now.values())
    report.norm.append(float((apart / size) ** 0.5) if size > 0 else 0.0)
    my_state, their_state = convert.state_to_torch(mine), theirs.state(problem.theirs)
    for name, w in theirs_now.items():
        report.drifts[name, "parameter"].add(problem.mine[name], w)
        for key, buffer in my_state[name].items():
            if key != "step":
                other = problem.as_mine(name, their_state[name][key])
                report.drifts[name, key].add(buffer, other)
