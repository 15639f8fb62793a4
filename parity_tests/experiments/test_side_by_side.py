"""Experiments, their backends and what the page needs, side by side: the numbers of one process."""

import io
import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from rich.console import Console

import experiments
from experiments.engine import memory, progress, runner
from experiments.engine.options import Options
from experiments.engine.progress import Display, ProgressTable
from experiments.engine.runner import fitting
from experiments.engine.units import Unit
from parity_tests.command_line import lockstep, run_without

FAST = ("surface", "activation-distributions")


def result(folder: Path) -> dict[str, Any]:
    """``result.json`` up to times, with the digests of the files."""
    whole = json.loads((folder / "result.json").read_text())
    return {
        name: value
        for name, value in whole.items()
        if name not in ("seconds", "finished", "sha256")
    }


QUICK = ("run", *FAST, "--quick", "--device", "cpu", "--seeds", "5", "--out")


def assert_same(two: Path, one: Path) -> None:
    for name in FAST:
        mine, theirs = two / name, one / name
        assert (mine / "metrics.csv").read_bytes() == (theirs / "metrics.csv").read_bytes()
        assert result(mine) == result(theirs)
    assert not (two / ".units").exists()


@pytest.mark.usefixtures("undrawn")
def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    for count in ("2", "1"):
        done = lockstep(*QUICK, tmp_path / count, "--processes", count)
        assert done.exit_code == 0, done.output
    assert_same(tmp_path / "2", tmp_path / "1")


@pytest.mark.slow
def test_the_parent_of_two_processes_needs_no_torch_and_draws_the_same(tmp_path: Path) -> None:
    run_without({"torch"}, *QUICK, tmp_path / "two", "--processes", "2")
    assert lockstep(*QUICK, tmp_path / "one", "--processes", "1").exit_code == 0
    assert_same(tmp_path / "two", tmp_path / "one")


def test_what_fails_in_another_process_stops_no_other_experiment(tmp_path: Path) -> None:
    arguments = ("--dataset", "qmnist", "--data-dir", str(tmp_path / "file"), "--processes", "2")
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "out"
    names = ("surface", "zero-init", "--backend", "scratch")
    done = lockstep("run", *names, *arguments, "--out", out)
    assert done.exit_code == 1
    assert "zero-init failed:" in done.output
    assert (out / "surface" / "result.json").exists()


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (experiments.NAMES, {}, 8),
        (experiments.NAMES, {"threads": 4}, 2),
        (experiments.NAMES, {"threads": 16}, 1),
        (experiments.NAMES, {"processes": 3}, 3),
        (("surface", "optimizer-paths", "activation-distributions"), {}, 1),
        (("batchnorm-effect",), {}, 1),
        (("batchnorm-effect",), {"seeds": tuple(range(20))}, 8),
    ],
)
def test_as_many_processes_as_are_worth_it(
    names: tuple[str, ...],
    options: dict[str, Any],
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "cores", lambda: 8)
    asked = Options(tmp_path, **options)
    assert fitting(names, asked, 2) == expected


def test_seconds_are_those_of_all_sessions_that_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("run", "optimizer-paths", "--backend", "scratch", "--out", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "_write", Mock(side_effect=KeyboardInterrupt))
        assert lockstep(*arguments).exit_code == 130
    (part,) = tmp_path.glob(".units/*/*/*.safetensors")
    assert lockstep(*arguments).exit_code == 0
    seconds = json.loads((tmp_path / "optimizer-paths" / "result.json").read_text())["seconds"]
    assert seconds["scratch"] > 0
    assert not part.exists()


# The display.


def unit(what: str, length: float, steps: int) -> Unit:
    return Unit(what, dict, Path("nowhere"), what, length, steps)


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


def shown(display: Display, screen: io.StringIO) -> list[str]:
    """The lines of the display as it is now."""
    screen.seek(0)
    screen.truncate()
    with Display.__enter__(display):
        pass
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    return [line.rstrip() for line in plain.replace("\r", "\n").splitlines() if line.strip()]


def on_a_terminal(screen: io.StringIO, folder: Path, width: int = 80) -> Display:
    console = Console(file=screen, force_terminal=True, width=width, legacy_windows=False)
    return Display(console, folder)


def test_the_display_shows_all_of_the_work_and_what_each_process_does(
    screen: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "OFTEN", 0.0)
    display = on_a_terminal(screen, tmp_path)
    todo = [unit("optimizer-comparison · torch", 3, 200), unit("surface · scratch", 1, 0)]
    with display.showing(todo) as place:
        display.begun(0)
        report = place.report(0)  # by a process that is told the place and the number
        report("SGD", 100, 100, 0.25)
        report("Adam", 50, 100, 0.125)
        lines = shown(display, screen)
        assert re.search(r"^ +all .* 0/2 0:00:0\d$", lines[0])
        assert re.search(r"optimizer-comparison · torch .* 75% loss 0.1250, Adam$", lines[1])
        assert max(map(len, lines)) <= 80
        assert display.under_way() == "optimizer-comparison · torch"
        display.begun(1)
        display.over(0)
        report("Adam", 60, 100, 0.1)  # comes late, and is not shown
        lines = shown(display, screen)
        assert " 1/2 " in lines[0]
        assert [line for line in lines if "surface · scratch" in line]
        assert not [line for line in lines if "Adam" in line]
    assert not list(tmp_path.iterdir())


def test_where_there_is_no_terminal_nothing_is_shown(tmp_path: Path) -> None:
    screen = io.StringIO()
    display = Display(Console(file=screen), tmp_path)
    with display, display.showing([unit("surface · torch", 1, 10)]) as place:
        assert not display.is_live
        display.begun(0)
        place.report(0)("SGD", 5, 10, None)
        display.over(0)
    assert screen.getvalue() in ("", "\n")
    assert not list(tmp_path.iterdir())


def test_who_cannot_see_the_place_as_on_another_disk_reports_to_nobody(tmp_path: Path) -> None:
    ProgressTable(tmp_path / "elsewhere").report(0)("SGD", 5, 10, None)
    assert not list(tmp_path.iterdir())


def test_a_report_is_written_no_more_often_than_it_is_looked_at(tmp_path: Path) -> None:
    rows = np.memmap(tmp_path / "rows", progress.ROW, "w+", shape=1)
    report, seen = ProgressTable(tmp_path / "rows").report(0), []
    for step in range(1, 1001):
        report("SGD", step, 1000, None)
        seen.append(int(rows["done"][0]))
    assert (seen[0], seen[-1]) == (1, 1000)
    assert len({*seen}) < 100
