"""Muon against torch's: the formula exactly, its steps in bfloat16 but for the order of sums."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import _muon

from parity_tests.optim.newton_schulz_rounding import expected_distance
from parity_tests.optimizer_helpers import assert_refused
from scratch.optim import Muon, NonFiniteGradientError, muon
from torch_ref import convert
from torch_ref.lockstep import GradientStream, lockstep
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, Settings

PAIR = OPTIMIZERS["Muon"]
CASES = pytest.mark.parametrize("case", PAIR.cases, ids=str)
SHAPES = ((7, 5), (4, 6), (3, 3), (1, 5), (1, 1))
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SIZES = ((7, 5), (5, 7), (1, 8), (20, 30), (64, 64), (100, 300), (784, 100))
ROUNDED = pytest.mark.parametrize("shape", SIZES)
WITHIN = 4  # root mean squares: one direction alone goes beyond with a chance of 6e-5


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides iterate in float64."""
    monkeypatch.setattr(torch, "bfloat16", torch.float64)
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda w: w.double().clone())  # until torch 2.14
    unrounded = partial(muon.newton_schulz, rounded=lambda x: x)
    monkeypatch.setitem(Muon.rule.__globals__, "newton_schulz", unrounded)


@pytest.mark.arithmetic
@pytest.mark.usefixtures("exactly")
@CASES
def test_without_the_rounding_to_bfloat16_it_is_torchs_formula(case: Settings) -> None:
    optimizer, stream = Muon(**case), GradientStream(SHAPES)
    report = lockstep(optimizer, Twin(optimizer), stream, steps=100, tolerance=1e-12)
    report.raise_if_diverged()


@CASES
@pytest.mark.parametrize("dtype", PAIR.tolerance)
def test_the_momentum_is_torchs_to_rounding(case: Settings, dtype: str) -> None:
    optimizer, stream = Muon(**case), GradientStream(SHAPES, dtype=dtype)
    drifts = lockstep(optimizer, Twin(optimizer), stream, steps=40).drifts
    buffers = [drift for (_, quantity), drift in drifts.items() if quantity == "momentum_buffer"]
    assert len(buffers) == len(SHAPES)
    rounding = {"float64": 1e-12, "float32": 1e-5}[dtype]
    assert max(drift.worst.relative for drift in buffers) <= rounding


@pytest.mark.arithmetic
@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1)
    | st.lists(st.floats(allow_nan=False, min_value=-3e38, max_value=3e38), min_size=1)
)
def test_numbers_are_rounded_to_bfloat16_as_in_torch(numbers: list[float]) -> None:
    expected = torch.tensor(numbers, dtype=torch.float64).to(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(muon.bfloat16(np.array(numbers)), expected, strict=True)


@pytest.mark.arithmetic
@given(st.integers(0, 2**16 - 2), st.sampled_from([-1, 0, 1]))
def test_halfway_between_two_numbers_of_bfloat16_the_even_one_is_taken(
    upper: int, nudge: int
) -> None:
    x = np.array([(upper << 16) + 0x8000 + nudge], np.uint32).view(np.float32)
    if np.isfinite(x).all():
        expected = torch.tensor(x).to(torch.bfloat16).float().numpy()
        np.testing.assert_array_equal(muon.bfloat16(x), expected)


def apart(mine: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.linalg.norm(mine - theirs) / np.linalg.norm(mine))


def my_step(u: np.ndarray, coefficients: tuple = COEFFICIENTS, steps: int = 5) -> np.ndarray:
    return muon.newton_schulz(u, coefficients, steps, 1e-7)


def their_step(u: np.ndarray) -> np.ndarray:
    step = _muon._zeropower_via_newtonschulz(torch.tensor(u), COEFFICIENTS, 5, 1e-7)
    return step.float().numpy()


@pytest.mark.arithmetic
@ROUNDED
def test_a_step_in_bfloat16_is_torchs_but_for_the_order_of_its_sums(shape: tuple[int, int]) -> None:
    for scale in (1e-3, 1.0, 1e3):
        u = scale * np.random.default_rng(0).normal(size=shape)
        assert apart(my_step(u), their_step(u)) <= WITHIN * expected_distance(u, COEFFICIENTS, 5)


@pytest.mark.arithmetic
@ROUNDED
def test_that_distance_is_what_rounding_by_chance_makes(shape: tuple[int, int]) -> None:
    """Up or down by chance has twice the variance of rounding to the nearest: that of two sides."""
    random = np.random.default_rng(1)

    def by_chance(x: np.ndarray) -> np.ndarray:
        bits = np.asarray(x, np.float32).view(np.uint32)
        bits = bits + random.integers(0, 2**16, bits.shape, dtype=np.uint32)
        return (bits & np.uint32(0xFFFF0000)).view(np.float32)

    u = random.normal(size=shape)
    exact = muon.newton_schulz(u, COEFFICIENTS, 5, 1e-7, rounded=lambda x: x)
    distances = [
        apart(exact, muon.newton_schulz(u, COEFFICIENTS, 5, 1e-7, rounded=by_chance))
        for _ in range(10)
    ]
    expected = expected_distance(u, COEFFICIENTS, 5)
    assert 0.5 * expected <= np.sqrt(np.mean(np.square(distances))) <= 2 * expected
    assert max(distances) <= WITHIN * expected


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    "wrong",
    [
        lambda u: my_step(u, steps=4),
        lambda u: my_step(u, steps=6),
        lambda u: my_step(u, (3.3445, -4.7750, 2.0315)),
        lambda u: my_step(u, (3.4445, -4.6750, 2.0315)),
        lambda u: my_step(u, (3.4445, -4.7750, 1.9815)),
        lambda u: my_step(u[::-1]),
    ],
    ids=["a step too few", "a step too many", "a", "b", "c", "rows"],
)
def test_a_mistake_comes_farther_from_torch_than_the_order_of_sums(
    wrong: Callable[[np.ndarray], np.ndarray],
) -> None:
    u = np.random.default_rng(0).normal(size=(20, 30))
    bound = WITHIN * expected_distance(u, COEFFICIENTS, 5)
    assert apart(my_step(u), their_step(u)) <= bound
    assert apart(wrong(u), their_step(u)) > bound


@pytest.mark.arithmetic
@given(st.data(), st.integers(1, 8), st.integers(1, 8))
@settings(deadline=None, max_examples=200)
def test_a_step_whose_sums_have_one_term_is_torchs_bit_for_bit(
    data: st.DataObject, n: int, m: int
) -> None:
    """One element in a row and in a column: there is no order to sum in, on any processor."""
    values = data.draw(st.lists(st.integers(1, 15), min_size=min(n, m), max_size=min(n, m)))
    u = np.zeros((n, m))
    places = [data.draw(st.permutations(range(k)))[: len(values)] for k in (n, m)]
    u[tuple(places)] = values
    np.testing.assert_array_equal(my_step(u), their_step(u))


@pytest.mark.arithmetic
@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_the_step_goes_equally_far_in_all_directions(shape: tuple[int, int]) -> None:
    u = np.random.default_rng(0).normal(size=shape) * np.logspace(-1, 1, shape[1])
    stretched = np.linalg.svd(u, compute_uv=False)
    even = np.linalg.svd(my_step(u, steps=10), compute_uv=False)
    assert stretched.max() / stretched.min() > 5
    assert ((even > 0.6) & (even < 1.3)).all()


def test_a_gradient_of_zeros_and_a_matrix_without_elements_are_left_alone() -> None:
    params = {"w": np.ones((3, 2)), "none": np.ones((3, 0)), "nothing": np.ones((0, 3))}
    Muon(weight_decay=0.0).update(params, {name: np.zeros_like(w) for name, w in params.items()})
    np.testing.assert_array_equal(params["w"], np.ones((3, 2)))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_what_is_no_matrix_is_refused_by_name_and_shape(shape: tuple[int, ...]) -> None:
    params = {"W": np.ones((2, 2)), "b": np.ones(shape)}
    grads = {name: np.ones_like(w) for name, w in params.items()}
    message = rf"params\['b'\] must be a matrix, got shape {re.escape(str(shape))}; .* as AdamW"
    assert_refused(Muon(), params, grads, ValueError, message)
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        torch.optim.Muon([torch.ones(shape)])


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    params, grads = {"W": np.ones((2, 2))}, {"W": np.array([[1.0, np.nan], [0.0, 0.0]])}
    message = r"grads\['W'\] must be finite"
    assert_refused(Muon(), params, grads, NonFiniteGradientError, message)


@pytest.mark.usefixtures("exactly")
@CASES
def test_handed_to_torch_and_back_it_goes_on_as_if_alone(case: Settings) -> None:
    alone, handed = GradientStream(SHAPES), GradientStream(SHAPES)
    optimizers = [Muon(**case) for _ in range(3)]
    for step in range(9):
        optimizers[0].update(alone.params, alone.next())
        if step == 3:
            theirs, twin = convert.to_torch(handed.params), Twin(optimizers[1])
            convert.load_state_to_torch(optimizers[1], twin, theirs)
        if step == 6:
            handed.params |= convert.to_numpy(theirs)
            convert.load_state_to_numpy(twin, optimizers[2], theirs, step=6)
        if 3 <= step < 6:
            twin.update(theirs, convert.to_torch(handed.next()))
        else:
            optimizers[1 + step // 6].update(handed.params, handed.next())
    for name, w in alone.params.items():
        np.testing.assert_allclose(handed.params[name], w, rtol=1e-12, atol=1e-13)
