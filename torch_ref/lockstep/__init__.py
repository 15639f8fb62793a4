"""Running both sides step by step and comparing them: the only place where that is done.

distance   how far two arrays are apart: relative, and in units in the last place
problems   what both sides are given: a stream of gradients, or a network on images
run        the run itself, and its report
"""

from torch_ref.lockstep.distance import Distance, Drift
from torch_ref.lockstep.problems import GradientStream, NetworkProblem
from torch_ref.lockstep.run import Report, lockstep

__all__ = ["Distance", "Drift", "GradientStream", "NetworkProblem", "Report", "lockstep"]
