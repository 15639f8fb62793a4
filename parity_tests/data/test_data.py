"""MNIST: what is read is what torchvision reads, and what is broken is refused by name."""

import gzip
import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from experiments.data import DataError, Dataset, load, load_mnist
from experiments.data.dataset import combined_digest, idx_sha256
from experiments.data.embedded import EMBEDDED, FILES
from experiments.data.idx import idx_header, read_idx

Pack = Callable[[bytes], bytes]
SHAPE = (3, 2, 2)
CONTENT = idx_header(SHAPE) + bytes(range(12))


@pytest.fixture(scope="module")
def raw_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MNIST as torchvision keeps it: MNIST/raw, uncompressed."""
    root = tmp_path_factory.mktemp("torchvision")
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in FILES:
        (raw / file.name).write_bytes(gzip.decompress((EMBEDDED / f"{file.name}.gz").read_bytes()))
    return root


def link_embedded(folder: Path) -> None:
    """Fill a folder with the four gzipped files, at no cost."""
    for file in FILES:
        (folder / f"{file.name}.gz").symlink_to(EMBEDDED / f"{file.name}.gz")


def replace(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def assert_equal(a: Dataset, b: Dataset) -> None:
    for key in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(a, key), getattr(b, key), strict=True)
    assert (a.name, a.digest, a.classes) == (b.name, b.digest, b.classes)


# --- MNIST ---------------------------------------------------------------------------------------


def test_embedded_mnist_is_what_torchvision_reads(mnist: Dataset, raw_root: Path) -> None:
    from torchvision.datasets import MNIST

    for split, train in (("train", True), ("test", False)):
        theirs = MNIST(raw_root, train=train, download=False)
        images = theirs.data.numpy()
        labels = theirs.targets.numpy()
        ours = getattr(mnist, f"{split}_images").reshape(-1, 28, 28)
        np.testing.assert_array_equal(ours, images, strict=True)
        np.testing.assert_array_equal(getattr(mnist, f"{split}_labels"), labels, strict=True)


def test_arrays_are_as_documented(mnist: Dataset) -> None:
    for images, labels, n in (
        (mnist.train_images, mnist.train_labels, 60_000),
        (mnist.test_images, mnist.test_labels, 10_000),
    ):
        assert (images.shape, images.dtype) == ((n, 784), np.uint8)
        assert (labels.shape, labels.dtype) == ((n,), np.int64)
        assert images.flags.c_contiguous
        assert (images.min(), images.max()) == (0, 255)
        assert np.array_equal(np.unique(labels), np.arange(10))
        for array in (images, labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
    assert len(mnist.classes) == 10


def test_digest_is_of_the_contents_however_they_are_stored(mnist: Dataset) -> None:
    digests = [
        idx_sha256(array)
        for split in ("train", "test")
        for array in (
            getattr(mnist, f"{split}_images").reshape(-1, 28, 28),
            getattr(mnist, f"{split}_labels").astype(np.uint8),
        )
    ]
    assert digests == [file.sha256 for file in FILES]
    assert mnist.digest == combined_digest(digests)


def test_md5_of_the_embedded_files_is_the_published_one() -> None:
    published = {
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    }
    readme = (EMBEDDED / "README.md").read_text()
    for file in FILES:
        content = gzip.decompress((EMBEDDED / f"{file.name}.gz").read_bytes())
        assert hashlib.md5(content).hexdigest() == published[file.name]
        assert f"{published[file.name]}  {file.name}" in readme
        assert f"{file.sha256}  {file.name}" in readme


@pytest.mark.parametrize("uncompressed", [False, True])
def test_load_reads_the_four_files_of_a_data_dir(
    uncompressed: bool, mnist: Dataset, raw_root: Path, tmp_path: Path, no_network: None
) -> None:
    folder = raw_root if uncompressed else tmp_path
    if not uncompressed:
        link_embedded(folder)
    assert_equal(load("mnist", folder), mnist)
    assert_equal(load_mnist(folder), mnist)


def test_reading_mnist_holds_the_images_once() -> None:
    tracemalloc.start()
    try:
        data = load_mnist()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    arrays = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    assert peak < sum(array.nbytes for array in arrays) + 8e6


# --- broken files --------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_read_idx_takes_gzip_or_not_whatever_the_name(pack: Pack, tmp_path: Path) -> None:
    for name in ("file", "file.gz"):
        path = tmp_path / name
        path.write_bytes(pack(CONTENT))
        array = read_idx(path, SHAPE, hashlib.sha256(CONTENT).hexdigest())
        np.testing.assert_array_equal(array, np.arange(12, dtype=np.uint8).reshape(SHAPE))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty; expected an IDX file of shape (3, 2, 2)."),
        (CONTENT[:10], "it is truncated: 10 bytes found, the header alone has 16."),
        (CONTENT[:-1], "it is truncated: 11 bytes of data found, 12 expected."),
        (CONTENT + b"\0", "it is too long: bytes follow the 12 that its header announces."),
        (
            idx_header((12,)) + bytes(12),
            "it is not the expected IDX file: magic number 0x00000801 found, 0x00000803 expected "
            "(unsigned bytes, dimensions: 3).",
        ),
        (b"<html>not found</html>", "magic number 0x3c68746d found, 0x00000803 expected"),
        (
            idx_header((3, 2, 3)) + bytes(18),
            "its header announces the shape (3, 2, 3), expected (3, 2, 2).",
        ),
        (
            CONTENT[:-1] + b"\xff",
            "its contents are not the published ones: SHA-256 "
            f"{hashlib.sha256(CONTENT[:-1] + bytes([255])).hexdigest()} found, "
            f"{hashlib.sha256(CONTENT).hexdigest()} expected",
        ),
    ],
)
def test_broken_contents_are_refused(
    pack: Pack, content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken"
    path.write_bytes(pack(content))
    with pytest.raises(DataError) as caught:
        read_idx(path, SHAPE, hashlib.sha256(CONTENT).hexdigest(), remedy="Mend it.")
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert text.endswith(" Mend it.")


def test_broken_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.gz"
    whole = gzip.compress(CONTENT, mtime=0)
    for content, message in (
        (whole[:2], "it is truncated: the gzip stream stops before its end."),
        (whole[:-9], "it is truncated: the gzip stream stops before its end."),
        (whole[:-3], "it is truncated: the gzip stream stops before its end."),
        (whole[:-8] + bytes(8), "its gzip stream is corrupt (CRC check failed"),
        (whole[:2] + b"\x07" + whole[3:], "its gzip stream is corrupt (Unknown compression"),
        (whole[:10] + b"\xff" * 8 + whole[18:], "its gzip stream is corrupt (Error -3"),
        (whole + b"more", "its gzip stream is corrupt (Not a gzipped file"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            read_idx(path, SHAPE)
        assert str(caught.value).startswith(f"{path}: {message}")


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: there is no such file\. Replace it"):
        read_idx(tmp_path / "gone", SHAPE)
    with pytest.raises(DataError, match=r"it cannot be read \(Is a directory\)"):
        read_idx(tmp_path, SHAPE)


def test_a_missing_mnist_file_is_named(tmp_path: Path) -> None:
    link_embedded(tmp_path)
    missing = tmp_path / "t10k-labels-idx1-ubyte.gz"
    missing.unlink()
    with pytest.raises(DataError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value).startswith(f"{missing}: there is no such file")
    assert "leave out --data-dir" in str(caught.value)


def test_swapped_mnist_files_are_refused(tmp_path: Path) -> None:
    link_embedded(tmp_path)
    train, test = (tmp_path / f"{file.name}.gz" for file in (FILES[0], FILES[2]))
    replace(train, test.read_bytes())
    with pytest.raises(DataError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value).startswith(
        f"{train}: its header announces the shape (10000, 28, 28), expected (60000, 28, 28)."
    )


def test_other_data_in_mnists_files_are_refused(tmp_path: Path) -> None:
    link_embedded(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    replace(labels, gzip.compress(idx_header((60_000,)) + bytes(60_000)))
    with pytest.raises(DataError) as caught:
        load("mnist", tmp_path)
    assert str(caught.value).startswith(f"{labels}: its contents are not the published ones")


# --- the Dataset itself --------------------------------------------------------------------------


def dataset(**changes: object) -> Dataset:
    images, labels = np.zeros((3, 4), np.uint8), np.array([0, 1, 1])
    arrays = {
        "train_images": images,
        "train_labels": labels,
        "test_images": images,
        "test_labels": labels,
    }
    return Dataset(name="toy", digest="", classes=("a", "b"), **(arrays | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": np.zeros((3, 4))}, r"train_images are float64 of shape \(3, 4\)"),
        ({"test_images": np.zeros((3, 2, 2), np.uint8)}, r"test_images are uint8 of shape"),
        ({"train_labels": np.zeros(3, np.uint8)}, r"train_labels are uint8 of shape \(3,\)"),
        ({"train_labels": np.array([0, 1])}, "3 train_images but 2 train_labels"),
        ({"test_labels": np.array([0, 1, 2])}, "test_labels run from 0 to 2; expected 0 to 1"),
        ({"test_labels": np.array([0, 1, -1])}, "test_labels run from -1 to 1"),
        (
            {"test_images": np.zeros((0, 4), np.uint8), "test_labels": np.zeros(0, np.int64)},
            "at least one row",
        ),
        ({"test_images": np.zeros((3, 5), np.uint8)}, "train_images have 4 pixels, test_images 5"),
    ],
)
def test_dataset_refuses_arrays_that_do_not_fit(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataset(**changes)


def test_dataset_leaves_the_callers_arrays_writable() -> None:
    images = np.zeros((3, 4), np.uint8)
    assert not dataset(train_images=images).train_images.flags.writeable
    assert images.flags.writeable
