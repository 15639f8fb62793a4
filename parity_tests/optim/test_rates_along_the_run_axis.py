"""A learning rate for each run of a stack: in scratch and in torch it is the runs alone."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import assert_close, normal
from parity_tests.optimizer_helpers import ELEMENTWISE
from scratch import optim as scratch_optim
from scratch.optim import blocks
from torch_ref import convert, lr_scheduler, optim
from torch_ref.lockstep import GradientStream
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


@pytest.mark.parametrize("size", [1, pytest.param(97, marks=pytest.mark.arithmetic), 10**9])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@ELEMENTWISE
def test_a_stack_in_scratch_is_its_runs_alone_in_blocks_of_any_size(
    pair: OptimizerPair, dtype: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, tolerance = MIXED[1:], {"float64": 1e-14, "float32": 2e-6}[dtype]
    monkeypatch.setattr(blocks, "BLOCK", size)
    for case in pair.cases:
        stream = GradientStream([(3, 5, 7), (3, 7), (3, 1), (3,)], dtype=dtype)
        stack, params = pair.scratch(**case | {"lr": rates}), stream.params
        alone = [pair.scratch(**case | {"lr": float(rate)}) for rate in rates]
        runs = [{name: np.array(w[k]) for name, w in params.items()} for k in range(3)]
        for _ in range(5):
            grads = stream.next()
            stack.update(params, grads)
            for k, run in enumerate(runs):
                alone[k].update(run, {name: np.array(g[k]) for name, g in grads.items()})
        for name, w in params.items():
            expected = np.stack([run[name] for run in runs])
            np.testing.assert_allclose(w, expected, tolerance, tolerance, strict=True)


def assert_torch_is_its_runs_alone(
    pair: OptimizerPair, case: Settings, rates: np.ndarray, steps: int = 50
) -> None:
    """Bit for bit for five steps, in state too; and the stack in scratch to rounding."""
    both = Both(pair.scratch(lr=rates, **case))
    alone = [optim.Twin(pair.scratch(lr=float(rate), **case)) for rate in rates]
    own = [{name: w[k].clone() for name, w in both.theirs.items()} for k in range(4)]
    for _ in range(5):
        grads = both.step()
        for k, one in enumerate(alone):
            one.update(own[k], {name: g[k] for name, g in grads.items()})
    whole = both.twin.state(both.theirs)
    for k, run in enumerate(own):
        for name, state in alone[k].state(run).items():
            assert torch.equal(both.theirs[name][k], run[name]), (name, k)
            assert whole[name].keys() == state.keys()
            for key, value in state.items():
                of_all = whole[name][key]  # may be a number for the parameter, or one for each run
                assert np.shape(of_all) in ((4, *np.shape(value)), np.shape(value))
                of_run = of_all[k] if np.ndim(of_all) > np.ndim(value) else of_all
                assert np.array_equal(of_run, value), (name, key, k)
    for _ in range(steps - 5):
        both.step()
    both.assert_close(1e-12)


@pytest.mark.arithmetic
@ELEMENTWISE
def test_a_stack_in_torch_is_its_runs_alone_and_the_stack_in_scratch(pair: OptimizerPair) -> None:
    assert_torch_is_its_runs_alone(pair, {}, MIXED)


@ELEMENTWISE
def test_so_it_is_with_other_settings_and_rates(pair: OptimizerPair) -> None:
    for case in pair.cases:
        if case and "lr" not in case:
            assert_torch_is_its_runs_alone(pair, case, MIXED)
    for rates in RATES.values():
        assert_torch_is_its_runs_alone(pair, {}, rates)


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
    for _ in range(3):
        np.testing.assert_array_equal(both.twin.lr, both.mine.lr)
        both.step()
        both.set(both.mine.lr / 2)
    np.testing.assert_array_equal(both.twin.lr, rates / 8)
    both.set(0.25)
    both.step()
    np.testing.assert_array_equal(np.ones(4) * both.twin.lr, np.full(4, 0.25))
    both.assert_close()


@pytest.mark.parametrize(
    ("first", "bad"),
    [
        (MIXED, np.array([0.1, -0.1, 0.1, 0.1])),
        (MIXED, np.array([0.1, np.nan, 0.1, 0.1])),
        (MIXED, np.array([[0.1]])),
        (MIXED, np.array(["a"])),
        (MIXED, np.array([0.1, 0.2, 0.3])),
        # Runs that share a group are not given different rates.
        (RATES["sorted"], MIXED),
        (0.1, MIXED),
    ],
)
def test_rates_that_are_none_are_refused(first: float | np.ndarray, bad: np.ndarray) -> None:
    twin = bound(first)
    with pytest.raises((TypeError, ValueError), match=r"^lr(\[1\])? must "):
        twin.lr = bad
    np.testing.assert_array_equal(twin.lr, first)


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
