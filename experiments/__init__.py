"""The chapter's experiments, one module each, in the chapter's order.

    surface                   6.1.3          the anisotropic bowl x²/20 + y²
    optimizer_paths           6.1.3–6.1.7    the way that each optimizer takes down it
    learning_rate_decay       6.1.5          large steps first, small ones later
    optimizer_comparison      6.1.8          the optimizers on MNIST
    zero_init                 6.2.1          what all-zero weights do
    activation_distributions  6.2.2–6.2.3    what flows through five layers
    init_comparison           6.2.4          the initializers on MNIST
    batchnorm_effect          6.3.2          batch normalization on MNIST
    batchnorm_scales          6.3.2          the same for sixteen weight scales
    weight_decay              6.4.1–6.4.2    overfitting, and weight decay against it
    dropout                   6.4.3          dropout against it
    hyperparameter_search     6.5.2–6.5.3    learning rate and weight decay, drawn at random

Each module declares its settings, what it measures, its figure and the chapter's claims as an
``EXPERIMENT``; ``overfitting`` is what two of them share. ``engine`` runs them, ``data`` has MNIST,
``cli`` is the command ``lockstep``, and ``sweep``, ``bench``, ``parity`` and ``report`` are what
else it does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.engine.experiment import Experiment

#: The experiments by the names that the command line knows, in the chapter's order.
NAMES = (
    "surface",
    "optimizer-paths",
    "learning-rate-decay",
    "optimizer-comparison",
    "zero-init",
    "activation-distributions",
    "init-comparison",
    "batchnorm-effect",
    "batchnorm-scales",
    "weight-decay",
    "dropout",
    "hyperparameter-search",
)


def load(name: str) -> "Experiment":
    """The experiment called ``name``; only its own module is imported."""
    return import_module(f"experiments.{name.replace('-', '_')}").EXPERIMENT
