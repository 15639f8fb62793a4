"""The README says what is so."""

import re
from pathlib import Path

import pytest

from experiments.report import listing
from parity_tests import readme_tables

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", readme_tables.LANGUAGES)
def test_its_tables_are_what_the_command_prints(name: str) -> None:
    text = (readme_tables.ROOT / name).read_text(encoding="utf-8")
    assert all(f"lockstep list: {table} -->" in text for table in listing.as_markdown())
    assert text == readme_tables.filled(name), "make texts puts them in"


def run(mention: str) -> dict[str, object]:
    """The names that the README's first block of Python with ``mention`` in it makes."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, object] = {}
    exec(compile(next(b for b in blocks if mention in b), "README.md", "exec"), names)
    return names


def test_its_training_loop_runs_and_learns(capsys: pytest.CaptureFixture[str]) -> None:
    run("load_mnist")
    assert float(capsys.readouterr().out.rstrip("%\n")) > 90


def test_its_tour_runs_and_what_is_loaded_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = run("checkpoint.save")
    first, second = names["optimizer"], names["other"]
    assert second.groups == first.groups
    assert second.lr == first.lr == pytest.approx(0, abs=1e-9)  # the cosine has come down
    assert {state["step"] for state in second.state.values()} == {100}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "parity_tests/README.md"])
def test_pictures_and_links_are_there(name: str) -> None:
    page = readme_tables.ROOT / name
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
