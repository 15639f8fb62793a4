"""Running both sides step by step and comparing them: the only place where that is done.

problems   what both sides are given: streams of gradients, a bowl, a network on images
sides      anything that optimizes, behind one face
run        the run itself
report     what it showed: agrees, or the first place where it does not
distance   how far two arrays are apart: relative, and in units in the last place (ULP)
"""

from torch_ref.lockstep.distance import Distance, Drift
from torch_ref.lockstep.problems import GradientStream, NetworkProblem, Problem, QuadraticBowl
from torch_ref.lockstep.report import Divergence, Report
from torch_ref.lockstep.run import lockstep
from torch_ref.lockstep.sides import Side, as_side

__all__ = [
    "Distance",
    "Divergence",
    "Drift",
    "GradientStream",
    "NetworkProblem",
    "Problem",
    "QuadraticBowl",
    "Report",
    "Side",
    "as_side",
    "lockstep",
]
