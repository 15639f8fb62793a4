"""A short soak: a few real faults, and no number differs. ``make soak`` does many more."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from parity_tests import soak
from parity_tests.soak import SUBJECTS, Soak
from parity_tests.training import long_runs

BY_NAME = {subject.name: subject for subject in SUBJECTS}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[dict, float]]:
    """The runs that nothing happens to, each made once for all tests."""
    make = soak.reference
    made = cache(lambda subject: make(subject, tmp_path_factory.mktemp("reference")))
    return lambda subject, folder: made(subject)


@pytest.fixture
def made_once(reference: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "reference", reference)


@pytest.mark.slow
@pytest.mark.usefixtures("made_once")
@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("run, scratch", ("killed", "damaged", "terminated")),
        ("run, two processes", ("one-killed", "ctrl-c")),
    ],
)
def test_faults_are_survived_and_change_no_number(name: str, faults: tuple[str, ...]) -> None:
    soaked = Soak(faults=faults, subjects=(BY_NAME[name],))
    soaked.run(2, say=lambda line: None)
    assert not soaked.failures
    assert soaked.survived.total() == soaked.injected.total() >= 2


@pytest.mark.slow
@pytest.mark.usefixtures("made_once")
@pytest.mark.skipif(not soak.can_mount(), reason="no small disk can be mounted here")
def test_a_disk_that_fills_up_is_survived() -> None:
    soaked = Soak(faults=("full-disk",), subjects=(BY_NAME["run, scratch"],))
    soaked.run(1, say=lambda line: None)
    assert not soaked.failures


def test_the_soak_tells_when_a_number_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(soak.FAULTS, "killed", lambda trial: True)
    monkeypatch.setattr(soak, "reference", lambda subject, folder: ({"loss": 1.0}, 1.0))
    monkeypatch.setattr(soak.Trial, "completed", lambda trial: None)
    monkeypatch.setattr(soak, "numbers", lambda out: {"loss": 1.5})
    soaked = Soak(faults=("killed",), subjects=SUBJECTS[:1])
    soaked.run(1, say=lambda line: None)
    assert (soaked.injected.total(), soaked.survived.total(), soaked.differed) == (1, 0, 1)
    assert "run, scratch, killed: the results differ: loss" in soaked.summary()


def test_what_is_left_over_is_named(tmp_path: Path) -> None:
    for name in (
        ".units/x/unit.safetensors",
        "surface/.metrics.1.lockstep-partial.csv",
        "surface/figure.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(soak.left_over(tmp_path)) == [
        ".units",
        ".units/x",
        ".units/x/unit.safetensors",
        "surface/.metrics.1.lockstep-partial.csv",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not long_runs.can_look(), reason="only Linux tells a process its memory")
@pytest.mark.parametrize("fit", [long_runs.by_hand, long_runs.by_torch])
def test_memory_and_open_files_stay_flat_over_many_steps(fit: Callable[..., None]) -> None:
    memory, files = long_runs.growth(fit, 4000)
    assert memory < long_runs.SLACK
    assert files == 0
