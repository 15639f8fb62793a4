"""Whatever a candidate does, the verdict is one of three, in JSON and in the exit status."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from parity_tests.command_line import lockstep
from parity_tests.harness.hostile import AGAINST, CANNOT_RUN, CASES, DONE, PIECES, SLOW, source
from torch_ref.lockstep.check import check

ALL = [*CASES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


@pytest.mark.parametrize("name", ALL)
def test_the_verdict_on_a_hostile_candidate(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where, code, status, said = (CASES | SLOW)[name]
    (file := tmp_path / "mine.py").write_text(source(where, code))
    options = ("Adam", "--steps", "5", "--seconds", "1" if name in SLOW else "20")
    _told(f"{file}:Adam", options, status, said)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", AGAINST)
def test_the_verdict_on_a_hostile_schedule_initializer_clipping_or_layer(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, (code, (status, said)) in enumerate(DONE.items()):
        file = tmp_path / f"mine{number}.py"
        file.write_text(f"{PIECES}def hostile():\n    {code}\n")
        _told(f"{file}:{name}", AGAINST[name], status, said)
    assert capfd.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", AGAINST)
def test_the_time_limit_of_a_hostile_one(name: str, tmp_path: Path) -> None:
    hostile = "def hostile():\n    while True:\n        try: time.sleep(99)\n        except: pass\n"
    (file := tmp_path / "mine.py").write_text(PIECES + hostile)
    said = "not done within the time limit of 1 s, at"
    _told(f"{file}:{name}", (*AGAINST[name], "--seconds", "1"), CANNOT_RUN, said)


@pytest.mark.slow
def test_where_no_copy_of_the_process_is_sound_it_is_a_new_python(tmp_path: Path) -> None:
    said = {}
    for name in ("right", "exit_0", "segmentation_fault", "hang"):
        where, code, *_ = (CASES | SLOW)[name]
        (file := tmp_path / f"{name}.py").write_text(source(where, code))
        with ThreadPoolExecutor(1) as beside:
            verdict = beside.submit(check, f"{file}:Adam", "Adam", steps=5, seconds=2)
            said[name] = (
                str(verdict.exception()) if verdict.exception() else verdict.result().agrees
            )
    assert said["right"] is True
    assert said["exit_0"] == "Adam: step 3: it ended with exit status 0"
    assert ":12: ctypes.string_at(0)" in said["segmentation_fault"]
    assert ":12: while True: pass" in said["hang"]


def _told(candidate: str, options: tuple[str, ...], status: int, said: str) -> None:
    """Assert the exit status, that the output is JSON, and a part of what it says."""
    result = lockstep("check", candidate, "--against", *options, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == status, found
    assert ("error" in found) == (status == CANNOT_RUN), found
    assert said in json.dumps(found), found
