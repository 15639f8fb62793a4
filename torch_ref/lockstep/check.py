"""Checking one candidate against torch: whether it agrees, and if not, where and why."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from torch_ref.lockstep import reference
from torch_ref.lockstep.candidate import Candidate, CandidateError, load
from torch_ref.lockstep.guard import ContractBroken, Guarded
from torch_ref.lockstep.limit import TimeUp, time_limit
from torch_ref.lockstep.problems import SHAPES, GradientStream
from torch_ref.lockstep.reference import Reference
from torch_ref.lockstep.report import Report, json_number
from torch_ref.lockstep.run import lockstep
from torch_ref.lockstep.settings import Mapped, Match, match, own_defaults
from torch_ref.lockstep.sides import Arrays


@dataclass
class Outcome:
    """What a check showed.

    Attributes:
        candidate, against: what they are called.
        agrees: whether it does what torch does, and keeps the contract.
        dtype, steps: of the run, the steps that were taken.
        mapped: the hyperparameters, under both sides' names.
        settings: torch's.
        report: of the run; ``None`` if it could not go to its end, or there is none of this kind.
        faults: sentences on what the candidate does and must not do.
        cause: lines that say why it diverges, as far as that is known.
        notes: lines on where it would diverge, though it agrees here.
        detail: the result of a check of a layer, an initializer or a schedule.
        seconds: that the check took.
    """

    candidate: str
    against: str
    agrees: bool
    dtype: str
    steps: int = 0
    mapped: list[Mapped] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    report: Report | None = None
    faults: list[str] = field(default_factory=list)
    cause: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    detail: Any = None
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """What there is to say, the verdict first."""
        if self.detail is not None:
            return str(self.detail).splitlines()
        lines = [f"{self.candidate} {self._verdict()} {self.against}"]
        lines += [f"it {fault}" for fault in self.faults]
        if self.report is not None and self.report.agrees:
            worst = self.report.worst
            lines.append(
                f"{self.steps:,} steps in {self.dtype}: at most {worst.relative:.1e} relative, "
                f"{worst.ulp:.3g} ULP"
            )
        elif self.report is not None:
            lines.append(f"at {self.report.first}")
        return lines + self.cause + self.notes

    def _verdict(self) -> str:
        if self.agrees:
            return "agrees with"
        if self.report is not None and self.report.agrees:
            return "breaks the contract, though its numbers are those of"
        if self.report is None:
            return "breaks the contract, and cannot be compared with"
        return "diverges from"

    def __str__(self) -> str:
        lines = self.lines() + [str(each) for each in self.mapped]
        return "\n  ".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has; inf and NaN as text."""
        report = self.report
        detail = self.detail.as_dict() if self.detail is not None else None
        first = report.first.as_dict() if report and report.first else None
        found = {
            "candidate": self.candidate,
            "against": self.against,
            "agrees": self.agrees,
            "dtype": self.dtype,
            "steps": self.steps,
            "settings": self.settings,
            "mapped": [asdict(each) for each in self.mapped],
            "worst": asdict(report.worst) if report else None,
            "first": detail["first"] if detail else first,
            "faults": self.faults,
            "cause": self.cause,
            "notes": self.notes,
            "detail": detail,
            "seconds": round(self.seconds, 3),
        }
        return _plain(found)


def check(
    candidate: Any,
    against: Any = "Adam",
    settings: Mapping[str, Any] | None = None,
    *,
    dtype: np.typing.DTypeLike = "float64",
    steps: int = 200,
    seconds: float = 20.0,
) -> Outcome:
    """Run a candidate beside torch and, where it diverges, look for the cause.

    Args:
        candidate: ``"path/to/file.py:Name"``; or a class, a function that makes an optimizer, or an
            optimizer.
        against: an optimizer, a normalization layer, an initializer or a schedule of the registry,
            or its name. Torch's own is the reference where it has one of that name; for the
            chapter's (``"chapter.Adam"``, ``"Momentum"``) it is the hand-written class.
        settings: hyperparameters under either side's names. Both sides get the same; but an
            optimizer that is made already keeps its own, and they are torch's alone.
        dtype: float64 or float32.
        steps: how many.
        seconds: the time limit.

    Raises:
        CandidateError: it cannot be run, or does not come to an end.

    >>> from scratch.optim import Adam
    >>> print(check(Adam, "Adam", {"lr": 0.01}, steps=20).lines()[0])
    Adam agrees with torch.optim.Adam
    """
    began, name = time.perf_counter(), np.dtype(dtype).name
    theirs, known = reference.find(against), None
    # The first optimizer of a process makes torch import its compiler: that is not their time.
    torch.optim.SGD([torch.zeros(1)])
    try:
        with time_limit(seconds):
            known = load(candidate) if isinstance(candidate, str) else Candidate.of(candidate)
            outcome = _check(known, theirs, dict(settings or {}), name, steps)
    except TimeUp as error:
        blamed = known or _unloaded(candidate)
        raise CandidateError(
            f"{blamed.name}: not done within the time limit of {seconds:g} s{blamed.line_of(error)}"
        ) from None
    outcome.seconds = time.perf_counter() - began
    return outcome


def _check(
    candidate: Candidate, theirs: Reference, args: dict[str, Any], dtype: str, steps: int
) -> Outcome:
    if theirs.kind == reference.OPTIMIZER:
        return _optimizer(candidate, theirs, args, dtype, steps)
    mapped = [] if theirs.kind == reference.NORM else own_defaults(candidate, theirs, args)
    args = theirs.settings | {each.theirs: each.value for each in mapped} | args
    with candidate.blamed("the check raised"):
        detail = _other(candidate, theirs, args, dtype, steps)
    outcome = Outcome(candidate.name, detail.theirs, detail.agrees, dtype, detail=detail)
    outcome.settings, outcome.mapped = args, mapped
    return outcome


def _other(
    candidate: Candidate, theirs: Reference, args: dict[str, Any], dtype: str, steps: int
) -> Any:
    """The result of the check for what is no optimizer."""
    if theirs.kind == reference.NORM:
        from torch_ref.lockstep.layers import check_norm

        return check_norm(candidate.target, against=theirs.name, dtype=np.dtype(dtype), **args)
    if theirs.kind == reference.INITIALIZER:
        from torch_ref.lockstep.initializers import check_initializer

        kind = np.dtype(dtype)
        return check_initializer(candidate.target, against=theirs.name, dtype=kind, **args)
    from torch_ref.lockstep.schedules import check_schedule

    return check_schedule(candidate.target, against=theirs.name, steps=steps, **args)


def _optimizer(
    candidate: Candidate, theirs: Reference, args: dict[str, Any], dtype: str, steps: int
) -> Outcome:
    matched = match(candidate, theirs, args)
    shapes = theirs.optimizer.shapes if theirs.optimizer else SHAPES
    try:
        return _run(candidate, theirs, matched, dtype, steps, shapes)
    except CandidateError as error:
        # Not every candidate takes a parameter without axes.
        with_axes = tuple(shape for shape in shapes if shape)
        if with_axes == shapes:
            raise
        try:
            outcome = _run(candidate, theirs, matched, dtype, steps, with_axes)
        except CandidateError:
            raise error from None
        outcome.notes.append(f"without a parameter of shape (), where it cannot be run: {error}")
        return outcome


def _run(
    candidate: Candidate,
    theirs: Reference,
    matched: Match,
    dtype: str,
    steps: int,
    shapes: tuple[tuple[int, ...], ...],
) -> Outcome:
    """The check of an optimizer on parameters of these shapes."""
    mine, stream = (
        Guarded(candidate, matched.mine),
        GradientStream(shapes, dtype=dtype, awkward=True),
    )
    with _refusals(theirs):
        their_side = theirs.side(matched.theirs)
        their_side.start(stream.params)
    outcome = Outcome(candidate.name, theirs.name, False, dtype, mapped=matched.mapped)
    outcome.settings = matched.theirs
    try:
        with _refusals(theirs):
            report = lockstep(mine, their_side, stream, steps=steps)
    except ContractBroken as error:
        outcome.faults, outcome.steps = [str(error)], mine.steps
        return outcome
    outcome.report, outcome.steps = report, report.steps
    notes = (mine.changed_gradient, "" if report.agrees else mine.non_finite)
    outcome.faults = [note for note in notes if note]
    non_finite = bool(mine.non_finite)
    outcome.agrees = report.agrees and not outcome.faults
    if not report.agrees and _same(mine.params(), stream.params):
        outcome.faults.append(f"changes no parameter in {mine.steps} steps{_in_place(mine)}")
        return outcome
    # No variant of torch's is NaN where torch is not: there is nothing to search for.
    if report.agrees or not non_finite:
        _look_closer(outcome, report, mine, theirs)
    return outcome


def _look_closer(outcome: Outcome, report: Report, mine: Guarded, theirs: Reference) -> None:
    """Run the diagnosis: on other gradients, and with an lr that changes on the way.

    It is an extra: where it fails, the verdict stands.
    """
    from torch_ref.lockstep.diagnose import diagnose

    try:
        found = diagnose(mine, theirs, outcome.settings, dtype=np.dtype(outcome.dtype))
    except KeyError:
        name = theirs.target.__name__
        unknown = [f"there is no catalogue of variants of {name} to find the cause in"]
        outcome.cause = [] if report.agrees else unknown
        return
    except TimeUp:
        outcome.cause = ["the time limit came before the end of the search for differences"]
        return
    except (CandidateError, ContractBroken) as error:
        outcome.cause = [f"on other gradients it could not be run: {error}"]
        return
    if found.agrees:
        if not report.agrees:
            outcome.cause = ["on other gradients, of a matrix and a vector, it agrees: look there"]
        return
    if not report.agrees:
        outcome.cause = found.lines() if found.findings else [found.reason]
        if not found.findings and outcome.dtype == "float64":
            outcome.cause += _in_float32(mine, theirs, outcome.settings)
    elif found.after_lr_changed:
        outcome.notes = ["as long as lr stays; once it changes, they differ:"]
        outcome.notes += str(found).splitlines()
    else:
        outcome.agrees, outcome.report = False, found.report
        outcome.cause = str(found).splitlines()


def _in_float32(mine: Guarded, theirs: Reference, settings: dict[str, Any]) -> list[str]:
    """A line on whether the two agree where both have no more than single precision."""
    stream = GradientStream([s for s in SHAPES if s], dtype="float32", awkward=True)
    try:
        agrees = lockstep(mine, theirs.side(settings), stream).agrees
    except (CandidateError, ContractBroken, TimeUp):
        return []
    return [f"in float32 it agrees with {theirs.owner}: it may compute in that"] if agrees else []


def _same(params: Arrays, start: Arrays) -> bool:
    return all(np.array_equal(params[name], w) for name, w in start.items())


def _in_place(mine: Guarded) -> str:
    if hasattr(mine.optimizer, "update"):
        return ": update(params, grads) must write into the arrays, or put others into params"
    return ""


@contextmanager
def _refusals(theirs: Reference) -> Iterator[None]:
    """Say that it was the reference which raised: what the candidate's raises is known by now."""
    try:
        yield
    except (CandidateError, ContractBroken):
        raise
    except Exception as error:
        raise CandidateError(f"{theirs.name} cannot be run here: {error}") from error


def _unloaded(candidate: Any) -> Candidate:
    """What to blame while the file is still being run: everything in its folder."""
    location = str(candidate).rpartition(":")[0]
    return Candidate(location, None, Path(location).resolve())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic | torch.Tensor | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return json_number(value)
    return value if isinstance(value, str | int | bool | None) else repr(value)
