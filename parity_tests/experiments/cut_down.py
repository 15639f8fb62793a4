"""Experiments that take a moment."""

from dataclasses import fields, replace
from functools import cache

import experiments
from experiments.data import Dataset
from experiments.engine import backends
from experiments.engine.experiment import Context, Experiment
from experiments.engine.measurements import Measurements

SMALL = {"iterations": 12, "look_every": 6, "evaluate_every": 6, "epochs": 2, "rows": 100}
SMALL |= {"images": 200, "scales": (0.1, 0.01), "trials": 25}


def small(experiment: Experiment) -> object:
    """The experiment's settings, cut down to a moment's work."""
    names = {field.name for field in fields(experiment.quick)}
    return replace(experiment.quick, **{k: v for k, v in SMALL.items() if k in names})


def few(data: Dataset) -> Dataset:
    """It with two hundred test images."""
    return replace(data, test_images=data.test_images[:200], test_labels=data.test_labels[:200])


@cache
def measured(name: str, backend: str, data: Dataset, seeds: tuple[int, ...]) -> Measurements:
    """What the experiment measures with them."""
    experiment, side = experiments.load(name), backends.create(backend, "cpu")
    return experiment.measure(Context(side, small(experiment), seeds, data, lambda *_: None))
