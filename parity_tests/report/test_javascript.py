"""The page's optimizers and schedules in JavaScript do what PyTorch's do."""

from pathlib import Path

import pytest

from experiments.report import javascript
from parity_tests import javascript_page
from parity_tests.report.javascript import ASSETS, compared, needs_node

ROUNDING = 1e-13


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@needs_node
@pytest.mark.arithmetic
def test_every_optimizer_and_schedule_agrees_with_torchs_golden_file(folder: Path) -> None:
    optimizers, schedules = compared(folder)
    said = javascript.proof()
    assert optimizers.keys() == said["optimizers"].keys()
    assert schedules.keys() == said["schedules"].keys() == javascript.SCHEDULED.keys()
    for name, found in optimizers.items():
        assert found.verification.agrees, str(found.verification)
        assert found.worst.relative <= ROUNDING, name
        compared_quantities = {
            q for result in found.verification.results for _, q in result.report.drifts
        }
        assert "parameter" in compared_quantities
        # What the page says was measured on one processor; torch's kernels round by it.
        assert found.worst.ulp <= 2 * said["optimizers"][name]["ulp"] + 8, name
    assert all(worst.relative <= ROUNDING for worst in schedules.values())


@needs_node
def test_another_rate_is_found_in_every_one_of_them(folder: Path) -> None:
    optimizers, _ = compared(folder, changes={"lr": 0.123})
    assert [name for name, found in optimizers.items() if found.verification.agrees] == []


def test_there_is_a_module_for_each_and_no_other() -> None:
    shared = {"moments", "regularized"}
    optimizers = {javascript.module_of(name) for name in javascript.optimizers()}
    assert {path.stem for path in (ASSETS / "optim").iterdir()} == optimizers | shared
    schedules = {javascript.module_of(name) for name in javascript.SCHEDULED}
    assert {path.stem for path in (ASSETS / "schedule").iterdir()} == schedules


def test_bounds_are_what_the_settings_checks_take() -> None:
    adam = javascript.described(javascript.optimizers()["Adam"])
    assert adam["bounds"]["betas"] == [[0, 1], [0, 1]]
    assert adam["bounds"]["lr"] == [[0, None]]
    assert adam["bounds"]["amsgrad"] == []
    sgd = javascript.described(javascript.optimizers()["SGD"])
    assert sgd["bounds"]["dampening"] == [[None, None]]


def test_the_page_of_the_proof_is_up_to_date() -> None:
    text = javascript_page.PAGE.read_text(encoding="utf-8")
    assert text == javascript_page.page(javascript.proof())
