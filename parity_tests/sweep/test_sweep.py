"""The sweep: its stacks and pieces, both backends, what it says and writes, and going on."""

import csv
import json
import math
import re
import signal
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from experiments import cli
from experiments.data import Dataset
from experiments.engine import backends, memory
from experiments.engine.drawing import draw
from experiments.sweep import figures, plan, report, run, sweep
from experiments.sweep.plan import Architecture, Piece, Run, Sweep

TINY = Sweep(
    optimizers=("SGD", "chapter.Adam"),
    rates=(0.01, 0.1),
    depths=(1, 2),
    inits=("he", 0.01),
    batch_norm=(True, False),
    seeds=2,
    width=8,
    iterations=6,
    batch_size=16,
)
ARGUMENTS = ("--optimizer", "sgd,adam", "--lr", "0.01,0.1", "--depth", "1", "--init", "he")
ARGUMENTS += ("--batch-norm", "off", "--width", "6", "--iterations", "5", "--batch-size", "8")
PLENTY = 10**9
SCALE = 1e-4  # of a loss, in float32, after six steps
BACKENDS = pytest.mark.parametrize("backend", backends.NAMES)


def lockstep(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ("sweep", *arguments))


def pieces(settings: Sweep = TINY, backend: str = "scratch", budget: int = PLENTY) -> list:
    return plan.pieces(settings, backend, budget)


def trained(piece: Piece, mnist: Dataset) -> list[run.Row]:
    return run.train(piece, mnist, backends.create(piece.backend, "cpu"))


def losses(rows: list[run.Row]) -> np.ndarray:
    return np.array([np.nan if row["loss"] is None else row["loss"] for row in rows])


def bytes_of(settings: Sweep, depth: int, batch_norm: bool) -> int:
    return plan.stack_of(settings, depth, batch_norm).bytes_per_run


def test_there_is_a_stack_for_each_optimizer_depth_and_batch_norm_and_none_is_too_wide() -> None:
    found = plan.pieces(TINY, "torch", PLENTY, "cuda")  # which has room for all of a stack
    keys = [(piece.optimizer, piece.depth, piece.batch_norm) for piece in found]
    assert len(keys) == len(set(keys)) == 2 * 2 * 2
    for piece in found:
        assert piece.runs == plan.runs_of(TINY)
        assert len(set(piece.runs)) == len(piece.runs) == 2 * 2 * 2
        assert [each.rate for each in piece.runs] == sorted(each.rate for each in piece.runs)
    assert {len(piece.runs) for piece in pieces()} == {memory.ABREAST}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_pieces_keep_within_the_budget_and_have_every_run_once(count: int) -> None:
    budget, runs = count * bytes_of(TINY, 2, True), []
    for piece in pieces(budget=budget):
        each = bytes_of(TINY, piece.depth, piece.batch_norm)
        assert 1 <= len(piece.runs) <= budget // each
        kind = (piece.optimizer, piece.depth, piece.batch_norm)
        runs += [(*kind, each) for each in piece.runs]
    assert len(runs) == len(set(runs)) == 8 * 8


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(("depth", "width"), [(2, 100), (5, 100), (2, 300)])
def test_the_bytes_of_a_run_are_those_it_takes(
    mnist: Dataset, depth: int, width: int, batch_norm: bool
) -> None:
    def peak(count: int) -> int:
        runs = tuple(Run(0.001, "he", seed) for seed in range(count))
        tracemalloc.start()
        try:
            trained(Piece("scratch", "chapter.Adam", depth, batch_norm, runs, width, 2, 128), mnist)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    measured = (peak(8) - peak(4)) / 4
    expected = bytes_of(replace(TINY, width=width, batch_size=128), depth, batch_norm)
    assert 0.5 < measured / expected <= 1


def test_a_run_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    result = lockstep(*ARGUMENTS, "--memory", "0.000001", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "a run of 1 layers of 6 needs about" in result.stderr


@BACKENDS
def test_a_run_of_a_piece_equals_the_run_alone(mnist: Dataset, backend: str) -> None:
    for piece in pieces(replace(TINY, depths=(2,)), backend):
        together = losses(trained(piece, mnist))
        for i in (0, 3):
            alone = losses(trained(replace(piece, runs=piece.runs[i : i + 1]), mnist))
            np.testing.assert_allclose(together[i], alone[0], rtol=SCALE)


def test_both_backends_measure_the_same(mnist: Dataset) -> None:
    for mine, theirs in zip(pieces(), pieces(backend="torch"), strict=True):
        rows, other = (trained(piece, mnist) for piece in (mine, theirs))
        np.testing.assert_allclose(losses(rows), losses(other), rtol=SCALE)
        for row, twin in zip(rows, other, strict=True):
            assert row["accuracy"] == pytest.approx(twin["accuracy"], abs=0.005)
            same = {key: row[key] for key in ("optimizer", "depth", "init", "lr", "seed")}
            assert same.items() <= twin.items()


@BACKENDS
def test_a_run_that_diverges_is_marked_and_the_others_go_on(mnist: Dataset, backend: str) -> None:
    runs = (Run(0.01, "he", 0), Run(1e30, "he", 0))
    kept, lost = trained(Piece(backend, "SGD", 2, False, runs, 8, 6, 16), mnist)
    assert kept["diverged"] is None
    assert kept["loss"] < 3
    assert (lost["loss"], lost["accuracy"]) == (None, None)
    assert lost["diverged"] > 0


def test_the_best_rate_and_the_range_around_it_have_no_gap() -> None:
    rates = [0.1, 0.2, 0.4, 0.8, 1.6]
    best = report.best_of(rates, np.array([1.05, 1.2, 1.0, 1.1, 2.0]), 10)
    assert (best.lr, best.low, best.high, best.learns) == (0.4, 0.4, 0.8, True)
    assert not report.best_of(rates, np.full(5, 0.999 * math.log(10)), 10).learns


def test_a_run_that_diverged_counts_as_guessing() -> None:
    capped = report.capped(np.array([0.5, np.nan, np.inf, 1e9]), 10)
    np.testing.assert_array_equal(capped, [0.5] + [math.log(10)] * 3)


def fake_rows(settings: Sweep) -> list[run.Row]:
    """Losses that are least at 0.1 for SGD and at 0.01 for Adam; one run diverged."""
    rows = []
    for piece in pieces(settings):
        for each in piece.runs:
            sgd = piece.optimizer == "SGD"
            measured = 0.5 if (each.rate == 0.1) == sgd else 1.0, 0.9, None
            if sgd and each == plan.runs_of(settings)[0] and piece.depth == 2:
                measured = None, None, 3
            kind = "scratch", piece.optimizer, piece.depth, piece.batch_norm
            values = *kind, each.init, each.rate, each.seed, *measured
            rows.append(dict(zip(run.COLUMNS, values, strict=True)))
    return rows


def test_the_table_says_what_was_measured() -> None:
    summary = report.summary(TINY, fake_rows(TINY), 10)
    header, sgd, adam = report.table(summary)
    assert header.split("  ")[0] == "optimizer"
    assert re.split("  +", sgd) == ["SGD", "0.1", "0.5", "0.1", "0.1", "2 of 32"]
    assert re.split("  +", adam) == ["Adam", "0.01", "0.5", "0.01", "0.01", "0 of 32"]
    over, ends, ranking = report.notes(TINY, summary)
    assert "over 8 architectures and 2 seeds" in over
    assert ends.startswith("At an end of the grid: SGD, Adam. A wider --lr")
    assert "the lowest loss of 8 architectures is that of: SGD in 8." in ranking
    wider = replace(TINY, rates=(0.001, 0.01, 0.1, 1.0))
    learning, *_ = report.notes(wider, summary)[1:]
    assert "At an end" not in learning
    lost = {"by_architecture": {"a": report.Best(0.1, 2.3, 0.1, 0.1, False)}, "runs": 2}
    lost |= {"best": report.Best(0.1, 2.3, 0.1, 0.1, False), "diverged": 2}
    assert re.split("  +", report.table({"SGD": lost})[1]) == [
        "SGD",
        "–",
        "2.3",
        "–",
        "–",
        "2 of 2",
    ]
    assert "SGD learns at no rate in 1 of 1." in report.notes(TINY, {"SGD": lost})


@pytest.mark.parametrize("sides", [("scratch",), ("scratch", "torch")], ids="-".join)
@pytest.mark.parametrize(
    "settings", [TINY, replace(TINY, optimizers=("SGD",), rates=(0.1,), depths=(1,), seeds=1)]
)
def test_the_figures_can_be_drawn(sides: tuple[str, ...], settings: Sweep) -> None:
    found = report.losses_of(settings, fake_rows(settings))
    for figure in (
        figures.best_lr(dict.fromkeys(sides, found), settings, 10),
        figures.heat_map(found, settings, 10),
    ):
        assert draw(figure).get_suptitle()
        draw(figure).canvas.draw()


def test_a_sweep_writes_its_files_and_is_not_done_twice(tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "--seeds", "2", "--backend", "both", "--out", str(tmp_path))
    first = lockstep(*arguments, "--processes", "1")
    assert first.exit_code == 0, first.output
    folder = tmp_path / "sweep"
    assert {path.name for path in folder.iterdir()} == {*sweep.FILES, sweep.JSON}
    with (folder / "sweep.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 2 * 2
    assert set(rows[0]) == set(run.COLUMNS)
    assert {row["batch_norm"] for row in rows} == {"off"}
    written = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert written["settings"]["rates"] == [0.01, 0.1]
    assert written["backends"].keys() == written["summary"].keys() == {"scratch", "torch"}
    said = (folder / "summary.txt").read_text(encoding="utf-8").splitlines()
    assert said == written["lines"]
    again = lockstep(*arguments).output
    assert "is done already" in again
    assert all(line[:60] in again for line in said)
    (folder / "sweep.csv").write_text("edited")
    assert "is done already" not in lockstep(*arguments, "--processes", "1").output


def test_processes_side_by_side_write_the_same(tmp_path: Path) -> None:
    for count in ("1", "2"):
        result = lockstep(*ARGUMENTS, "--processes", count, "--out", str(tmp_path / count))
        assert result.exit_code == 0, result.output
    one, two = ((tmp_path / count / "sweep" / "sweep.csv").read_bytes() for count in ("1", "2"))
    assert one == two


def test_what_is_finished_of_an_interrupted_sweep_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (*ARGUMENTS, "--processes", "1", "--out", str(tmp_path))
    trained, original = [], run.train

    def train(piece: Piece, *rest: object) -> list[run.Row]:
        if trained == ["SGD"]:
            trained.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)
        trained.append(piece.optimizer)
        return original(piece, *rest)

    monkeypatch.setattr(run, "train", train)
    result = lockstep(*arguments)
    assert result.exit_code == 130
    assert "goes on from there" in result.stderr
    assert lockstep(*arguments).exit_code == 0
    assert trained == ["SGD", "Ctrl-C", "chapter.Adam"]
    assert not (tmp_path / ".units").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lr", "1:2"), "'1:2' is neither"),
        (("--lr", "-1"), "finite numbers >= 0"),
        (("--optimizer", "nobody"), "'nobody' is not one of"),
        (("--batch-norm", "maybe"), "neither on nor off"),
        (("--seeds", "0"), "--seeds"),
        (("--width", "0"), "--width"),
        (("--memory", "-1"), "must be gigabytes"),
        (("--memory", "nan"), "must be gigabytes"),
        (("--backend", "jax"), "is not one of"),
        (("--dataset", "cifar"), "is not one of"),
    ],
)
def test_a_mistyped_option_is_a_usage_error(arguments: tuple[str, ...], message: str) -> None:
    result = lockstep(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_an_architecture_says_what_it_is() -> None:
    assert str(Architecture(5, False, 0.01)) == "5 layers, no BatchNorm, std 0.01"
