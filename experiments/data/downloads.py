"""The data sets that torchvision downloads: same format as MNIST, other pictures.

torchvision compares the MD5 of what it downloads with the published one. torch and torchvision are
imported when a data set is asked for, not before.
"""

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.data.dataset import Dataset, combined_digest, idx_sha256
from experiments.data.embedded import DIGITS, FILES
from experiments.data.errors import DataError

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

# Seconds without an answer; torchvision itself would wait for ever.
TIMEOUT = 30.0


@dataclass(frozen=True)
class Source:
    """Where torchvision has a data set."""

    torchvision_name: str  # of the class in torchvision.datasets, and of its folder
    options: dict[str, Any] = field(default_factory=dict)  # for its constructor
    # What it downloads into <data_dir>/<torchvision_name>/raw.
    files: tuple[str, ...] = tuple(f"{file.name}.gz" for file in FILES)
    classes: tuple[str, ...] = DIGITS


SOURCES = {
    "mnist": Source("MNIST"),
    "fashion-mnist": Source(
        "FashionMNIST",
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    "kmnist": Source(
        "KMNIST", classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    ),
    # 240,000 and 40,000 images, each transposed, as published.
    "emnist-digits": Source("EMNIST", {"split": "digits"}, files=("gzip.zip",)),
    # MNIST's training images, with 60,000 test images.
    "qmnist": Source(
        "QMNIST",
        files=tuple(
            f"qmnist-{split}-{kind}.gz"
            for split in ("train", "test")
            for kind in ("images-idx3-ubyte", "labels-idx2-int")
        ),
    ),
}


def download(name: str, data_dir: Path) -> Dataset:
    """Read a data set from where torchvision keeps it, after downloading what is missing.

    Args:
        name: a key of `SOURCES`.
        data_dir: torchvision's root; the files lie in <data_dir>/<torchvision's name>/raw.

    Returns:
        The data set, (N, 784) uint8 images and (N,) int64 labels.

    Raises:
        DataError: torchvision is missing, the files could not be downloaded (no network, another
            MD5) or written, or what lies there cannot be read. Without a network the message says
            which files to put where.
    """
    source = SOURCES[name]
    try:
        from torchvision import datasets
    except ImportError as error:
        raise DataError(
            f"{name} is read through torchvision, which cannot be imported ({error}). "
            "Install it: pip install torchvision"
        ) from error

    make = getattr(datasets, source.torchvision_name)
    folder = data_dir / source.torchvision_name / "raw"
    missing = next(
        (each for each in (*reversed(folder.parents), folder) if not _is_there(each)), None
    )
    try:
        with _timeout(TIMEOUT):
            train, test = (
                make(root=data_dir, train=train, download=True, **source.options)
                for train in (True, False)
            )
    except Exception as error:  # torchvision's own, and whatever its parser trips over
        text = _explain(name, source, folder, error)
        if missing is not None and data_dir.is_relative_to(missing):
            text = f"there is no folder {data_dir} that {name} could be in, and {text}"
        _remove_empty(folder, missing)
        raise DataError(text) from error
    return _convert(name, source, train, test)


def _is_there(path: Path) -> bool:
    with suppress(OSError):
        return path.exists()
    return True  # or it cannot be said


def _remove_empty(folder: Path, first: Path | None) -> None:
    """Remove ``folder`` and those above it, up to ``first``, which the download has made."""
    if first is not None:
        for each in (folder, *folder.parents):
            with suppress(OSError):  # something is in it, or it was not even made
                each.rmdir()
            if each == first:
                return


def _convert(name: str, source: Source, train: "MNIST", test: "MNIST") -> Dataset:
    arrays = []
    for split in (train, test):
        targets = split.targets.numpy()
        # QMNIST has eight columns of targets; the first one is the digit.
        labels = targets[:, 0] if targets.ndim == 2 else targets
        arrays += [split.data.numpy(), labels.astype(np.uint8)]
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(
        name=name,
        train_images=train_images.reshape(len(train_images), -1),
        train_labels=train_labels.astype(np.int64),
        test_images=test_images.reshape(len(test_images), -1),
        test_labels=test_labels.astype(np.int64),
        digest=combined_digest(idx_sha256(array) for array in arrays),
        classes=source.classes,
    )


def _explain(name: str, source: Source, folder: Path, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    if _is_download_error(error):
        return (
            f"{name} could not be downloaded ({reason}). Without a network: put "
            f"{', '.join(source.files)} into {folder} as published (their MD5 is checked), "
            "and run again. The MNIST that comes with Lockstep needs no network: --dataset mnist, "
            "without --data-dir."
        )
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return (
            f"{name} could not be stored under {folder} ({reason}). "
            "Name a folder that can be written with --data-dir."
        )
    return (
        f"{name}: the files in {folder} cannot be read ({reason}). "
        "Delete that folder and run again; they will be downloaded anew."
    )


def _is_download_error(error: Exception) -> bool:
    if isinstance(error, RuntimeError):
        # How torchvision says that every mirror failed, and that an MD5 is another.
        return str(error).startswith(("Error downloading", "File not found or corrupted"))

    # Here, because they take 25 ms: too long for a command that downloads nothing.
    from http.client import HTTPException
    from urllib.error import URLError

    return isinstance(error, (URLError, HTTPException, ConnectionError, TimeoutError))


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Give sockets opened meanwhile a time limit; torchvision takes no such argument."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
