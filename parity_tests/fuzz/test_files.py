"""Files with anything in them: read as what they are, or refused with the one error of the reader.

Data files, golden files, candidates, snapshots: whatever is changed in one, and whatever it says of
itself. Nothing else is raised, nothing on the disk changes, and no memory is asked for.
"""

import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as as_safetensors

from experiments.data import DataError
from experiments.data.idx import idx_header, read_idx
from parity_tests.fuzz import edited
from torch_ref import checkpoint
from torch_ref.checkpoint import CheckpointError
from torch_ref.lockstep.golden import write_golden
from torch_ref.lockstep.golden.tensor_file import GoldenError
from torch_ref.lockstep.golden.verify import verify

FEW = settings(max_examples=100, deadline=None, derandomize=True)
SLOW = settings(max_examples=30, deadline=None, derandomize=True)
SHAPE = (5, 3, 2)
IDX = idx_header(SHAPE) + bytes(range(30))
SHA256 = hashlib.sha256(IDX).hexdigest()


class Reader(NamedTuple):
    """What reads a file, or raises ``error``; a ``whole`` file, and what it means if it is told."""

    whole: bytes
    read: Callable[[Path], Any]
    error: type[Exception]
    meaning: Any = None

    def found(self, path: Path, content: bytes) -> Any:
        """What is in the file, or nothing where it is refused."""
        path.write_bytes(content)
        before = contents(path.parent)
        try:
            return self.read(path)
        except self.error as error:
            assert_for_people(error, path)
            return None
        finally:
            assert contents(path.parent) == before

    def check(self, path: Path, content: bytes) -> None:
        """It is refused, or means what it meant."""
        found = self.found(path, content)
        assert self.meaning is None or found in (None, self.meaning)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def assert_for_people(error: Exception, path: Path) -> None:
    """It names a file, and is one line of some length."""
    text = str(error)
    assert path.name in text or "adagrad" in text.lower()
    assert "\n" not in text
    assert len(text) < 1500, text


def read_data(path: Path, sha256: str | None = SHA256) -> list[Any]:
    """The numbers, without taking more memory than they need."""
    tracemalloc.start()
    try:
        return read_idx(path, SHAPE, sha256).ravel().tolist()
    finally:
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
        tracemalloc.stop()


def compared(golden: Path, candidate: Path) -> bool:
    """``verify`` answers, both for people and as JSON."""
    verification = verify(golden, candidate)
    return bool(str(verification) + json.dumps(verification.as_dict(), allow_nan=False))


def read_snapshot(path: Path) -> Any:
    found = checkpoint.load(path)
    assert isinstance(found, dict)
    return found["w"].tolist() if isinstance(found.get("w"), np.ndarray) else found


def forged(tree: str, tensors: dict[str, np.ndarray]) -> bytes:
    """A snapshot's file, whatever the tree is, with the right SHA-256."""
    metadata = {"format": checkpoint.FORMAT, "snapshot": tree}
    metadata["sha256"] = checkpoint._sha256(tree, tensors)
    return as_safetensors(tensors, metadata=metadata)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files") / "a.file"


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_golden("AdaGrad", tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module", params=["data", "packed data", "golden", "candidate", "snapshot"])
def reader(request: pytest.FixtureRequest, golden: Path) -> Reader:
    whole, numbers = golden.read_bytes(), list(range(30))
    snapshot = forged('{"w": {"__tensor__": "w"}}', {"w": np.ones(3)})
    return {
        "data": Reader(IDX, read_data, DataError, numbers),
        "packed data": Reader(gzip.compress(IDX, mtime=0), read_data, DataError, numbers),
        "golden": Reader(whole, lambda path: compared(path, golden), GoldenError),
        "candidate": Reader(whole, lambda path: compared(golden, path), GoldenError),
        "snapshot": Reader(snapshot, read_snapshot, CheckpointError, [1.0, 1.0, 1.0]),
    }[request.param]


OF_TENSORS = pytest.mark.parametrize("reader", ["golden", "candidate", "snapshot"], indirect=True)
OF_GOLDEN = pytest.mark.parametrize("reader", ["golden"], indirect=True)


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the tensors of a safetensors file."""
    start = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:start]), data[start:]


def together(header: Any, tensors: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes cut off, longer, or some of them others."""
    data = bytearray(whole[: draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    for at in draw(st.lists(st.integers(0, max(0, len(data) - 1)), max_size=4)):
        if data:
            data[at] ^= draw(st.integers(1, 255))
    return bytes(data) + draw(st.binary(max_size=12) | st.just(b""))


# --- any file ------------------------------------------------------------------------------------


@FEW
@given(content=st.binary(max_size=60), before=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08"]))
def test_any_bytes_are_refused(reader: Reader, path: Path, content: bytes, before: bytes) -> None:
    assert reader.found(path, before + content) is None


@FEW
@given(data=st.data())
def test_a_damaged_file_is_refused_or_what_it_was(
    reader: Reader, path: Path, data: st.DataObject
) -> None:
    reader.check(path, data.draw(damaged(reader.whole)))


@OF_TENSORS
@FEW
@given(header=edited.anything, tensors=st.binary(max_size=40))
def test_any_header_at_all_is_refused(
    reader: Reader, path: Path, header: Any, tensors: bytes
) -> None:
    assert reader.found(path, together(header, tensors)) is None


@OF_TENSORS
@FEW
@given(data=st.data())
def test_any_one_thing_in_a_header_may_be_another(
    reader: Reader, path: Path, data: st.DataObject
) -> None:
    header, tensors = split(reader.whole)
    reader.check(path, together(data.draw(edited.one_thing_changed(header)), tensors))


# --- IDX -----------------------------------------------------------------------------------------


@FEW
@given(
    magic=st.binary(min_size=4, max_size=4) | st.just(IDX[:4]),
    sizes=st.lists(st.integers(0, 2**32 - 1) | st.sampled_from(SHAPE), max_size=5),
    data=st.binary(max_size=60),
    packed=st.booleans(),
)
def test_a_header_that_lies_costs_a_message(
    path: Path, magic: bytes, sizes: list[int], data: bytes, packed: bool
) -> None:
    content = magic + b"".join(n.to_bytes(4, "big") for n in sizes) + data
    of_any_sha256 = Reader(IDX, lambda path: read_data(path, None), DataError)
    found = of_any_sha256.found(path, gzip.compress(content) if packed else content)
    assert (found is not None) == (content[:16] == IDX[:16] and len(content) == len(IDX))


@pytest.mark.parametrize("header", [IDX, idx_header((2**31, 2**31, 2**31))], ids=["data", "shape"])
def test_a_small_file_that_unpacks_to_much_is_left_packed(path: Path, header: bytes) -> None:
    packed = gzip.compress(header + bytes(50_000_000), 1)
    assert Reader(IDX, read_data, DataError).found(path, packed) is None


# --- golden files and candidates -----------------------------------------------------------------


def with_manifest(whole: bytes, manifest: str) -> bytes:
    header, tensors = split(whole)
    header["__metadata__"]["manifest"] = manifest
    return together(header, tensors)


@OF_GOLDEN
@FEW
@given(data=st.data())
def test_any_one_thing_in_a_manifest_may_be_another(
    reader: Reader, path: Path, data: st.DataObject
) -> None:
    manifest = json.loads(split(reader.whole)[0]["__metadata__"]["manifest"])
    changed = json.dumps(data.draw(edited.one_thing_changed(manifest)))
    reader.check(path, with_manifest(reader.whole, changed))


@OF_GOLDEN
@FEW
@given(manifest=edited.anything.map(json.dumps) | st.text() | st.just(edited.nested(10**5)))
def test_any_manifest_at_all_is_refused(reader: Reader, path: Path, manifest: str) -> None:
    assert reader.found(path, with_manifest(reader.whole, manifest)) is None


numbers = st.sampled_from([0.0, 1.0, -1e-320, 1e300, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("reader", ["candidate"], indirect=True)
@SLOW
@given(data=st.data())
def test_a_candidate_may_hold_any_number(reader: Reader, path: Path, data: st.DataObject) -> None:
    tensors = from_safetensors(reader.whole)
    name = data.draw(st.sampled_from([n for n in sorted(tensors) if "/start/" not in n]))
    tensors[name] = array = tensors[name].copy()
    with np.errstate(over="ignore"):
        array.ravel()[data.draw(st.integers(0, array.size - 1)) :] = data.draw(numbers)
    reader.check(path, as_safetensors(tensors))


# --- snapshots -----------------------------------------------------------------------------------

references = st.builds(lambda name: {checkpoint.TENSOR: name}, st.sampled_from(["w", "b", 3, None]))
trees = st.recursive(
    edited.anything | references,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("reader", ["snapshot"], indirect=True)
@FEW
@given(tree=trees.map(json.dumps) | st.just(edited.nested(10**5)))
def test_a_snapshot_is_a_dict_whatever_its_sha256_vouches_for(
    reader: Reader, path: Path, tree: str
) -> None:
    reader.found(path, forged(tree, {"w": np.ones(2)}))
