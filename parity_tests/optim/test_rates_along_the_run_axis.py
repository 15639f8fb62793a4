"""A learning rate for each run of a stack, in torch as in scratch."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import assert_close, normal
from parity_tests.optimizer_helpers import ELEMENTWISE, STACKED
from scratch import optim as scratch_optim
from torch_ref import convert, lr_scheduler, optim
from torch_ref.registry import OptimizerPair, Settings

#: Ascending, so that equal rates are one view; and in any order, so that they are several.
RATES = {
    "sorted": np.array([0.001, 0.001, 0.01, 0.1]),
    "mixed": np.array([0.1, 0.001, 0.1, 0.01]),
    "all alike": np.full(4, 0.01),
    "zero": np.array([0.0, 0.0, 0.01, 0.01]),
}
MIXED = RATES["mixed"]
WITH_RATES = pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
CASES = pytest.mark.parametrize(
    ("pair", "case", "rates"),
    [
        pytest.param(
            pair,
            case,
            MIXED,
            id=f"{name}-{case}-mixed",
            marks=[] if case else pytest.mark.arithmetic,
        )
        for name, pair in STACKED.items()
        for case in pair.cases
        if "lr" not in case
    ]
    + [
        pytest.param(pair, {}, rates, id=f"{name}-{order}")
        for name, pair in STACKED.items()
        for order, rates in RATES.items()
        if order != "mixed"
    ],
)
SHAPES = {"W": (4, 3, 5), "b": (4, 5)}


def arrays(seed: int, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: normal(seed + i, shape) for i, (name, shape) in enumerate(shapes.items())}


class Both:
    """A stack of four runs, updated by hand and in torch."""

    def __init__(self, optimizer: scratch_optim.Optimizer, **more: tuple[int, ...]) -> None:
        self.shapes, self.steps = SHAPES | more, 0
        self.mine, self.twin = optimizer, optim.Twin(optimizer)
        self.params = arrays(0, self.shapes)
        self.theirs = convert.to_torch(self.params)

    def step(self) -> dict[str, torch.Tensor]:
        """Both take a step; returns its gradients."""
        self.steps += 1
        grads = arrays(10 * self.steps, self.shapes)
        self.mine.update(self.params, grads)
        self.twin.update(self.theirs, convert.to_torch(grads))
        return convert.to_torch(grads)

    def set(self, lr: float | np.ndarray) -> None:
        self.mine.lr = self.twin.lr = lr

    def assert_close(self, tolerance: float = 1e-13) -> None:
        for name, w in self.params.items():
            assert_close(w, self.theirs[name], tolerance)


def bound(lr: float | np.ndarray) -> optim.Twin:
    twin = optim.Twin(scratch_optim.SGD(lr=lr))
    twin.bind(convert.to_torch(arrays(0, SHAPES)))
    return twin


@CASES
def test_a_stack_in_torch_equals_its_runs_alone_and_the_stack_in_scratch(
    pair: OptimizerPair, case: Settings, rates: np.ndarray
) -> None:
    both = Both(pair.scratch(lr=rates, **case))
    alone = [optim.Twin(pair.scratch(lr=float(rate), **case)) for rate in rates]
    own = [{name: w[k].clone() for name, w in both.theirs.items()} for k in range(4)]
    for _ in range(5):
        grads = both.step()
        for k, one in enumerate(alone):
            one.update(own[k], {name: g[k] for name, g in grads.items()})
    for k, run in enumerate(own):
        for name, w in run.items():
            assert torch.equal(both.theirs[name][k], w), (name, k)
    for _ in range(45):
        both.step()
    both.assert_close(1e-12)


@ELEMENTWISE
def test_the_state_of_a_stack_is_put_together(pair: OptimizerPair) -> None:
    both, alone = Both(pair.scratch(lr=MIXED)), optim.Twin(pair.scratch(lr=0.01))
    one = {name: w[3].clone() for name, w in both.theirs.items()}
    for _ in range(3):
        alone.update(one, {name: g[3] for name, g in both.step().items()})
    state, own = both.twin.state(both.theirs), alone.state(one)
    assert state.keys() == own.keys()
    for name, w in both.theirs.items():
        assert state[name].keys() == own[name].keys()
        for key, value in own[name].items():
            whole = state[name][key]
            if not isinstance(value, torch.Tensor):
                assert whole == value
            elif value.ndim:
                assert whole.shape == w.shape
                assert torch.equal(whole[3], value)
            else:  # a number for the parameter, or one for each run
                assert whole.shape in ((), (4,))
                assert (whole[3] if whole.ndim else whole) == value


def test_the_runs_of_a_rate_are_one_group_and_neighbours_one_view() -> None:
    for rates, views in ((RATES["sorted"], [2, 1, 1]), (MIXED, [1, 1, 1, 1])):
        groups = bound(rates).torch.param_groups
        assert sorted(group["lr"] for group in groups) == sorted(set(rates.tolist()))
        assert sorted(len(w) for g in groups for w in g["params"]) == sorted(views * 2)


@WITH_RATES
def test_the_rates_can_be_read_and_set_before_and_after_the_first_update(
    rates: np.ndarray,
) -> None:
    both = Both(scratch_optim.Adam(lr=0.5))
    both.set(rates)
    np.testing.assert_array_equal(both.twin.lr, rates)
    for _ in range(3):
        np.testing.assert_array_equal(both.twin.lr, both.mine.lr)
        both.step()
        both.set(both.mine.lr / 2)
    np.testing.assert_array_equal(both.twin.lr, rates / 8)
    both.set(0.25)
    both.step()
    np.testing.assert_array_equal(np.ones(4) * both.twin.lr, np.full(4, 0.25))
    both.assert_close()


def test_runs_that_share_a_group_are_not_given_different_rates() -> None:
    for first in (RATES["sorted"], 0.1):
        twin = bound(first)
        with pytest.raises(ValueError, match="lr must have one rate for"):
            twin.lr = MIXED
        np.testing.assert_array_equal(twin.lr, first)


@pytest.mark.parametrize(
    ("lr", "error"),
    [
        (np.array([0.1, -0.1, 0.1, 0.1]), ValueError),
        (np.array([0.1, np.nan, 0.1, 0.1]), ValueError),
        (np.array([[0.1]]), TypeError),
        (np.array(["a"]), TypeError),
        (np.array([0.1, 0.2, 0.3]), ValueError),
    ],
)
def test_rates_that_are_none_are_refused(lr: np.ndarray, error: type[Exception]) -> None:
    twin = bound(MIXED)
    with pytest.raises(error, match="lr"):
        twin.lr = lr
    np.testing.assert_array_equal(twin.lr, MIXED)


def test_parameters_with_another_number_of_runs_are_refused_by_name() -> None:
    twin = optim.Twin(scratch_optim.SGD(lr=np.array([0.1, 0.2])))
    with pytest.raises(ValueError, match=r"params\['W'\] must have a leading axis of 2"):
        twin.bind(convert.to_torch(arrays(0, SHAPES)))
    assert twin.torch is None


def test_groups_and_rates_go_together() -> None:
    groups = {"b": {"lr": np.array([0.4, 0.3, 0.2, 0.1]), "momentum": 0.5}, "c": {"lr": 0.1}}
    both = Both(scratch_optim.SGD(lr=MIXED, groups=groups), c=(4, 2))
    for _ in range(3):
        both.step()
        both.set(both.mine.lr / 3)
    both.assert_close()


def test_a_schedule_sets_the_rates_of_all_runs() -> None:
    both = Both(scratch_optim.SGD(lr=MIXED))
    mine = lr_scheduler.by_hand("CosineAnnealingLR", both.mine, T_max=5)
    theirs = lr_scheduler.Schedule("CosineAnnealingLR", both.twin, T_max=5)
    theirs.bind(both.theirs)
    for _ in range(4):
        both.step()
        mine.step()
        theirs.step()
        np.testing.assert_allclose(both.twin.lr, both.mine.lr, rtol=1e-13)
    both.assert_close()


def test_a_gradient_of_none_skips_the_parameter_in_all_runs() -> None:
    twin, params = optim.Twin(scratch_optim.Adam(lr=MIXED)), convert.to_torch(arrays(0, SHAPES))
    before = {name: w.clone() for name, w in params.items()}
    twin.update(params, {"W": None, "b": torch.ones(4, 5, dtype=torch.float64)})
    assert torch.equal(params["W"], before["W"])
    assert not torch.equal(params["b"], before["b"])


def test_handing_over_state_between_the_sides_is_refused_by_name() -> None:
    both = Both(scratch_optim.Adam(lr=MIXED))
    both.step()
    with pytest.raises(ValueError, match="twin must have one lr for all runs"):
        convert.load_state_to_torch(both.mine, both.twin, both.theirs)
    with pytest.raises(ValueError, match="twin must have one lr for all runs"):
        convert.load_state_to_numpy(both.twin, both.mine, both.theirs, step=1)
