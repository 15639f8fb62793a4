"""Measuring an experiment for a stack of seeds, in whatever process."""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import experiments
from experiments import data
from experiments.engine import backends, progress, threads
from experiments.engine.backends import Backend, Described
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.experiment import Context
from experiments.engine.watching import Watched
from torch_ref.errors import LockstepError


@dataclass(frozen=True)
class Measuring:
    """The work of a unit: what an experiment measures for some seeds.

    Attributes:
        experiment: its name.
        backend: as the command has it; another one does not give its numbers.
        seeds: of the stack.
        threads: of NumPy's BLAS and of torch.
        dataset, data_dir: where the images are found.
        tensorboard: whether to watch the trainings for it.
    """

    experiment: str
    backend: Described
    seeds: tuple[int, ...]
    threads: int
    dataset: str
    data_dir: Path | None
    quick: bool
    tensorboard: bool = False

    def __call__(self, checkpoints: Checkpoints) -> dict[str, Any]:
        experiment, start = experiments.load(self.experiment), time.perf_counter()
        context = Context(
            created(self.backend),
            experiment.chosen(self.quick),
            self.seeds,
            images(self.dataset, self.data_dir) if experiment.needs_data else None,
            progress.report,
            checkpoints,
            Watched() if self.tensorboard else None,
        )
        with threads.limited(self.threads):
            measured = {"seeds": list(self.seeds), **experiment.measure(context).snapshot()}
        if context.watched is not None:
            measured["watched"] = {"seeds": list(self.seeds), **context.watched.snapshot()}
        return measured | {"seconds": time.perf_counter() - start}


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
