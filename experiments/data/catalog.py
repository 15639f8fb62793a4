"""Data sets by name: what `--dataset` and `--data-dir` mean."""

import difflib
import os
from pathlib import Path

from experiments.data.dataset import Dataset
from experiments.data.downloads import SOURCES, download
from experiments.data.embedded import has_mnist, load_mnist
from experiments.data.errors import DataError

DATASETS = tuple(SOURCES)


def load(name: str = "mnist", data_dir: Path | None = None) -> Dataset:
    """Load a data set by name.

    MNIST comes with Lockstep: without `data_dir` it needs no network and no torch, nor does it
    where `data_dir` has the four files, gzipped or not, in it or in its MNIST/raw. Everything else
    is downloaded through torchvision where it is missing.

    Args:
        name: one of `DATASETS`.
        data_dir: the folder to read from and to download to; None: what comes with Lockstep for
            mnist, `default_data_dir()` for the others.

    Raises:
        DataError: an unknown name, files that are missing or broken, or a download that failed.

    >>> load("mnist").test_images.shape
    (10000, 784)
    >>> load("fashoin")
    Traceback (most recent call last):
    experiments.data.errors.DataError: unknown data set 'fashoin'; did you mean 'fashion-mnist'?
    There are mnist, fashion-mnist, kmnist, emnist-digits, qmnist.
    """
    if name not in SOURCES:
        raise DataError(_unknown(name))
    if data_dir is not None:
        data_dir = Path(data_dir).expanduser()
    if name == "mnist" and (data_dir is None or has_mnist(data_dir)):
        return load_mnist(data_dir)
    return download(name, data_dir or default_data_dir())


def default_data_dir() -> Path:
    """Return where downloads go by default: lockstep in $XDG_CACHE_HOME, or in ~/.cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification has a relative path ignored.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "lockstep"


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), DATASETS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown data set {name!r}{hint} There are {', '.join(DATASETS)}."
