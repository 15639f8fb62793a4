"""Measuring an experiment for a stack of seeds, in whatever process."""

import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import experiments
from experiments import data
from experiments.engine import backends, progress, threads
from experiments.engine.backends import Backend, Described
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.experiment import Context
from experiments.engine.options import Options
from experiments.engine.watching import Watched
from torch_ref.errors import LockstepError


def measured(
    name: str,
    described: Described,
    seeds: Sequence[int],
    used: int,
    options: Options,
    checkpoints: Checkpoints,
) -> dict[str, Any]:
    """The work of a unit: what an experiment measures for some seeds.

    Args:
        name: of the experiment.
        described: the backend as the command has it; another one does not give its numbers.
        seeds: of the stack.
        used: the threads of NumPy's BLAS and of torch.
        options: of the command.
        checkpoints: of the trainings.
    """
    start, experiment = time.perf_counter(), experiments.load(name)
    context = Context(
        created(described),
        experiment.chosen(options.quick),
        seeds,
        images(options.dataset, options.data_dir) if experiment.needs_data else None,
        progress.report,
        checkpoints,
        Watched() if options.tensorboard else None,
    )
    with threads.limited(used):
        found = {"seeds": list(seeds), **experiment.measure(context).snapshot()}
    if context.watched is not None:
        found["watched"] = {"seeds": list(seeds), **context.watched.snapshot()}
    return found | {"seconds": time.perf_counter() - start}


@cache
def images(dataset: str, data_dir: Path | None) -> data.Dataset:
    """The data set, which a process reads once."""
    return data.load(dataset, data_dir)


_create = cache(backends.create)


def created(described: Described) -> Backend:
    """The backend that a command has described, in this process.

    Raises:
        LockstepError: it computes with other versions here, or elsewhere.
    """
    backend = _create(described.name, described.device)
    found = backend.device, backend.versions
    if found != (described.device, described.versions):
        raise LockstepError(
            f"{backend.name} must compute on {described.device} with {described.versions}, as for "
            f"the command, got {found[0]} with {found[1]}"
        )
    return backend
