"""Lion, of which torch has none: both sides are held against the program in its paper."""

from typing import Any

import numpy as np
import pytest

from parity_tests.helpers import normal
from scratch.optim import Lion


def step_of_the_paper(
    w: np.ndarray, g: np.ndarray, m: np.ndarray, lr: float, betas: Any, decay: float
) -> tuple[np.ndarray, np.ndarray]:
    """Chen et al. 2023, program 1: the new weights and momentum."""
    beta1, beta2 = betas
    update = np.sign((1 - beta1) * g + beta1 * m)
    return w - lr * (update + decay * w), (1 - beta2) * g + beta2 * m


@pytest.mark.parametrize(("betas", "decay"), [((0.9, 0.99), 0.0), ((0.5, 0.95), 0.3)])
def test_its_steps_are_those_of_the_papers_program(betas: Any, decay: float) -> None:
    w, m = normal(0, (7, 5)), np.zeros((7, 5))
    params, lion = {"w": w.copy()}, Lion(lr=0.01, betas=betas, weight_decay=decay)
    for step in range(100):
        g = normal(1 + step, (7, 5))
        w, m = step_of_the_paper(w, g, m, 0.01, betas, decay)
        lion.update(params, {"w": g})
        np.testing.assert_allclose(params["w"], w, rtol=0, atol=1e-13)
