"""Snapshots in files: what is saved comes back, and what is no snapshot is named."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save_file

from torch_ref import checkpoint
from torch_ref.checkpoint import CheckpointError

names = st.text(min_size=0, max_size=6).filter(lambda name: name != checkpoint.TENSOR)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | arrays.arrays(
        st.sampled_from(["float64", "float32", "int64", "uint8", "bool"]),
        arrays.array_shapes(min_dims=0, min_side=0),
    )
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def assert_same(mine: object, theirs: object) -> None:
    assert type(mine) is type(theirs)
    if isinstance(mine, np.ndarray):
        np.testing.assert_array_equal(mine, theirs, strict=True)
    elif isinstance(mine, dict):
        assert mine.keys() == theirs.keys()
        for key, value in mine.items():
            assert_same(value, theirs[key])
    elif isinstance(mine, list):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            assert_same(a, b)
    else:
        assert mine == theirs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@given(tree=st.dictionaries(names, trees, max_size=3))
@settings(deadline=None, max_examples=60)
def test_what_is_saved_comes_back_bit_for_bit(folder: Path, tree: dict) -> None:
    checkpoint.save(folder / "tree.safetensors", tree)
    assert_same(checkpoint.load(folder / "tree.safetensors"), tree)


def test_names_with_slashes_do_not_meet(folder: Path) -> None:
    tree = {"a": {"b": np.array([1.0])}, "a/b": np.array([2.0])}
    checkpoint.save(folder / "slash.safetensors", tree)
    assert_same(checkpoint.load(folder / "slash.safetensors"), tree)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite_are_kept(folder: Path, value: float) -> None:
    checkpoint.save(folder / "best.safetensors", {"best": value})
    assert checkpoint.load(folder / "best.safetensors")["best"] == pytest.approx(value, nan_ok=True)


def test_arrays_that_are_not_contiguous_are_saved_as_they_are_read(folder: Path) -> None:
    w = np.arange(12.0).reshape(3, 4).T[::2]
    checkpoint.save(folder / "strided.safetensors", {"w": w})
    np.testing.assert_array_equal(checkpoint.load(folder / "strided.safetensors")["w"], w)


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, {3: 1.0}, {checkpoint.TENSOR: "x"}])
def test_what_a_snapshot_cannot_hold_is_refused_and_writes_nothing(
    tmp_path: Path, value: object
) -> None:
    with pytest.raises(TypeError, match="a snapshot must be"):
        checkpoint.save(tmp_path / "x.safetensors", {"inner": value})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.safetensors cannot be read: No such file"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_another_safetensors_file_is_no_snapshot(tmp_path: Path) -> None:
    save_file({"w": np.ones(2)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=r"w\.safetensors is no snapshot: its metadata must"):
        checkpoint.load(tmp_path / "w.safetensors")


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_said_to_be_damaged(folder: Path, part: float) -> None:
    path = folder / "cut.safetensors"
    checkpoint.save(path, {"w": np.ones(300)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors is damaged"):
        checkpoint.load(path)


def test_a_failed_write_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.safetensors"
    checkpoint.save(path, {"step": 1})

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match="was not written: No space left on device"):
        checkpoint.save(path, {"step": 2})
    assert checkpoint.load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]
