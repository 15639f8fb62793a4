"""What claims are judged with."""

from collections.abc import Mapping

from experiments.engine.experiment import Seed
from experiments.engine.texts import Text, joined, named


def final_loss(seed: Seed, run: str) -> float:
    """The mean loss of the last twentieth of a training: one batch alone would be noise."""
    losses = seed[run, "loss"]
    return float(losses[-max(1, len(losses) // 20) :].mean())


def listed(values: Mapping[str, float], form: str = ".3g") -> Text:
    """Numbers with their names, for people.

    >>> listed({"SGD": 0.51239, "Adam": 0.1})
    'SGD 0.512, Adam 0.1'
    """
    return joined([joined([named(name), f"{v:{form}}"]) for name, v in values.items()], ", ")
