"""Whatever a candidate does, the verdict is one of three, in JSON and in the exit status."""

import json
from pathlib import Path

import pytest

from parity_tests.command_line import lockstep
from parity_tests.harness.hostile import CANNOT_RUN, CASES, SLOW, source

ALL = [*CASES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


@pytest.mark.parametrize("name", ALL)
def test_the_verdict_on_a_hostile_candidate(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where, code, status, said = (CASES | SLOW)[name]
    (file := tmp_path / "mine.py").write_text(source(where, code))
    options = ("--against", "Adam", "--steps", "5", "--seconds", "1" if name in SLOW else "20")
    result = lockstep("check", f"{file}:Adam", *options, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == status, found
    assert ("error" in found) == (status == CANNOT_RUN), found
    assert said in json.dumps(found)
    assert capfd.readouterr().out == ""
