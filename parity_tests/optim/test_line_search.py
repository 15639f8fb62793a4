"""The line search of LBFGS against torch's, on lines alone."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.optim.lbfgs import _cubic_interpolate, _strong_wolfe

from scratch.optim import line_search
from scratch.optim.line_search import Point, strong_wolfe

finite = st.floats(-1e3, 1e3).map(np.float64)


@given(st.floats(0, 10), finite, finite, st.floats(0, 10), finite, finite, st.booleans())
@settings(deadline=None)
def test_the_lowest_place_of_a_cubic_is_torchs(
    x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, bounded: bool
) -> None:
    assume(abs(x1 - x2) > 1e-3)
    bounds = (max(x1, x2) + 0.1, max(x1, x2) + 3) if bounded else None
    slopes = torch.tensor([g1, g2], dtype=torch.float64)
    theirs = _cubic_interpolate(x1, float(f1), slopes[0], x2, float(f2), slopes[1], bounds)
    a, b = (Point(x, float(f), np.zeros(1), g) for x, f, g in ((x1, f1, g1), (x2, f2, g2)))
    with np.errstate(all="ignore"):
        mine = line_search._lowest(a, b, bounds)
    np.testing.assert_allclose(mine, float(theirs), rtol=1e-6, atol=1e-9)


@pytest.mark.arithmetic
@given(
    roots=st.lists(st.floats(-3, 8), min_size=1, max_size=4),
    t=st.floats(1e-2, 10),
    max_steps=st.integers(0, 25),
)
@settings(deadline=None, max_examples=200)
def test_the_line_search_takes_torchs_steps(roots: list[float], t: float, max_steps: int) -> None:
    """On a polynomial with an even degree, so that there is an end to it on both sides."""
    polynomial = np.polynomial.Polynomial.fromroots(roots + roots[::-1]) + 0.1 * sum(roots)
    slope = polynomial.deriv()
    sign = -np.sign(slope(0.0)) or 1.0  # the direction downhill
    assume(abs(slope(0.0)) > 1e-3)

    def at(t: float) -> Point:
        g = np.array([slope(sign * float(t))])
        return Point(t, float(polynomial(sign * float(t))), g, g @ np.array([sign]))

    def torchs(x: object, t: float, d: torch.Tensor) -> tuple[float, torch.Tensor]:
        point = at(t)
        return point.loss, torch.tensor(point.gradient)

    d = torch.tensor([sign])
    start = at(0.0)
    g = torch.tensor(start.gradient)
    loss, _, length, count = _strong_wolfe(
        torchs, None, t, d, start.loss, g, g.dot(d), max_ls=max_steps
    )
    with np.errstate(all="ignore"):
        point, evaluations = strong_wolfe(at, start, t, 1.0, max_steps)
    assert evaluations == count
    np.testing.assert_allclose(point.t, float(length), rtol=1e-6)
    np.testing.assert_allclose(point.loss, loss, rtol=1e-6, atol=1e-9)


@pytest.mark.arithmetic
@given(
    script=st.lists(
        st.tuples(
            st.sampled_from([-30.0, -20.0, -10.0, 5.0]), st.sampled_from([-1.5, -1, 0.5, 1, 2])
        ),
        min_size=27,
        max_size=27,
    ),
    max_steps=st.integers(0, 25),
)
@settings(deadline=None, max_examples=300)
def test_whatever_it_meets_it_goes_on_where_torch_does(
    script: list[tuple[float, float]], max_steps: int
) -> None:
    """Losses and slopes that belong to no function: with ties, rises and falls in any order."""
    visited: dict[str, list[float]] = {"mine": [], "theirs": []}

    def at(t: float) -> Point:
        loss, slope = script[len(visited["mine"])]
        visited["mine"].append(float(t))
        return Point(t, loss, np.array([slope]), np.float64(slope))

    def torchs(x: object, t: float, d: torch.Tensor) -> tuple[float, torch.Tensor]:
        loss, slope = script[len(visited["theirs"])]
        visited["theirs"].append(float(t))
        return loss, torch.tensor([slope], dtype=torch.float64)

    d, g = torch.ones(1, dtype=torch.float64), -torch.ones(1, dtype=torch.float64)
    loss, _, t, count = _strong_wolfe(torchs, None, 1.0, d, 0.0, g, g.dot(d), max_ls=max_steps)
    start = Point(0.0, 0.0, np.array([-1.0]), np.float64(-1.0))
    with np.errstate(all="ignore"):
        point, evaluations = strong_wolfe(at, start, 1.0, 1.0, max_steps)
    assert evaluations == count == len(visited["mine"])
    np.testing.assert_allclose(visited["mine"], visited["theirs"], rtol=1e-9)
    np.testing.assert_allclose([point.t, point.loss], [float(t), loss], rtol=1e-9)
