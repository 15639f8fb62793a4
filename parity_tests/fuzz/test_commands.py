r"""Any arguments at all for the command line: no traceback, no work begun, no control characters.

Where a command would begin to compute, it is stopped: what is tried here is all that comes before.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import experiments
from experiments import cli
from experiments.bench import runner as bench_runner
from experiments.engine import runner, terminal
from experiments.parity import run as parity_run
from experiments.report import page
from experiments.sweep import sweep
from parity_tests.command_line import lockstep
from torch_ref.lockstep import check, golden

COMMANDS: dict[str, Any] = typer.main.get_command(cli.app).commands
ESCAPE = "\x1b[31m[bold]\x9b"
WORDS = ("", "0", "-1", "1", "2", "nan", "inf", "1e400", "99999999999999999999", "1:2:3log", "he,x")
WORDS += (
    "1e-4:1:13log",
    "1:2:9999lin",
    "on,on",
    "sgd",
    "Adam",
    "all",
    "surface",
    "mnist",
    "kmnist",
)
WORDS += ("cpu", "cuda", "both", "lr=0.1", "lr=", "=", "__import__('os')", "../..", "/dev/null")
WORDS += (ESCAPE, "a\0b", "\udcff\udcfe", "x" * 5000, "[/]", "--", "-", "--help", "%s", "\u202e")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
words = st.sampled_from(WORDS) | st.text(max_size=8)


class Begun(Exception):
    """The command's checks are done, and it begins to work."""


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    def begin(*args: object, **options: object) -> None:
        raise Begun("it began")

    for module, name in (
        *(
            (runner, "run_all"),
            (runner, "fitting"),
            (sweep, "sweep"),
            (check, "check"),
            (bench_runner, "run"),
        ),
        *((golden, "write_golden"), (golden, "verify"), (parity_run, "measure"), (page, "write")),
    ):
        monkeypatch.setattr(module, name, begin)
    monkeypatch.chdir(tmp_path)
    yield
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its own options, and values of all kinds, and some words more."""
    name = draw(st.sampled_from([*COMMANDS, "rum"]))
    line = [name]
    own = (
        [p for p in COMMANDS[name].params if p.param_type_name == "option"] if name != "rum" else []
    )
    for option in draw(st.lists(st.sampled_from(own), max_size=4)) if own else []:
        line.append(draw(st.sampled_from(option.opts)))
        if not option.is_flag:
            line.append(draw(words))
    return line + draw(st.lists(words, max_size=2))


@given(line=command_lines())
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_command_line_has_an_exit_code_and_no_traceback(no_work: None, line: list[str]) -> None:
    result = lockstep(*line)
    assert result.exception is None or isinstance(result.exception, SystemExit), line
    assert result.exit_code in (0, 1, 2, 130), line
    assert "Traceback" not in result.output or "--debug" in line
    if result.exit_code == 1:  # all that is left to fail is the work itself
        assert "it began" in result.output or "cannot be written" in result.output, line
    assert not CONTROL.search(result.output), line


#: What each command needs to begin.
ENOUGH = {"run": ["surface"], "golden": ["Adam"], "verify": ["a", "b"]}
ENOUGH["check"] = ["a.py:A", "--against", "Adam"]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "list"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_failure_has_one_message_and_with_debug_its_traceback(
    name: str, debug: bool, no_work: None
) -> None:
    result = lockstep(name, *ENOUGH.get(name, []), *(["--debug"] if debug else []))
    assert result.exit_code == (2 if name in ("check", "verify") else 1)
    assert "Error: Begun: it began; --debug shows where" in " ".join(result.stderr.split())
    assert ("Traceback" in result.output) is debug


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "surface", "--seeds", "1000001"], "must be at most 1,000,000, got 1,000,001"),
        (["sweep", "--seeds", "100000"], "117,000,000 runs, allowed are 1,000,000"),
        (["run", "surface", "--out", "a\0b"], "null byte"),
        (["golden", "Adam", "--out", "a\0b"], "null byte"),
        (["bench", "--out", "."], "must be a file, got the folder ."),
        (["check", "a.py:A", "--against", "Adam", "--seconds", "inf"], "--seconds"),
        (["run", "surface", "--checkpoint-every", "nan"], "must be seconds, 0 or more, got nan"),
        (["sweep", "--checkpoint-every", "-1"], "must be seconds, 0 or more, got -1.0"),
        (["golden", "Admm"], "NAME: there is no golden file for 'Admm'; did you mean"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(
    arguments: list[str], message: str, no_work: None
) -> None:
    result = lockstep(*arguments)
    assert result.exit_code == 2, result.output
    assert message in " ".join(re.sub("[│╭╮╰╯─]", " ", result.output).split())


@pytest.mark.parametrize("name", ["run", "sweep", "golden", "parity", "report", "bench"])
def test_a_file_where_a_folder_must_be_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for out, it in ((file, "it"), (file / "inner", str(file))):
        inner = out / "bench.json" if name == "bench" else out
        result = lockstep(name, *ENOUGH.get(name, []), "--out", str(inner))
        said = " ".join(result.stderr.split())
        assert result.exit_code == 1
        assert f"{it if name != 'golden' else file} is a file, not a folder" in said
    assert not file.read_bytes()


def test_a_long_name_is_refused_in_a_short_message(tmp_path: Path) -> None:
    result = lockstep("run", "surface", "--out", str(tmp_path / ("x" * 5000)))
    assert result.exit_code == 1
    assert "cannot be written: File name too long" in " ".join(result.stderr.split())
    assert len(result.stderr) < 700


def test_what_a_terminal_would_obey_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / ESCAPE
    result = lockstep("run", "surface", "--quick", "--backend", "scratch", "--out", str(folder))
    assert result.exit_code == 0, result.output
    assert r"\x1b[31m[bold]\x9b" in result.output
    assert (folder / "surface" / "result.json").exists()
    assert terminal.as_json({"a": "\x9b"}) == '{\n  "a": "\\u009b"\n}'


def test_an_error_of_an_experiment_is_shown_and_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        raise RuntimeError(f"{ESCAPE} broke [/]")

    monkeypatch.setattr(experiments, "load", load)
    result = lockstep("run", "surface", "--backend", "scratch", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert r"\x1b[31m[bold]\x9b broke [/]" in result.output
