"""The harness itself: what it takes for rounding, and what for a difference."""

import numpy as np
import pytest
import torch

from scratch.optim import SGD
from torch_ref.lockstep import Drift, lockstep
from torch_ref.lockstep.candidates.candidate import Candidate
from torch_ref.lockstep.candidates.contract import Monitored
from torch_ref.lockstep.compare.sides import HandwrittenAdapter
from torch_ref.registry import OPTIMIZERS

pytestmark = pytest.mark.arithmetic


class Off(SGD):
    """Gradient descent whose parameters are once too large, by a part of their size."""

    def __init__(self, by: float) -> None:
        super().__init__(lr=0.01)
        self.by = by

    def update(self, params: dict, grads: dict) -> None:
        super().update(params, grads)
        for name, w in params.items():
            if self.state[name]["step"] == 1:
                w *= 1 + self.by


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_difference_begins_at_the_registrys_tolerance(dtype: str) -> None:
    tolerance = OPTIMIZERS["SGD"].tolerance[dtype]
    for part, agrees in ((0.3, True), (3.0, False)):
        report = lockstep(Off(part * tolerance), torch.optim.SGD, lr=0.01, dtype=dtype, steps=5)
        assert report.agrees == agrees
        assert report.worst.relative == pytest.approx(part * tolerance, rel=0.2)


@pytest.mark.parametrize("steps", [1, 2])
def test_what_passes_through_zero_is_held_to_the_size_that_it_had(steps: int) -> None:
    class Crossing:
        """From −1 to 1e-9 in one step or two: an error of 1e-14 there is rounding."""

        params = {"w": np.array([-1.0])}  # noqa: RUF012
        undetermined: frozenset[str] = frozenset()

        def gradients(self, mine: dict, theirs: dict) -> tuple[dict, dict]:
            g = {"w": np.array([-100.0000001 / steps])}
            return g, {"w": g["w"].copy()}

    class Rounding(SGD):
        def update(self, params: dict, grads: dict) -> None:
            super().update(params, grads)
            params["w"] += 1e-14

    report = lockstep(Rounding(lr=0.01), torch.optim.SGD, Crossing(), steps=steps, lr=0.01)
    assert report.agrees
    assert 1e-15 < report.worst.relative < 1e-13
    assert abs(Crossing.params["w"].item()) == 1.0


def test_nan_on_one_side_is_infinitely_far_and_on_both_is_no_distance() -> None:
    mine, theirs = np.array([np.nan, 1.0]), np.array([np.nan, 1.0])
    assert Drift().add(mine, theirs).relative == 0.0
    for one, other in ((mine, np.ones(2)), (np.ones(2), theirs)):
        assert Drift().add(one, other).relative == np.inf


def test_a_buffer_in_which_the_two_differ_is_named_though_the_parameters_agree() -> None:
    class Doubled(HandwrittenAdapter):
        def state(self) -> dict[str, dict[str, np.ndarray]]:
            return {n: {k: 2 * b for k, b in s.items()} for n, s in super().state().items()}

    mine = Doubled(SGD(lr=0.01, momentum=0.9))
    report = lockstep(mine, torch.optim.SGD, lr=0.01, momentum=0.9, steps=3)
    assert (report.first.step, report.first.quantity) == (1, "momentum_buffer")


def test_a_parameter_that_becomes_infinite_is_noted_where_it_does() -> None:
    class Exploding:
        def update(self, params: dict, grads: dict) -> None:
            params["w"][1] = np.inf

    side = Monitored(Candidate.of(Exploding), {})
    side.start({"w": np.ones(2)})
    side.step({"w": np.ones(2)})
    assert side.non_finite == "makes w[1] inf at step 1, where the gradient is 1"
