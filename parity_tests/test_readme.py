"""The README says what is so."""

import re
from pathlib import Path

import pytest

from experiments import listing

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_its_tables_are_what_the_command_prints() -> None:
    for table in listing.as_markdown().split("\n\n"):
        assert table.strip() in README


def test_its_training_loop_runs_and_learns(capsys: pytest.CaptureFixture[str]) -> None:
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.S) if "for" in block
    )
    exec(compile(code, "README.md", "exec"), {})
    assert float(capsys.readouterr().out.rstrip("%\n")) > 90


def test_its_pictures_and_links_are_there() -> None:
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
