"""Whether a candidate computes in single precision although its parameters are double."""

from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.contract import ContractError
from torch_ref.lockstep.candidates.limit import TimeUp
from torch_ref.lockstep.candidates.reference import Reference
from torch_ref.lockstep.compare.problems import Arrays, GradientStream
from torch_ref.lockstep.diagnose.catalogue import Settings
from torch_ref.lockstep.diagnose.optimizers import diagnose
from torch_ref.lockstep.diagnose.trial import Recorded

#: Of the sizes of a step, so many must be different: a sign is the same in every precision.
SIZES = 5


def in_single(mine: Any, theirs: Reference, settings: Settings) -> list[str]:
    """A line if it does; and whether that is all in which it differs from the reference.

    Args:
        mine: the candidate's side.
        theirs: what it is checked against.
        settings: of that.
    """
    try:
        if not _steps_alike(mine):
            return []
        agrees = diagnose(mine, theirs, settings, dtype="float32").agrees
    except (CandidateError, ContractError, TimeUp):
        return []
    all_of_it = f"in float32 it agrees with {theirs.owner}" if agrees else "and that is not all"
    return [f"it computes in float32: its first step is the same there bit for bit; {all_of_it}"]


def _steps_alike(mine: Any) -> bool:
    """Whether the first step from zero is what it is with all numbers in single precision."""
    stream = GradientStream([(7, 5)])
    zeros, grads = {name: 0 * w for name, w in stream.params.items()}, stream.next()
    single, double = (_step(mine, zeros, grads, dtype) for dtype in (np.float32, np.float64))
    return len(np.unique(np.abs(double))) >= SIZES and np.array_equal(single, double)


def _step(mine: Any, start: Arrays, grads: Arrays, dtype: type[np.floating]) -> np.ndarray:
    run = Recorded(mine)
    run.start({name: w.astype(dtype) for name, w in start.items()})
    run.step({name: g.astype(dtype) for name, g in grads.items()})
    return run.trajectory[0]
