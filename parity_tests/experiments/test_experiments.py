"""The experiments and the command that runs them."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import experiments
from experiments.data import DataError, Dataset
from experiments.engine import backends, figures, measuring, runner
from experiments.engine.drawing import draw, save
from experiments.engine.experiment import Context, judged, label
from experiments.engine.figures import Axis, Chart, Figure, Panel, Rule
from experiments.engine.lock import LOCK
from experiments.engine.measurements import Measurements, distances
from experiments.engine.texts import restored
from experiments.report import explorer
from experiments.report.translations import korean
from parity_tests.command_line import done_anew, lockstep, run_python, run_without
from parity_tests.experiments import cut_down
from parity_tests.experiments.cut_down import measured, small
from parity_tests.helpers import unwrapped

ROOT = Path(__file__).parents[2]
FILES = {"figure.png", "figure.svg", "metrics.csv", "result.json"}
FAST = ("surface", "optimizer-paths")
SURFACE = ("run", "surface", "--backend", "scratch")
ALL = pytest.mark.parametrize("name", experiments.NAMES)


@pytest.fixture(scope="session")
def few(mnist: Dataset) -> Dataset:
    """MNIST with two hundred test images."""
    return cut_down.few(mnist)


@ALL
def test_both_backends_measure_the_same_curves(name: str, few: Dataset) -> None:
    mine, theirs = (measured(name, backend, few, (0, 1)) for backend in backends.NAMES)
    assert mine.curves.keys() == theirs.curves.keys()
    for key, curve in mine.curves.items():
        assert curve.values.shape == theirs[key].values.shape, key
    apart = distances(mine, theirs)
    apart.pop("difference of units", None)  # rounding itself is measured there
    assert max(apart.values()) < 0.02


@ALL
def test_a_seed_measures_the_same_alone_and_beside_others(name: str, few: Dataset) -> None:
    alone, beside = (measured(name, "scratch", few, seeds) for seeds in ((1,), (0, 1)))
    for key, curve in alone.curves.items():
        np.testing.assert_allclose(curve.values[0], beside[key].values[1], rtol=2e-4, atol=2e-4)


@ALL
def test_the_claims_are_judged_for_every_seed(name: str, few: Dataset) -> None:
    experiment = experiments.load(name)
    results = judged(experiment.claims, measured(name, "scratch", few, (0, 3)), (0, 3))
    assert len(results) == len(experiment.claims) >= 1
    for result in results:
        assert [verdict["seed"] for verdict in result["seeds"]] == [0, 3]
        assert result["holds"] == sum(verdict["holds"] for verdict in result["seeds"])
        assert all(verdict["measured"] for verdict in result["seeds"])


@ALL
@pytest.mark.parametrize("sides", [("torch",), ("scratch", "torch")], ids="-".join)
def test_the_figure_can_be_drawn(name: str, sides: tuple[str, ...], few: Dataset) -> None:
    experiment = experiments.load(name)
    by_backend = {side: measured(name, side, few, (0, 1)) for side in sides}
    figure = draw(experiment.figure(by_backend, small(experiment)))
    assert figure.get_suptitle()
    figure.canvas.draw()


def test_the_files_of_a_figure_have_one_layout(tmp_path: Path) -> None:
    panels = [Panel(Axis(), Axis("a label that takes room"), [Rule(y=1)])] * 2
    figure = draw(Figure("Two panels", [Chart("two", "", panels=panels, columns=2)]))
    save(figure, tmp_path / "figure.png")
    places = [panel.get_position().bounds for panel in figure.axes]
    save(figure, tmp_path / "figure.svg")
    assert [panel.get_position().bounds for panel in figure.axes] == places


@pytest.mark.parametrize("optimizer", figures.OPTIMIZERS)
def test_an_optimizer_has_one_colour_in_every_figure(optimizer: str, few: Dataset) -> None:
    shown = set()
    for name in ("optimizer-paths", "learning-rate-decay", "optimizer-comparison"):
        experiment = experiments.load(name)
        sides = {"scratch": measured(name, "scratch", few, (0, 1))}
        for chart in experiment.figure(sides, small(experiment)).charts:
            shown |= {color for run, color in chart.groups.items() if run == optimizer}
    assert shown == {figures.OPTIMIZERS.index(optimizer)}
    assert label(explorer.names()[figures.OPTIMIZERS.index(optimizer)]) == optimizer


def test_a_run_writes_its_files(tmp_path: Path) -> None:
    assert done_anew("run", *FAST, "--quick", "--seeds", "2", "--out", tmp_path)
    for name in FAST:
        assert {path.name for path in (tmp_path / name).iterdir()} == FILES
        assert (tmp_path / name / "figure.png").read_bytes().startswith(b"\x89PNG")
    written = json.loads((tmp_path / "surface" / "result.json").read_text())
    assert written["seeds"] == [0, 1]
    assert written["settings"]["points"] == 21
    assert written["backends"].keys() == written["claims"].keys() == {"scratch", "torch"}
    assert written["claims"]["torch"][0]["of"] == 2
    measured = written["claims"]["torch"][0]["seeds"][0]["measured"]
    assert "평면의" in korean(restored(measured, written["texts"]))
    with (tmp_path / "optimizer-paths" / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["backend"] for row in rows} == {"scratch", "torch"}
    first = next(row for row in rows if row["run"] == "SGD" and row["metric"] == "x")
    assert float(first["value"]) == -7.0


@pytest.mark.usefixtures("undrawn")
def test_a_finished_experiment_is_not_run_again_unless_it_must_be(tmp_path: Path) -> None:
    run = partial(done_anew, *SURFACE, "--out", tmp_path)
    assert run()
    assert not run()
    assert run("--force")
    assert run("--quick")
    assert not run("--quick")
    with (tmp_path / "surface" / "metrics.csv").open("a") as file:
        file.write("edited\n")
    assert run("--quick")
    (tmp_path / "surface" / "result.json").write_text("{}")
    assert run("--quick")


@pytest.mark.usefixtures("undrawn")
def test_a_result_of_other_settings_is_kept_under_another_name(tmp_path: Path) -> None:
    for options in ((), ("--quick",), ("--quick", "--seeds", "2")):
        assert done_anew(*SURFACE, "--out", tmp_path, *options)
    results = [json.loads(path.read_text()) for path in tmp_path.glob("surface*/result.json")]
    assert sorted((r["settings"]["points"], len(r["seeds"])) for r in results) == [
        (21, 1),
        (21, 2),
        (41, 1),
    ]
    assert len(json.loads((tmp_path / "surface" / "result.json").read_text())["seeds"]) == 2


def test_a_run_that_diverges_on_one_side_only_is_infinitely_far() -> None:
    sides = [Measurements(), Measurements()]
    for side, last in zip(sides, (0.5, np.nan), strict=True):
        side.add("SGD", "loss", [0, 1], [[2.3, last]])
    assert distances(*sides) == {"loss": np.inf}


@pytest.mark.usefixtures("undrawn")
def test_one_failing_experiment_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def fail(context: Context) -> Measurements:
        begun.append(context.backend.name)
        raise RuntimeError("the bowl has a hole [in it]")

    load = experiments.load
    broken = replace(load("surface"), measure=fail)
    monkeypatch.setattr(
        experiments, "load", lambda name: broken if name == "surface" else load(name)
    )
    result = lockstep("run", "surface", "optimizer-paths", "--out", tmp_path)
    assert result.exit_code == 1
    assert "surface failed: the bowl has a hole [in it]" in result.output
    assert begun == ["scratch"]  # what else there is to do for it is left out
    assert (tmp_path / "optimizer-paths" / "result.json").exists()
    assert not (tmp_path / "surface" / "result.json").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_failed_write_leaves_the_old_result_and_no_torn_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert done_anew(*SURFACE, "--out", tmp_path)
    before = (tmp_path / "surface" / "metrics.csv").read_bytes()

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runner, "write_csv", disk_full)
    result = lockstep(*SURFACE, "--force", "--out", tmp_path)
    assert result.exit_code == 1
    assert "metrics.csvwasnotwritten:Nospaceleftondevice" in unwrapped(result.output)
    assert (tmp_path / "surface" / "metrics.csv").read_bytes() == before
    assert {path.name for path in (tmp_path / "surface").iterdir()} == FILES


@pytest.mark.usefixtures("undrawn")
def test_a_data_set_that_cannot_be_had_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(name: str, folder: Path | None) -> Dataset:
        asked.append(name)
        raise DataError("there is no network")

    monkeypatch.setattr(measuring, "images", load)
    names = ("surface", "zero-init", "activation-distributions", "init-comparison")
    result = lockstep("run", *names, "--backend", "scratch", "--quick", "--out", tmp_path)
    assert result.exit_code == 1
    assert asked == ["mnist"]
    assert result.output.count("there is no network") == 2
    written = {path.parent.name for path in tmp_path.glob("*/result.json")}
    assert written == {"surface", "activation-distributions"}


def test_the_layers_of_the_activations_have_titles(few: Dataset) -> None:
    name = "activation-distributions"
    experiment = experiments.load(name)
    sides = {"scratch": measured(name, "scratch", few, (0,))}
    figure = draw(experiment.figure(sides, small(experiment)))
    titles = [panel.get_title() for panel in figure.axes[:5]]
    assert titles == [f"layer {i}" for i in range(1, 6)]


def test_a_seed_that_diverges_takes_no_other_out_of_the_figure(few: Dataset) -> None:
    name = "batchnorm-scales"
    experiment = experiments.load(name)
    measurements = Measurements()
    for (run, metric), curve in measured(name, "scratch", few, (0, 1)).curves.items():
        values = curve.values.copy()
        values[1, 1:] = np.nan
        measurements.add(run, metric, curve.x, values)
    panel = draw(experiment.figure({"scratch": measurements}, small(experiment))).axes[1]
    assert "diverges in 1 of 2 seeds" in panel.texts[0].get_text()
    assert np.isfinite(panel.lines[0].get_ydata(orig=True)).sum() == len(curve.x)


def test_scratch_imports_numpy_and_nothing_else_that_is_installed() -> None:
    code = "import json, sys, scratch; print(json.dumps([*sys.modules]))"
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    imported = {module.partition(".")[0] for module in json.loads(done.stdout)}
    assert not imported & {"torch", "torch_ref", "experiments", "matplotlib", "rich", "typer"}


WITHOUT_TORCH = """
import sys

import experiments
from experiments.data import load_mnist
from experiments.engine.experiment import judged
from parity_tests.experiments.cut_down import few, measured, small

images = few(load_mnist())
for name in experiments.NAMES:
    experiment = experiments.load(name)
    found = measured(name, "scratch", images, (0,))
    assert judged(experiment.claims, found, (0,))
    assert experiment.figure({"scratch": found}, small(experiment)).charts
assert "torch" not in sys.modules
"""


def test_no_experiment_needs_torch_for_the_scratch_backend() -> None:
    done = run_python(WITHOUT_TORCH)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_scratch_backend_runs_to_the_end_without_torch(tmp_path: Path) -> None:
    run_without({"torch"}, "run", "all", "--backend", "scratch", "--quick", "--out", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*experiments.NAMES, LOCK}


def test_ctrl_c_ends_cleanly_and_keeps_what_is_finished(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments", "run", "surface", "optimizer-comparison"]
    process = subprocess.Popen(
        [*command, "--backend", "scratch", "--out", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout.readline().startswith("surface")  # it is at the long one now
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Interrupted. 1 of 2 are finished" in output
    assert {path.name for path in (tmp_path / "surface").iterdir()} == FILES
    assert not list(tmp_path.glob("optimizer-comparison/*"))
