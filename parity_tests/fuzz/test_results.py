"""What a results folder may hold, which is anything: it is used, or named and done again.

Checkpoints that say they are of this very training, results, sweeps, measurements:
whatever one thing in them is another, nothing is raised, and nothing but the bad file is moved.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from experiments import data as datasets
from experiments.engine import lock, runner
from experiments.engine.checkpoints import Checkpoint
from experiments.report import chapter, charts, parity, reproduce, results, speed
from experiments.sweep import sweep
from parity_tests.fuzz import edited
from parity_tests.helpers import IMAGES, LABELS, SIZES
from parity_tests.report import report_results as fabricated
from parity_tests.training.interrupted import Interrupting, Interruption
from scratch import nn, optim, train
from scratch.callbacks import Callback
from torch_ref import checkpoint
from torch_ref import nn as torch_nn
from torch_ref import train as torch_train
from torch_ref.optim import Twin

FEW = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is emptied before each use."""
    return tmp_path_factory.mktemp("place")


def emptied(place: Path) -> Path:
    shutil.rmtree(place)
    place.mkdir()
    return place


# --- checkpoints ---------------------------------------------------------------------------------


def fit(backend: str, *callbacks: Callback) -> train.History:
    options = {"iterations": 4, "batch_size": 5, "evaluate": (IMAGES, LABELS), "every": 2}
    options |= {"images": IMAGES, "labels": LABELS, "callbacks": callbacks}
    stack = {"batch_norm": True, "seed": [3, 4]}
    if backend == "scratch":
        return train.fit(nn.MultiLayerNet(*SIZES, **stack), optim.Adam(), **options)
    return torch_train.fit(torch_nn.MultiLayerNet(*SIZES, **stack), Twin(optim.Adam()), **options)


@pytest.fixture(scope="module", params=["scratch", "torch"])
def half_done(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any], train.History]:
    """A backend, the snapshot of a training in its middle, and what comes of it."""
    path = tmp_path_factory.mktemp("half") / "half.safetensors"
    with pytest.raises(Interruption):
        fit(request.param, Interrupting(path, at=3))
    return request.param, checkpoint.load(path), fit(request.param)


def saved(place: Path, content: dict[str, Any], said: list[str]) -> Checkpoint:
    """The callback of a training that finds this."""
    callback = Checkpoint(
        emptied(place) / "000.safetensors", "mine", "a training", 1e6, said.append
    )
    checkpoint.save(callback.path, content | {"of": "mine"})
    return callback


def assert_trained(found: train.History, whole: train.History, anew: bool) -> None:
    for name, expected in vars(whole).items():
        mine = getattr(found, name)
        assert (mine.shape, mine.dtype) == (expected.shape, expected.dtype)
        if anew:
            np.testing.assert_array_equal(mine, expected)


@FEW
@given(data=st.data())
def test_a_checkpoint_with_anything_in_it_is_not_used(place: Path, data: st.DataObject) -> None:
    said: list[str] = []
    found = data.draw(st.dictionaries(st.sampled_from(["written", "state"]), edited.anything))
    fit("scratch", saved(place, found, said))
    assert said[0].endswith("; the training begins again")


@FEW
@given(data=st.data())
def test_a_checkpoint_with_one_thing_changed_is_not_used_or_gone_on_with(
    place: Path, half_done: tuple, data: st.DataObject
) -> None:
    backend, snapshot, whole = half_done
    said: list[str] = []
    changed = data.draw(edited.one_thing_changed(snapshot))
    found = fit(backend, saved(place, {"state": changed}, said))
    assert len(said) <= 1
    assert_trained(found, whole, anew=bool(said))


# --- results that may be finished ----------------------------------------------------------------

IDENTITY: dict[str, Any] = {
    "experiment": "surface",
    "settings": {"points": 3},
    "seeds": [0],
    "backends": {"scratch": {"device": "cpu"}},
    "dataset": None,
    "fingerprint": "0123456789abcdef",
}


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def write(place: Path, name: str, files: tuple[str, ...], file: str, content: Any) -> Path:
    home = emptied(place) / name
    home.mkdir()
    for each in files:
        (home / each).write_text(each)
    text = content if isinstance(content, str) else json.dumps(content)
    (home / file).write_text(text, errors="surrogatepass")
    return home


def whole(folder: Path, files: tuple[str, ...]) -> dict[str, Any]:
    for each in files:
        (folder / each).write_text(each)
    vouched = {each: runner.output.sha256(folder / each) for each in files}
    rest = {"files": vouched, "tensorboard": [], "lines": ["One."]}
    return runner.output.sealed(IDENTITY | rest)


RUN_FILES = (runner.METRICS, *runner.FIGURES)
texts = edited.anything.map(json.dumps) | st.text() | st.just(edited.nested(10**5))


@pytest.mark.parametrize(
    ("name", "files", "result", "finished"),
    [
        (
            "surface",
            RUN_FILES,
            runner.RESULT,
            lambda home: runner.altered(home, IDENTITY, True) == [],
        ),
        (
            "surface",
            RUN_FILES,
            runner.RESULT,
            lambda home: runner.altered(home, IDENTITY, False) == [],
        ),
        (
            "sweep",
            sweep.FILES,
            sweep.JSON,
            lambda home: runner.output.altered(home / sweep.JSON, IDENTITY, sweep.FILES) == [],
        ),
    ],
    ids=["run with events", "run", "sweep"],
)
@FEW
@given(data=st.data())
def test_any_result_is_finished_or_is_not(
    place: Path, name: str, files: tuple, result: str, finished: Any, data: st.DataObject
) -> None:
    good = whole(emptied(place), files)
    content = data.draw(edited.one_thing_changed(good) | texts)
    home = write(place, name, files, result, content)
    before = tree(home)
    assert finished(home) is (content == good)
    assert tree(home) == before


@FEW
@given(data=st.data())
def test_any_result_of_other_settings_is_kept_as_it_is(place: Path, data: st.DataObject) -> None:
    good = whole(emptied(place), RUN_FILES)
    content = data.draw(edited.one_thing_changed(good) | texts)
    home = write(place, "surface", RUN_FILES, runner.RESULT, content)
    before = tree(home)
    runner._set_aside(home, IDENTITY, Console(quiet=True))
    (kept,) = place.iterdir()
    assert tree(kept) == before
    assert kept.name.startswith("surface")
    assert kept.name.isprintable()


@FEW
@given(text=texts | edited.anything.map(lambda v: json.dumps({"pid": v, "since": v})))
def test_any_note_of_who_has_the_folder_is_told_or_is_not(place: Path, text: str) -> None:
    holder = emptied(place) / lock.HOLDER
    holder.write_text(text, errors="surrogatepass")
    assert "process" in lock._described(holder)


# --- the report ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_of_each(tmp_path_factory: pytest.TempPathFactory, mnist: datasets.Dataset) -> Path:
    """A small results folder: one experiment, and the files of the other commands."""
    folder = tmp_path_factory.mktemp("report")
    fabricated.write_experiment(folder, "optimizer-paths", mnist)
    for write in (fabricated.write_sweep, fabricated.write_bench, fabricated.write_parity):
        write(folder)
    return folder


FILES = ("optimizer-paths/result.json", results.SWEEP, results.BENCH, results.PARITY)


@contextmanager
def shown(home: Path) -> Iterator[None]:
    """The page is made of what the folder has then; afterwards it has what it had."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    try:
        yield
        found = results.read(home)
        chapter.overview(chapter.sections(found))
        parts = (parity.section(found.parity), speed.section(found.bench))
        for part in (*chapter.sections(found), *parts):
            json.dumps([charts.as_dict(chart) for chart in part.charts], allow_nan=False)
        reproduce.origins(found)
    finally:
        for path, content in before.items():
            path.write_bytes(content)


@pytest.mark.parametrize("file", FILES)
@FEW
@given(data=st.data())
def test_the_page_is_made_whatever_one_thing_in_a_file_is(
    one_of_each: Path, file: str, data: st.DataObject
) -> None:
    with shown(one_of_each):
        path = one_of_each / file
        changed = data.draw(edited.one_thing_changed(json.loads(path.read_bytes())))
        # As an editor who knows the seal would: what is behind it must hold, too.
        sealed = runner.output.sealed(changed) if isinstance(changed, dict) else changed
        path.write_text(json.dumps(sealed))


@FEW
@given(data=st.data())
def test_the_page_is_made_whatever_one_row_of_the_numbers_is(
    one_of_each: Path, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 5))
    value = data.draw(st.sampled_from([*map(str, edited.NUMBERS), *edited.TEXTS]) | st.text())

    def change(rows: list[list[str]]) -> None:
        rows[row][column] = value.encode("utf-8", "replace").decode()

    with shown(one_of_each):
        fabricated.edit_rows(one_of_each / "optimizer-paths", change)
