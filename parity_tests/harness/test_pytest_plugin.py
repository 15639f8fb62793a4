"""The pytest plugin, in a run of pytest of its own."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = """
import sys

from scratch.optim import Adam


def test_torch_is_not_imported_before_it_is_needed():
    assert "torch" not in sys.modules


def test_agrees(lockstep):
    outcome = lockstep(Adam(lr=1e-3), "Adam", lr=1e-3)
    assert outcome.agrees
    assert outcome.steps == 200


def test_a_class_is_made_with_the_settings(lockstep):
    import torch

    lockstep(Adam, torch.optim.Adam, lr=0.5, betas=(0.5, 0.9), dtype="float32", steps=20)


def test_diverges(lockstep):
    lockstep(Adam(eps=1e-3), "Adam")


def test_raises(lockstep):
    class Broken:
        def update(self, params, grads):
            self.nothing  # its own line

    lockstep(Broken(), "Adam")
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints on a file whose tests use the fixture."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_mine.py").write_text(SOURCE, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--tb=short"]
    result = subprocess.run(
        [*command, "-p", "torch_ref.pytest_plugin", "test_mine.py"],
        cwd=folder,
        # Where the package is installed, its entry point loads the plugin under another name, and
        # pytest refuses to have it twice.
        env={
            **os.environ,
            "PYTHONPATH": root,
            "PYTEST_ADDOPTS": "",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return result.stdout + result.stderr


def test_pytest_starts_without_torch(output: str) -> None:
    assert "PASSED test_mine.py::test_torch_is_not_imported_before_it_is_needed" in output


def test_an_optimizer_that_agrees_passes(output: str) -> None:
    assert "PASSED test_mine.py::test_agrees" in output
    assert "PASSED test_mine.py::test_a_class_is_made_with_the_settings" in output


def test_one_that_diverges_fails_with_the_place(output: str) -> None:
    assert "FAILED test_mine.py::test_diverges" in output
    assert "AssertionError: Adam diverges from torch.optim.Adam" in output
    assert "at step 1, w0[" in output


def test_one_that_raises_fails_with_its_own_line(output: str) -> None:
    assert "FAILED test_mine.py::test_raises" in output
    assert "step 1 raised AttributeError" in output
    assert "self.nothing  # its own line" in output


def test_the_package_declares_the_plugin_that_is_there() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    (module,) = project["project"]["entry-points"]["pytest11"].values()
    assert callable(import_module(module).lockstep)
