"""Pretended processors: what is asked for, what cannot be, and what the tests gave on each."""

import io
import platform
from pathlib import Path

import pytest
from rich.console import Console

from parity_tests import portable
from parity_tests.portable import Outcome, Processor, each_switch, whole


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(portable, "FEATURES", ("X86_V3", "X86_V4"))
    build = {"SIMD Extensions": {}, "Build Dependencies": {"blas": {"name": "scipy-openblas"}}}
    monkeypatch.setattr(portable, "_BUILD", build)


@pytest.mark.usefixtures("everything")
def test_a_processor_with_everything_can_pretend_all() -> None:
    asked = [p for p in (*whole(), *each_switch()) if "" not in p.variables.values()]
    assert {p.obstacle() for p in asked} == {None}


@pytest.mark.usefixtures("everything")
def test_what_cannot_be_pretended_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    newest = Processor("", {"OPENBLAS_CORETYPE": "SkylakeX"})
    monkeypatch.setattr(portable, "FEATURES", ("AVX2", "FMA3"))
    assert newest.obstacle() == "this processor has no AVX-512"
    monkeypatch.setattr(portable, "FEATURES", ())
    assert Processor("", portable.AVX2).obstacle() == "this processor has no AVX2"
    assert Processor("", {"NPY_DISABLE_CPU_FEATURES": ""}).obstacle().startswith("NumPy has noth")
    monkeypatch.setitem(portable._BUILD, "Build Dependencies", {"blas": {"name": "accelerate"}})
    assert newest.obstacle() == "NumPy's BLAS is accelerate"
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert newest.obstacle() == "the variable is for x86-64, this is arm64"
    assert Processor("", {}, (2, 2, 2)).obstacle() is None


def test_the_tests_run_on_the_pretended_processor_and_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test_here.py").write_text(
        "import os, pytest\n"
        "pytestmark = pytest.mark.arithmetic\n"
        "def test_switch(): assert os.environ['ATEN_CPU_CAPABILITY'] == 'default'\n"
        "def test_threads(): assert os.environ['OPENBLAS_NUM_THREADS'] == '2'\n"
        "def test_wrong(): assert os.environ['OMP_NUM_THREADS'] == '2'\n"
        "def test_recorded(record_property): record_property('distance', 0)\n"
        "def test_skipped(): pytest.skip()\n"
        "@pytest.mark.slow\n"
        "def test_slow(): assert False\n"
    )
    pretended = Processor("", {"ATEN_CPU_CAPABILITY": "default"}, (1, 1, 2))
    outcome = portable.run(pretended, "arithmetic and not slow", [str(tmp_path)])
    assert (outcome.tests, outcome.skipped) == (4, 1)
    assert [name.rpartition("::")[2] for name in outcome.failed] == ["test_wrong"]


def test_a_run_without_an_outcome_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)did not run on 'mine': .*--nothing"):
        portable.run(Processor("mine", {}), "arithmetic", ["--nothing"])


def test_the_table_has_a_row_for_each() -> None:
    console = Console(width=100, file=io.StringIO(), record=True)
    ran, not_run = Processor("this one", {}), Processor("that one", {})
    console.print(portable.table([(ran, Outcome(1234, ["a"], 5, 67.8)), (not_run, "no AVX-512")]))
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["this", "one", "1,234", "1", "5", "68"] in rows
    assert ["that", "one:", "not", "run,", "no", "AVX-512"] in rows
