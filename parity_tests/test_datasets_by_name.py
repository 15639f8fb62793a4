"""The data sets by name: read through torchvision, and explained where they cannot be."""

import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from experiments.data import DATASETS, DataError, default_data_dir, load
from experiments.data.downloads import SOURCES
from experiments.data.idx import idx_header


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fashoin-mnist", "; did you mean 'fashion-mnist'?"),
        ("KMNIST", "; did you mean 'kmnist'?"),
        ("cifar", "."),
    ],
)
def test_an_unknown_name_gets_the_nearest_and_all(name: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        load(name)
    assert str(caught.value) == f"unknown data set {name!r}{hint} There are {', '.join(DATASETS)}."


def test_default_data_dir_honours_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_data_dir() == tmp_path / "cache" / "lockstep"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert default_data_dir() == tmp_path / ".cache" / "lockstep"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_data_dir() == tmp_path / ".cache" / "lockstep"


@pytest.mark.parametrize("name", DATASETS)
def test_without_a_network_the_error_says_what_to_put_where(
    name: str, tmp_path: Path, no_network: None
) -> None:
    with pytest.raises(DataError) as caught:
        load(name, tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{name} could not be downloaded (")
    assert "Network is unreachable" in text
    assert f"into {tmp_path / SOURCES[name].torchvision_name / 'raw'} as published" in text
    assert all(file in text for file in SOURCES[name].files)
    assert "\n" not in text


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (urllib.error.URLError("no route"), "kmnist could not be downloaded (<urlopen error no"),
        (RuntimeError("Error downloading x.gz:\nTried"), "(Error downloading x.gz: Tried)"),
        (RuntimeError("File not found or corrupted."), "kmnist could not be downloaded (File"),
        (TimeoutError("timed out"), "kmnist could not be downloaded (timed out)"),
        (PermissionError(13, "Permission denied"), "kmnist could not be stored under"),
        (RuntimeError("shape '[9]' is invalid"), "cannot be read (shape '[9]' is invalid)"),
        (AssertionError(), "cannot be read (AssertionError). Delete that folder"),
    ],
)
def test_what_torchvision_raises_is_explained(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from torchvision import datasets

    def fail(self: object) -> None:
        raise error

    monkeypatch.setattr(datasets.KMNIST, "download", fail)
    with pytest.raises(DataError) as caught:
        load("kmnist", tmp_path)
    assert message in str(caught.value)
    assert caught.value.__cause__ is error


def test_a_data_dir_that_is_a_file_is_refused(tmp_path: Path, no_network: None) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(DataError, match=r"kmnist could not be stored under .*Not a directory"):
        load("kmnist", path)


def write_small(root: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Lay a small data set where torchvision would unpack the real one; return its test split."""
    source = SOURCES[name]
    raw = root / source.torchvision_name / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, n in (("train", 6), ("test", 4)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8)
        labels = rng.integers(0, 10, n, np.uint8)
        prefix = {
            "emnist-digits": f"emnist-digits-{split}",
            "qmnist": f"qmnist-{split}",
        }.get(name, "train" if split == "train" else "t10k")
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(
            idx_header(images.shape) + images.tobytes()
        )
        if name == "qmnist":  # eight big-endian int32 a label, the digit first
            table = np.column_stack([labels] + [rng.integers(0, 999, n)] * 7).astype(">i4")
            header = bytes([0, 0, 0x0C, 2]) + n.to_bytes(4, "big") + (8).to_bytes(4, "big")
            (raw / f"{prefix}-labels-idx2-int").write_bytes(header + table.tobytes())
        else:
            (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(
                idx_header(labels.shape) + labels.tobytes()
            )
    return images, labels


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "mnist"])
def test_what_torchvision_has_is_read_without_a_network(
    name: str, tmp_path: Path, no_network: None
) -> None:
    images, labels = write_small(tmp_path, name)
    data = load(name, tmp_path)
    np.testing.assert_array_equal(data.test_images, images.reshape(4, 784), strict=True)
    np.testing.assert_array_equal(data.test_labels, labels.astype(np.int64), strict=True)
    assert (data.name, data.train_images.shape, len(data.classes)) == (name, (6, 784), 10)
    assert load(name, tmp_path).digest == data.digest


def test_a_file_that_torchvision_unpacked_in_part_is_refused(
    tmp_path: Path, no_network: None
) -> None:
    write_small(tmp_path, "fashion-mnist")
    path = tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="Delete that folder and run again"):
        load("fashion-mnist", tmp_path)


def test_classes_are_torchvisions() -> None:
    from torchvision import datasets

    for name in ("fashion-mnist", "kmnist"):
        theirs = getattr(datasets, SOURCES[name].torchvision_name).classes
        assert list(SOURCES[name].classes) == theirs
