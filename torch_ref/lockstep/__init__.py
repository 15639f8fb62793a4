"""Running both sides step by step and comparing them: the only place where that is done.

The harness:
    problems      what both sides are given: streams of gradients, a bowl, a network on images
    sides         anything that optimizes, behind one face
    run           the run itself
    report        what it showed: agrees, or the first place where it does not
    distance      how far two arrays are apart: relative, and in units in the last place (ULP)

The cause:
    catalogue     the known ways to write an optimizer otherwise than torch
    diagnose      which of them a candidate is
    layers, initializers, schedules   the same for what is no optimizer

For people who write their own:
    check         all of it for one candidate, within a time limit
    conformance   a suite of checks for a class, in pytest
    golden, verify   trajectories as files, for other languages
"""

from torch_ref.lockstep.diagnose import diagnose
from torch_ref.lockstep.diagnosis import Diagnosis, Finding
from torch_ref.lockstep.distance import Distance, Drift
from torch_ref.lockstep.initializers import check_initializer
from torch_ref.lockstep.layers import check_norm
from torch_ref.lockstep.problems import GradientStream, NetworkProblem, Problem, QuadraticBowl
from torch_ref.lockstep.report import Divergence, Report
from torch_ref.lockstep.run import lockstep
from torch_ref.lockstep.schedules import check_schedule
from torch_ref.lockstep.sides import Side, as_side

__all__ = [
    "Diagnosis",
    "Distance",
    "Divergence",
    "Drift",
    "Finding",
    "GradientStream",
    "NetworkProblem",
    "Problem",
    "QuadraticBowl",
    "Report",
    "Side",
    "as_side",
    "check_initializer",
    "check_norm",
    "check_schedule",
    "diagnose",
    "lockstep",
]
