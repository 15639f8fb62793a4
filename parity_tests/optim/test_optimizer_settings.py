"""Arguments as torch has them, settings for some parameters, and a learning rate for each run."""

import inspect
from importlib import metadata

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.optimizer_helpers import (
    ELEMENTWISE,
    STREAMED,
    assert_refused,
    defaults,
    fresh,
    shapes_for,
    tried_values,
)
from scratch import optim
from scratch.optim import blocks
from torch_ref.lockstep import GradientStream, lockstep
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, OptimizerPair, resolve
from torch_ref.registry.pairs import from_torch, torch_since

#: How torch computes, not what.
IMPLEMENTATION = {"params", "foreach", "fused", "capturable", "differentiable"}
TORCHS = [
    pytest.param(pair, id=pair.name)
    for pair in OPTIMIZERS.values()
    if pair.torch == f"torch.optim.{pair.name}"
]
RATES = np.array([0.1, 0.001, 0.03])


def test_every_optimizer_of_torch_has_its_twin() -> None:
    classes = {
        name
        for name, cls in inspect.getmembers(torch.optim, inspect.isclass)
        if issubclass(cls, torch.optim.Optimizer) and cls is not torch.optim.Optimizer
    }
    assert classes == {param.values[0].name for param in TORCHS}


@pytest.mark.parametrize("pair", TORCHS)
def test_the_arguments_and_their_defaults_are_torchs(pair: OptimizerPair) -> None:
    parameters = inspect.signature(resolve(pair.torch)).parameters
    theirs = {n: p.default for n, p in parameters.items() if n not in IMPLEMENTATION}
    if pair.gradients == "closure" and not torch_since("2.14"):
        theirs["maximize"] = False  # which it did without a word for it
    assert defaults(pair) == theirs


@pytest.mark.parametrize("pair", TORCHS)
def test_every_argument_is_tried_with_another_value_than_its_default(pair: OptimizerPair) -> None:
    untried = [
        name
        for name, default in defaults(pair).items()
        if all(case.get(name, default) == default for case in pair.cases)
    ]
    assert untried == ([] if torch_since("2.14") or pair.gradients != "closure" else ["maximize"])


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


def test_the_first_pattern_that_fits_a_name_counts() -> None:
    params = {"W1": np.zeros(1), "b1": np.zeros(1), "b2": np.zeros(1)}
    sgd = optim.SGD(lr=1.0, groups={"b1": {"lr": 10.0}, "b*": {"lr": 100.0}})
    sgd.update(params, {name: np.ones(1) for name in params})
    assert {name: w.item() for name, w in params.items()} == {"W1": -1, "b1": -10, "b2": -100}


def test_a_new_learning_rate_does_not_touch_a_group_with_its_own() -> None:
    params, grads = {"w": np.zeros(1), "b": np.zeros(1)}, {"w": np.ones(1), "b": np.ones(1)}
    sgd = optim.SGD(lr=1.0, groups={"b": {"lr": 10.0}})
    sgd.lr = 2.0
    sgd.update(params, grads)
    assert (params["w"], params["b"]) == (-2, -10)
    sgd.groups["b"]["lr"] = 20.0
    sgd.update(params, grads)
    assert params["b"] == -30


def test_a_pattern_that_fits_no_name_is_warned_of_once() -> None:
    optimizer, (params, grads) = optim.Adam(groups={"W*": {}, "gama*": {"lr": 0.1}}), fresh()
    with pytest.warns(UserWarning, match=r"groups has 'gama\*', which fits none of the names W, b"):
        optimizer.update(params, grads)
    optimizer.update(params, grads)


def test_a_setting_assigned_later_is_taken_as_the_constructor_takes_it() -> None:
    optimizer, (params, grads) = optim.Adam(), fresh("float32")
    optimizer.update(params, grads)
    optimizer.betas, optimizer.eps = [0.8, np.float64(0.9)], np.float64(1e-3)
    optimizer.update(params, grads)
    assert (optimizer.betas, type(optimizer.eps)) == ((0.8, 0.9), float)
    assert optimizer.state["W"]["exp_avg"].dtype == np.float32


@pytest.mark.parametrize("size", [1, pytest.param(97, marks=pytest.mark.arithmetic), 10**9])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@ELEMENTWISE
def test_with_a_learning_rate_for_each_run_a_stack_is_the_runs_alone(
    pair: OptimizerPair, dtype: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", size)
    for case in pair.cases:
        stream = GradientStream([(3, 5, 7), (3, 7), (3, 1), (3,)], dtype=dtype)
        stack, params = pair.scratch(**case | {"lr": RATES}), stream.params
        alone = [pair.scratch(**case | {"lr": float(rate)}) for rate in RATES]
        runs = [{name: np.array(w[k]) for name, w in params.items()} for k in range(3)]
        for _ in range(5):
            grads = stream.next()
            stack.update(params, grads)
            for k, run in enumerate(runs):
                alone[k].update(run, {name: np.array(g[k]) for name, g in grads.items()})
        tolerance = {"float64": 1e-14, "float32": 2e-6}[dtype]
        for k, run in enumerate(runs):
            for name, w in run.items():
                np.testing.assert_allclose(params[name][k], w, rtol=tolerance, atol=tolerance)
        assert {w.dtype.name for w in params.values()} == {dtype}


def test_a_learning_rate_for_each_run_needs_parameters_with_as_many_runs() -> None:
    for shape in ((2, 5), (), (5, 3)):
        params, grads = {"w": np.ones(shape)}, {"w": np.ones(shape)}
        message = r"params\['w'\] must have a leading axis of 3, as many runs as lr has values, got"
        assert_refused(optim.Adam(lr=RATES), params, grads, ValueError, message)


@STREAMED
def test_a_closure_gives_the_gradients_and_its_loss_is_returned(pair: OptimizerPair) -> None:
    shapes = shapes_for(pair, (4, 3), (3, 2))
    streams = GradientStream(shapes), GradientStream(shapes)
    optimizers = pair.scratch(), pair.scratch()
    for step in range(3):
        assert optimizers[0].update(streams[0].params, streams[0].next()) is None
        loss = optimizers[1].update(
            streams[1].params, closure=lambda step=step: (step, streams[1].next())
        )
        assert loss == step
    for name, w in streams[0].params.items():
        np.testing.assert_array_equal(w, streams[1].params[name])


def test_momentum_that_comes_later_begins_as_torchs() -> None:
    params, tensor = {"w": np.ones(2)}, torch.ones(2, dtype=torch.float64)
    sgd, torchs = optim.SGD(lr=0.1), torch.optim.SGD([tensor], lr=0.1)
    for step in range(6):
        momentum = (0.0, 0.0, 0.9, 0.9, 0.0, 0.9)[step]
        sgd.momentum = torchs.param_groups[0]["momentum"] = momentum
        sgd.update(params, {"w": np.full(2, 0.5)})
        tensor.grad = torch.full((2,), 0.5, dtype=torch.float64)
        torchs.step()
        np.testing.assert_allclose(params["w"], tensor.numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [("Adam", "amsgrad", True), ("RMSprop", "momentum", 0.9), ("RMSprop", "centered", True)],
)
def test_a_setting_that_needs_a_buffer_is_refused_once_the_steps_have_begun(
    name: str, setting: str, value: object
) -> None:
    optimizer, (params, grads) = getattr(optim, name)(), fresh()
    optimizer.update(params, grads)
    setattr(optimizer, setting, value)
    message = "the state of 'W' must hold .*; it began with other settings"
    assert_refused(optimizer, params, grads, ValueError, message)


@pytest.mark.parametrize(
    ("closure", "got"),
    [(lambda: 1.0, "1.0"), (lambda: ({}, 0.0), r"\(\{\}, 0.0\)"), (3, "3"), (lambda: None, "None")],
)
def test_a_closure_that_gives_no_loss_and_gradients_is_refused(closure: object, got: str) -> None:
    params, _ = fresh()
    with pytest.raises(TypeError, match=rf"closure must be a function that returns .*, got {got}"):
        optim.Adam().update(params, closure=closure)


@pytest.mark.parametrize(("params", "grads"), [([1.0], {}), ({}, 3), ({}, len)], ids=repr)
def test_what_are_no_dicts_of_parameters_and_gradients_is_refused(
    params: object, grads: object
) -> None:
    with pytest.raises(TypeError, match=r"(params|grads) must be a dict, got"):
        optim.Adam().update(params, grads)


def test_an_update_takes_gradients_or_a_closure() -> None:
    optimizer, (params, grads) = optim.SGD(), fresh()
    with pytest.raises(TypeError, match="either grads or a closure that gives them, got neither"):
        optimizer.update(params)
    with pytest.raises(TypeError, match="either grads or a closure that gives them, got both"):
        optimizer.update(params, grads, lambda: (0.0, grads))
