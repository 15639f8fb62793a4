"""Arguments as torch has them, settings for some parameters, and what a closure gives."""

import inspect
from importlib import metadata
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.optimizer_helpers import (
    STREAMED,
    assert_refused,
    defaults,
    fresh,
    shapes_for,
    tried_values,
)
from scratch import optim
from torch_ref.lockstep import GradientStream, lockstep
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, OptimizerPair, resolve
from torch_ref.registry.pairs import from_torch, torch_since

#: How torch computes, not what.
IMPLEMENTATION = {"params", "foreach", "fused", "capturable", "differentiable"}
TORCHS = {n: pair for n, pair in OPTIMIZERS.items() if pair.torch == f"torch.optim.{n}"}


def test_every_optimizer_of_torch_has_its_twin() -> None:
    classes = inspect.getmembers(torch.optim, inspect.isclass)
    assert TORCHS.keys() == {
        name
        for name, cls in classes
        if issubclass(cls, torch.optim.Optimizer) and cls is not torch.optim.Optimizer
    }


@pytest.mark.parametrize("pair", TORCHS.values(), ids=TORCHS)
def test_arguments_and_defaults_are_torchs_and_each_is_tried_with_another(
    pair: OptimizerPair,
) -> None:
    mine, parameters = defaults(pair), inspect.signature(resolve(pair.torch)).parameters
    theirs = {n: p.default for n, p in parameters.items() if n not in IMPLEMENTATION}
    since_2_14 = {"maximize"} if pair.gradients == "closure" and not torch_since("2.14") else set()
    assert mine == theirs | dict.fromkeys(since_2_14, False)
    tried = {name for case in pair.cases for name in case if case[name] != mine[name]}
    assert tried == mine.keys() - since_2_14


@pytest.mark.parametrize(
    ("installed", "tried"),
    [("2.9.0", 0), ("2.13.1+cpu", 0), ("2.14.0a0+git1", 1), ("2.15.0", 1), ("3.0.0", 1)],
)
def test_a_case_that_only_a_newer_torch_knows_is_not_tried(
    installed: str, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "version", {"torch": installed}.__getitem__)
    assert from_torch("2.14", {"lr": 0.5}) == ({"lr": 0.5},) * tried


@STREAMED
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_groups_are_torchs_param_groups(pair: OptimizerPair, data) -> None:
    values = {name: st.sampled_from(v) for name, v in tried_values(pair).items()}
    values |= {"lr": st.floats(1e-3, 1)}
    values.pop("nesterov", None)  # needs a momentum
    # Torch's Adagrad fills every group's sum with the constructor's value, not with the group's.
    values.pop("initial_accumulator_value", None)
    chosen = st.fixed_dictionaries({}, optional=values)
    groups = data.draw(st.fixed_dictionaries({"w1": chosen}, optional={"w[01]": chosen}))
    mine = pair.scratch(groups=groups)
    stream = GradientStream(shapes_for(pair, (4, 3), (3, 2), (2, 2)))
    report = lockstep(mine, Twin(mine), stream, steps=20)
    assert report.worst.relative <= pair.tolerance["float64"]


def test_a_name_has_the_settings_of_the_first_pattern_that_fits_and_else_the_optimizers() -> None:
    grads = {"W1": np.ones(1), "b1": np.ones(1), "b2": np.ones(1)}
    params = {name: np.zeros(1) for name in grads}
    sgd = optim.SGD(lr=1.0, groups={"b1": {"lr": 10.0}, "b*": {"lr": 100.0}})
    sgd.update(params, grads)
    assert params == {"W1": -1, "b1": -10, "b2": -100}
    sgd.lr, sgd.groups["b1"]["lr"] = 2.0, 20.0
    sgd.update(params, grads)
    assert params == {"W1": -3, "b1": -30, "b2": -200}


def test_a_pattern_that_fits_no_name_is_warned_of_once() -> None:
    optimizer, (params, grads) = optim.Adam(groups={"W*": {}, "gama*": {"lr": 0.1}}), fresh()
    with pytest.warns(UserWarning, match=r"groups has 'gama\*', which fits none of the names W, b"):
        optimizer.update(params, grads)
    optimizer.update(params, grads)


@pytest.mark.parametrize("number", [np.float64(0.1), np.float32(0.1), np.array(0.1), 1, 0])
def test_a_number_of_another_type_becomes_a_float_and_does_not_promote_float32(number: Any) -> None:
    optimizer, (params, grads) = optim.Adam(number), fresh("float32")
    optimizer.update(params, grads)
    optimizer.betas, optimizer.lr = [0.8, np.float64(0.9)], number
    optimizer.update(params, grads)
    assert (optimizer.betas, type(optimizer.lr)) == ((0.8, 0.9), float)
    arrays = (*params.values(), *(state["exp_avg"] for state in optimizer.state.values()))
    assert {w.dtype.name for w in arrays} == {"float32"}


@STREAMED
def test_a_closure_gives_the_gradients_and_its_loss_is_returned(pair: OptimizerPair) -> None:
    shapes = shapes_for(pair, (4, 3), (3, 2))
    given, called = GradientStream(shapes), GradientStream(shapes)
    optimizers = pair.scratch(), pair.scratch()
    for step in range(3):
        assert optimizers[0].update(given.params, given.next()) is None
        returned = step, called.next()
        assert optimizers[1].update(called.params, closure=lambda r=returned: r) == step
    np.testing.assert_equal(called.params, given.params)


def test_momentum_that_comes_later_begins_as_torchs() -> None:
    params, tensor = {"w": np.ones(2)}, torch.ones(2, dtype=torch.float64)
    sgd, torchs = optim.SGD(lr=0.1), torch.optim.SGD([tensor], lr=0.1)
    for momentum in (0.0, 0.0, 0.9, 0.9, 0.0, 0.9):
        sgd.momentum = torchs.param_groups[0]["momentum"] = momentum
        sgd.update(params, {"w": np.full(2, 0.5)})
        tensor.grad = torch.full((2,), 0.5, dtype=torch.float64)
        torchs.step()
        np.testing.assert_allclose(params["w"], tensor.numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    ("optimizer", "setting", "value"),
    [
        (optim.Adam(), "amsgrad", True),
        (optim.RMSprop(), "momentum", 0.9),
        (optim.RMSprop(), "centered", True),
    ],
    ids=repr,
)
def test_a_setting_that_needs_a_buffer_is_refused_once_the_steps_have_begun(
    optimizer: optim.Optimizer, setting: str, value: object
) -> None:
    params, grads = fresh()
    optimizer.update(params, grads)
    setattr(optimizer, setting, value)
    message = "the state of 'W' must hold .*; it began with other settings"
    assert_refused(optimizer, params, grads, ValueError, message)


@pytest.mark.parametrize(
    ("grads", "closure", "message"),
    [
        (None, lambda: 1.0, r"closure must be a function that returns .*, got 1\.0"),
        (None, lambda: ({}, 0.0), r"closure must be .*, got \(\{\}, 0\.0\)"),
        (None, lambda: None, "closure must be .*, got None"),
        (None, 3, "closure must be .*, got 3"),
        (None, None, "either grads or a closure that gives them, got neither"),
        ({}, lambda: (0.0, {}), "either grads or a closure that gives them, got both"),
        ([1.0], None, r"grads must be a dict, got \[1\.0\]"),
    ],
)
def test_an_update_takes_gradients_or_a_closure_that_gives_loss_and_gradients(
    grads: Any, closure: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        optim.Adam().update({}, grads, closure)
