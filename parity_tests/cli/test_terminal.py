"""What a terminal shows: whole words at any width, help with examples, and a summary at the end."""

import io
import os
import shlex
import subprocess
import sys
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console

from experiments import cli
from experiments.cli import ending, help, options
from experiments.engine import telling, terminal, units
from experiments.engine.measurements import Measurements, parting
from experiments.engine.texts import Text
from experiments.report import page
from experiments.report.results import Unreadable
from parity_tests.command_line import ROOT, lockstep, run_python, run_without

GROUP: Any = typer.main.get_command(cli.app)
WIDTHS = (60, 80, 120)
ESCAPE = "\x1b]52;c;aGk=\x07\x1b[2J\u202e[bold]"


def test_help_has_whole_words_at_any_width_and_every_option_has_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, command in {"": GROUP, **GROUP.commands}.items():
        shown = {}
        for width in WIDTHS:
            monkeypatch.setattr(ending.console, "width", width)
            shown[width] = lockstep(*name.split(), "--help").output
            for line in shown[width].splitlines():
                assert len(line) <= width or len(line.split()) <= 2, (name, width, line)
        words = {width: text.split() for width, text in shown.items()}
        assert words[60] == words[80] == words[120], name
        assert "<" not in shown[80], name  # <bool>, <path>, <int range>
        for param in command.params:
            assert param.help, (name, param.name)
            assert param.help.endswith("."), (name, param.help)
            assert getattr(param, "is_flag", False) or param.metavar, (name, param.name)
            assert all(word in words[80] for word in param.help.split()), (name, param.name)


def test_every_example_of_the_help_is_a_command_line_that_is_taken() -> None:
    for command in (GROUP, *GROUP.commands.values()):
        found = help.examples(command)
        assert found, command.name
        for line, about in found:
            program, name, *arguments = shlex.split(line)
            assert program == "lockstep"
            assert about, line
            GROUP.commands[name].make_context(name, arguments)  # refuses what it does not know


def test_one_option_means_the_same_in_every_command() -> None:
    seen: dict[str, Any] = {}
    for name, command in GROUP.commands.items():
        for param in command.params:
            if param.name in ("device", "debug", "dataset", "processes", "threads", "memory"):
                first = seen.setdefault(param.name, (param.help, param.metavar, param.default))
                assert first == (param.help, param.metavar, param.default), (name, param.name)
            if param.opts == ["--out"]:
                assert param.metavar == "FOLDER", name


def test_a_shell_completes_commands_and_options_and_the_version_is_told() -> None:
    command, env = [sys.executable, "-m", "experiments"], dict(os.environ)
    env |= {"_LOCKSTEP_COMPLETE": "complete_bash", "COMP_WORDS": "lockstep re", "COMP_CWORD": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.split() == ["report"], done.stderr
    assert lockstep("--version").output.startswith("lockstep ")


COMPLETED = """
import sys

import typer

from experiments import cli

for name, command in typer.main.get_command(cli.app).commands.items():
    command.make_context(name, [], resilient_parsing=True)
    assert "numpy" not in sys.modules, name
"""


def test_to_complete_a_line_no_command_imports_numpy() -> None:
    done = run_python(COMPLETED)
    assert done.returncode == 0, done.stderr


def test_a_terminal_of_no_columns_has_eighty() -> None:
    texts = [
        subprocess.run(
            [sys.executable, "-m", "experiments", "report", "--help"],
            cwd=ROOT,
            env=os.environ | {"COLUMNS": columns},
            capture_output=True,
            text=True,
        ).stdout
        for columns in ("0", "80")
    ]
    assert texts[0] == texts[1] != ""


RESULT: dict[str, Any] = {
    "experiment": "zero-init",
    "section": "6.2.1",
    "quick": False,
    "seconds": {"scratch": 1.0, "torch": 2.0},
    "backends": {"scratch": {}, "torch": {}},
    "claims": {
        name: [
            {
                "text": "from zeros, the units of a layer stay equal, whatever one does " * 2,
                "holds": held,
                "of": 2,
                "seeds": [{"seed": s, "holds": held > s, "measured": "by 0.1"} for s in range(2)],
            }
        ]
        for name, held in (("scratch", 2), ("torch", 1))
    },
    "distance": {"loss": 0.25, "accuracy": "inf", "std": 1e-8},
    "parting": {"metric": "loss", "run": "SGD", "x": 240.0, "first": 1e-7, "limit": 1e-3},
}


def test_a_result_is_told_in_whole_words_and_quick_settings_are_not_judged() -> None:
    for width in WIDTHS:
        console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
        telling.tell(console, RESULT)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        assert lines[1].startswith("  ✗ from zeros")
        assert all(line.startswith("    ") for line in lines[2:])  # further in
        text = " ".join(" ".join(lines).split())
        assert "(scratch 2/2, torch 1/2) torch, seed 1: by 0.1 scratch and torch agree" in text
        assert "agree in the loss of SGD to 1e-07 at first, and part at x = 240" in text
        assert "loss 25.0%, accuracy, where one side diverged" in text
        telling.tell(console, RESULT | {"quick": True})
        quick = console.file.getvalue()[sum(map(len, lines)) + len(lines) :]
        assert "its claim is not judged" in " ".join(quick.split())
        assert "✗" not in quick
    away = RESULT | {"parting": RESULT["parting"] | {"first": 0.5}}
    assert "differ in the loss of SGD from the first on" in telling.both_sides(away)


def test_where_two_sides_part_is_found() -> None:
    sides = [Measurements(), Measurements()]
    for side, losses in zip(sides, ([1, 1, 1, 1], [1, 1 + 1e-7, 1.5, 2]), strict=True):
        side.add("Adam", "loss", [0, 10, 20, 30], [[1, 1, 1, 1]])
        side.add("SGD", "loss", [0, 10, 20, 30], [losses])
    found = parting(*sides)
    assert (found.run, found.metric, found.x, found.first) == ("SGD", "loss", 20, 0)
    assert parting(sides[0], sides[0]) is None
    for side, last in zip(sides, (np.nan, 1.0), strict=True):
        side.add("SGD", "loss", [0, 1], [[1.0, last]])
    assert parting(*sides).x == 1  # one side alone diverged


@pytest.mark.usefixtures("undrawn")
def test_a_run_ends_with_its_claims_and_the_page_is_shown_if_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, out = [], tmp_path / ESCAPE
    found = SimpleNamespace(items=[Unreadable("sweep", "lockstep sweep", Text(ESCAPE))])
    monkeypatch.setattr(page, "write", lambda out, **_: (out / "report.html", found))
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    arguments = ("run", "SURFACE", "--backend", "Scratch", "--out", out)
    done = lockstep(*arguments)
    assert done.exit_code == 0, done.output
    assert "The one claim holds" in done.output
    assert "`lockstep report --open --out" in done.output
    for again in (arguments, ("report", "--out", out)):
        done = lockstep(*again, "--open")
        assert done.exit_code == 0, done.output
        assert "unreadable: sweep" in done.output
        assert not set(done.output) & set("\x1b\x07\u202e")
    assert opened == [(out / "report.html").resolve().as_uri()] * 2


def test_the_page_is_imported_without_torch() -> None:
    code = "import sys, experiments.report.page; assert 'torch' not in sys.modules"
    assert run_python(code).returncode == 0


@pytest.mark.slow  # it computes what the page shows
def test_the_page_is_written_without_torch(tmp_path: Path) -> None:
    assert "report.html" in run_without({"torch"}, "report", "--out", str(tmp_path)).stdout


def test_a_word_is_no_limit_of_a_number_and_a_limit_of_little_is_one() -> None:
    assert options._bytes("1e-10") == 1
    for read, text in ((options.whole(1, 9), "0x3"), (options._bytes, "nan")):
        with pytest.raises(typer.BadParameter, match=f"must be .*, got '{text}'"):
            read(text)
    assert [str(part) for part in terminal.wrapped("  ✓ 한국어 " + "x" * 9, 14)] == [
        "  ✓ 한국어",
        "    xxxxxxxxx",
    ]


def test_units_that_nobody_has_touched_for_a_month_go(tmp_path: Path) -> None:
    folders = [units.folder_of(tmp_path, "surface", name * 16) for name in "abc"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "one.safetensors").touch()
    for path in (folders[0], folders[0] / "one.safetensors"):
        os.utime(path, (0, 0))
    units.clear(folders[1])
    assert [folder.exists() for folder in folders] == [False, False, True]
