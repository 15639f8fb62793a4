"""LBFGS against torch's: the same steps and evaluations, while it converges.

It divides by differences of gradients, which become rounding errors near the minimum, so that the
two sides can be compared on their way there.
"""

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import batch, make_network
from scratch.nn import MultiLayerNet
from scratch.optim import LBFGS, SGD, NonFiniteGradientError
from scratch.optim.lbfgs import Curvature
from torch_ref import convert
from torch_ref.lockstep import GradientStream, QuadraticBowl, lockstep
from torch_ref.lockstep.compare.problems import Arrays, Landscape, Rosenbrock
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, SAME_GRADIENTS, Settings

pytestmark = pytest.mark.arithmetic

PAIR = OPTIMIZERS["LBFGS"]
CASES = pytest.mark.parametrize("case", PAIR.cases, ids=str)
LISTS = ("old_dirs", "old_stps", "ro")
#: After which rounding has not become more than the tolerance.
UPDATES = {"float64": 3, "float32": 2}
SEARCHING = {"line_search_fn": "strong_wolfe"}


class FullBatch:
    """The loss of a network on one batch, evaluated by its own ``loss_and_gradient``."""

    undetermined: frozenset[str] = frozenset()

    def __init__(self, net: MultiLayerNet, x: np.ndarray, t: np.ndarray) -> None:
        self._net, self._batch = net, (x, t)
        self.params = {name: w.copy() for name, w in net.params.items()}

    def evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        self._net.params.update(params)
        loss, grads = self._net.loss_and_gradient(*self._batch)
        return float(loss), grads


def network(dtype: str = "float64") -> FullBatch:
    net = make_network(dtype, activation="tanh", seed=3)
    return FullBatch(net, *batch(net, dtype=dtype))


PROBLEMS = pytest.mark.parametrize("make", [QuadraticBowl, Rosenbrock, network])


class Summit:
    """A landscape upside down."""

    undetermined: frozenset[str] = frozenset()

    def __init__(self, landscape: Landscape) -> None:
        self._landscape, self.params = landscape, landscape.params

    def evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        loss, grads = self._landscape.evaluate(params)
        return -loss, {name: -g for name, g in grads.items()}


def made(make: Callable, case: Settings, dtype: str = "float64") -> tuple[LBFGS, Landscape]:
    """The optimizer, with few steps in an update so that sides are compared often, and its way."""
    landscape = make(dtype=dtype)
    uphill = Summit(landscape) if case.get("maximize") else landscape
    return LBFGS(**{"max_iter": 4} | case), uphill


def closure_of(landscape: Landscape, params: Arrays) -> Callable[[], tuple[float, Arrays]]:
    return lambda: landscape.evaluate(params)


@PROBLEMS
@CASES
@pytest.mark.parametrize("dtype", SAME_GRADIENTS)
def test_the_same_way_with_as_many_steps_and_evaluations(
    case: Settings, make: Callable, dtype: str, record_parity
) -> None:
    optimizer, landscape = made(make, case, dtype)
    report = lockstep(optimizer, Twin(optimizer), landscape, steps=UPDATES[dtype])
    record_parity("LBFGS", dtype, "while converging", UPDATES[dtype], max(report.norm))
    assert max(report.norm) <= SAME_GRADIENTS[dtype]
    # What each step follows from: the direction, its length, the curvature, the last gradient.
    apart = {quantity: drift.worst.relative for (_, quantity), drift in report.drifts.items()}
    assert apart.keys() >= {"d", "t", "H_diag", "prev_flat_grad", "prev_loss"}
    assert max(apart.values()) <= {"float64": 1e-9, "float32": 1e-2}[dtype], apart
    first = next(iter(landscape.params))
    for count in ("n_iter", "func_evals"):
        assert report.drifts[first, count].worst.relative == 0


@PROBLEMS
@CASES
def test_the_curvature_is_torchs(case: Settings, make: Callable) -> None:
    optimizer, landscape = made(make, case)
    mine, theirs = copy.deepcopy(landscape.params), convert.to_torch(landscape.params)
    twin = Twin(optimizer)
    for _ in range(2):
        optimizer.update(mine, closure=closure_of(landscape, mine))
        twin.update(theirs, closure=torch_closure(landscape, theirs))
    name = next(iter(mine))
    state, expected = optimizer.state[name], twin.state(theirs)[name]
    assert state.keys() - {"step"} == expected.keys() - {"al"}
    for key, value in state.items():
        if key in LISTS:
            value, torchs = np.array(value), np.array([np.asarray(v) for v in expected[key]])
            assert len(value) == len(torchs) <= optimizer.history_size
            np.testing.assert_allclose(value, torchs, rtol=1e-9, atol=1e-12, err_msg=key)
        elif key != "step":
            np.testing.assert_allclose(value, expected[key], rtol=1e-9, atol=1e-12, err_msg=key)
    assert state["step"] == 2


def torch_closure(landscape: Landscape, params: dict[str, torch.Tensor]) -> Callable:
    def closure() -> tuple[float, dict[str, torch.Tensor]]:
        loss, grads = landscape.evaluate({name: w.numpy() for name, w in params.items()})
        return loss, convert.to_torch(grads)

    return closure


@pytest.mark.parametrize(
    ("curvature", "start", "options"),
    [
        pytest.param(1.0, 1e-6, {}, id="the slope is flat"),
        pytest.param(1e12, 1.0, {"lr": 1e-10}, id="the step is short"),
        pytest.param(1e-9, 1.0, {"tolerance_grad": 0}, id="the loss stays"),
        pytest.param(1.0, 1e-8, {}, id="the gradient is small"),
    ],
)
def test_an_update_ends_where_torchs_does(
    curvature: float, start: float, options: Settings
) -> None:
    mine, theirs = {"w": np.array([start])}, {"w": torch.tensor([start], dtype=torch.float64)}
    optimizer = LBFGS(**options)
    twin = Twin(optimizer)

    def closure_at(w: Any) -> tuple[float, dict[str, Any]]:
        return float(curvature * w[0] ** 2 / 2), {"w": curvature * w}

    optimizer.update(mine, closure=lambda: closure_at(mine["w"]))
    twin.update(theirs, closure=lambda: closure_at(theirs["w"]))
    state, expected = optimizer.state["w"], twin.state(theirs)["w"]
    for count in ("n_iter", "func_evals"):
        assert state[count] == expected[count] <= 3
    np.testing.assert_allclose(mine["w"], theirs["w"].numpy(), rtol=1e-12)


def test_lockstep_finds_a_landscape_for_it_by_itself() -> None:
    mine = LBFGS(max_iter=2, **SEARCHING)
    lockstep(mine, torch.optim.LBFGS, steps=5, max_iter=2, **SEARCHING).raise_if_diverged()
    other = lockstep(mine, torch.optim.LBFGS, steps=5, max_iter=3, **SEARCHING)
    assert other.first is not None


def test_gradients_alone_are_no_landscape_and_a_landscape_gives_none() -> None:
    with pytest.raises(TypeError, match=r"problem must be a landscape, .* got GradientStream"):
        lockstep(LBFGS(), torch.optim.LBFGS, GradientStream())
    with pytest.raises(TypeError, match=r"problem must have gradients.*; got FullBatch"):
        lockstep(SGD(), torch.optim.SGD, network())


def test_what_takes_no_closure_steps_along_the_gradients_of_the_landscape() -> None:
    pair = SimpleNamespace(init=lambda params: {}, update=lambda grads, state, params: (grads, {}))
    report = lockstep(pair, torch.optim.LBFGS)
    assert (report.first.step, report.first.quantity) == (1, "parameter")


def test_the_valley_of_rosenbrock_is_walked_to_its_end() -> None:
    landscape = Rosenbrock()
    params = landscape.params
    optimizer = LBFGS(max_iter=60, tolerance_change=1e-16, **SEARCHING)
    before = optimizer.update(params, closure=closure_of(landscape, params))
    assert before == pytest.approx(24.2)
    np.testing.assert_allclose([params["x"], params["y"]], 1, rtol=1e-6)
    assert optimizer.state["x"]["func_evals"] < 75


def test_uphill_is_downhill_of_the_negative_to_the_bit() -> None:
    up, down = ({name: w.copy() for name, w in Rosenbrock().params.items()} for _ in range(2))
    landscape = Rosenbrock()
    loss = LBFGS(maximize=True, **SEARCHING).update(up, closure=closure_of(Summit(landscape), up))
    assert loss == -LBFGS(**SEARCHING).update(down, closure=closure_of(landscape, down))
    assert up == down


def test_the_product_with_the_inverse_is_that_of_the_matrix_written_out() -> None:
    random, curvature = np.random.default_rng(0), Curvature(size=3)
    pairs = []
    for _ in range(5):
        s = random.normal(size=4)
        pairs.append((s + 0.1 * random.normal(size=4), s))
        curvature.add(*pairs[-1])
    y, s = pairs[-1]
    h, one = (s @ y) / (y @ y) * np.eye(4), np.eye(4)
    for y, s in pairs[-3:]:
        rho = 1 / (y @ s)
        h = (one - rho * np.outer(s, y)) @ h @ (one - rho * np.outer(y, s)) + rho * np.outer(s, s)
    g = random.normal(size=4)
    np.testing.assert_allclose(curvature.inverse_times(g), h @ g, rtol=1e-12)


def test_a_step_along_which_the_gradient_falls_is_not_remembered() -> None:
    curvature = Curvature(size=3)
    curvature.add(y=np.array([-1.0, 0.0]), s=np.array([1.0, 0.0]))
    np.testing.assert_array_equal(curvature.inverse_times(np.array([1.0, 2.0])), [1.0, 2.0])


@pytest.mark.parametrize("options", [{"max_iter": 3}, SEARCHING], ids=str)
def test_a_gradient_that_is_missing_counts_as_zeros(options: Settings) -> None:
    results = []
    for nothing in (None, np.zeros(3)):
        params = {"w": QuadraticBowl().params["w"].copy(), "b": np.ones(3)}

        def closure(params: Arrays = params, nothing: object = nothing) -> tuple[float, dict]:
            loss, grads = QuadraticBowl().evaluate(params)
            return loss, {**grads, "b": nothing}

        LBFGS(**options).update(params, closure=closure)
        np.testing.assert_array_equal(params["b"], np.ones(3))
        results.append(params["w"])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_plain_numbers_are_replaced(kind: type) -> None:
    params = {"x": kind(-7), "y": kind(2)}

    def closure() -> tuple[float, dict[str, float]]:
        x, y = params["x"], params["y"]
        return float(x * x / 20 + y * y), {"x": x / kind(10), "y": kind(2) * y}

    assert LBFGS(**SEARCHING).update(params, closure=closure) == pytest.approx(6.45)
    assert {type(x) for x in params.values()} == {kind}
    assert max(abs(x) for x in params.values()) < 1e-2


def test_a_strided_array_is_updated_in_place() -> None:
    landscape = QuadraticBowl()
    frame = np.zeros((20, 2))
    frame[:, 0] = landscape.params["w"]
    for params in (landscape.params, {"w": frame[:, 0]}):
        LBFGS().update(params, closure=closure_of(landscape, params))
    np.testing.assert_array_equal(frame[:, 0], landscape.params["w"])
    assert not frame[:, 1].any()


def test_nothing_to_optimize_is_evaluated_all_the_same() -> None:
    assert LBFGS().update({}, closure=lambda: (3.0, {})) == 3
    params = {"w": np.zeros((0, 2))}
    assert LBFGS(maximize=True).update(params, closure=lambda: (3.0, {"w": params["w"]})) == 3


def test_a_line_search_comes_back_from_where_there_is_no_loss() -> None:
    def evaluate(params: Arrays) -> tuple[float, Arrays]:
        w = params["w"]
        if (w <= 0).any():
            return float("inf"), {"w": np.full_like(w, np.nan)}
        return float((w - np.log(w)).sum()), {"w": 1 - 1 / w}

    start, optimizer = {"w": np.array([8.0, 0.1, 3.0])}, LBFGS(lr=3, **SEARCHING)
    mine, theirs, losses = copy.deepcopy(start), convert.to_torch(start), []

    def closure() -> tuple[float, Arrays]:
        losses.append(evaluate(mine)[0])
        return evaluate(mine)

    def torchs() -> tuple[float, dict[str, torch.Tensor]]:
        loss, grads = evaluate(convert.to_numpy(theirs))
        return loss, convert.to_torch(grads)

    optimizer.update(mine, closure=closure)
    Twin(optimizer).update(theirs, closure=torchs)
    assert np.isinf(losses).any()
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(mine["w"], theirs["w"].numpy(), rtol=1e-12)


@pytest.mark.parametrize("options", [{"lr": 0.0}, {"lr": 0.0, **SEARCHING}], ids=str)
def test_without_a_learning_rate_nothing_moves(options: Settings) -> None:
    landscape = Rosenbrock()
    params = {name: w.copy() for name, w in landscape.params.items()}
    LBFGS(**options).update(params, closure=closure_of(landscape, params))
    assert params == landscape.params


@CASES
def test_a_snapshot_goes_on_to_the_bit(case: Settings) -> None:
    make = Rosenbrock if "line_search_fn" in case else QuadraticBowl
    (optimizer, landscape), restored = made(make, case), LBFGS()
    params = copy.deepcopy(landscape.params)
    optimizer.update(params, closure=closure_of(landscape, params))
    copies = copy.deepcopy(params)
    restored.load_state_dict(optimizer.state_dict())
    for w, one in ((params, optimizer), (copies, restored)):
        one.update(w, closure=closure_of(landscape, w))
    np.testing.assert_equal(copies, params)
    np.testing.assert_equal(restored.state, optimizer.state)


@pytest.mark.parametrize("case", [{"max_iter": 2}, {"max_iter": 3, **SEARCHING}], ids=str)
@pytest.mark.parametrize("make", [QuadraticBowl, network])
def test_handed_to_torch_and_back_it_goes_on_as_if_alone(
    case: Settings, make: Callable, record_parity
) -> None:
    landscape = make()
    alone, mine = (copy.deepcopy(landscape.params) for _ in range(2))
    optimizers = [LBFGS(**case) for _ in range(3)]
    for _ in range(6):
        optimizers[0].update(alone, closure=closure_of(landscape, alone))
    for _ in range(2):
        optimizers[1].update(mine, closure=closure_of(landscape, mine))
    theirs, twin = convert.to_torch(mine), Twin(optimizers[1])
    convert.load_state_to_torch(optimizers[1], twin, theirs)
    for _ in range(2):
        twin.update(theirs, closure=torch_closure(landscape, theirs))
    mine = convert.to_numpy(theirs)
    convert.load_state_to_numpy(twin, optimizers[2], theirs, step=4)
    for _ in range(2):
        optimizers[2].update(mine, closure=closure_of(landscape, mine))
    apart = [np.linalg.norm(mine[name] - w) / np.linalg.norm(w) for name, w in alone.items()]
    record_parity("LBFGS", "float64", "handed over twice", 6, max(apart))
    assert max(apart) <= 1e-9
    first = next(iter(alone))
    for count in ("step", "n_iter", "func_evals"):
        assert optimizers[2].state[first][count] == optimizers[0].state[first][count]


# What is refused, at the start and in the middle of an update.

LIKE = r"grads\['w'\] must be like params\['w'\], .*"
WRONG: tuple[tuple[Any, type[Exception], str], ...] = (
    (
        np.array([1.0, np.nan, 0.0, 0.0]),
        NonFiniteGradientError,
        r"grads\['w'\] must be finite, got 1 of 4 elements .*, the first at \(1,\): nan",
    ),
    (np.ones(3), ValueError, LIKE + "got float64 of"),
    (np.ones(4, np.float32), ValueError, LIKE + "got float32"),
    ([1.0] * 4, TypeError, LIKE),
)


@pytest.mark.parametrize(("value", "error", "message"), WRONG)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_gradient_that_does_not_fit_changes_nothing_whenever_it_comes(
    value: Any, error: type[Exception], message: str, after: int
) -> None:
    landscape, calls, optimizer = QuadraticBowl(4), iter(range(9)), LBFGS()
    params = copy.deepcopy(landscape.params)

    def closure() -> tuple[float, Any]:
        loss, grads = landscape.evaluate(params)
        return loss, grads if next(calls) < after else {"w": value}

    with pytest.raises(error, match=message):
        optimizer.update(params, closure=closure)
    np.testing.assert_equal(params, landscape.params)
    assert optimizer.state == {}


def test_a_closure_that_raises_in_the_middle_leaves_all_as_it_was() -> None:
    landscape, optimizer = Rosenbrock(), LBFGS(max_iter=5, **SEARCHING)
    params = landscape.params
    optimizer.update(params, closure=closure_of(landscape, params))
    before = copy.deepcopy((params, optimizer.state))
    evaluations = iter(range(3))

    def closure() -> tuple[float, Arrays]:
        next(evaluations)
        return landscape.evaluate(params)

    with pytest.raises(StopIteration):
        optimizer.update(params, closure=closure)
    np.testing.assert_equal((params, optimizer.state), before)


FIXED = np.ones(2)
FIXED.setflags(write=False)


@pytest.mark.parametrize(
    ("w", "given", "error", "message"),
    [
        (np.ones(2), (1.0, {}), KeyError, r"same keys; grads lacks \['w'\]"),
        (np.ones(2), 1.0, TypeError, r"closure must be .* \(loss, grads\), got 1.0"),
        (np.ones(2), ("1", {"w": None}), TypeError, "loss a number, got"),
        (np.ones(2), (np.ones(2), {"w": None}), TypeError, "loss a number, got"),
        ([1.0], (1.0, {"w": None}), TypeError, r"params\['w'\] must be a float, or an"),
        (np.arange(2), (1.0, {"w": None}), TypeError, r"params\['w'\] .*, got int64"),
        (FIXED, (1.0, {"w": np.ones(2)}), ValueError, r"params\['w'\] is read-only; pass a copy"),
    ],
)
def test_what_a_closure_returns_must_fit(
    w: Any, given: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LBFGS().update({"w": w}, closure=lambda: given)


def test_gradients_in_place_of_a_closure_and_groups_are_refused() -> None:
    for arguments in ({"grads": {"w": np.ones(2)}}, {}):
        with pytest.raises(TypeError, match="LBFGS takes no grads but a closure"):
            LBFGS().update({"w": np.ones(2)}, **arguments)
    with pytest.raises(ValueError, match="groups must be left out: LBFGS estimates one curvature"):
        LBFGS(groups={"b*": {"lr": 0.1}})


@pytest.mark.parametrize("loaded", [False, True], ids=["used", "loaded"])
def test_other_parameters_than_those_of_the_first_update_are_refused(loaded: bool) -> None:
    landscape, optimizer = QuadraticBowl(4), LBFGS(max_iter=2)
    optimizer.update(landscape.params, closure=closure_of(landscape, landscape.params))
    if loaded:
        saved, optimizer = optimizer.state_dict(), LBFGS()
        optimizer.load_state_dict(saved)
    for others in (
        {"w": np.ones(3)},
        {"v": np.ones(4)},
        {"w": np.ones(4, np.float32)},
        {"w": np.ones(4), "b": np.ones(1)},
    ):
        with pytest.raises(
            ValueError, match=r"params must have the names, order, .* last update, "
        ):
            optimizer.update(others, closure=lambda others=others: (1.0, others))
