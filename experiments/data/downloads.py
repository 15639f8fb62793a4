"""The data sets that torchvision downloads: same format as MNIST, other pictures.

Where they lie and the MD5 that is published of each file is what torchvision knows. The files are
read here, each time from what was published, whose MD5 is then compared: what torchvision, or
somebody, has unpacked beside them is not looked at. torch and torchvision are imported when a data
set is asked for, not before.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.data.dataset import Dataset, from_idx
from experiments.data.embedded import DIGITS, FILES, load_mnist
from experiments.data.errors import DataError
from experiments.data.idx import INT32, UNSIGNED_BYTE, read_idx

# Seconds without an answer; torchvision itself would wait for ever.
TIMEOUT = 30.0


def _idx(form: str, images: str, labels: str) -> tuple[str, ...]:
    kinds = (images, labels)
    return tuple(form.format(split, kind) for split in ("train", "test") for kind in kinds)


@dataclass(frozen=True)
class Source:
    """A data set of torchvision's.

    Attributes:
        torchvision_name: of the class in torchvision.datasets, and of its folder.
        idx: its IDX files: training images and labels, test images and labels.
        train, test: how many images there are.
        archive: the ZIP archive that they are all in.
        columns: of the labels, of which the first one is the class; 0 where a label is a byte.
        classes: their names.
    """

    torchvision_name: str
    idx: tuple[str, ...] = tuple(f"{file.name}.gz" for file in FILES)
    train: int = 60_000
    test: int = 10_000
    archive: str | None = None
    columns: int = 0
    classes: tuple[str, ...] = DIGITS

    @property
    def files(self) -> tuple[str, ...]:
        """What is downloaded into <data_dir>/<torchvision_name>/raw."""
        return (self.archive,) if self.archive else self.idx


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
    # Each image is transposed, as published.
    "emnist-digits": Source(
        "EMNIST",
        _idx("gzip/emnist-digits-{}-{}-ubyte.gz", "images-idx3", "labels-idx1"),
        train=240_000,
        test=40_000,
        archive="gzip.zip",
    ),
    # MNIST's training images, with 60,000 test images.
    "qmnist": Source(
        "QMNIST",
        _idx("qmnist-{}-{}.gz", "images-idx3-ubyte", "labels-idx2-int"),
        test=60_000,
        columns=8,
    ),
}


class Published(NamedTuple):
    """A file as torchvision knows it."""

    name: str
    urls: tuple[str, ...]
    md5: str


def published(source: Source) -> list[Published]:
    """Where the files of a data set are, and their MD5."""
    from torchvision import datasets

    known = getattr(datasets, source.torchvision_name)
    if source.archive:
        return [Published(source.archive, (known.url,), known.md5)]
    if isinstance(known.resources, dict):  # whole addresses, by split
        files = [file for split in ("train", "test") for file in known.resources[split]]
        return [Published(url.rpartition("/")[2], (url,), md5) for url, md5 in files]
    return [
        Published(name, tuple(f"{mirror}{name}" for mirror in known.mirrors), md5)
        for name, md5 in known.resources
    ]


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
        files = published(source)
    except ImportError as error:
        raise DataError(
            f"{name} is downloaded through torchvision, which cannot be imported ({error}). "
            "Install it: pip install torchvision"
        ) from error

    folder = data_dir / source.torchvision_name / "raw"
    missing = [each for each in (folder, *folder.parents) if not _is_there(each)]
    try:
        with _timeout(TIMEOUT):
            for file in files:
                _fetch(file, folder)
    except Exception as error:  # torchvision's own, and the network's
        text = _explain(name, files, folder, error)
        if data_dir in missing:
            text = f"there is no folder {data_dir} that {name} could be in, and {text}"
        for each in missing:  # the download has made them
            with suppress(OSError):  # something is in it, or it was not even made
                each.rmdir()
        raise DataError(text) from error
    return load_mnist(data_dir) if name == "mnist" else _read(name, source, folder)


def _fetch(file: Published, folder: Path) -> None:
    """Have the file in the folder: as it is there, if its MD5 is the published one."""
    from torchvision.datasets.utils import download_url

    for i, url in enumerate(file.urls, start=1):
        try:
            return download_url(url, folder, file.name, file.md5)
        except Exception as error:
            if i == len(file.urls) or not _is_download_error(error):
                raise


def _is_there(path: Path) -> bool:
    with suppress(OSError):
        return path.exists()
    return True  # or it cannot be said


def _read(name: str, source: Source, folder: Path) -> Dataset:
    def read(idx: str, shape: tuple[int, ...], dtype: np.dtype = UNSIGNED_BYTE) -> NDArray:
        member = idx if source.archive else None
        return read_idx(folder / (source.archive or idx), shape, dtype=dtype, member=member)

    arrays: list[NDArray[np.uint8]] = []
    for rows, images, labels in ((source.train, *source.idx[:2]), (source.test, *source.idx[2:])):
        arrays.append(read(images, (rows, 28, 28)))
        if source.columns:
            arrays.append(read(labels, (rows, source.columns), INT32)[:, 0].astype(np.uint8))
        else:
            arrays.append(read(labels, (rows,)))
    return from_idx(name, arrays, source.classes)


def _explain(name: str, files: list[Published], folder: Path, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    if _is_download_error(error):
        others = [file.name for file in files if _is_another(folder / file.name, file.md5)]
        there = f"Not what was published is {', '.join(others)} there. " if others else ""
        return (
            f"{name} could not be downloaded ({reason}). {there}Without a network: put "
            f"{', '.join(file.name for file in files)} into {folder} as published (their MD5 is "
            "checked), and run again. The MNIST that comes with Lockstep needs no "
            "network: --dataset mnist, without --data-dir."
        )
    if isinstance(error, OSError):
        return (
            f"{name} could not be stored under {folder} ({reason}). "
            "Name a folder that can be written with --data-dir."
        )
    return f"{name} could not be had ({type(error).__name__}: {reason})."


def _is_another(path: Path, md5: str) -> bool:
    """Whether a file is there, and is not the published one."""
    from torchvision.datasets.utils import check_integrity

    with suppress(OSError):
        return path.is_file() and not check_integrity(path, md5)
    return False


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
