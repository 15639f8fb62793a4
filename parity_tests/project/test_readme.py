"""The README and the documentation say what is so."""

import re
from pathlib import Path

import pytest
import typer

from experiments import cli
from experiments.report import listing
from parity_tests import readme_tables, readme_types
from parity_tests.readme_tables import DOCS, ENGLISH_OF, PAGES, ROOT

COMMANDS = typer.main.get_command(cli.app).commands
README = ROOT / "README.md"
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("language", ["english", "korean"])
def test_the_tables_are_what_the_command_prints(language: str) -> None:
    pages = [page for page in PAGES if (page in ENGLISH_OF) == (language == "korean")]
    found = [page for page in pages if readme_tables.marks(page)]
    assert {name for page in found for name in readme_tables.marks(page)} == {
        *listing.as_markdown()
    }
    for page in found:
        text = page.read_text(encoding="utf-8")
        assert text == readme_tables.filled(page), "make texts puts them in"


def run(page: Path, mention: str) -> dict[str, object]:
    """The names that the first block of Python with ``mention`` in it makes."""
    blocks = readme_types.examples(page.read_text(encoding="utf-8")).values()
    names: dict[str, object] = {}
    exec(compile(next(b for b in blocks if mention in b), page.name, "exec"), names)
    return names


def test_its_training_loop_runs_and_learns(capsys: pytest.CaptureFixture[str]) -> None:
    run(README, "load_mnist")
    assert float(capsys.readouterr().out.rstrip("%\n")) > 90


def test_the_tour_runs_and_what_is_loaded_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = run(DOCS / "library.md", "checkpoint.save")
    first, second = names["optimizer"], names["other"]
    assert second.groups == first.groups
    assert second.lr == first.lr == pytest.approx(0, abs=1e-9)  # the cosine has come down
    assert {state["step"] for state in second.state.values()} == {100}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_are_there_with_their_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)).replace("\\\n", "")
    for name, rest in re.findall(r"^lockstep (\w+)(.*)", blocks, re.M):
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert {*re.findall(r"(?<=\s)--[\w-]+", rest)} <= known
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(r"^make ([\w-]+)", blocks, re.M):
        assert re.search(rf"^{name}:", targets, re.M), name


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "parity_tests" / "README.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_pictures_and_links_are_there(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_it_is_read_in_two_minutes() -> None:
    for name in ("README.md", "README.ko.md"):
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 200
