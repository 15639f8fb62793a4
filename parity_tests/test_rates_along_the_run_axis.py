"""A learning rate for each run of a stack, in torch as in scratch."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import assert_close, normal
from parity_tests.optimizer_helpers import ELEMENTWISE, STACKED
from scratch import optim as scratch_optim
from torch_ref import convert, lr_scheduler, optim
from torch_ref.registry import OptimizerPair, Settings

pytestmark = pytest.mark.arithmetic

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
        pytest.param(pair, case, MIXED, id=f"{name}-{case}-mixed")
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


def start(dtype: str = "float64") -> dict[str, np.ndarray]:
    return {name: normal(i, shape, dtype) for i, (name, shape) in enumerate(SHAPES.items())}


def gradients(step: int, dtype: str = "float64") -> dict[str, np.ndarray]:
    return {name: normal(10 * step + i, s, dtype) for i, (name, s) in enumerate(SHAPES.items())}


@CASES
def test_a_run_of_a_stack_in_torch_equals_the_run_alone(
    pair: OptimizerPair, case: Settings, rates: np.ndarray
) -> None:
    twin = optim.Twin(pair.scratch(lr=rates, **case))
    params = convert.to_torch(start())
    alone = [optim.Twin(pair.scratch(lr=float(rate), **case)) for rate in rates]
    own = [{name: torch.tensor(w[k]) for name, w in start().items()} for k in range(4)]
    for step in range(1, 6):
        grads = convert.to_torch(gradients(step))
        twin.update(params, grads)
        for k, one in enumerate(alone):
            one.update(own[k], {name: g[k] for name, g in grads.items()})
    for k, run in enumerate(own):
        for name, w in run.items():
            assert torch.equal(params[name][k], w), (name, k)


@CASES
def test_a_stack_in_torch_equals_the_stack_in_scratch(
    pair: OptimizerPair, case: Settings, rates: np.ndarray
) -> None:
    mine = pair.scratch(lr=rates, **case)
    twin, params, theirs = optim.Twin(mine), start(), convert.to_torch(start())
    for step in range(1, 51):
        grads = gradients(step)
        mine.update(params, grads)
        twin.update(theirs, convert.to_torch(grads))
    for name, w in params.items():
        assert_close(w, theirs[name], 1e-12)


@ELEMENTWISE
def test_the_state_of_a_stack_is_put_together(pair: OptimizerPair) -> None:
    rates = MIXED
    twin, params = optim.Twin(pair.scratch(lr=rates)), convert.to_torch(start())
    alone = optim.Twin(pair.scratch(lr=0.01))
    one = {name: w[3].clone() for name, w in params.items()}
    for step in range(1, 4):
        grads = convert.to_torch(gradients(step))
        twin.update(params, grads)
        alone.update(one, {name: g[3] for name, g in grads.items()})
    state, own = twin.state(params), alone.state(one)
    assert state.keys() == own.keys()
    for name, w in params.items():
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
        twin, params = optim.Twin(scratch_optim.SGD(lr=rates)), convert.to_torch(start())
        twin.bind(params)
        groups = twin.torch.param_groups
        assert sorted(group["lr"] for group in groups) == sorted(set(rates.tolist()))
        assert sorted(len(w) for g in groups for w in g["params"]) == sorted(views * 2)


@WITH_RATES
def test_the_rates_can_be_read_and_set_before_and_after_the_first_update(
    rates: np.ndarray,
) -> None:
    mine, params, theirs = scratch_optim.Adam(lr=0.5), start(), convert.to_torch(start())
    twin = optim.Twin(mine)
    mine.lr = twin.lr = rates
    for step in range(1, 4):
        np.testing.assert_array_equal(twin.lr, rates if step == 1 else mine.lr)
        mine.update(params, gradients(step))
        twin.update(theirs, convert.to_torch(gradients(step)))
        mine.lr = twin.lr = mine.lr / 2
    np.testing.assert_array_equal(twin.lr, rates / 8)
    mine.lr = twin.lr = 0.25
    mine.update(params, gradients(5))
    twin.update(theirs, convert.to_torch(gradients(5)))
    np.testing.assert_array_equal(np.ones(4) * twin.lr, np.full(4, 0.25))
    for name, w in params.items():
        assert_close(w, theirs[name], 1e-13)


def test_runs_that_share_a_group_are_not_given_different_rates() -> None:
    for first, then in ((RATES["sorted"], MIXED), (0.1, MIXED)):
        twin, params = optim.Twin(scratch_optim.SGD(lr=first)), convert.to_torch(start())
        twin.bind(params)
        with pytest.raises(ValueError, match="lr must have one rate for"):
            twin.lr = then
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
    twin, params = optim.Twin(scratch_optim.SGD(lr=MIXED)), convert.to_torch(start())
    twin.bind(params)
    with pytest.raises(error, match="lr"):
        twin.lr = lr
    np.testing.assert_array_equal(twin.lr, MIXED)


def test_parameters_with_another_number_of_runs_are_refused_by_name() -> None:
    twin = optim.Twin(scratch_optim.SGD(lr=np.array([0.1, 0.2])))
    with pytest.raises(ValueError, match=r"params\['W'\] must have a leading axis of 2"):
        twin.bind(convert.to_torch(start()))
    assert twin.torch is None


def test_groups_and_rates_go_together() -> None:
    groups = {"b": {"lr": np.array([0.4, 0.3, 0.2, 0.1]), "momentum": 0.5}, "c": {"lr": 0.1}}
    mine = scratch_optim.SGD(lr=MIXED, groups=groups)
    params = start() | {"c": normal(7, (4, 2))}
    twin, theirs = optim.Twin(mine), convert.to_torch(params)
    for step in range(1, 4):
        grads = gradients(step) | {"c": normal(step, (4, 2))}
        mine.update(params, grads)
        twin.update(theirs, convert.to_torch(grads))
        mine.lr = twin.lr = mine.lr / 3
    for name, w in params.items():
        assert_close(w, theirs[name], 1e-13)


def test_a_schedule_sets_the_rates_of_all_runs() -> None:
    params, theirs = start(), convert.to_torch(start())
    mine = scratch_optim.SGD(lr=MIXED)
    twin = optim.Twin(mine)
    schedules = (
        lr_scheduler.by_hand("CosineAnnealingLR", mine, T_max=5),
        lr_scheduler.Schedule("CosineAnnealingLR", twin, T_max=5),
    )
    schedules[1].bind(theirs)
    for step in range(1, 5):
        mine.update(params, gradients(step))
        twin.update(theirs, convert.to_torch(gradients(step)))
        for schedule in schedules:
            schedule.step()
        np.testing.assert_allclose(twin.lr, mine.lr, rtol=1e-13)
    for name, w in params.items():
        assert_close(w, theirs[name], 1e-13)


def test_a_gradient_of_none_skips_the_parameter_in_all_runs() -> None:
    twin, params = optim.Twin(scratch_optim.Adam(lr=MIXED)), convert.to_torch(start())
    twin.update(params, {"W": None, "b": torch.ones(4, 5, dtype=torch.float64)})
    assert torch.equal(params["W"], torch.tensor(start()["W"]))
    assert not torch.equal(params["b"], torch.tensor(start()["b"]))


def test_handing_over_state_between_the_sides_is_refused_by_name() -> None:
    mine = scratch_optim.Adam(lr=MIXED)
    twin, params = optim.Twin(mine), convert.to_torch(start())
    mine.update(start(), gradients(1))
    twin.update(params, convert.to_torch(gradients(1)))
    with pytest.raises(ValueError, match="twin must have one lr for all runs"):
        convert.load_state_to_torch(mine, twin, params)
    with pytest.raises(ValueError, match="twin must have one lr for all runs"):
        convert.load_state_to_numpy(twin, mine, params, step=1)
