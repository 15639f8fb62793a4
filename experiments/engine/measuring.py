"""Measuring an experiment in pieces, each a stack of seeds, in whatever process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import experiments
from experiments import data
from experiments.engine import backends, memory, progress, threads
from experiments.engine.backends import Backend
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.experiment import Context, Experiment
from experiments.engine.measurements import fits, joined
from experiments.engine.watching import Watched

Seeds = Sequence[int]
#: Networks of a stack on a CPU; more are no faster (:data:`experiments.engine.memory.WIDEST`), and
#: the seeds are to be shared out among all cores.
ABREAST = 4


@dataclass(frozen=True)
class Here:
    """What this process has at hand already."""

    backend: Backend
    images: data.Dataset | None


@dataclass(frozen=True)
class Measuring:
    """The work on a piece: what an experiment measures for some seeds.

    Attributes:
        experiment, backend: their names.
        device: where torch computes.
        threads: of NumPy's BLAS and of torch.
        dataset, data_dir: where the images are found.
        tensorboard: whether to watch the trainings for it.
        here: what this process has of that; it does not go to others, who get their own.
    """

    experiment: str
    backend: str
    device: str
    threads: int
    dataset: str
    data_dir: Path | None
    quick: bool
    tensorboard: bool = False
    here: Here | None = field(default=None, compare=False)

    def __call__(self, seeds: Seeds, checkpoints: Checkpoints) -> dict[str, Any]:
        experiment, start = experiments.load(self.experiment), time.perf_counter()
        here = self.here or Here(
            _backend(self.backend, self.device),
            _images(self.dataset, self.data_dir) if experiment.needs_data else None,
        )

        def measure(part: tuple[int, ...]) -> dict[str, Any]:
            context = Context(
                here.backend,
                experiment.chosen(self.quick),
                part,
                here.images,
                progress.report,
                checkpoints.within(f"{part[0]}-{part[-1]}"),
                Watched() if self.tensorboard else None,
            )
            measured = {"seeds": list(part), **experiment.measure(context).snapshot()}
            if context.watched is not None:
                measured["watched"] = context.watched.snapshot()
            return measured

        with threads.limited(self.threads):
            made = memory.in_halves(measure, tuple(seeds), _together, checkpoints.say)
        return made | {"seconds": time.perf_counter() - start}

    def elsewhere(self) -> Self:
        """The same for another process."""
        return replace(self, here=None)


@cache
def _backend(name: str, device: str) -> Backend:
    return backends.create(name, device)


@cache
def _images(dataset: str, data_dir: Path | None) -> data.Dataset:
    return data.load(dataset, data_dir)


def _together(halves: Sequence[dict[str, Any]]) -> dict[str, Any]:
    seeds = [seed for half in halves for seed in half["seeds"]]
    together = {"seeds": seeds, **joined(halves, seeds).snapshot()}
    if "watched" in halves[0]:
        together["watched"] = joined(watched_in(halves), seeds).snapshot()
    return together


def fits_timed(seeds: Seeds, found: Any) -> bool:
    """Whether something, which may be anything, is what is made of a piece."""
    return fits(seeds, found) and type(found.get("seconds")) is float


def fits_watched(seeds: Seeds, found: Any) -> bool:
    """The same, with what TensorBoard is to show."""
    if not fits_timed(seeds, found):
        return False
    (watched,) = watched_in([found])
    return watched["curves"] == [] or fits(seeds, watched)


def watched_in(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What TensorBoard is to show, as snapshots, each with its own seeds."""
    return [{"seeds": part["seeds"], **part["watched"]} for part in parts]


def stacks(
    experiment: Experiment,
    settings: Any,
    seeds: Seeds,
    device: str,
    budget: int,
    workers: int,
    parts: int = 1,
) -> list[list[int]]:
    """The seeds, cut so that each stack fits into its process's share of the budget.

    On a CPU how they are cut is no matter of how many cores it has: in a stack of others a seed's
    numbers have other last bits.

    Args:
        workers: processes that share the budget.
        parts: so many there are at least, if there are seeds enough.

    Raises:
        MemoryError: one seed does not fit.
    """
    each, share = experiment.stack(settings), budget // workers
    if each.bytes > share:
        raise MemoryError(
            f"a seed of {experiment.name} needs about {each.bytes / 1e6:,.0f} MB, and there are "
            f"{share / 1e6:,.0f} MB for a process; see --memory and --processes"
        )
    largest = share // each.bytes if each.bytes else len(seeds)
    if device == "cpu":
        largest = min(largest, max(1, ABREAST // each.runs))
    count = max(-(-len(seeds) // largest), min(parts, len(seeds)))
    return [list(part) for part in memory.evenly(seeds, count)]
