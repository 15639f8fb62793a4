"""Two implementations step by step, and all that follows from where they differ.

compare      the run itself: what both sides are given, how far apart they are, the report
candidates   what a user wrote: found, made with the same settings as its reference, watched
diagnose     the cause of a difference: the known variants, and the search for those that fit
result       what a check showed; finding, a cause that it names; layout, the text of both
check        all of it for one candidate, within a time limit
conformance  a suite of checks for a class, in pytest
golden       trajectories as files, for other languages
"""

from typing import TYPE_CHECKING, Any

from torch_ref.extras import imported
from torch_ref.lockstep.compare.distance import Distance, Drift
from torch_ref.lockstep.compare.problems import (
    GradientStream,
    Problem,
    QuadraticBowl,
)
from torch_ref.lockstep.compare.report import Divergence, Report
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.compare.sides import as_adapter
from torch_ref.lockstep.diagnose.optimizers import diagnose
from torch_ref.lockstep.finding import Finding
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.result import Result

if TYPE_CHECKING:
    from torch_ref.lockstep.compare.network import NetworkProblem as NetworkProblem
    from torch_ref.lockstep.diagnose.clipping import check_clipping as check_clipping
    from torch_ref.lockstep.diagnose.initializers import check_initializer as check_initializer
    from torch_ref.lockstep.diagnose.layers import check_norm as check_norm
    from torch_ref.lockstep.diagnose.schedules import check_schedule as check_schedule

__all__ = [
    "Adapter",
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
    "as_adapter",
    "check_clipping",
    "check_initializer",
    "check_norm",
    "check_schedule",
    "diagnose",
    "lockstep",
]


#: What is imported when it is asked for: it needs torch, or a check of an optimizer does without.
_LATE = {
    "NetworkProblem": "compare.network",
    "check_clipping": "diagnose.clipping",
    "check_initializer": "diagnose.initializers",
    "check_norm": "diagnose.layers",
    "check_schedule": "diagnose.schedules",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(imported(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
