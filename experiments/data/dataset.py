"""A data set in memory."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from experiments.data.errors import DataError
from experiments.data.idx import idx_header


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels for training and for testing. All arrays are read-only.

    The images keep their bytes, an eighth of what float64 takes; scale a batch when it is drawn:
    `x = data.train_images[rows] / np.float32(255)`.

    Attributes:
        name: the name that `load` knows it by.
        train_images: (N, D) uint8, C-contiguous, one flattened image a row; D is 784 for 28 × 28.
        train_labels: (N,) int64, each in [0, len(classes)).
        test_images: (M, D) uint8, C-contiguous.
        test_labels: (M,) int64.
        digest: SHA-256 over the contents, as a hex string: the same data, the same digest,
            however it was stored.
        classes: the name of each class, in the order of the labels.

    Raises:
        DataError: an array has another shape or dtype, a split is empty, images and labels differ
            in number, or a label is out of range.

    >>> images, labels = np.zeros((3, 4), np.uint8), np.array([0, 1, 1])
    >>> data = Dataset("toy", images, labels, images[:1], labels[:1], "ab12", ("no", "yes"))
    >>> data
    Dataset(name='toy', digest='ab12', classes=('no', 'yes'))
    >>> data.train_images.flags.writeable
    False
    """

    name: str
    train_images: NDArray[np.uint8] = field(repr=False)
    train_labels: NDArray[np.int64] = field(repr=False)
    test_images: NDArray[np.uint8] = field(repr=False)
    test_labels: NDArray[np.int64] = field(repr=False)
    digest: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for split in ("train", "test"):
            self._check(split)
        if self.train_images.shape[1] != self.test_images.shape[1]:
            raise DataError(
                f"{self.name}: train_images have {self.train_images.shape[1]} pixels, "
                f"test_images {self.test_images.shape[1]}; expected the same."
            )
        for key in ("train_images", "train_labels", "test_images", "test_labels"):
            # A view, so that the caller's own array stays as writable as it was.
            frozen = np.ascontiguousarray(getattr(self, key)).view()
            frozen.flags.writeable = False
            object.__setattr__(self, key, frozen)

    def _check(self, split: str) -> None:
        for kind, dtype, ndim in (("images", np.uint8, 2), ("labels", np.int64, 1)):
            array = getattr(self, f"{split}_{kind}")
            if array.dtype != dtype or array.ndim != ndim or array.shape[0] == 0:
                raise DataError(
                    f"{self.name}: {split}_{kind} are {array.dtype} of shape {array.shape}; "
                    f"expected {np.dtype(dtype)} with {ndim} dimensions, at least one row."
                )
        images, labels = getattr(self, f"{split}_images"), getattr(self, f"{split}_labels")
        if len(images) != len(labels):
            raise DataError(
                f"{self.name}: {len(images)} {split}_images but {len(labels)} {split}_labels."
            )
        if labels.min() < 0 or labels.max() >= len(self.classes):
            raise DataError(
                f"{self.name}: {split}_labels run from {labels.min()} to {labels.max()}; "
                f"expected 0 to {len(self.classes) - 1}."
            )


def from_idx(
    name: str,
    arrays: Sequence[NDArray[np.uint8]],
    classes: tuple[str, ...],
    digest: str | None = None,
) -> Dataset:
    """Return the data set of four IDX files: training images and labels, test images and labels.

    Args:
        name, classes: of the data set.
        arrays: what is in the files, as bytes.
        digest: its digest, where that is known already.
    """
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(
        name,
        train_images.reshape(len(train_images), -1),
        train_labels.astype(np.int64),
        test_images.reshape(len(test_images), -1),
        test_labels.astype(np.int64),
        digest or combined_digest(map(idx_sha256, arrays)),
        classes,
    )


def idx_sha256(array: NDArray[np.uint8]) -> str:
    """Return the SHA-256 that a uint8 array of any shape would have as an IDX file.

    >>> idx_sha256(np.zeros(3, np.uint8)) == hashlib.sha256(idx_header((3,)) + bytes(3)).hexdigest()
    True
    """
    digest = hashlib.sha256(idx_header(array.shape))
    digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def combined_digest(sha256s: Iterable[str]) -> str:
    """Return one SHA-256 for several, in order: training images and labels, test images and labels.

    >>> combined_digest(["12", "34"]) == hashlib.sha256(b"12 34").hexdigest()
    True
    """
    return hashlib.sha256(" ".join(sha256s).encode()).hexdigest()
