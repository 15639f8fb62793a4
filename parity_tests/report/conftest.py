"""A results folder, made once, and a page that is made quickly."""

import shutil
from pathlib import Path

import pytest

from experiments.data import Dataset
from experiments.report import explorer, lab, page
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


@pytest.fixture(scope="session")
def explorer_and_lab() -> tuple[dict, dict]:
    return explorer.as_dict(), lab.as_dict(report_results.LAB)


@pytest.fixture
def quickly(explorer_and_lab: tuple[dict, dict], monkeypatch: pytest.MonkeyPatch) -> None:
    """The explorer and the lab, which no results change, are made once for all pages."""
    monkeypatch.setattr(page.explorer, "as_dict", lambda: explorer_and_lab[0])
    monkeypatch.setattr(page.lab, "as_dict", lambda size: explorer_and_lab[1])
