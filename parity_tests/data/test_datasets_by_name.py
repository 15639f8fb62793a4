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

from experiments.data import DATASETS, DataError, Dataset, default_data_dir, load
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


class Small:
    """A small data set, published, and where torchvision would lay it; the test labels are 0–3."""

    def __init__(self, name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name, self.root, self.monkeypatch = name, root, monkeypatch
        self.source = replace(SOURCES[name], train=6, test=4)
        self.home = root / self.source.torchvision_name
        self.raw = self.home / "raw"
        self.raw.mkdir(parents=True)
        rng, contents = np.random.default_rng(0), []
        for n in (6, 4):
            self.images = rng.integers(0, 256, (n, 28, 28), np.uint8)
            labels = np.arange(n, dtype=np.uint8)
            contents.append(idx_header(self.images.shape) + self.images.tobytes())
            if self.source.columns:  # big-endian int32, the digit first
                table = np.column_stack([labels] + [rng.integers(0, 999, n)] * 7).astype(">i4")
                contents.append(idx_header(table.shape, INT32) + table.tobytes())
            else:
                contents.append(idx_header(labels.shape) + labels.tobytes())
        packed = {i: gzip.compress(c, 1) for i, c in zip(self.source.idx, contents, strict=True)}
        if self.source.archive:
            with zipfile.ZipFile(self.raw / self.source.archive, "w") as archive:
                for inside, content in packed.items():
                    archive.writestr(inside, content)
        else:
            for file, content in packed.items():
                (self.raw / file).write_bytes(content)
        monkeypatch.setitem(SOURCES, name, self.source)
        self.publish()

    def publish(self) -> None:
        """Let torchvision know the files that are there as those that are published."""
        known, files = torchvisions(self.source), self.source.files
        md5 = {name: hashlib.md5((self.raw / name).read_bytes()).hexdigest() for name in files}
        if self.source.archive:
            self.monkeypatch.setattr(known, "md5", md5[self.source.archive])
        elif isinstance(known.resources, dict):
            found = [(f"https://here/{name}", digest) for name, digest in md5.items()]
            by_split = {"train": found[:2], "test": found[2:]}
            self.monkeypatch.setattr(known, "resources", by_split)
        else:
            self.monkeypatch.setattr(known, "resources", list(md5.items()))

    def load(self) -> Dataset:
        return load(self.name, self.root)


@pytest.fixture(params=[name for name in DATASETS if name != "mnist"])
def small(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    no_network: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Small:
    return Small(request.param, tmp_path, monkeypatch)


def test_what_is_there_as_published_is_read_without_a_network(small: Small) -> None:
    data = small.load()
    np.testing.assert_array_equal(data.test_images, small.images.reshape(4, 784), strict=True)
    np.testing.assert_array_equal(data.test_labels, np.arange(4), strict=True)
    assert (data.name, data.train_images.shape, len(data.classes)) == (small.name, (6, 784), 10)
    assert small.load().digest == data.digest


@pytest.mark.parametrize("small", ["fashion-mnist", "kmnist", "qmnist"], indirect=True)
def test_it_is_what_torchvision_reads(small: Small) -> None:
    data, known = small.load(), torchvisions(small.source)
    for split, train in (("train", True), ("test", False)):
        for file in small.source.files:
            path = small.raw / file
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        theirs = known(small.root, train=train)
        mine = getattr(data, f"{split}_images").reshape(-1, 28, 28)
        np.testing.assert_array_equal(mine, theirs.data.numpy())
        labels = [theirs[i][1] for i in range(len(theirs))]
        np.testing.assert_array_equal(getattr(data, f"{split}_labels"), labels)


def test_a_file_that_is_not_the_published_one_is_not_read(small: Small) -> None:
    path = small.raw / small.source.files[-1]
    path.write_bytes(before := path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=rf"Not what was published is {path.name} there\. Without"):
        small.load()
    assert path.read_bytes() == before


def test_what_was_unpacked_beside_the_published_files_is_not_looked_at(small: Small) -> None:
    whole = small.load()
    for file in small.source.idx:
        (small.raw / Path(file).stem).write_bytes(b"rubbish")
    (small.home / "processed").mkdir()  # older versions of torchvision kept what torch.load reads
    for file in ("training.pt", "test.pt"):
        (small.home / "processed" / file).write_bytes(b"rubbish")
    assert small.load().digest == whole.digest


def test_what_is_unpacked_alone_is_not_trusted(small: Small) -> None:
    for file in small.source.files:
        (small.raw / file).rename((small.raw / file).with_suffix(""))
    with pytest.raises(DataError, match="could not be downloaded"):
        small.load()


def test_a_published_file_with_something_else_in_it_is_refused(small: Small) -> None:
    last = small.source.files[-1]
    for content in (b"", b"rubbish", gzip.compress(idx_header((6,)) + bytes(3))):
        (small.raw / last).write_bytes(content)
        small.publish()
        with pytest.raises(DataError, match=last):
            small.load()


def test_classes_are_torchvisions() -> None:
    for name in ("fashion-mnist", "kmnist"):
        assert list(SOURCES[name].classes) == torchvisions(SOURCES[name]).classes
