"""Checking one candidate against torch: whether it agrees, and if not, where and why."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from torch_ref import extras, registry
from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError
from torch_ref.lockstep.candidates.contract import ContractError, Monitored
from torch_ref.lockstep.candidates.hosted import Hosted, host
from torch_ref.lockstep.candidates.limit import TimeUp, time_limit
from torch_ref.lockstep.candidates.program import Program
from torch_ref.lockstep.candidates.reference import (
    CLIP,
    NORM,
    OPTIMIZER,
    SCHEDULE,
    Reference,
    find,
)
from torch_ref.lockstep.candidates.settings import Match, match, own_defaults
from torch_ref.lockstep.candidates.source import places
from torch_ref.lockstep.compare.precision import LOW
from torch_ref.lockstep.compare.problems import (
    SHAPES,
    GradientStream,
    Landscape,
    Problem,
    RecordedGradients,
    Rosenbrock,
)
from torch_ref.lockstep.compare.report import Report
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.diagnose.arguments import without_effect
from torch_ref.lockstep.diagnose.catalogue import Catalogue, Settings
from torch_ref.lockstep.diagnose.optimizers import diagnose, excused
from torch_ref.lockstep.diagnose.portrait import Portrait, portrait
from torch_ref.lockstep.diagnose.single import in_single
from torch_ref.lockstep.diagnose.trial import Recorded
from torch_ref.lockstep.finding import Likeness
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays
from torch_ref.lockstep.frameworks.optimizers.roles import plain
from torch_ref.lockstep.low_precision import check_in_low_precision
from torch_ref.lockstep.result import Result
from torch_ref.registry import SAME_GRADIENTS

#: On a landscape, of what cannot be run in more.
FEW_STEPS = 4


def check(
    candidate: Any,
    against: Any = "Adam",
    settings: Mapping[str, Any] | None = None,
    *,
    dtype: np.typing.DTypeLike = "float64",
    steps: int = 200,
    seconds: float = 20.0,
) -> Result:
    """Run a candidate beside torch and, where it diverges, look for the cause.

    Args:
        candidate: ``"path/to/file.py:Name"``, which runs in a process of its own; or a class, a
            function that makes an optimizer, or an optimizer.
        against: an optimizer, a normalization layer, an initializer or a schedule of the registry,
            or its name. Torch's own is the reference where it has one of that name; for the
            chapter's (``"chapter.Adam"``, ``"Momentum"``) it is the hand-written class. Where torch
            is not installed it always is, and the result says so. ``None`` for what the candidate
            is called, else for the nearest of all optimizers.
        settings: hyperparameters under either side's names. Both sides get the same; but an
            optimizer that is made already keeps its own, and they are torch's alone.
        dtype: float64, float32; for an optimizer, for at most 20 steps, and a normalization layer
            also float16 or bfloat16, where both sides have parameters and gradients of it.
        steps: how many.
        seconds: the time limit.

    Raises:
        CandidateError: it cannot be run, or does not come to an end.

    >>> from scratch.optim import Adam
    >>> print(check(Adam, "Adam", {"lr": 0.01}, steps=20).blocks()[0].heading)
    Adam agrees with torch.optim.Adam
    """
    theirs = find(against) if against is not None else None
    _warm_up()
    name = str(dtype) if dtype in tuple(LOW) else np.dtype(dtype).name
    with _found(candidate, seconds) as known:
        began = time.perf_counter()
        with _in_time(known, seconds):
            outcome, theirs = _either(known, theirs, dict(settings or {}), name, steps)
    _locate(outcome, known)
    outcome.seconds, outcome.stands_for = time.perf_counter() - began, theirs.stands_for
    return outcome


@contextmanager
def _found(candidate: Any, seconds: float) -> Iterator[Candidate]:
    """The candidate; one in a file has its own process, which ends with the block."""
    if not isinstance(candidate, str):
        with Candidate("the candidate", None).blamed("looking at it raised"):
            known = Candidate.of(candidate)
        yield known
    else:
        with closing(host(candidate, seconds)) as hosted:
            hosted.allow(seconds)
            yield hosted


@contextmanager
def _in_time(candidate: Candidate, seconds: float) -> Iterator[None]:
    """Blame the candidate where the time is up."""
    try:
        with time_limit(seconds):
            yield
    except TimeUp as error:
        raise CandidateError(
            f"{candidate.name}: not done within the time limit of {seconds:g} s"
            f"{candidate.line_of(error)}"
        ) from None


def _either(
    candidate: Candidate, theirs: Reference | None, args: dict[str, Any], dtype: str, steps: int
) -> tuple[Result, Reference]:
    """The check against ``theirs``, or else against what the candidate is."""
    if theirs is not None:
        return _check(candidate, theirs, args, dtype, steps), theirs
    theirs = find(_namesake(candidate.name))
    result = _check(candidate, theirs, args, dtype, steps)
    alike = next((each for each in result.findings if isinstance(each, Likeness)), None)
    if alike is None:
        return result, theirs
    if alike.family in registry.OPTIMIZERS:
        theirs = find(alike.family)
        return _check(candidate, theirs, args, dtype, steps), theirs
    result.theirs, result.report, result.first = f"the catalogue's {alike.family}", None, None
    result.seen, result.cause = alike.seen(result.mine).removeprefix("your "), []
    return result, theirs


def _namesake(name: str) -> str:
    """What the registry has under this name, whatever its capitals; else Adam, to begin with."""
    known = {each.lower(): each for each in registry.OPTIMIZERS}
    return name if registry.find(name) else known.get(plain(name), "Adam")


def _locate(result: Result, candidate: Candidate) -> None:
    """Add to what was found the lines of the user's file where it stands."""
    own = {each.theirs: each.mine for each in result.mapped if each.mine}
    result.findings = [
        replace(each, places=places(candidate.file, candidate.name, each.variants, own))
        for each in result.findings
    ]


def _warm_up() -> None:
    """Let torch import its compiler, as it does for the first optimizer: that is not their time."""
    if extras.has_torch():
        registry.resolve("torch.optim.SGD")([registry.resolve("torch.zeros")(1)])


def _check(
    candidate: Candidate, theirs: Reference, args: dict[str, Any], dtype: str, steps: int
) -> Result:
    if theirs.kind == OPTIMIZER:
        return _optimizer(candidate, theirs, args, dtype, steps)
    if dtype in LOW and theirs.kind != NORM:
        raise CandidateError(
            f"{dtype} is for optimizers and normalization layers; {theirs.name} is computed in "
            "more, and rounded at the end: check it in float32"
        )
    if isinstance(candidate, Program):
        raise CandidateError(f"a program is an optimizer, and {theirs.name} is not: give one")
    mapped = [] if theirs.kind in (NORM, CLIP) else own_defaults(candidate, theirs, args)
    args = theirs.settings | {each.theirs: each.value for each in mapped} | args
    with candidate.blamed("the check raised"):
        result = _other(candidate, theirs, args, dtype, steps)
    result.asked, result.dtype, result.settings, result.mapped = candidate.name, dtype, args, mapped
    return result


def _other(
    candidate: Candidate, theirs: Reference, args: dict[str, Any], dtype: str, steps: int
) -> Result:
    """The result of the check for what is no optimizer; its module is imported for it alone."""
    run = registry.resolve(f"torch_ref.lockstep.check_{theirs.kind}")
    options: dict[str, Any] = {"steps": steps} if theirs.kind == SCHEDULE else {}
    target = candidate.away() if isinstance(candidate, Hosted) else candidate.target
    result: Result = run(target, against=theirs.name, dtype=dtype, **options, **args)
    return result


def _optimizer(
    candidate: Candidate, theirs: Reference, args: dict[str, Any], dtype: str, steps: int
) -> Result:
    matched = match(candidate, theirs, args)
    if theirs.optimizer and theirs.optimizer.gradients == "closure":
        return _on_a_landscape(candidate, theirs, matched, dtype, steps)
    shapes = theirs.optimizer.shapes if theirs.optimizer else SHAPES
    try:
        return _run(candidate, theirs, matched, dtype, steps, _stream(shapes))
    except CandidateError as error:
        # Not every candidate takes a parameter without axes.
        with_axes = tuple(shape for shape in shapes if shape)
        if with_axes == shapes:
            raise
        try:
            outcome = _run(candidate, theirs, matched, dtype, steps, _stream(with_axes))
        except CandidateError:
            raise error from None
        raised = str(error).partition("\n")[0].removeprefix(f"{candidate.name}: ")
        outcome.notes.append(f"not tried with a parameter of shape (): {raised}")
        return outcome


def _on_a_landscape(
    candidate: Candidate, theirs: Reference, matched: Match, dtype: str, steps: int
) -> Result:
    """The check of one that takes a closure; in few steps if it leaves the valley and raises."""
    try:
        return _run(candidate, theirs, matched, dtype, steps, Rosenbrock)
    except CandidateError as error:
        try:
            outcome = _run(candidate, theirs, matched, dtype, min(steps, FEW_STEPS), Rosenbrock)
        except CandidateError:
            raise error from None
        outcome.notes.append(f"in {outcome.steps} steps: in {steps} it cannot be run: {error}")
        return outcome


def _run(
    candidate: Candidate,
    theirs: Reference,
    matched: Match,
    dtype: str,
    steps: int,
    problem: Callable[..., Problem | Landscape],
) -> Result:
    """The check of an optimizer on a problem."""
    mine = Monitored(candidate, matched.mine)
    known: dict[str, Any] = {"mapped": matched.mapped, "settings": matched.theirs}
    if dtype in LOW:
        if problem is Rosenbrock:
            raise CandidateError(f"there is no check of {theirs.name} in {dtype}")
        shapes = tuple(w.shape for w in problem(dtype="float32").params.values())
        make = partial(theirs.side, matched.theirs)
        with _refusals(theirs, matched.theirs):
            return check_in_low_precision(mine, make, dtype, steps, shapes, **known)
    asked, dtype = dtype, mine.precision or dtype
    stream = problem(dtype=dtype)
    with _refusals(theirs, matched.theirs):
        their_side = theirs.side(matched.theirs)
        their_side.start(stream.params)
    sides = Recorded(mine), Recorded(their_side)
    try:
        with _refusals(theirs, matched.theirs):
            report = lockstep(*sides, stream, steps=steps)
    except ContractError as error:
        known |= {"dtype": dtype, "steps": mine.steps, "faults": [str(error)]}
        return Result(candidate.name, theirs.name, OPTIMIZER, **known)
    excuse = _rounding(report, *sides, theirs, matched.theirs, problem(dtype=dtype))
    non_finite = "" if report.agrees else mine.non_finite
    faults = [fault for fault in (mine.changed_gradient, non_finite) if fault]
    result = Result.of_run(report, dtype, faults=faults, notes=[excuse] if excuse else [], **known)
    if not report.agrees and _same(mine.params(), stream.params):
        faults.append(f"changes no parameter in {mine.steps} steps{_in_place(mine)}")
    elif not (report.agrees and _rounds_much(theirs)):
        _find_cause(result, report, mine, theirs)
    varied: list[str] = []
    if result.agrees:
        silent, varied = without_effect(candidate, theirs, matched, dtype)
        result.faults += silent
    elif isinstance(stream, GradientStream):
        result.portrait, left_out = _portrait(mine, theirs, matched.theirs)
        result.notes += [left_out] if left_out else []
    result.notes += [*([mine.remark] if mine.remark else []), *varied]
    if dtype != asked:
        result.notes.append(f"in {dtype}, not {asked}: {candidate.name} computes in that alone")
    return result


def _rounding(
    report: Report,
    mine: Recorded,
    theirs: Recorded,
    reference: Reference,
    settings: Settings,
    stream: Problem | Landscape,
) -> str:
    """Take back a divergence that is rounding; returns a sentence on it, or nothing."""
    if not isinstance(stream, GradientStream) or (report.agrees and not _rounds_much(reference)):
        return ""
    try:
        catalogue = Catalogue(reference, settings, stream.dtype)
    except KeyError:
        return ""
    grads = [stream.next() for _ in range(report.steps)]
    return excused(report, mine, theirs, catalogue, RecordedGradients(stream.params, grads))


def _portrait(mine: Monitored, theirs: Reference, settings: Settings) -> Portrait:
    """The measured properties that differ, as far as both sides take what measures them."""
    try:
        return portrait(mine, theirs.side(dict(settings)), theirs.axes)
    except (CandidateError, ContractError, TimeUp, RuntimeError, TypeError, ValueError):
        return Portrait([], "")


def _rounds_much(theirs: Reference) -> bool:
    """Whether torch's own rounding hides what the gradients of a diagnosis show."""
    return theirs.optimizer is not None and theirs.optimizer.tolerance is not SAME_GRADIENTS


def _stream(shapes: tuple[tuple[int, ...], ...]) -> Callable[..., GradientStream]:
    return partial(GradientStream, shapes, awkward=True)


def _find_cause(result: Result, report: Report, mine: Monitored, theirs: Reference) -> None:
    """Run the diagnosis: on other gradients, and with an lr that changes on the way.

    It is an extra: where it fails, the verdict stands.
    """
    try:
        own = {each.mine: each.value for each in result.mapped if not each.theirs}
        found = diagnose(mine, theirs, result.settings, dtype=result.dtype, own=own)
    except KeyError:
        name = theirs.target.__name__
        unknown = [f"there is no catalogue of variants of {name} to find the cause in"]
        result.cause = [] if report.agrees else unknown
    except TimeUp:
        result.cause = ["the time limit came before the end of the search for differences"]
    except (CandidateError, ContractError) as error:
        result.cause = [f"on other gradients it could not be run: {error}"]
    else:
        _take(result, found, mine, theirs)


def _take(result: Result, found: Result, mine: Monitored, theirs: Reference) -> None:
    """Add to the result of the run what the diagnosis found."""
    diverges, result.findings = result.first is not None, found.findings
    result.lr_varied = found.lr_halved_at is not None
    if result.agrees and not result.lr_varied:
        result.notes.append(
            "lr was the same all along: it cannot be changed between steps, or to no end"
        )
    if found.agrees:
        if diverges:
            result.cause = ["on other gradients, of a matrix and a vector, it agrees: look there"]
        elif not result.notes:
            result.notes = found.notes
    elif diverges:
        result.cause = found.cause
        if not found.findings and result.dtype == "float64":
            result.cause = found.cause + in_single(mine, theirs, result.settings)
    else:
        result.first, result.report, result.cause = found.first, found.report, _said(found)
        if found.after_lr_changed:
            result.notes.append("as long as lr stays, they agree; once it changes, they differ")


def _said(found: Result) -> list[str]:
    """The cause; where there is none, where to look for it."""
    if found.findings:
        return found.cause
    because = "; ".join([f"your {found.mine} diverges from {found.theirs}", *found.cause])
    return [because, "; ".join([f"look first at {found.first}", *found.notes])]


def _same(params: Arrays, start: Arrays) -> bool:
    return all(np.array_equal(params[name], w) for name, w in start.items())


def _in_place(mine: Monitored) -> str:
    if mine.updates:
        return ": update(params, grads) must write into the arrays, or put others into params"
    return ""


@contextmanager
def _refusals(theirs: Reference, settings: Settings) -> Iterator[None]:
    """Say that it was the reference which raised: what the candidate's raises is known by now."""
    try:
        yield
    except (CandidateError, ContractError):
        raise
    except Exception as error:
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        said = f"{theirs.name} cannot be run here: {error}; it was given {given}"
        raise CandidateError(said) from error
