"""The statistical test of a sample: its p-values, what it sees, and a cut-off normal's moments."""

import math

import numpy as np
import pytest
import torch

from parity_tests.harness.initializer_cases import NARROW, truncated
from torch_ref.lockstep.diagnose.samples import Continuous, fit_test, truncated_moments


@pytest.mark.arithmetic
@pytest.mark.parametrize("kind", ["normal", "uniform", "truncated"])
def test_p_values_are_uniform_where_the_distribution_is_right(kind: str) -> None:
    random, expected = np.random.default_rng(0), Continuous(kind, 0.5, 2.0)
    draws = {
        "normal": lambda: random.normal(0.5, 2.0, 1000),
        "uniform": lambda: 0.5 + random.uniform(-1, 1, 1000) * 2 * math.sqrt(3),
        "truncated": lambda: 0.5 + truncated(2 / NARROW)((1000,), random),
    }
    p = np.array([fit_test(draws[kind](), expected)[1] for _ in range(300)])
    assert np.mean(p < 0.1) < 0.15  # at most 0.1 by Bonferroni, and chance
    assert np.mean(p < 0.3) > 0.1


@pytest.mark.arithmetic
def test_a_std_of_a_tenth_more_is_seen_though_no_distance_between_the_curves_shows_it() -> None:
    expected = Continuous("normal", 0.0, 1.0)
    x = torch.special.ndtri((torch.arange(500.0) + 0.5) / 500).numpy()
    assert fit_test(x, expected)[1] > 0.5
    d, p = fit_test(1.15 * x, expected)
    assert d < 1.36 / math.sqrt(500)  # what Kolmogorov and Smirnov take for chance in 1 of 20
    assert p < 1e-3


@pytest.mark.arithmetic
@pytest.mark.parametrize("cut", [(-2.0, 2.0), (-1.0, 3.0), (0.5, 1.5), (0.0, math.inf)])
def test_the_moments_of_a_truncated_normal_are_those_of_its_density(
    cut: tuple[float, float],
) -> None:
    x = np.linspace(cut[0], min(cut[1], 12.0), 200_001)
    weights = np.exp(-(x**2) / 2)
    weights /= weights.sum()
    mean = weights @ x
    std = math.sqrt(weights @ (x - mean) ** 2)
    kurtosis = weights @ (x - mean) ** 4 / std**4
    np.testing.assert_allclose(truncated_moments(*cut), (mean, std, kurtosis), atol=1e-4)
