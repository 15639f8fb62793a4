"""Files with anything in them: read as what they are, or refused with the one error of the reader.

Data files, golden files, candidates, snapshots: whatever is changed in one, and whatever it says of
itself. Nothing else is raised, nothing on the disk changes, and no memory is asked for.
"""

import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from torch_ref.lockstep.golden.tensor_file import GoldenError, TensorFile
from torch_ref.lockstep.golden.verify import verify

FEW = settings(max_examples=100, deadline=None, derandomize=True)
SLOW = settings(max_examples=30, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@contextmanager
def little_memory(most: int) -> Iterator[None]:
    """Within, no more than ``most`` bytes are taken at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def assert_for_people(error: Exception, *paths: Path) -> None:
    """It names a file, and is one line of some length."""
    text = str(error)
    assert any(path.name in text for path in paths)
    assert "\n" not in text
    assert len(text) < 1500, text


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes cut off, longer, or some of them others."""
    data = bytearray(whole[: draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    for at in draw(st.lists(st.integers(0, max(0, len(data) - 1)), max_size=4)):
        if data:
            data[at] ^= draw(st.integers(1, 255))
    return bytes(data) + draw(st.binary(max_size=12) | st.just(b""))


# --- IDX -----------------------------------------------------------------------------------------

SHAPE = (5, 3, 2)
IDX = idx_header(SHAPE) + bytes(range(30))
SHA256 = hashlib.sha256(IDX).hexdigest()


def read(path: Path, sha256: str | None) -> np.ndarray | None:
    """The array, or nothing where the file is refused."""
    before = contents(path.parent)
    try:
        with little_memory(3_000_000):
            return read_idx(path, SHAPE, sha256)
    except DataError as error:
        assert_for_people(error, path)
        return None
    finally:
        assert contents(path.parent) == before


@FEW
@given(
    magic=st.binary(min_size=4, max_size=4) | st.just(IDX[:4]),
    sizes=st.lists(st.integers(0, 2**32 - 1) | st.sampled_from(SHAPE), max_size=5),
    data=st.binary(max_size=60),
    packed=st.booleans(),
)
def test_a_header_that_lies_costs_a_message(
    folder: Path, magic: bytes, sizes: list[int], data: bytes, packed: bool
) -> None:
    path, content = folder / "lies.idx", magic + b"".join(n.to_bytes(4, "big") for n in sizes)
    content += data
    path.write_bytes(gzip.compress(content) if packed else content)
    array = read(path, None)
    assert (array is not None) == (content[:16] == IDX[:16] and len(content) == len(IDX))


@FEW
@given(data=st.data(), packed=st.booleans())
def test_a_damaged_data_file_is_refused_or_what_it_was(
    folder: Path, data: st.DataObject, packed: bool
) -> None:
    path = folder / "damaged.idx"
    path.write_bytes(data.draw(damaged(gzip.compress(IDX, mtime=0) if packed else IDX)))
    array = read(path, SHA256)
    if array is not None:
        np.testing.assert_array_equal(array.ravel(), np.arange(30))


@FEW
@given(content=st.binary(max_size=60), after=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08"]))
def test_any_bytes_for_a_data_file(folder: Path, content: bytes, after: bytes) -> None:
    path = folder / "any.idx"
    path.write_bytes(after + content)
    assert read(path, SHA256) is None


def test_a_small_file_that_unpacks_to_much_is_left_packed(folder: Path) -> None:
    path = folder / "bomb.idx"
    for content in (IDX + bytes(50_000_000), idx_header((2**31, 2**31, 2**31)) + bytes(50_000_000)):
        path.write_bytes(gzip.compress(content, 1))
        assert read(path, SHA256) is None


# --- golden files and candidates -----------------------------------------------------------------


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_golden("AdaGrad", tmp_path_factory.mktemp("golden"))


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the tensors of a safetensors file."""
    start = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:start]), data[start:]


def together(header: Any, tensors: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


def assert_refused_or_compared(golden: Path, candidate: Path) -> None:
    """``verify`` answers, both for people and as JSON, or says what is wrong."""
    try:
        verification = verify(golden, candidate)
    except GoldenError as error:
        assert_for_people(error, golden, candidate)
    else:
        str(verification)
        json.dumps(verification.as_dict(), allow_nan=False)


@FEW
@given(data=st.data())
def test_any_one_thing_in_a_header_may_be_another(
    golden: Path, folder: Path, data: st.DataObject
) -> None:
    header, tensors = split(golden.read_bytes())
    path = folder / "header.safetensors"
    path.write_bytes(together(data.draw(edited.one_thing_changed(header)), tensors))
    assert_refused_or_compared(golden, path)
    assert_refused_or_compared(path, golden)


@FEW
@given(data=st.data())
def test_any_one_thing_in_a_manifest_may_be_another(
    golden: Path, folder: Path, data: st.DataObject
) -> None:
    header, tensors = split(golden.read_bytes())
    manifest = data.draw(edited.one_thing_changed(json.loads(header["__metadata__"]["manifest"])))
    header["__metadata__"]["manifest"] = json.dumps(manifest)
    path = folder / "manifest.safetensors"
    path.write_bytes(together(header, tensors))
    assert_refused_or_compared(path, golden)


@FEW
@given(manifest=edited.anything.map(json.dumps) | st.text() | st.just(edited.nested(10**5)))
def test_any_manifest_at_all_is_refused(golden: Path, folder: Path, manifest: str) -> None:
    header, tensors = split(golden.read_bytes())
    header["__metadata__"]["manifest"] = manifest
    path = folder / "manifest.safetensors"
    path.write_bytes(together(header, tensors))
    with pytest.raises(GoldenError, match="is not a golden file"):
        verify(path, golden)


@FEW
@given(data=st.data())
def test_a_damaged_candidate_is_refused_or_compared(
    golden: Path, folder: Path, data: st.DataObject
) -> None:
    path = folder / "damaged.safetensors"
    path.write_bytes(data.draw(damaged(golden.read_bytes())))
    assert_refused_or_compared(golden, path)
    assert_refused_or_compared(path, golden)


@FEW
@given(header=edited.anything, tensors=st.binary(max_size=40))
def test_any_header_at_all_costs_a_message(folder: Path, header: Any, tensors: bytes) -> None:
    path = folder / "any.safetensors"
    path.write_bytes(together(header, tensors))
    try:
        TensorFile(path)
    except GoldenError as error:
        assert_for_people(error, path)


@FEW
@given(content=st.binary(max_size=60))
def test_any_bytes_for_a_candidate(golden: Path, folder: Path, content: bytes) -> None:
    path = folder / "any.safetensors"
    path.write_bytes(content)
    with pytest.raises(GoldenError):
        verify(golden, path)


numbers = st.sampled_from([0.0, 1.0, -1e-320, 1e300, np.inf, -np.inf, np.nan])


@SLOW
@given(data=st.data())
def test_a_candidate_may_hold_any_number(golden: Path, folder: Path, data: st.DataObject) -> None:
    tensors = from_safetensors(golden.read_bytes())
    name = data.draw(st.sampled_from([n for n in sorted(tensors) if "/start/" not in n]))
    array = tensors[name].copy()
    with np.errstate(over="ignore"):
        array.ravel()[data.draw(st.integers(0, array.size - 1)) :] = data.draw(numbers)
    tensors[name] = array
    path = folder / "numbers.safetensors"
    path.write_bytes(as_safetensors(tensors))
    assert_refused_or_compared(golden, path)


# --- snapshots -----------------------------------------------------------------------------------


def forged(tree: str, tensors: dict[str, np.ndarray]) -> bytes:
    """A snapshot's file, whatever the tree is, with the right SHA-256."""
    metadata = {"format": checkpoint.FORMAT, "snapshot": tree}
    metadata["sha256"] = checkpoint._sha256(tree, tensors)
    return as_safetensors(tensors, metadata=metadata)


references = st.builds(lambda name: {checkpoint.TENSOR: name}, st.sampled_from(["w", "b", 3, None]))
trees = st.recursive(
    edited.anything | references,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def load(path: Path) -> Any:
    """What is in the snapshot, or nothing where it is refused."""
    before = contents(path.parent)
    try:
        return checkpoint.load(path)
    except CheckpointError as error:
        assert_for_people(error, path)
        return None
    finally:
        assert contents(path.parent) == before


@FEW
@given(tree=trees, deep=st.integers(0, 20).map(lambda n: n == 20))
def test_a_snapshot_is_a_dict_whatever_its_sha256_vouches_for(
    folder: Path, tree: Any, deep: bool
) -> None:
    path = folder / "forged.safetensors"
    text = edited.nested(10**5) if deep else json.dumps(tree)
    path.write_bytes(forged(text, {"w": np.ones(2)}))
    assert isinstance(load(path), dict | None)


@FEW
@given(header=edited.anything, tensors=st.binary(max_size=40))
def test_any_header_for_a_snapshot(folder: Path, header: Any, tensors: bytes) -> None:
    path = folder / "any.safetensors"
    path.write_bytes(together(header, tensors))
    assert load(path) is None


@FEW
@given(data=st.data())
def test_any_one_thing_in_a_snapshots_header(folder: Path, data: st.DataObject) -> None:
    path = folder / "header.safetensors"
    header, tensors = split(forged('{"w": {"__tensor__": "w"}}', {"w": np.ones(3)}))
    path.write_bytes(together(data.draw(edited.one_thing_changed(header)), tensors))
    found = load(path)
    if found is not None:
        np.testing.assert_array_equal(found["w"], np.ones(3))
