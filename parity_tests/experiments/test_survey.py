"""The survey of the packages: its table, and what is committed, held against a fresh run."""

from pathlib import Path

import pytest

import experiments
from experiments.survey import report
from experiments.survey.run import DIFFERS, REFUSED, Surveyed, check_row
from experiments.survey.table import rows
from parity_tests.frameworks import needs
from torch_ref.lockstep.candidates.reference import find
from torch_ref.lockstep.candidates.settings import parse

DOCS = Path(experiments.__file__).parent / "docs"
VERSIONS, COMMITTED = report.of_json((DOCS / "survey.json").read_text(encoding="utf-8"))
BY_ROW = {(each.name, each.against, each.settings): each for each in COMMITTED}
#: Of each kind and of several packages, what takes little time.
SAMPLE = {
    "optax": ("optax.sgd", "optax.exponential_decay", "optax.rprop"),
    "mlx": ("mlx.optimizers.Adam", "mlx.nn.GroupNorm", "mlx.nn.init.he_normal"),
    "flax": ("flax.linen.BatchNorm",),
    "timm": ("timm.optim.SGDW", "timm.scheduler.MultiStepLRScheduler"),
    "transformers": ("transformers.get_constant_schedule_with_warmup",),
    "lion_pytorch": ("lion_pytorch.Lion",),
}


def test_every_row_names_something_that_there_is_a_check_for() -> None:
    for _, row in rows():
        assert find(row.against).kind
        parse(row.settings)


def test_the_committed_results_are_of_the_table_and_the_page_is_of_them() -> None:
    assert list(BY_ROW) == [tuple(row) for _, row in rows()]
    page = (DOCS / "survey.md").read_text(encoding="utf-8")
    assert page == report.as_markdown(COMMITTED, VERSIONS)
    assert all(each.said for each in COMMITTED if each.verdict in (DIFFERS, REFUSED))


def test_what_is_written_is_read_again() -> None:
    one = Surveyed("Optimizers", "a.b", "Adam", ("lr=0.1",), "1.0", REFUSED, said="why | not")
    assert report.of_json(report.as_json([one])) == (report.versions(), [one])
    assert "why / not" in report.as_markdown([one], report.versions())


#: These take a moment, and are of every kind.
AT_ONCE = ("mlx", "timm")


@pytest.mark.parametrize(
    "package",
    [
        pytest.param(name, marks=[needs(name), *([] if name in AT_ONCE else [pytest.mark.slow])])
        for name in SAMPLE
    ],
    ids=SAMPLE,
)
def test_a_fresh_run_says_what_is_committed(package: str) -> None:
    for kind, row in rows():
        if row.name in SAMPLE[package]:
            before, now = BY_ROW[tuple(row)], check_row(kind, row)
            if before.version != now.version:
                pytest.skip(f"{package} {before.version} was surveyed, this is {now.version}")
            assert (now.verdict, now.causes) == (before.verdict, before.causes), row
