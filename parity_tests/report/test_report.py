"""The page of whatever results there are, and the command that writes it."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.builders.wheel import WheelBuilder

import experiments
from experiments import cli
from experiments.data import Dataset
from experiments.engine.experiment import Claim, Context
from experiments.engine.figures import Figure, curves
from experiments.engine.measurements import Measurements
from experiments.engine.texts import say
from experiments.report import page, reproduce, results
from experiments.report.results import Missing
from parity_tests.command_line import lockstep
from parity_tests.report.report_results import Structure, rendered, write_experiment
from torch_ref.errors import LockstepError

ROOT = Path(__file__).parents[2]


def test_a_whole_folder_makes_a_page_of_everything(whole_results: Path) -> None:
    html = rendered(whole_results)
    found = Structure(html)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"chapter", "explorer", "lab", "parity", "speed", "reproduce"} <= set(ids)
    assert set(experiments.NAMES) <= set(ids)
    assert "There is no result" not in found.text
    assert "unreadable" not in found.text
    for name in (*experiments.NAMES, "bench", "parity"):
        assert f"lockstep {'run ' * (name in experiments.NAMES)}{name}" in found.text, name
    anchors = {attributes["href"] for tag, attributes in found.tags if tag == "a"}
    assert {anchor.removeprefix("#") for anchor in anchors} <= set(ids)


def test_a_new_experiment_appears_on_the_page_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mnist: Dataset
) -> None:
    """A module and a name: nothing else says how it is drawn, or what its texts are."""

    def measure(context: Context) -> Measurements:
        measurements = Measurements()
        measurements.add("with dropout", "noise", [0, 1], [[1.0, 0.25]] * len(context.seeds))
        measurements.add("without", "noise", [0, 1], [[1.0, 0.5]] * len(context.seeds))
        return measurements

    module = ModuleType("experiments.dropout_effect")
    module.EXPERIMENT = replace(
        experiments.load("surface"),
        name="dropout-effect",
        title="what dropout does",
        measure=measure,
        figure=lambda sides, _: Figure("", [curves(sides, "noise", title="The noise")]),
        claims=(
            Claim("it helps", lambda seed: (True, say("by {ratio}", ratio=2))),
            Claim("it hurts", lambda seed: (bool(seed["with dropout", "noise"][-1] > 1), "no")),
        ),
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(experiments, "NAMES", ("dropout-effect",))
    write_experiment(tmp_path, "dropout-effect", mnist)
    html = rendered(tmp_path)
    found = Structure(html)
    assert 'id="fig-dropout-effect-noise"' in html
    assert 'id="dropout-effect-claim-2"' in html
    for text in ("What dropout does", "it helps", "by 2", "The noise", "with dropout, scratch"):
        assert text in found.text
    assert "In the end it is lowest for: with dropout (0.25); highest for: " in found.text
    assert "lack" not in found.text


def test_the_page_asks_for_nothing_from_anywhere_else(whole_results: Path) -> None:
    found = Structure(rendered(whole_results))
    for tag, attributes in found.tags:
        for name in ("src", "href", "action", "data"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:")), (tag, address)
    policy = next(a["content"] for _, a in found.tags if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_an_empty_folder_names_every_command(tmp_path: Path) -> None:
    found = results.read(tmp_path / "nowhere")
    assert all(isinstance(item, Missing) for item in found.items)
    text = Structure(rendered(tmp_path / "nowhere")).text
    for item in found.items:
        assert item.command in text
    assert "not measured" in text  # the conventions are told, without numbers


def test_a_partial_folder_shows_what_is_there(folder: Path) -> None:
    for name in ("surface", "sweep"):
        shutil.rmtree(folder / name)
    (folder / "bench.json").unlink()
    missing = [item.name for item in results.read(folder).items if isinstance(item, Missing)]
    assert missing == ["surface", "sweep", "bench"]
    html = rendered(folder)
    assert 'id="fig-optimizer-paths"' in html
    assert 'id="fig-surface-field"' not in html
    assert "lockstep run surface" in html


def test_the_command_that_made_a_result_is_reconstructed(whole_results: Path) -> None:
    found = {origin.name: origin for origin in reproduce.origins(results.read(whole_results))}
    assert found["surface"].command == "lockstep run surface --backend both --seeds 2 --quick"
    assert (
        found["zero-init"].command == "lockstep run zero-init --backend scratch --seeds 2 --quick"
    )
    assert "--optimizer SGD,chapter.Adam --lr 0.01,0.1" in found["sweep"].command
    assert found["bench"].command == "lockstep bench --quick"


def test_the_command_writes_the_page_names_it_and_says_what_it_lacks(folder: Path) -> None:
    shutil.rmtree(folder / "surface")
    (folder / "bench.json").write_text("{")
    done = lockstep("report", "--out", str(folder))
    assert done.exit_code == 0, done.output
    assert "missing: surface; `lockstep run surface` makes it" in done.output
    assert "unreadable: bench: bench.json is not JSON" in done.output
    assert done.output.splitlines()[-1] == str(folder / "report.html")
    written = (folder / "report.html").read_bytes()
    assert written.startswith(b"<!doctype html>")
    # The curves of a real run, 400 points each at most, add a quarter of a megabyte.
    assert len(written) < 2_700_000


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "report.html").write_text("old")

    def disk_full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", disk_full)
    with pytest.raises(LockstepError, match="No space left on device"):
        page.write(folder)
    assert (folder / "report.html").read_text() == "old"
    assert not [path for path in folder.iterdir() if "partial" in path.name]


def test_run_with_report_ends_with_the_page_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def write(out: Path, workers: object) -> tuple[Path, list]:
        asked.append(out)
        return out / "report.html", []

    monkeypatch.setattr(cli.run, "_beside", lambda out: [])
    monkeypatch.setattr(cli.run, "_write_page", write)
    done = lockstep("run", "surface", "--backend", "scratch", "--report", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == str(tmp_path / "report.html")
    assert asked == [tmp_path]
    assert "run all --backend both --report $(ARGS)" in (ROOT / "Makefile").read_text()


def test_help_imports_nothing_that_is_heavy() -> None:
    code = (
        "import sys\nfrom experiments import cli\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert not {"jinja2", "plotly", "torch", "numpy", "matplotlib"} & set(done.stdout.split())


def test_the_package_brings_the_templates_and_assets(tmp_path: Path) -> None:
    built = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    names = set(zipfile.ZipFile(built).namelist())
    assert "experiments/report/ko.po" in names
    for folder in ("templates", "assets"):
        home = ROOT / "experiments" / "report"
        for path in filter(Path.is_file, (home / folder).rglob("*")):
            assert f"experiments/report/{path.relative_to(home).as_posix()}" in names
