r"""What is typed: any arguments at all, and those that cannot be meant.

No traceback, no work begun, no control characters. Where a command would begin to compute on
arguments that are invented, it is stopped.
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
from experiments import bench, cli
from experiments.bench import runner as bench_runner
from experiments.cli import options
from experiments.engine import runner, terminal, units
from experiments.lesson import files as lesson_files
from experiments.parity import run as parity_run
from experiments.report import page
from experiments.survey import run as surveying
from experiments.sweep import sweep
from parity_tests.command_line import lockstep, run_python
from torch_ref import registry
from torch_ref.lockstep import check, golden

COMMANDS: dict[str, Any] = typer.main.get_command(cli.app).commands
ESCAPE = "\x1b[31m[bold]\x9b"
WORDS = ("", "0", "-1", "1", "2", "nan", "inf", "1e400", "99999999999999999999", "1:2:3log", "he,x")
WORDS += ("1e-4:1:13log", "1:2:9999lin", "on,on", "sgd", "Adam", "all", "surface", "mnist")
WORDS += (
    "kmnist",
    "cpu",
    "cuda",
    "both",
    "lr=0.1",
    "lr=",
    "=",
    "__import__('os')",
    "../..",
    "/dev/null",
)
WORDS += (
    "/dev/null",
    ESCAPE,
    "a\0b",
    "\udcff\udcfe",
    "x" * 5000,
    "[/]",
    "--",
    "-",
    "--help",
    "%s",
    "\u202e",
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
words = st.sampled_from(WORDS) | st.text(max_size=8)


class Begun(Exception):
    """The command's checks are done, and it begins to work."""


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    def begin(*args: object, **options: object) -> None:
        raise Begun("it began")

    begins = [(runner, "run_all"), (runner, "fitting"), (sweep, "sweep"), (check, "check")]
    begins += [
        (bench_runner, "run"),
        (golden, "write_golden"),
        (golden, "verify"),
        (surveying, "survey"),
        (lesson_files, "copy"),
        (lesson_files, "marked"),
    ]
    begins += [(parity_run, "measure"), (page, "write"), (cli.check, "write_example")]
    for module, name in begins:
        monkeypatch.setattr(module, name, begin)
    monkeypatch.chdir(tmp_path)
    yield
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its own options, and values of all kinds, and some words more."""
    name = draw(st.sampled_from([*COMMANDS, "rum"]))
    line = [name]
    params = COMMANDS[name].params if name in COMMANDS else []
    own = [param for param in params if param.param_type_name == "option"]
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
    ("line", "message"),
    [
        ("run optimiser-paths", "did you mean 'optimizer-paths'?"),
        ("run xyz", "is not one of surface, optimizer-paths"),
        ("run all surfac", "did you mean 'surface'?"),
        ("run", "Missing argument"),
        ("rum", "No such command 'rum'"),
        ("report --uot x", "No such option: --uot"),
        ("parity surplus", "(surplus)"),
        ("run surface --backend jax", "is not one of scratch, torch, both"),
        ("run surface --device tpu", "device must be auto or one of"),
        ("bench --device abacus", "device must be auto or one of"),
        ("bench --only stackd", f"one of {', '.join(bench.NAMES)}; did you mean 'stacked'?"),
        ("run surface --dataset mnits", "did you mean 'mnist'?"),
        ("run surface --memory -1", "must be gigabytes, above 0 and below a million, got '-1'"),
        ("run surface --memory lots", "--memory: must be gigabytes, above 0 and below a million"),
        ("run surface --seeds 0", "must be a whole number from 1 to 1,000,000, got '0'"),
        ("run surface --seeds 1000001", "from 1 to 1,000,000, got '1000001'"),
        (
            "run surface --seeds abc",
            "--seeds: must be a whole number from 1 to 1,000,000, got 'abc'",
        ),
        (
            "run surface --processes 0",
            "--processes: must be a whole number from 1 to 1,024, got '0'",
        ),
        (
            "check a.py:A --steps -5",
            "--steps: must be a whole number from 1 to 1,000,000, got '-5'",
        ),
        (
            f"sweep --iterations {10**30}",
            "--iterations: must be a whole number from 1 to 1,000,000,",
        ),
        ("run surface --out ", "--out: must be a folder, got ''; a dot is the current one"),
        ("list xyz", "WORD: nothing has 'xyz' in it"),
        ("sweep --seeds 100000", "117,000,000 runs, allowed are 1,000,000"),
        ("sweep --lr 1:2", "neither a number nor a range"),
        ("run surface --checkpoint-every nan", "must be seconds, 0 or more, got 'nan'"),
        ("sweep --checkpoint-every -1", "must be seconds, 0 or more, got '-1'"),
        ("check a.py:A --against Adam --seconds inf", "--seconds"),
        ("run surface --out a\0b", "null byte"),
        ("golden Adam --out a\0b", "null byte"),
        ("golden Admm", "NAME: there is no golden file for 'Admm'; did you mean"),
        ("golden", "give the name of one optimizer, or --all"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(
    line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = lockstep(*line.split(" "))
    assert result.exit_code == 2, result.output
    assert message in " ".join(re.sub("[│╭╮╰╯─]", " ", result.output).split())
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["run", "sweep", "golden", "parity", "report", "bench"])
def test_a_file_where_a_folder_must_be_is_named_before_any_training(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "run", lambda *_: pytest.fail("it was begun"))
    file = tmp_path / "file"
    file.touch()
    for out, it in ((file, "it"), (file / "inner", str(file))):
        result = lockstep(name, *ENOUGH.get(name, []), "--out", str(out))
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


@pytest.mark.parametrize("while_it", ["one_of", "described"])
def test_ctrl_c_before_the_first_experiment_is_no_traceback(
    while_it: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(options, while_it, interrupted)
    result = lockstep("run", "surface", "--out", tmp_path)
    assert result.exit_code == 130
    assert isinstance(result.exception, SystemExit)


def test_the_list_names_every_experiment_and_every_pair() -> None:
    output = lockstep("list").output
    for name in (*experiments.NAMES, *registry.OPTIMIZERS, *registry.INITIALIZERS):
        assert name in output


@pytest.mark.parametrize("arguments", [("list",), ("run", "--help"), ("run", "surface")])
def test_a_terminal_that_knows_only_ascii_is_no_failure(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code = "import sys; from experiments import cli; sys.argv[0] = 'lockstep'; cli.main()"
    options = ("--backend", "scratch", "--out", str(tmp_path)) if "surface" in arguments else ()
    done = run_python(code, *arguments, *options, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "surface" in done.stdout or "NAME" in done.stdout
