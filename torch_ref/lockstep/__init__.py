"""Running both sides step by step and comparing them: the only place where that is done.

The harness:
    problems      what both sides are given: streams of gradients, a bowl, a network on images
    modules       torch's module beside a layer
    sides         anything that optimizes, behind one face
    run           the run itself
    report        what it showed: agrees, or the first place where it does not
    distance      how far two arrays are apart: relative, and in units in the last place (ULP)

For people who write their own:
    reference     what a candidate is checked against, by its name in the registry
    candidate, settings   the candidate, made with the same hyperparameters
    check         all of it for one candidate, within a time limit
    diagnose      the cause of a difference
    search        what a variant is, and which of them fit
    result        what a check showed
    conformance   a suite of checks for a class, in pytest
    golden        trajectories as files, for other languages
"""

from torch_ref.lockstep.diagnose.initializers import check_initializer
from torch_ref.lockstep.diagnose.layers import check_norm
from torch_ref.lockstep.diagnose.optimizers import diagnose
from torch_ref.lockstep.diagnose.schedules import check_schedule
from torch_ref.lockstep.distance import Distance, Drift
from torch_ref.lockstep.problems import GradientStream, NetworkProblem, Problem, QuadraticBowl
from torch_ref.lockstep.report import Divergence, Report
from torch_ref.lockstep.result import Result
from torch_ref.lockstep.run import lockstep
from torch_ref.lockstep.search import Finding
from torch_ref.lockstep.sides import Side, as_side

__all__ = [
    "Distance",
    "Divergence",
    "Drift",
    "Finding",
    "GradientStream",
    "NetworkProblem",
    "Problem",
    "QuadraticBowl",
    "Report",
    "Result",
    "Side",
    "as_side",
    "check_initializer",
    "check_norm",
    "check_schedule",
    "diagnose",
    "lockstep",
]
