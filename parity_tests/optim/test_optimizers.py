"""Every optimizer against its twin: the same gradients, step by step."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import loops_over
from parity_tests.optimizer_helpers import PAIRS, STEPPED, STREAMED, shapes_for, tried_values
from scratch import optim
from scratch.optim import blocks
from torch_ref.lockstep import GradientStream, lockstep
from torch_ref.optim import Twin
from torch_ref.registry import SAME_GRADIENTS, OptimizerPair, Settings

OF_STEPPED = pytest.mark.parametrize("pair", STEPPED.values(), ids=STEPPED)
CASES = loops_over("pair case", [(pair, c) for pair in STEPPED.values() for c in pair.cases])


def assert_same(
    pair: OptimizerPair,
    case: Settings,
    dtype: str,
    record_parity: Callable[..., None],
    every: int,
    steps: int = 1000,
) -> None:
    mine = pair.scratch(**case)
    stream = GradientStream(shapes_for(pair, (7, 5), (5,), ()), dtype=dtype)
    report = lockstep(mine, Twin(mine), stream, steps=steps, every=every)
    worst = report.worst
    record_parity(pair.name, dtype, "same gradients", steps, worst.relative, worst.ulp)
    assert worst.relative <= pair.tolerance[dtype]


@loops_over("pair case", [(pair, c) for pair in STEPPED.values() for c in pair.cases[1:]])
def test_the_same_gradients_for_200_steps(
    pair: OptimizerPair, case: Settings, record_parity: Callable[..., None]
) -> None:
    """Compared now and then: parameters and state keep what went wrong in a step."""
    assert_same(pair, case, "float64", record_parity, every=20, steps=200)


@pytest.mark.arithmetic
@pytest.mark.parametrize(("dtype", "every", "steps"), [("float64", 20, 1000), ("float32", 5, 200)])
@OF_STEPPED
def test_the_same_gradients_with_the_defaults(
    pair: OptimizerPair, dtype: str, every: int, steps: int, record_parity: Callable[..., None]
) -> None:
    assert_same(pair, pair.cases[0], dtype, record_parity, every, steps)


@pytest.mark.arithmetic
@pytest.mark.slow
@pytest.mark.parametrize("dtype", tuple(SAME_GRADIENTS))
@CASES
def test_the_same_gradients_compared_at_each_of_1000_steps(
    pair: OptimizerPair, case: Settings, dtype: str, record_parity: Callable[..., None]
) -> None:
    assert_same(pair, case, dtype, record_parity, every=1)


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("huge", "dtype"),
    [
        pytest.param(False, "float64", id="awkward-float64"),
        # Of half the bits, the formula is the same; there huge ones ask for more.
        pytest.param(False, "float32", id="awkward-float32", marks=pytest.mark.slow),
        pytest.param(True, "float32", id="huge-float32"),
        # Nothing overflows there: it is awkward numbers on another scale.
        pytest.param(True, "float64", id="huge-float64", marks=pytest.mark.slow),
    ],
)
@OF_STEPPED
def test_zero_tiny_denormal_and_huge_gradients(pair: OptimizerPair, huge: bool, dtype: str) -> None:
    overflows = pair.overflows if huge and dtype == "float32" else {}
    if "" in overflows:
        pytest.skip(overflows[""])
    tried = [case for case in pair.cases if not any(case.get(name) for name in overflows)]
    assert tried
    for case in tried:
        mine, shapes = pair.scratch(**case), shapes_for(pair, (7, 5), (5,), ())
        stream = GradientStream(shapes, dtype=dtype, awkward=True, huge=huge)
        report = lockstep(mine, Twin(mine), stream, steps=50, tolerance=pair.tolerance[dtype])
        assert report.agrees, f"{case}: {report}"


@OF_STEPPED
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_combination_of_settings_and_any_shapes(pair: OptimizerPair, data) -> None:
    drawn = {name: st.sampled_from(values) for name, values in tried_values(pair).items()}
    # v = −lr·b: 0 says nothing about b. Torch's SparseAdam refuses 0.
    drawn["lr"] = st.floats(1e-3 if pair.buffers or pair.gradients == "rows" else 0, 1)
    axes = {"min_size": pair.axes, "max_size": pair.axes or 4}
    shape = st.lists(st.integers(pair.least, 4), **axes).map(tuple)
    case = data.draw(st.fixed_dictionaries(drawn))
    shapes = shapes_for(pair, *data.draw(st.lists(shape, min_size=1, max_size=3)))
    seed = data.draw(st.integers(0, 1000))
    if case.get("nesterov") and "dampening" in case:
        case |= {"momentum": case["momentum"] or 0.9, "dampening": 0.0}
    mine = pair.scratch(**case)
    report = lockstep(mine, Twin(mine), GradientStream(shapes or [(2, 3)], seed=seed), steps=20)
    # Where the decay cancels a gradient but for rounding, the adaptive ones scale that up.
    assert report.worst.relative <= max(pair.tolerance["float64"], 1e-11)


@pytest.mark.arithmetic
@STREAMED
def test_an_array_gets_the_same_bits_however_it_lies_in_memory_and_in_blocks(
    pair: OptimizerPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a gradient may be read-only."""
    results, frame = [], np.zeros((40, 50))
    for block, strided in ((10**9, False), (97, False), (97, True)):
        monkeypatch.setattr(blocks, "BLOCK", block)
        stream, optimizer = GradientStream([(20, 50)]), pair.scratch()
        frame[::2] = stream.params["w0"]
        params = {"w0": frame[::2]} if strided else stream.params
        for _ in range(3):
            grads = stream.next()
            grads["w0"].setflags(write=False)
            optimizer.update(params, grads)
        results.append(params["w0"])
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    assert not frame[1::2].any()


@PAIRS
def test_plain_numbers_are_updated_like_arrays_and_stay_of_their_type(pair: OptimizerPair) -> None:
    for kind, stays in ((float, float), (int, float), (np.float32,) * 2, (np.float64,) * 2):
        numbers = {"x": kind(-7), "y": kind(2)}
        arrays = {name: np.array(stays(number)) for name, number in numbers.items()}
        for params in (numbers, arrays):
            optimizer = pair.scratch()
            for _ in range(5):
                optimizer.update(params, {"x": params["x"] / stays(10), "y": params["y"] * kind(2)})
        assert {type(number) for number in numbers.values()} == {stays}
        assert numbers == {name: w.item() for name, w in arrays.items()}


@STREAMED
def test_a_missing_gradient_skips_the_parameter_on_both_sides(pair: OptimizerPair) -> None:
    class Sometimes(GradientStream):
        def next(self) -> dict[str, np.ndarray | None]:
            grads = super().next()
            return grads | {"w1": None} if self._random.random() < 0.5 else grads

        def gradients(self, mine: dict, theirs: dict) -> tuple[dict, dict]:
            grads = self.next()
            return grads, grads

    for case in pair.cases:
        mine, problem = pair.scratch(**case), Sometimes(shapes_for(pair, (3, 1), (4, 2)))
        lockstep(mine, Twin(mine), problem, steps=20).raise_if_diverged()


# Where the chapter differs.


def test_momentum_is_torchs_until_the_learning_rate_changes() -> None:
    paths = []
    for optimizer in (optim.Momentum(lr=0.1), optim.SGD(lr=0.1, momentum=0.9)):
        params, path = {"w": np.array([1.0])}, []
        for step in range(6):
            optimizer.lr = 0.1 if step < 3 else 0.01
            optimizer.update(params, {"w": np.array([1.0])})
            path.append(params["w"].item())
        paths.append(path)
    np.testing.assert_allclose(paths[0][:3], paths[1][:3], rtol=1e-14)
    assert paths[0][3] < paths[1][3] - 0.1  # the ball keeps its speed


def test_the_widely_copied_nesterov_is_another_method() -> None:
    ours, copied, v = {"w": np.array([1.0])}, 1.0, 0.0
    optimizer, lr, mu = optim.Nesterov(lr=0.1, momentum=0.9), 0.1, 0.9
    for step in range(1, 6):
        optimizer.update(ours, {"w": 2 * ours["w"]})
        g = 2 * copied
        v = mu * v - lr * g  # updated first …
        copied += mu * mu * v - (1 + mu) * lr * g  # … and then used as if it were the old one
        assert abs(ours["w"].item() - copied) > 1e-3, step


def test_the_chapters_epsilon_matters_only_for_tiny_gradients() -> None:
    def first_step(optimizer: optim.Optimizer, gradient: float) -> float:
        params = {"w": np.array([0.0])}
        optimizer.update(params, {"w": np.array([gradient])})
        return -params["w"].item()

    for gradient, apart in ((1.0, 1e-5), (1e-6, 1.0)):
        hat, outside = (cls(lr=1.0, eps=1e-7) for cls in (optim.chapter.Adam, optim.Adam))
        difference = abs(first_step(hat, gradient) - first_step(outside, gradient))
        assert apart / 10 < difference < apart
