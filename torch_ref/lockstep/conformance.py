"""The conformance suite: what an optimizer must do, one check for each reason to fail.

As scikit-learn's ``parametrize_with_checks``, for a test suite of one's own::

    @lockstep_checks(MyAdam, against=torch.optim.Adam, lr=1e-3)
    def test_my_adam(check):
        check()
"""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

import numpy as np

from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError, did_you_mean
from torch_ref.lockstep.candidates.contract import ContractError, Monitored
from torch_ref.lockstep.candidates.limit import TimeUp, time_limit
from torch_ref.lockstep.candidates.reference import OPTIMIZER, Reference, find
from torch_ref.lockstep.candidates.settings import Match, match
from torch_ref.lockstep.compare.problems import Arrays, GradientStream, Problem, QuadraticBowl
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.diagnose.optimizers import diagnose
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.registry import SAME_GRADIENTS

#: Of each run. Long enough for a wrong step counter or a bias correction to show.
STEPS = 40
#: Where each side computes its own gradients, rounding errors feed back into them.
OWN_GRADIENTS = 1e-9


@dataclass(frozen=True)
class Subject:
    """A candidate beside the optimizer that it is checked against, with their settings."""

    candidate: Candidate
    theirs: Reference
    settings: Match

    @classmethod
    def of(cls, candidate: Any, against: Any, **settings: Any) -> "Subject":
        known, theirs = Candidate.of(candidate), find(against)
        if theirs.kind != OPTIMIZER:
            raise CandidateError(f"the suite is for optimizers, got against={against!r}")
        return cls(known, theirs, match(known, theirs, settings))

    def mine(self) -> Adapter:
        """A new one of the candidate's."""
        return self.candidate.side(self.settings.mine)

    def torchs(self) -> Adapter:
        """A new one of the reference's."""
        return self.theirs.side(self.settings.theirs)

    def started(self, params: Arrays) -> Adapter:
        side = self.mine()
        side.start(params)
        return side

    def agrees(self, problem: Problem, tolerance: float | None = None) -> None:
        """Raise if the two diverge on the problem, with the cause where one is found."""
        mine = Monitored(self.candidate, self.settings.mine)
        report = lockstep(mine, self.torchs(), problem, steps=STEPS, tolerance=tolerance)
        if not report.agrees:
            dtype = next(iter(problem.params.values())).dtype
            raise AssertionError("\n".join([str(report), *self._cause(mine, dtype)]))

    def _cause(self, mine: Monitored, dtype: np.dtype) -> list[str]:
        """What a diagnosis says; nothing where there can be none."""
        try:
            found = diagnose(mine, self.theirs, self.settings.theirs, dtype=dtype)
        except (KeyError, CandidateError, ContractError):
            return []
        told = ("cause", "measured")
        return [block.text() for block in found.blocks() if block.heading.startswith(told)]


Check = Callable[[Subject], None]


@dataclass(frozen=True)
class Bound:
    """A check of one candidate, to be called; it shows no more than its name in a failing test."""

    check: Check
    subject: Subject

    def __call__(self) -> None:
        __tracebackhide__ = True
        run(self.check, self.subject)

    def __repr__(self) -> str:
        return f"<{self.check.__name__}: {self.subject.candidate.name}>"


def lockstep_checks(
    candidate: Any, against: Any, *, skip: Collection[str] = (), **settings: Any
) -> Any:
    """Parametrize a test's argument ``check`` with every conformance check; call it in the test.

    Args:
        candidate: as for ``torch_ref.lockstep.check.check``.
        against: an optimizer of the registry, or its name.
        skip: the names of checks of what the candidate's design does not promise; those tests are
            skipped, and say so.
        settings: hyperparameters, for both sides; for torch's alone if the candidate is an
            optimizer that is made already.

    Raises:
        CandidateError: there is no check of a name in ``skip``.

    >>> from scratch.optim import Adam
    >>> @lockstep_checks(Adam, against="Adam", skip=["takes_keys_added_later"], lr=0.01)
    ... def test_adam(check):
    ...     check()
    """
    import pytest

    subject, names = Subject.of(candidate, against, **settings), [c.__name__ for c in CHECKS]
    for name in skip:
        if name not in names:
            near = did_you_mean(name, names) or f"; there are {', '.join(names)}"
            raise CandidateError(f"skip: there is no check {name!r}{near}")
    skipped = pytest.mark.skip(reason=f"not promised by {subject.candidate.name}")
    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(Bound(each, subject), id=name, marks=[skipped] if name in skip else [])
            for name, each in zip(names, CHECKS, strict=True)
        ],
    )


def run(check: Check, subject: Subject, seconds: float = 20.0) -> None:
    """Run one check within a time limit.

    Raises:
        AssertionError: it fails, the candidate raised, or the time is up.
        unittest.SkipTest: it does not apply to such a candidate.

    >>> from scratch.optim import Adam
    >>> run(agrees_in_float64, Subject.of(Adam, "Adam", lr=0.01))
    """
    __tracebackhide__ = True
    try:
        with time_limit(seconds), subject.candidate.blamed(f"{check.__name__} raised"):
            try:
                with np.errstate(all="ignore"):
                    check(subject)
            except (AssertionError, SkipTest) as verdict:
                result = verdict
            else:
                return
    except CandidateError as error:
        raise AssertionError(str(error)) from error
    except TimeUp as error:
        line = subject.candidate.line_of(error)
        raise AssertionError(f"{check.__name__} is not done after {seconds:g} s{line}") from None
    raise type(result)(str(result))  # anew, so that the traceback has none of the insides


def agrees_in_float64(subject: Subject) -> None:
    """On a stream of awkward gradients."""
    subject.agrees(GradientStream(awkward=True))


def agrees_in_float32(subject: Subject) -> None:
    """The same in float32: nothing is computed or kept in another precision."""
    subject.agrees(GradientStream(dtype=np.float32, awkward=True))


def agrees_on_a_quadratic_bowl(subject: Subject) -> None:
    """Each side follows its own gradients."""
    subject.agrees(QuadraticBowl(), OWN_GRADIENTS)


def agrees_on_sparse_rows(subject: Subject) -> None:
    """Most rows have no gradient in most steps, as in an embedding."""
    random = np.random.default_rng(1)
    subject.agrees(_Changed(lambda g: g * (random.random((len(g), 1)) < 0.2), [(20, 3)]))


def agrees_on_zero_gradients(subject: Subject) -> None:
    """No gradient at all, from the first step: nothing is divided by zero."""
    subject.agrees(_Changed(np.zeros_like))


def agrees_on_huge_gradients(subject: Subject) -> None:
    """Gradients of the size 1e30, whose squares float64 still holds."""
    subject.agrees(_Changed(lambda g: g * 1e30))


def resumes_from_a_copy(subject: Subject) -> None:
    """A deep copy in the middle of the run goes on as the original does."""
    stream = GradientStream(awkward=True)
    side = subject.started(stream.params)
    _advance(side, [stream.next() for _ in range(10)])
    other, rest = copy.deepcopy(side), [stream.next() for _ in range(10)]
    for each in (side, other):
        _advance(each, rest)
    _assert_same(other.params(), side.params(), "its deep copy goes on otherwise than it")


def resumes_from_its_state_dict(subject: Subject) -> None:
    """A new one that is given the ``state_dict`` goes on as the old one does."""
    stream = GradientStream(awkward=True)
    side = subject.started(stream.params)
    optimizer: Any = getattr(side, "optimizer", None)
    if not hasattr(optimizer, "state_dict") or not hasattr(optimizer, "load_state_dict"):
        raise SkipTest(f"{subject.candidate.name} has no state_dict and load_state_dict")
    _advance(side, [stream.next() for _ in range(10)])
    other: Any = subject.started(side.params())
    rest = [stream.next() for _ in range(10)]
    other.optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each in (side, other):
        _advance(each, rest)
    _assert_same(other.params(), side.params(), "its state_dict does not hold all of its state")


def leaves_gradients_unchanged(subject: Subject) -> None:
    """The gradients are the caller's, who may use them after the step."""
    stream, side = GradientStream(), Monitored(subject.candidate, subject.settings.mine)
    side.start(stream.params)
    for _ in range(3):
        side.step(stream.next())
    if side.changed_gradient:
        raise AssertionError(f"{side.name} {side.changed_gradient}")


def keeps_no_reference_to_gradients(subject: Subject) -> None:
    """Writing into the gradients after a step changes nothing later."""
    stream = GradientStream()
    side, other = (subject.started(stream.params) for _ in range(2))
    for _ in range(5):
        grads = stream.next()
        _advance(side, [grads])
        _advance(other, [grads], scribble=True)
    what = "it keeps a caller's gradient array and reads it again later"
    _assert_same(other.params(), side.params(), what)


def takes_keys_added_later(subject: Subject) -> None:
    """A parameter that comes later starts at its own first step: it goes as it does alone."""
    stream = GradientStream([(4, 3), (3,)])
    grads = [stream.next() for _ in range(10)]
    later = 4
    together = subject.started({"w0": stream.params["w0"]})
    _advance(together, [{"w0": g["w0"]} for g in grads[:later]])
    try:
        together.add("w1", stream.params["w1"])
    except NotImplementedError as error:
        raise SkipTest(str(error)) from None
    _advance(together, grads[later:])
    alone: Arrays = {}
    for name, first in (("w0", 0), ("w1", later)):
        side = subject.started({name: stream.params[name]})
        _advance(side, [{name: g[name]} for g in grads[first:]])
        alone |= side.params()
    for name, w in alone.items():
        apart = np.abs(together.params()[name] - w).max()
        if not apart <= SAME_GRADIENTS["float64"] * np.abs(w).max():
            raise AssertionError(
                f"{name} goes otherwise than alone where w1 is added at step {later + 1}: it "
                f"differs by up to {apart:.2g}"
            )


def shares_no_state_between_instances(subject: Subject) -> None:
    """Two at the same time do not disturb each other."""
    stream, others = GradientStream(seed=0), GradientStream(seed=1)
    grads = [stream.next() for _ in range(8)]
    alone = subject.started(stream.params)
    _advance(alone, grads)
    beside, other = subject.started(stream.params), subject.started(others.params)
    for g in grads:
        _advance(other, [others.next()])
        _advance(beside, [g])
    what = "it goes otherwise where a second one runs beside it"
    _assert_same(beside.params(), alone.params(), what)


CHECKS: tuple[Check, ...] = (
    agrees_in_float64,
    agrees_in_float32,
    agrees_on_a_quadratic_bowl,
    agrees_on_sparse_rows,
    agrees_on_zero_gradients,
    agrees_on_huge_gradients,
    resumes_from_a_copy,
    resumes_from_its_state_dict,
    leaves_gradients_unchanged,
    keeps_no_reference_to_gradients,
    takes_keys_added_later,
    shares_no_state_between_instances,
)


class _Changed(GradientStream):
    """The stream with every gradient changed by a function."""

    def __init__(self, change: Callable[[np.ndarray], np.ndarray], *args: Any) -> None:
        super().__init__(*args)
        self._change = change

    def next(self) -> Arrays:
        return {name: np.asarray(self._change(g)) for name, g in super().next().items()}


def _advance(side: Adapter, grads: list[Arrays], scribble: bool = False) -> None:
    """Take the steps, each with a copy of its gradients; ``scribble`` spoils it afterwards."""
    for step in grads:
        given = {name: g.copy() for name, g in step.items()}
        side.step(given)
        for g in side.kept(given).values() if scribble else ():
            g.fill(1e9)


def _assert_same(mine: Arrays, expected: Arrays, what: str) -> None:
    for name, w in expected.items():
        if not np.array_equal(mine[name], w, equal_nan=True):
            apart = np.abs(mine[name] - w).max()
            raise AssertionError(f"{what}: {name} differs by up to {apart:.2g}")
