"""The conformance suite: clean optimizers pass, a planted fault fails the check named for it."""

import threading
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
import torch

from parity_tests.optimizer_helpers import ANY_SHAPE
from scratch.optim import Adam, chapter
from torch_ref.lockstep import conformance
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.limit import TimeUp, time_limit
from torch_ref.lockstep.conformance import CHECKS, Subject, lockstep_checks, run
from torch_ref.registry import OptimizerPair, Settings, resolve

CASES = [
    pytest.param(
        pair,
        case,
        id=f"{pair.name}-{'-'.join(map(str, case)) or 'defaults'}-{i}",
        # What its arguments do, the checks do not ask.
        marks=[pytest.mark.slow] * (i > 0),
    )
    for pair in ANY_SHAPE.values()
    for i, case in enumerate(pair.cases)
]


@pytest.mark.arithmetic
@pytest.mark.parametrize(("pair", "case"), CASES)
def test_every_hand_written_optimizer_passes(pair: OptimizerPair, case: Settings) -> None:
    mine = pair.scratch(**case)
    subject = Subject.of(mine, resolve(pair.torch), **pair.to_torch(mine))
    for check in CHECKS:
        try:
            run(check, subject)
        except SkipTest:
            assert check is conformance.resumes_from_its_state_dict


@pytest.mark.arithmetic
@lockstep_checks(torch.optim.AdamW, against="AdamW", lr=0.01)
def test_torchs_own_passes_by_the_decorator(check) -> None:
    check()


class Clean:
    """Adagrad, in few lines and with a ``state_dict``."""

    def __init__(self, lr: float = 0.1, eps: float = 1e-10) -> None:
        self.lr, self.eps = lr, eps
        self.h: dict[str, Any] = {}

    def update(self, params: dict, grads: dict) -> None:
        for key, g in grads.items():
            self.h[key] = self.h.get(key, 0) + g * g
            params[key] -= self.lr * g / (np.sqrt(self.h[key]) + self.eps)

    def state_dict(self) -> dict:
        return {"h": self.h}

    def load_state_dict(self, state: dict) -> None:
        self.h = state["h"]


@lockstep_checks(Clean, against=torch.optim.Adagrad, lr=0.1)
def test_a_clean_one_passes_every_check(check) -> None:
    check()


class OffByALittle(Clean):
    def update(self, params: dict, grads: dict) -> None:
        super().update(params, {key: g * (1 + 1e-9) + 1e-9 for key, g in grads.items()})


class HalfPrecision(Clean):
    """Computes in float16 what comes in float32."""

    def update(self, params: dict, grads: dict) -> None:
        short = {np.dtype("f4"): "f2"}
        grads = {k: g.astype(short.get(g.dtype, g.dtype)).astype(g.dtype) for k, g in grads.items()}
        super().update(params, grads)


class ReadsTheSizeOnly(Clean):
    """Clips gradients of the size of the bowl's parameters alone."""

    def update(self, params: dict, grads: dict) -> None:
        super().update(
            params, {k: g.clip(-0.1, 0.1) if g.size == 20 else g for k, g in grads.items()}
        )


class SkipsZeroRows(Clean):
    """Forgets what it has summed up where a row's gradient is zero."""

    def update(self, params: dict, grads: dict) -> None:
        super().update(params, grads)
        for key, g in grads.items():
            if g.ndim == 2:
                self.h[key] = self.h[key] * np.any(g, axis=1, keepdims=True)


class DividesByZero(Clean):
    def __init__(self, lr: float = 0.1) -> None:
        super().__init__(lr, eps=0.0)


class Clips(Clean):
    def update(self, params: dict, grads: dict) -> None:
        super().update(params, {key: np.clip(g, -1e20, 1e20) for key, g in grads.items()})


class KeepsItsStateOutside(Clean):
    """Its sum is found by the identity of the object, which a copy does not share."""

    ALL: dict[int, dict] = {}  # noqa: RUF012

    def update(self, params: dict, grads: dict) -> None:
        self.h = self.ALL.setdefault(id(self), {})
        super().update(params, grads)


class ForgetsItsState(Clean):
    def state_dict(self) -> dict:
        return {"h": {}}


class ScalesInPlace(Clean):
    def update(self, params: dict, grads: dict) -> None:
        super().update(params, grads)
        for g in grads.values():
            g *= self.lr


class KeepsTheGradient(Clean):
    """Adds the last step's gradients only now, from the caller's arrays."""

    last: dict | None = None

    def update(self, params: dict, grads: dict) -> None:
        for key, g in (self.last or {}).items():
            params[key] -= 1e-3 * g
        super().update(params, grads)
        self.last = grads


class OnlyTheFirstKeys(Clean):
    def update(self, params: dict, grads: dict) -> None:
        self.h = self.h or {key: np.zeros_like(w) for key, w in params.items()}
        for key, g in grads.items():
            self.h[key] += g * g
            params[key] -= self.lr * g / (np.sqrt(self.h[key]) + self.eps)


class GlobalStep(Adam):
    """One step counter for all parameters, where torch has one for each."""

    count = 0

    def rule(self, w: np.ndarray, g: np.ndarray, state: dict) -> None:
        super().rule(w, g, {**state, "step": self.count})

    def update(self, params: dict, grads: dict) -> None:
        self.count += 1
        super().update(params, grads)


class SharesItsState(Clean):
    SHARED: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, lr: float = 0.1, eps: float = 1e-10) -> None:
        super().__init__(lr, eps)
        self.h = self.SHARED

    def __deepcopy__(self, memo: dict) -> "SharesItsState":
        return type(self)(self.lr, self.eps)


FAULTS = [
    (OffByALittle, conformance.agrees_in_float64),
    (HalfPrecision, conformance.agrees_in_float32),
    (ReadsTheSizeOnly, conformance.agrees_on_a_quadratic_bowl),
    (SkipsZeroRows, conformance.agrees_on_sparse_rows),
    (DividesByZero, conformance.agrees_on_zero_gradients),
    (Clips, conformance.agrees_on_huge_gradients),
    (KeepsItsStateOutside, conformance.resumes_from_a_copy),
    (ForgetsItsState, conformance.resumes_from_its_state_dict),
    (ScalesInPlace, conformance.leaves_gradients_unchanged),
    (KeepsTheGradient, conformance.keeps_no_reference_to_gradients),
    (OnlyTheFirstKeys, conformance.takes_keys_added_later),
    (GlobalStep, conformance.takes_keys_added_later),
    (SharesItsState, conformance.shares_no_state_between_instances),
]


@pytest.mark.parametrize(("fault", "check"), FAULTS, ids=lambda each: each.__name__)
def test_a_planted_fault_fails_the_check_that_is_named_for_it(fault: type, check) -> None:
    subject = Subject.of(fault, "Adam" if issubclass(fault, Adam) else "Adagrad")
    with pytest.raises(AssertionError):
        run(check, subject)


@pytest.mark.parametrize(
    ("fault", "alone"),
    [
        (HalfPrecision, "agrees_in_float32"),
        (ReadsTheSizeOnly, "agrees_on_a_quadratic_bowl"),
        (Clips, "agrees_on_huge_gradients"),
        (ForgetsItsState, "resumes_from_its_state_dict"),
        (ScalesInPlace, "leaves_gradients_unchanged"),
        (OnlyTheFirstKeys, "takes_keys_added_later"),
    ],
)
def test_other_checks_pass_with_that_fault(fault: type, alone: str) -> None:
    failed = []
    for check in CHECKS:
        try:
            run(check, Subject.of(fault, "Adagrad"))
        except AssertionError:
            failed.append(check.__name__)
    assert failed == [alone]


def test_every_check_has_a_fault_that_it_catches() -> None:
    assert {check for _, check in FAULTS} == set(CHECKS)


def test_one_that_hangs_fails_within_the_time_limit() -> None:
    class Hangs(Clean):
        def update(self, params: dict, grads: dict) -> None:
            while True:
                pass

    with pytest.raises(AssertionError, match=r"not done after 0\.2 s\n.*while True"):
        run(conformance.agrees_in_float64, Subject.of(Hangs, "Adagrad"), seconds=0.2)


def test_the_time_limit_outside_of_the_main_thread() -> None:
    ended = []

    def work() -> None:
        try:
            with time_limit(0.2):
                while True:
                    pass
        except TimeUp:
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert ended


def test_the_suite_is_for_optimizers() -> None:
    with pytest.raises(CandidateError, match="for optimizers"):
        lockstep_checks(Clean, against="BatchNorm1d")


PAIR_SKIPS = {"resumes_from_its_state_dict", "takes_keys_added_later"}


def test_an_init_and_update_pair_skips_what_it_does_not_have() -> None:
    def sgd(learning_rate: float) -> Any:
        update = lambda grads, state, params=None: (  # noqa: E731
            {key: -learning_rate * g for key, g in grads.items()},
            state,
        )
        return (lambda params: ()), update

    skipped = set()
    for check in CHECKS:
        try:
            run(check, Subject.of(sgd, "SGD", lr=0.1))
        except SkipTest:
            skipped.add(check.__name__)
    assert skipped == PAIR_SKIPS


def test_a_check_to_be_skipped_must_be_one() -> None:
    with pytest.raises(CandidateError, match="no check 'resumes_from_copy'; did you mean"):
        lockstep_checks(Clean, against="Adagrad", skip=["resumes_from_copy"])


def test_a_key_added_later_is_no_matter_of_other_differences() -> None:
    differs = Subject.of(chapter.Adam, "Adam", eps=0.1)
    with pytest.raises(AssertionError):
        run(conformance.agrees_in_float64, differs)
    run(conformance.takes_keys_added_later, differs)
