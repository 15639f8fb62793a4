"""Sections 6.4 and 6.5: what their claims are judged on, and what the search draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import experiments
from experiments import dropout, hyperparameter_search, weight_decay
from experiments.data import Dataset
from experiments.engine import backends
from experiments.engine.experiment import Context, judged
from experiments.engine.measurements import Measurements
from experiments.hyperparameter_search import ACCURACY, DECAY, RATE, TRIALS
from parity_tests.experiments.cut_down import small


def verdicts(name: str, found: Measurements) -> list[int]:
    return [verdict["holds"] for verdict in judged(experiments.load(name).claims, found, (0,))]


def ending(**runs: tuple[float, float]) -> Measurements:
    """Runs that end with these accuracies, on training and on test images."""
    found = Measurements()
    for run, (training, test) in runs.items():
        found.add(run, "accuracy", [0, 1], [[0.1, training]])
        found.add(run, "test accuracy", [0, 1], [[0.1, test]])
    return found


@pytest.mark.parametrize(
    ("without", "decayed", "expected"),
    [
        ((1.0, 0.74), (0.9, 0.70), [1, 1, 1, 1]),
        ((0.98, 0.84), (1.0, 0.80), [0, 0, 0, 0]),
    ],
)
def test_the_gap_and_what_is_known_by_heart(
    without: tuple[float, float], decayed: tuple[float, float], expected: list[int]
) -> None:
    found = ending(**{weight_decay.WITHOUT: without, weight_decay.WITH: decayed})
    assert verdicts("weight-decay", found) == expected
    found = ending(**{dropout.WITHOUT: without, dropout.WITH: decayed})
    assert verdicts("dropout", found) == expected[2:]


@pytest.mark.parametrize("side", backends.NAMES)
def test_dropout_of_nothing_and_no_decay_are_no_other_run(side: str, mnist: Dataset) -> None:
    for name, change in (("dropout", {"dropout": 0.0}), ("weight-decay", {"weight_decay": 0.0})):
        experiment = experiments.load(name)
        settings = replace(small(experiment), **change)
        found = experiment.measure(
            Context(backends.create(side, "cpu"), settings, (0,), mnist, lambda *_: None)
        )
        alone, *others = (found[run, "accuracy"].values for run in found.runs("accuracy"))
        for other in others:
            np.testing.assert_array_equal(other, alone)


def search(**changed: Any) -> Measurements:
    """Seven trials, of which the first five are the best, and where the chapter has them."""
    found = Measurements()
    values = {
        RATE: [0.001, 0.002, 0.005, 0.01, 0.003, 1e-6, 1e-5],
        DECAY: [1e-8, 1e-7, 1e-6, 5e-7, 5e-8, 1e-4, 1e-5],
        ACCURACY: [0.5, 0.6, 0.6, 0.5, 0.5, 0.1, 0.5],
    }
    for metric, of_trials in (values | changed).items():
        found.add(TRIALS, metric, range(7), [of_trials])
    return found


def test_the_best_trials_are_where_the_chapter_has_them_or_not() -> None:
    name = "hyperparameter-search"
    assert verdicts(name, search()) == [1, 1]
    assert verdicts(name, search(**{RATE: [0.02] * 7})) == [0, 1]
    assert verdicts(name, search(**{DECAY: [1e-7] * 4 + [2e-6] * 3})) == [1, 0]
    assert verdicts(name, search(**{ACCURACY: [0.1] * 2 + [0.5] * 5})) == [0, 0]


def test_the_trials_are_drawn_from_torchs_stream_and_each_seed_has_its_own() -> None:
    settings = hyperparameter_search.Settings()
    found = hyperparameter_search.drawn(settings, (3, 4))
    generator = torch.Generator().manual_seed(3)
    for values, (low, high) in zip(found, (settings.lr, settings.weight_decay), strict=True):
        uniform = torch.empty(100, dtype=torch.float64).uniform_(low, high, generator=generator)
        np.testing.assert_allclose(values[0], 10 ** uniform.numpy(), rtol=1e-12)
        assert not np.isin(values[1], values[0]).any()
        assert 10.0**low <= values.min() < values.max() <= 10.0**high


def test_ties_share_their_rank() -> None:
    rising = np.array([1.0, 2.0, 3.0, 4.0])
    correlation = hyperparameter_search.rank_correlation
    assert correlation(rising, -rising) == -1
    assert correlation(rising, np.array([1.0, 5.0, 5.0, 9.0])) == pytest.approx(0.9486833)
