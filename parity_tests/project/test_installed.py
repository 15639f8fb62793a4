"""The command that a wheel installs works in a folder with packages of the same names in it."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
THEIRS = 'raise ImportError("these are the packages of somebody else")\n'
CANDIDATE = """\
from beside import LR


class MySGD:
    def __init__(self, lr=LR):
        self.lr = lr

    def update(self, params, grads):
        for name, g in grads.items():
            params[name] -= self.lr * g
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``pip install --target`` makes it of the wheel."""
    folder = tmp_path_factory.mktemp("site")
    built = WheelBuilder(str(ROOT)).build(directory=str(folder / "dist"), versions=["standard"])
    with zipfile.ZipFile(next(built)) as wheel:
        wheel.extractall(folder)
    (metadata,) = folder.glob("*.dist-info")
    entries = PathDistribution(metadata).entry_points
    (entry,) = entries.select(group="console_scripts", name="lockstep")
    (folder / "bin").mkdir()
    (folder / "bin" / "lockstep").write_text(
        f"import sys\nfrom {entry.module} import {entry.attr}\n"
        f"if __name__ == '__main__':\n    sys.exit({entry.attr}())\n"
    )
    return folder


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder with packages of all our names, which cannot be imported."""
    for name in ("experiments", "scratch", "torch_ref"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(THEIRS)
    return tmp_path


def lockstep(site: Path, folder: Path, *arguments: str) -> str:
    """Run the command in ``folder``, where Python would look first, and give what it printed."""
    done = subprocess.run(
        [sys.executable, site / "bin" / "lockstep", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{os.pathsep}{site}"},  # '' is the current folder
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_experiment_runs(site: Path, theirs: Path) -> None:
    lockstep(site, theirs, "run", "surface", "--backend", "scratch")
    assert (theirs / "results/surface/figure.png").stat().st_size > 0


@pytest.mark.slow
def test_processes_side_by_side_run(site: Path, theirs: Path) -> None:
    options = ("--quick", "--seeds", "4", "--processes", "2")
    lockstep(site, theirs, "run", "batchnorm-effect", "--backend", "scratch", *options)
    assert (theirs / "results/batchnorm-effect/result.json").stat().st_size > 0


def test_a_candidate_is_checked_and_finds_what_is_beside_it(site: Path, theirs: Path) -> None:
    (theirs / "beside.py").write_text("LR = 0.1\n")
    (theirs / "my_sgd.py").write_text(CANDIDATE)
    assert "agrees" in lockstep(site, theirs, "check", "my_sgd.py:MySGD", "--against", "SGD")


def test_the_lesson_is_in_the_wheel(site: Path, theirs: Path) -> None:
    lockstep(site, theirs, "learn", "my-lesson", "--no-open")
    assert (theirs / "my-lesson" / "6.1.ipynb").stat().st_size > 10_000


def test_a_wheel_alone_asks_for_four_packages(site: Path) -> None:
    """What a check needs; torch, plots, the page and the tests are asked for by an extra."""
    (metadata,) = site.glob("*.dist-info")
    asked = PathDistribution(metadata).requires or []
    alone = {re.split(r"[<>=]", each)[0] for each in asked if "extra ==" not in each}
    assert alone == {"numpy", "rich", "safetensors", "typer"}


def test_pypi_shows_the_readme_without_what_lies_beside_it(site: Path) -> None:
    (metadata,) = site.glob("*.dist-info")
    described = PathDistribution(metadata).metadata
    assert described["Description-Content-Type"] == "text/markdown"
    text = described.get_payload()
    headings = re.findall(r"^## .*", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert [*re.findall(r"^## .*", text, re.M)] == [h for h in headings if "How close" not in h]
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert "https://arxiv.org/abs/1412.6980" in targets
    assert all(target.startswith("https://") for target in targets)
    assert not re.search(r"!\[|\$\$|<!--|pip install '?\.", text)
    assert "\npip install lockstep-scratch " in text


def test_a_wheel_says_that_it_is_typed(site: Path) -> None:
    assert (site / "scratch/py.typed").exists()
    assert (site / "torch_ref/py.typed").exists()
