"""What the engine is asked to do a command's work with."""

from dataclasses import dataclass
from pathlib import Path

from experiments.engine.backends import Described
from experiments.engine.checkpoints import EVERY


@dataclass(frozen=True)
class Options:
    """Those of ``lockstep run`` and ``lockstep sweep``; the last four are of ``run`` alone.

    Attributes:
        checkpoint_every: seconds.
        memory: bytes that the runs may take; ``None`` for half of all.
        processes: side by side; ``None`` to have them where it is worth it.
        threads: of each process; ``None`` for as many as are fastest.
    """

    out: Path
    dataset: str = "mnist"
    data_dir: Path | None = None
    force: bool = False
    checkpoint_every: float = EVERY
    memory: int | None = None
    processes: int | None = None
    threads: int | None = None
    backends: tuple[Described, ...] = ()
    seeds: tuple[int, ...] = (0,)
    quick: bool = False
    debug: bool = False
    tensorboard: bool = False
