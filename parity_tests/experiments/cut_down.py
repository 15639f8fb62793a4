"""Experiments that take a moment."""

from dataclasses import fields, replace

from experiments.engine.experiment import Experiment

SMALL = {"iterations": 12, "look_every": 6, "evaluate_every": 6, "epochs": 2, "rows": 100}
SMALL |= {"images": 200, "scales": (0.1, 0.01)}


def small(experiment: Experiment) -> object:
    """The experiment's settings, cut down to a moment's work."""
    names = {field.name for field in fields(experiment.quick)}
    return replace(experiment.quick, **{k: v for k, v in SMALL.items() if k in names})
