"""One thread a process, the table at the end, and which tests need a GPU."""

import importlib.util
import os
import urllib.error
import urllib.request
from collections.abc import Callable

# Before NumPy and torch are imported: the tests run side by side, one process a core.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest
import torch
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from experiments.data import Dataset, load_mnist
from parity_tests import frameworks

#: It is for the documentation, whose packages are not those of the tests.
collect_ignore = [] if importlib.util.find_spec("griffe") else ["docstrings.py"]

# A plugin of another package may have imported NumPy before.
threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]), "blas")

# So that a failing assertion in there shows its values, as in a test file.
pytest.register_assert_rewrite("parity_tests.helpers", "parity_tests.optimizer_helpers")

COLUMNS = ("pair", "dtype", "compared", "cases", "steps", "relative", "ULP", "error ÷ torch's")


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_mnist()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's figures are files of nothing: to draw them takes longer than all else it does."""
    from experiments.engine import runner

    monkeypatch.setattr(runner, "draw", lambda figure: None)
    monkeypatch.setattr(runner, "save", lambda figure, path: path.write_bytes(b""))


def pytest_report_header() -> str:
    return frameworks.header()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    frameworks.skip_what_is_missing(items)
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.arithmetic)
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA or MPS device; there is none"))


@pytest.fixture
def record_parity(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Put a distance into the table at the end of the session."""

    def record(
        pair: str,
        dtype: str,
        compared: str,
        steps: int,
        relative: float,
        ulp: float | None = None,
        errors: float = 0.0,
    ) -> None:
        ulp = None if ulp is None else float(ulp)  # plain numbers, that go from worker to session
        row = [pair, dtype, compared, steps, float(relative), ulp, float(errors)]
        record_property("parity", row)

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The largest distance of each pair, over all its cases."""
    rows: dict[tuple, list] = {}
    for status in ("passed", "failed"):
        for report in terminalreporter.stats.get(status, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == "parity":
                    rows.setdefault((value[2], value[1], value[0]), []).append(value[3:])
    if not rows:
        return
    table = Table(title="Parity: the largest distance from torch", title_justify="left", box=None)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:3] else "right")
    for (compared, dtype, pair), values in sorted(rows.items(), key=lambda row: row[0][:2]):
        steps, relative, errors = (max(value[i] for value in values) for i in (0, 1, 3))
        ulp = None if values[0][2] is None else max(value[2] for value in values)
        shown = (f"{steps:,}", f"{relative:.1e}", "" if ulp is None else f"{ulp:,.0f}")
        shown += (f"{errors:.1f}" if errors else "",)
        table.add_row(pair, dtype, compared, str(len(values)), *shown)
    terminalreporter.ensure_newline()
    Console(width=120).print(table)
