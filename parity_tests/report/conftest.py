"""A results folder, made once."""

import shutil
from pathlib import Path

import pytest

from experiments.data import Dataset
from parity_tests.report import report_results


@pytest.fixture(scope="session")
def whole_results(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """A results folder with everything in it, not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    report_results.write_all(folder, mnist)
    return folder


@pytest.fixture
def folder(whole_results: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(whole_results, tmp_path / "results")
