"""Which charts are an experiment's figure."""

from collections.abc import Callable

from experiments.report import curves, pictures
from experiments.report.charts import Chart
from experiments.report.results import Result

DRAWN: dict[str, Callable[[Result], list[Chart]]] = {
    "surface": pictures.surface,
    "optimizer-paths": pictures.paths,
    "learning-rate-decay": curves.losses_and_accuracies,
    "optimizer-comparison": curves.losses_and_accuracies,
    "zero-init": curves.zero_init,
    "activation-distributions": pictures.activations,
    "init-comparison": lambda result: [curves.losses(result)],
    "batchnorm-effect": curves.batchnorm_one,
    "batchnorm-scales": curves.batchnorm_scales,
}


def drawings(result: Result) -> list[Chart]:
    """The charts of a result.

    Raises:
        KeyError, IndexError, ValueError: it lacks a curve that the figure needs.
    """
    return DRAWN[result.name](result)
