"""float16 and bfloat16: by hand beside torch's arithmetic in them, and what ``check`` can tell."""

from typing import Any

import numpy as np
import pytest

from parity_tests.command_line import lockstep
from parity_tests.frameworks import needs
from parity_tests.harness.handwritten import rounded_at_random
from parity_tests.helpers import unwrapped
from parity_tests.optimizer_helpers import DENSE
from scratch import optim
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.check import check
from torch_ref.lockstep.compare.precision import LOW, dtype_of, rounding
from torch_ref.registry import OptimizerPair

IN_LOW = pytest.mark.parametrize(
    "dtype", ["float16", pytest.param("bfloat16", marks=needs("ml_dtypes"))]
)


class InDouble:
    """Adam that rounds once a step: nearer to the exact run than torch is."""

    def __init__(self, lr: float = 0.05) -> None:
        self.lr, self.adam = lr, optim.Adam(lr=lr)

    def update(self, params: Any, grads: Any) -> None:
        wide = {name: w.astype(float) for name, w in params.items()}
        self.adam.update(wide, {name: g.astype(float) for name, g in grads.items()})
        for name, w in params.items():
            w[...] = wide[name].astype(w.dtype)


class Uncorrected(InDouble):
    """Adam without its bias corrections: the first step is three times as long."""

    def __init__(self, lr: float = 0.5) -> None:
        super().__init__(lr)
        self.adam.rule = self.rule

    def rule(self, w: np.ndarray, g: np.ndarray, state: dict) -> None:
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        w -= self.lr * m / (np.sqrt(v) + 1e-8)


class Widening:
    """Puts arrays of float32 where those of half the bits were."""

    def __init__(self, lr: float = 0.05) -> None:
        self.lr = lr

    def update(self, params: Any, grads: Any) -> None:
        for name, g in grads.items():
            params[name] = params[name].astype("float32") - np.float32(self.lr) * g


@IN_LOW
@pytest.mark.parametrize("pair", DENSE.values(), ids=DENSE)
def test_by_hand_it_is_torchs_in_half_the_bits(pair: OptimizerPair, dtype: str) -> None:
    result = check(pair.scratch, pair.name, {"lr": 0.05}, dtype=dtype)
    assert result.agrees, result
    assert result.steps == 20
    w = np.ones((3, 2), dtype_of(dtype))
    params, optimizer = {"w": w.copy()}, pair.scratch()
    optimizer.update(params, {"w": w})
    kept = [b for b in optimizer.state["w"].values() if isinstance(b, np.ndarray)]
    assert all(array.dtype == w.dtype for array in (params["w"], *kept))


@IN_LOW
def test_who_rounds_less_than_torch_is_not_accused(dtype: str) -> None:
    assert check(InDouble, "Adam", dtype=dtype).agrees


@IN_LOW
def test_a_wrong_rule_is_seen_where_rounding_allows_and_said_not_to_be_rounding(dtype: str) -> None:
    result = check(Uncorrected, "Adam", dtype=dtype)
    assert not result.agrees
    assert result.cause == ["in float64 it diverges too: --dtype float64 looks for the cause"]
    widened = check(Widening, "SGD", dtype=dtype)
    assert widened.faults[0].startswith(f"turns params['w0'] from {dtype} of shape (7, 5) into ")


def test_where_the_steps_are_below_rounding_that_is_said() -> None:
    result = check(InDouble, "Adam", {"lr": 1e-4}, dtype="float16")
    assert result.notes[0].startswith(
        "in float16 two right programs may be 0.029 of a number apart"
    )
    assert result.notes[1].startswith("the steps are too small here to tell one rule from another")
    assert check(InDouble, "Adam", {"lr": 0.5}, dtype="float16").notes[1:] == []


def test_where_torch_itself_is_lost_nothing_is_said() -> None:
    refused = lockstep("check", "--dtype", "float16", "--against", "SGD", __file__ + ":Widening")
    assert refused.exit_code == 1
    lost = "lr=3000"
    refused = lockstep(
        "check", "--dtype", "float16", "--against", "SGD", "--arg", lost, __file__ + ":Widening"
    )
    assert refused.exit_code == 2
    assert "infloat16nothingcanbetold" in unwrapped(refused.output)


@pytest.mark.parametrize("against", ["LBFGS", "BatchNorm1d"])
def test_what_has_no_check_in_half_the_bits_says_so(against: str) -> None:
    with pytest.raises(CandidateError, match=r"no check of .*LBFGS in float16|is for optimizers"):
        check(InDouble, against, dtype="float16")


def test_what_rounding_allows_is_by_the_bits_and_the_steps() -> None:
    for name, bits in LOW.items():
        assert rounding(name, 40) - rounding(name, 20) == pytest.approx(2 * 20 * 2.0**-bits)


class RoundsAtRandom:
    """SGD whose weights are rounded to bfloat16 up or down, as near as either is likely."""

    random = np.random.default_rng(0)

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def update(self, params: dict, grads: dict) -> None:
        for name, w in params.items():
            exact = w.astype(np.float64) - self.lr * grads[name].astype(np.float64)
            if w.dtype != np.float64:
                exact = rounded_at_random(exact, self.random)
            w[...] = exact.astype(w.dtype)


@needs("ml_dtypes")
def test_rounding_at_random_is_recognised() -> None:
    at_random = "it rounds at random: the same input gives other weights in bfloat16"
    assert any(note.startswith(at_random) for note in _notes(RoundsAtRandom))
    assert not any("random" in note for note in _notes(optim.SGD))


def _notes(candidate: type) -> list[str]:
    return check(candidate, "SGD", {"lr": 0.01}, dtype="bfloat16").notes
