"""The check of an optimizer in float16 and bfloat16: beside torch's own arithmetic in them."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.contract import ContractError, Monitored
from torch_ref.lockstep.compare.precision import (
    AS_GOOD,
    ROUNDS_ELSEWHERE,
    STEPS,
    InPrecision,
    bound,
    count_ulps,
    gradients,
)
from torch_ref.lockstep.compare.problems import GradientStream
from torch_ref.lockstep.compare.report import Report
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.result import Result

#: If rounding may make more of a weight than that, nothing can be told.
_MOST = 0.5
_ANY = sys.float_info.max

Shapes = tuple[tuple[int, ...], ...]


def check_in_low_precision(
    mine: Monitored,
    theirs: Callable[[], Adapter],
    dtype: str,
    steps: int,
    shapes: Shapes,
    **known: Any,
) -> Result:
    """Run a candidate beside torch with parameters and gradients of ``dtype``.

    A right program may round elsewhere than torch does. So both are looked at from the run in
    float64 on the same gradients: the candidate may differ from torch by the rounding that the
    steps allow, or by a few times as much as torch itself differs from the exact run.

    Args:
        mine: the candidate.
        theirs: makes torch's side.
        dtype: "float16" or "bfloat16".
        steps: how many at most.
        shapes: of the parameters.
        known: fields of the result.

    Raises:
        CandidateError: nothing can be told: torch itself is too far from the exact run.
    """
    steps = min(steps, STEPS)
    with np.errstate(all="ignore"):
        own = _run(
            InPrecision(theirs(), dtype), InPrecision(theirs(), "float64"), dtype, shapes, steps
        )
        allowed = bound(dtype, steps, own.worst.relative)
        if not allowed <= _MOST:
            raise CandidateError(
                f"in {dtype} nothing can be told: after {steps} steps {own.mine} itself is "
                f"{own.worst.relative:.2g} of a number away from the run in float64; other "
                "settings, such as a larger eps, may help"
            )
        side = InPrecision(mine, dtype)
        try:
            report = _run(side, InPrecision(theirs(), dtype), dtype, shapes, steps, allowed)
        except ContractError as error:
            fault = {"dtype": dtype, "steps": mine.steps, "faults": [str(error)]}
            return Result(mine.name, own.mine, "optimizer", **known | fault)
    count_ulps(report, dtype)
    result = Result.of_run(report, dtype, **known)
    result.faults = [fault for fault in (mine.changed_gradient,) if fault]
    result.notes = [
        f"in {dtype} two right programs may be {allowed:.2g} of a number apart after {steps} "
        f"steps; {own.mine} is {own.worst.relative:.2g} from its run in float64"
    ]
    if report.agrees:
        result.notes += _hardly_moved(side, dtype, shapes, allowed)
    else:
        result.cause = [_in_float64(mine, theirs, shapes)]
    at_random = _at_random(mine, side, dtype, shapes)
    result.notes += [at_random] if at_random else []
    return result


def _run(
    mine: Any, theirs: Any, dtype: str, shapes: Shapes, steps: int, tolerance: float = _ANY
) -> Report:
    stream = gradients(dtype, shapes, steps)
    return lockstep(mine, theirs, stream, steps=steps, tolerance=tolerance)


def _hardly_moved(side: InPrecision, dtype: str, shapes: Shapes, allowed: float) -> list[str]:
    """A note where the steps are so small that rounding hides what they are."""
    start = gradients(dtype, shapes, 1).params
    moved = [np.abs(w - start[name]).max(initial=0) for name, w in side.params().items()]
    size = max(np.abs(w).max(initial=0) for w in start.values())
    if max(moved) > AS_GOOD * allowed * size:
        return []
    return ["the steps are too small here to tell one rule from another: give a larger --arg lr"]


def _at_random(mine: Monitored, side: InPrecision, dtype: str, shapes: Shapes) -> str:
    """A note where the same gradients give other weights; what rounds so repeats in float64."""
    try:
        if _repeats(side, dtype, shapes):
            return ""
        exact = _repeats(InPrecision(mine, "float64"), dtype, shapes)
    except (CandidateError, ContractError):
        return ""
    if exact:
        return f"it rounds at random: the same input gives other weights in {dtype}, not in float64"
    return "the same input does not give the same output"


def _repeats(side: InPrecision, dtype: str, shapes: Shapes) -> bool:
    ends = []
    for _ in range(2):
        stream = gradients(dtype, shapes, STEPS)
        side.start(stream.params)
        for grads in stream.stream:
            side.step({name: g.copy() for name, g in grads.items()})
        ends.append(side.params())
    return all(np.array_equal(w, ends[1][name], equal_nan=True) for name, w in ends[0].items())


def _in_float64(mine: Monitored, theirs: Callable[[], Adapter], shapes: Shapes) -> str:
    """Whether it is the rule, or how the rule is computed in low precision."""
    stream = GradientStream(shapes, awkward=True)
    try:
        agrees = lockstep(mine, theirs(), stream, steps=50).agrees
    except (CandidateError, ContractError):
        return "in float64 it could not be run"
    if agrees:
        return ROUNDS_ELSEWHERE
    return "in float64 it diverges too: --dtype float64 looks for the cause"
