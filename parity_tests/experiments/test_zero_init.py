"""Section 6.2.1: that units which start alike stay alike, where rounding is kept out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments import zero_init
from experiments.data import Dataset
from experiments.engine import backends
from experiments.engine.experiment import Context, judged
from experiments.engine.measurements import Curve, Measurements
from experiments.zero_init import EXACT, EXPERIMENT, GRID, RANDOM, WithoutRounding
from scratch.nn import MultiLayerNet

pytestmark = pytest.mark.arithmetic

SIDES = pytest.mark.parametrize("side", backends.NAMES)


def measured(side: str, data: Dataset, **settings: Any) -> Measurements:
    chosen = replace(EXPERIMENT.settings, iterations=30, look_every=15, **settings)
    return zero_init.measure(
        Context(backends.create(side, "cpu"), chosen, (0, 1), data, lambda *_: None)
    )


def holds(measurements: Measurements) -> list[int]:
    return [verdict["holds"] for verdict in judged(EXPERIMENT.claims, measurements, (0, 1))]


@SIDES
@pytest.mark.parametrize("hidden", [7, 48, 50, 64])
def test_units_from_zero_stay_equal_to_the_last_bit(side: str, hidden: int, mnist: Dataset) -> None:
    measurements = measured(side, mnist, hidden=hidden)
    assert not measurements[EXACT, "difference of units"].values.any()
    assert holds(measurements)[0] == 2


@SIDES
def test_the_claim_does_not_hold_from_random_weights(
    side: str, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(zero_init.RUNS, EXACT, zero_init.RUNS[EXACT] | zero_init.RUNS[RANDOM])
    assert holds(measured(side, mnist))[0] == 0


@SIDES
def test_the_claim_does_not_hold_of_weights_that_never_move(side: str, mnist: Dataset) -> None:
    measurements = measured(side, mnist, activation="relu")
    assert not measurements[EXACT, "difference of units"].values.any()
    assert holds(measurements)[0] == 0


def test_no_order_of_summing_up_shows_in_a_gradient_without_rounding(mnist: Dataset) -> None:
    x, t = mnist.train_images[:128] / 255, mnist.train_labels[:128]
    shuffled = np.random.default_rng(0).permutation(128)
    kinds = MultiLayerNet, backends.mixed(MultiLayerNet, WithoutRounding)
    plain, without = (
        [
            kind(784, [50], 10, activation="sigmoid", dtype="float64").gradient(x[rows], t[rows])
            for rows in (np.arange(128), shuffled)
        ]
        for kind in kinds
    )
    assert any((plain[0][name] != plain[1][name]).any() for name in plain[0])
    for name, g in without[0].items():
        np.testing.assert_array_equal(g, without[1][name])
        np.testing.assert_allclose(g, plain[0][name], rtol=0, atol=0.5 / GRID)


def test_units_have_parted_at_the_first_look_that_shows_it_in_some_seed() -> None:
    apart = np.array([[0, 1e-6, 1e-4, 1e-6], [0, 1e-7, 1e-6, 1.0]])
    assert zero_init.parted(Curve(np.array([0, 20, 40, 60]), apart)) == 40
    assert zero_init.parted(Curve(np.array([0, 20, 40, 60]), apart / 1e6)) is None
