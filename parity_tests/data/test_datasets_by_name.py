"""The data sets by name: downloaded through torchvision, and explained where they cannot be."""

import gzip
import hashlib
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.data import DATASETS, DataError, default_data_dir, load
from experiments.data.downloads import SOURCES, Source
from experiments.data.idx import INT32, idx_header


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
        (RuntimeError("File not found or corrupted."), "kmnist could not be downloaded (File"),
        (TimeoutError("timed out"), "kmnist could not be downloaded (timed out)"),
        (PermissionError(13, "Permission denied"), "kmnist could not be stored under"),
        (AssertionError(), "kmnist could not be had (AssertionError: AssertionError)."),
    ],
)
def test_what_torchvision_raises_is_explained(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("torchvision.datasets.utils.download_url", fail)
    with pytest.raises(DataError) as caught:
        load("kmnist", tmp_path)
    assert message in str(caught.value)
    assert caught.value.__cause__ is error


def test_a_data_dir_that_is_a_file_is_refused(tmp_path: Path, no_network: None) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(DataError, match=r"kmnist could not be stored under .*Not a directory"):
        load("kmnist", path)


def torchvisions(source: Source) -> Any:
    """Its class; imported by the process that needs it, since that takes a while."""
    from torchvision import datasets

    return getattr(datasets, source.torchvision_name)


def write_small(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Publish a small data set and lay it where torchvision would; returns its test images.

    The test labels are 0, 1, 2, 3.
    """
    source = SOURCES[name]
    raw = root / source.torchvision_name / "raw"
    raw.mkdir(parents=True)
    rng, contents = np.random.default_rng(0), []
    for n in (6, 4):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8)
        labels = np.arange(n, dtype=np.uint8)
        contents.append(idx_header(images.shape) + images.tobytes())
        if name == "qmnist":  # eight big-endian int32 a label, the digit first
            table = np.column_stack([labels] + [rng.integers(0, 999, n)] * 7).astype(">i4")
            contents.append(idx_header(table.shape, INT32) + table.tobytes())
        else:
            contents.append(idx_header(labels.shape) + labels.tobytes())
    packed = {i: gzip.compress(c, 1) for i, c in zip(source.idx, contents, strict=True)}
    if source.archive:
        with zipfile.ZipFile(raw / source.archive, "w") as archive:
            for inside, content in packed.items():
                archive.writestr(inside, content)
    else:
        for file, content in packed.items():
            (raw / file).write_bytes(content)
    small = replace(source, train=6, test=4)
    monkeypatch.setitem(SOURCES, name, small)
    publish(raw, small, monkeypatch)
    return images


def publish(raw: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torchvision know the files that are there as those that are published."""
    known = torchvisions(source)
    md5 = {name: hashlib.md5((raw / name).read_bytes()).hexdigest() for name in source.files}
    if source.archive:
        monkeypatch.setattr(known, "md5", md5[source.archive])
    elif isinstance(known.resources, dict):
        files = [(f"https://here/{name}", digest) for name, digest in md5.items()]
        monkeypatch.setattr(known, "resources", {"train": files[:2], "test": files[2:]})
    else:
        monkeypatch.setattr(known, "resources", list(md5.items()))


OTHERS = pytest.mark.parametrize("name", [name for name in DATASETS if name != "mnist"])


@OTHERS
def test_what_is_there_as_published_is_read_without_a_network(
    name: str, tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = write_small(tmp_path, name, monkeypatch)
    data = load(name, tmp_path)
    np.testing.assert_array_equal(data.test_images, images.reshape(4, 784), strict=True)
    np.testing.assert_array_equal(data.test_labels, np.arange(4), strict=True)
    assert (data.name, data.train_images.shape, len(data.classes)) == (name, (6, 784), 10)
    assert load(name, tmp_path).digest == data.digest


@pytest.mark.parametrize("name", ["fashion-mnist", "kmnist", "qmnist"])
def test_it_is_what_torchvision_reads(
    name: str, tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, name, monkeypatch)
    data, known = load(name, tmp_path), torchvisions(SOURCES[name])
    for split, train in (("train", True), ("test", False)):
        for file in SOURCES[name].files:
            path = tmp_path / SOURCES[name].torchvision_name / "raw" / file
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        theirs = known(tmp_path, train=train)
        mine = getattr(data, f"{split}_images").reshape(-1, 28, 28)
        np.testing.assert_array_equal(mine, theirs.data.numpy())
        labels = [theirs[i][1] for i in range(len(theirs))]
        np.testing.assert_array_equal(getattr(data, f"{split}_labels"), labels)


@OTHERS
def test_a_file_that_is_not_the_published_one_is_not_read(
    name: str, tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, name, monkeypatch)
    source = SOURCES[name]
    path = tmp_path / source.torchvision_name / "raw" / source.files[-1]
    path.write_bytes(before := path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=rf"Not what was published is {path.name} there\. Without"):
        load(name, tmp_path)
    assert path.read_bytes() == before


@OTHERS
def test_what_was_unpacked_beside_the_published_files_is_not_looked_at(
    name: str, tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, name, monkeypatch)
    whole, home = load(name, tmp_path), tmp_path / SOURCES[name].torchvision_name
    for file in SOURCES[name].idx:
        (home / "raw" / Path(file).stem).write_bytes(b"rubbish")
    (home / "processed").mkdir()  # older versions of torchvision kept what torch.load reads
    for file in ("training.pt", "test.pt"):
        (home / "processed" / file).write_bytes(b"rubbish")
    assert load(name, tmp_path).digest == whole.digest


@OTHERS
def test_what_is_unpacked_alone_is_not_trusted(
    name: str, tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, name, monkeypatch)
    raw = tmp_path / SOURCES[name].torchvision_name / "raw"
    for file in SOURCES[name].files:
        (raw / file).rename((raw / file).with_suffix(""))
    with pytest.raises(DataError, match="could not be downloaded"):
        load(name, tmp_path)


@OTHERS
def test_a_published_file_with_something_else_in_it_is_refused(
    name: str, tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, name, monkeypatch)
    source = SOURCES[name]
    raw = tmp_path / source.torchvision_name / "raw"
    for content in (b"", b"rubbish", gzip.compress(idx_header((6,)) + bytes(3))):
        (raw / source.files[-1]).write_bytes(content)
        publish(raw, source, monkeypatch)
        with pytest.raises(DataError, match=source.files[-1]):
            load(name, tmp_path)


def test_classes_are_torchvisions() -> None:
    for name in ("fashion-mnist", "kmnist"):
        assert list(SOURCES[name].classes) == torchvisions(SOURCES[name]).classes
