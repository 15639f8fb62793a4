"""Golden and candidate files that cannot be used: one message, no traceback, no memory."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from torch_ref.lockstep.golden import write_golden
from torch_ref.lockstep.golden.tensor_file import GoldenError
from torch_ref.lockstep.golden.verify import verify

Arrays = dict[str, np.ndarray]
INPUTS = tuple(f"{dtype}/{what}/" for dtype in ("float64", "float32") for what in ("start", "grad"))


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_golden("chapter.Adam", tmp_path_factory.mktemp("golden"))


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    return tmp_path / "candidate.safetensors"


def trajectories(path: Path) -> Arrays:
    return {k: a for k, a in load_file(path).items() if not k.startswith(INPUTS)}


def bad(change: Callable[[Arrays], object]) -> Callable[[Path], bytes]:
    """The bytes of a candidate in which ``change`` has been made."""

    def data(golden: Path) -> bytes:
        tensors = trajectories(golden)
        change(tensors)
        path = golden.with_name("changed.safetensors")
        save_file(tensors, path)
        return path.read_bytes()

    return data


def with_header(change: Callable[[dict], object]) -> Callable[[Path], bytes]:
    """The bytes of a golden file whose header has been changed."""

    def data(golden: Path) -> bytes:
        whole = golden.read_bytes()
        start = 8 + int.from_bytes(whole[:8], "little")
        header = json.loads(whole[8:start])
        change(header)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + whole[start:]

    return data


W0 = "float64/0/param/w0"

#: What is no safetensors file at all, or one that is not whole.
BROKEN: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda g: b"",
    "pickle": lambda g: b"\x80\x04\x95" + b"x" * 50,
    "long header": lambda g: (2**63).to_bytes(8, "little") + b"{}",
    "nested": lambda g: (10**5).to_bytes(8, "little") + b"[" * 10**5,
    "truncated": lambda g: g.read_bytes()[:-1],
    "no shape": with_header(lambda h: h[W0].pop("shape")),
    "beyond": with_header(lambda h: h[W0].update(data_offsets=[0, 2**60])),
    "claims much": with_header(lambda h: h[W0].update(shape=[2**40, 2**40])),
    "metadata": with_header(lambda h: h.update(__metadata__=[])),
}

BAD_CANDIDATES = {
    **{what: (data, "is not a whole safetensors file") for what, data in BROKEN.items()},
    "no tensors": (lambda g: (2).to_bytes(8, "little") + b"{}", "has no trajectories"),
    "missing": (
        bad(lambda t: t.pop(W0)),
        f"{W0}' is missing; it must be 'F64' of shape [20, 4, 3]",
    ),
    "extra": (bad(lambda t: t.update({"float64/0/param/w2": t[W0]})), "did you mean"),
    "foreign": (bad(lambda t: t.update({"conv1.weight": t[W0]})), "'conv1.weight' is not one of"),
    "misshaped": (bad(lambda t: t.update({W0: t[W0][:-1]})), "must be 'F64' of shape [20, 4, 3]"),
    "flat": (bad(lambda t: t.update({W0: t[W0].reshape(20, 12)})), "got 'F64' of shape [20, 12]"),
    "mistyped": (bad(lambda t: t.update({W0: t[W0].astype("f4")})), "got 'F32' of shape"),
    "its own start": (bad(lambda t: t.update({"float64/start/w1": np.ones(3)})), "or be left out"),
}


@pytest.mark.parametrize("what", BAD_CANDIDATES)
def test_a_bad_candidate_is_told_what_is_wrong(golden: Path, candidate: Path, what: str) -> None:
    data, message = BAD_CANDIDATES[what]
    candidate.write_bytes(data(golden))
    tracemalloc.start()
    with pytest.raises(GoldenError) as error:
        verify(golden, candidate)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message in str(error.value)
    assert candidate.name in str(error.value)
    assert "\n" not in str(error.value)
    assert peak < 5_000_000  # and nothing that a header claims is allocated


def manifest_with(**changes: object) -> Callable[[Path], bytes]:
    def change(header: dict) -> None:
        manifest = json.loads(header["__metadata__"]["manifest"]) | changes
        header["__metadata__"]["manifest"] = json.dumps(manifest)

    return with_header(change)


BAD_GOLDEN = {
    "no manifest": (with_header(lambda h: h.pop("__metadata__")), "is not a golden file"),
    "other": (with_header(lambda h: h.update(__metadata__={"format": "pt"})), "not a golden file"),
    "version": (manifest_with(version=1), "is of version 1"),
    "format": (manifest_with(format="else"), "is not a golden file"),
    "steps": (manifest_with(steps=10**12), "must be 'F64' of shape [1000000000000, 4, 3]"),
    "no steps": (manifest_with(steps=0), "is not a golden file"),
    "cases": (manifest_with(cases=[{}]), "is not a golden file"),
    "parameters": (manifest_with(parameters={"w0": "ab"}), "is not a golden file"),
    "dtype": (manifest_with(tolerance={"int8": 0}), "is not a golden file"),
    "tolerance": (manifest_with(tolerance={"float64": 10**400}), "is not a golden file"),
    "a tensor less": (
        manifest_with(parameters={"w0": [4, 3], "w1": [3], "w2": [1]}),
        "'float64/start/w2' is missing",
    ),
}


@pytest.mark.parametrize("what", BAD_GOLDEN)
def test_a_bad_golden_file_is_told_what_is_wrong(
    golden: Path, tmp_path: Path, candidate: Path, what: str
) -> None:
    data, message = BAD_GOLDEN[what]
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(data(golden))
    save_file(trajectories(golden), candidate)
    with pytest.raises(GoldenError) as error:
        verify(path, candidate)
    assert message in str(error.value)
    assert "damaged.safetensors" in str(error.value)


def test_paths_that_are_no_files(golden: Path, tmp_path: Path) -> None:
    for path, message in ((tmp_path, "a folder, not a file"), (tmp_path / "no", "no such file")):
        with pytest.raises(GoldenError, match=message):
            verify(golden, path)
    (tmp_path / "file").touch()
    with pytest.raises(GoldenError, match="file is a file, not a folder"):
        write_golden("SGD", tmp_path / "file" / "folder")
    (tmp_path / "sgd.safetensors").mkdir()
    with pytest.raises(GoldenError, match="was not written"):
        write_golden("SGD", tmp_path)
