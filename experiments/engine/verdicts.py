"""What claims are judged with."""

from collections.abc import Mapping

from experiments.engine.experiment import Seed


def final_loss(seed: Seed, run: str) -> float:
    """The mean loss of the last twentieth of a training: one batch alone would be noise."""
    losses = seed[run, "loss"]
    return float(losses[-max(1, len(losses) // 20) :].mean())


def listed(values: Mapping[str, float]) -> str:
    """Numbers with their names, for people.

    >>> listed({"SGD": 0.51239, "Adam": 0.1})
    'SGD 0.512, Adam 0.1'
    """
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())
