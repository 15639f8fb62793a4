"""MNIST, from the four files that come with Lockstep or from a folder with the same four."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.data.dataset import Dataset, combined_digest, from_idx
from experiments.data.errors import DataError
from experiments.data.idx import read_idx

EMBEDDED = Path(__file__).parent / "mnist"
DIGITS = tuple("0123456789")


class MnistFile(NamedTuple):
    """One of the four files; the SHA-256 is of the uncompressed bytes."""

    name: str
    shape: tuple[int, ...]
    sha256: str


FILES = (
    MnistFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    MnistFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    MnistFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    MnistFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def load_mnist(folder: Path | None = None) -> Dataset:
    """Read MNIST with NumPy alone, and check every byte of it.

    Args:
        folder: a folder with the four IDX files, gzipped or not, in it or in its MNIST/raw, where
            torchvision keeps them; None: the files that come with Lockstep.

    Returns:
        60,000 training and 10,000 test images, (N, 784) uint8, with (N,) int64 labels.

    Raises:
        DataError: a file is missing, truncated, corrupt, or not the published one.

    >>> data = load_mnist()
    >>> data.train_images.shape, data.train_images.dtype, data.train_labels[:5]
    ((60000, 784), dtype('uint8'), array([5, 0, 4, 1, 9]))
    """
    if folder is None:
        folder = EMBEDDED
        remedy = "Install lockstep-scratch again, or restore the file from its repository."
    else:
        folder = Path(folder).expanduser()
        remedy = (
            "Replace it with the original MNIST file, or leave out --data-dir to use the MNIST "
            "that comes with Lockstep."
        )
    arrays = [_read(folder, file, remedy) for file in FILES]
    return from_idx("mnist", arrays, DIGITS, combined_digest(file.sha256 for file in FILES))


def has_mnist(folder: Path) -> bool:
    """Say whether a folder has all four files where `load_mnist` looks for them."""
    return all(_find(folder, file.name) is not None for file in FILES)


def _find(folder: Path, name: str) -> Path | None:
    for place in (folder, folder / "MNIST" / "raw"):
        # Uncompressed first: torchvision keeps both, and that one reads faster.
        for path in (place / name, place / f"{name}.gz"):
            with suppress(OSError):  # the folder may not be looked into
                if path.is_file():
                    return path
    return None


def _read(folder: Path, file: MnistFile, remedy: str) -> NDArray[np.uint8]:
    path = _find(folder, file.name)
    if path is None:
        raise DataError(
            f"{folder / file.name}.gz: there is no such file, nor the same without .gz, nor either "
            f"under MNIST/raw. {remedy}"
        )
    return read_idx(path, file.shape, file.sha256, remedy)
