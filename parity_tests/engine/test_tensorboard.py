"""``lockstep run --tensorboard``: what is in the event files, and that it changes nothing else."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import experiments
from experiments.data import Dataset
from experiments.engine import backends, measuring, runner, tensorboard
from experiments.engine.accuracy import Accuracy
from experiments.engine.experiment import Experiment
from experiments.engine.measurements import Curve
from experiments.engine.watching import BINS, ROWS, WIDTH, Watch, summaries
from parity_tests.command_line import done_anew, lockstep, run_without
from parity_tests.experiments.cut_down import small
from parity_tests.helpers import IMAGES, LABELS, SIZES, unwrapped
from parity_tests.training.interrupted import FIT, OPTIONS, Interrupting, Interruption

SIDES = pytest.mark.parametrize("side", backends.NAMES)
SEEDS = (0, 1)
#: metric of metrics.csv → tag, and the iterations of one x, for what the tests run.
SHOWN = {
    "optimizer-comparison": {"loss": ("loss/train", 1), "test accuracy": ("accuracy/test", 1)},
    "batchnorm-effect": {"accuracy": ("accuracy/train", 2)},
    "weight-decay": {"accuracy": ("accuracy/train", 2), "test accuracy": ("accuracy/test", 2)},
    "zero-init": {"loss": ("loss/train", 1)},
    "optimizer-paths": {metric: (f"path/{metric}", 1) for metric in "xyf"},
}
NAMES = pytest.mark.parametrize("name", SHOWN)


def cut_down(patch: pytest.MonkeyPatch) -> None:
    """With ``--quick``, a moment's work; and no figures, which take longer than that."""
    load = experiments.load

    def cut(name: str) -> Experiment:
        return replace(load(name), quick=small(load(name)))

    patch.setattr(experiments, "load", cut)
    patch.setattr(runner, "draw", lambda figure: None)
    patch.setattr(runner, "save", lambda figure, path: path.write_bytes(b""))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """Those of a run of several experiments."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        cut_down(patch)
        few = mnist.test_images[:200], mnist.test_labels[:200]
        data = replace(mnist, test_images=few[0], test_labels=few[1])
        patch.setattr(measuring, "images", lambda *_: data)
        names = (*SHOWN, "activation-distributions", "--tensorboard")
        done_anew("run", *names, "--quick", "--seeds", "2", "--out", out)
    return out


@cache
def events(folder: Path, side: str, run: str, seed: int) -> EventAccumulator:
    place = folder / "tensorboard" / side / run / f"seed-{seed}"
    return EventAccumulator(str(place), {"scalars": 0, "histograms": 0}).Reload()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@NAMES
def test_the_curves_are_those_of_the_metrics(results: Path, name: str) -> None:
    expected: dict[tuple, list] = {}
    for row in rows(results / name):
        if row["metric"] in SHOWN[name]:
            tag, iterations = SHOWN[name][row["metric"]]
            key = row["backend"], row["run"].replace(" ", "-"), int(row["seed"]), tag
            step, value = round(float(row["x"])) * iterations, np.float32(row["value"])
            expected.setdefault(key, []).append((step, value))
    assert {(side, seed) for side, _, seed, _ in expected} == {
        (side, seed) for side in backends.NAMES for seed in SEEDS
    }
    for (side, run, seed, tag), curve in expected.items():
        found = events(results / name, side, run, seed).Scalars(tag)
        assert [(event.step, np.float32(event.value)) for event in found] == curve


@SIDES
def test_there_is_a_histogram_of_each_layer_and_of_each_gradient(results: Path, side: str) -> None:
    found = events(results / "batchnorm-effect", side, "with-BatchNorm", 1)
    layers = [f"activations/layer{i}" for i in range(1, 7)]
    gradients = ["W", "b", "gamma", "beta"] * 5 + ["W", "b"]
    names = [f"gradients/{name}{1 + i // 4}" for i, name in enumerate(gradients)]
    assert set(found.Tags()["histograms"]) == {*layers, *names}
    for tag in (*layers, *names):
        assert [event.step for event in found.Histograms(tag)] == [0, 1, 2, 3, 4]


@SIDES
def test_a_training_in_parts_is_one_in_the_files(results: Path, side: str) -> None:
    found = events(results / "zero-init", side, "std-0.01", 0)
    assert [event.step for event in found.Histograms("gradients/W1")] == [0, 6, 12]


@SIDES
def test_the_first_histograms_are_of_the_initial_network(
    results: Path, side: str, mnist: Dataset
) -> None:
    backend = backends.create(side, "cpu")
    net = backend.network(784, [100] * 4, 10, init="he", seed=[0, 1])
    expected = backend.inspect(net, mnist.train_images[:ROWS], mnist.train_labels[:ROWS])
    found = events(results / "optimizer-comparison", side, "SGD", 1)
    for tag in ("activations/layer1", "activations/layer5", "gradients/W1", "gradients/b5"):
        values, histogram = expected[tag][1], found.Histograms(tag)[0].histogram_value
        assert histogram.num == sum(histogram.bucket) == values.size
        assert (histogram.min, histogram.max) == (values.min(), values.max())
        edges = [histogram.min, *histogram.bucket_limit]
        np.testing.assert_array_equal(
            np.cumsum(histogram.bucket),
            [np.sum(values < edge) for edge in edges[1:-1]] + [values.size],
        )


def test_activations_without_a_training_are_shown_too(results: Path) -> None:
    found = events(results / "activation-distributions", "scratch", "sigmoid-Xavier-1-n", 0)
    (event,) = found.Histograms("activations/layer5")
    assert event.step == 0
    assert 0 < event.histogram_value.min < event.histogram_value.max < 1


def test_a_summary_counts_what_is_finite() -> None:
    values = np.random.default_rng(0).standard_normal((2, 30, 5)).astype(np.float32)
    values[1] = np.nan
    values[0, 0, 0] = np.inf
    first, second = summaries(values)
    finite = values[0][np.isfinite(values[0])]
    np.testing.assert_allclose(
        first[:4],
        [finite.min(), finite.max(), finite.sum(dtype=float), (finite.astype(float) ** 2).sum()],
    )
    np.testing.assert_array_equal(first[4:], np.histogram(finite.astype(float), BINS)[0])
    assert np.isnan(second).all()


def test_values_that_are_all_the_same_are_one_bar() -> None:
    least, largest, *_ = summary = summaries(np.full((1, 7), 0.25))[0]
    assert (least, largest, summary[4], summary[4:].sum()) == (0.25, 0.25, 7, 7)


def test_a_run_that_diverged_ends_there() -> None:
    curve = Curve(np.arange(4), np.array([[2.0, 1.0, np.nan, np.nan]]))
    assert [step for step, _ in tensorboard._values("loss/train", curve, 0)] == [0, 1]
    histograms = np.concatenate([summaries(np.ones((1, 3))), np.full((1, WIDTH), np.nan)], axis=1)
    curve = Curve(np.repeat([0, 5], WIDTH), histograms)
    assert [step for step, _ in tensorboard._values("gradients/W1", curve, 0)] == [0]


def fit(side: str, **options: Any) -> tuple[dict[str, Any], Any]:
    """What a training with BatchNorm and dropout ends with: its history and its network."""
    backend = backends.create(side, "cpu")
    net = backend.network(*SIZES, **OPTIONS)
    history = backend.fit(net, backend.optimizer("Adam"), IMAGES, LABELS, **FIT, **options)
    return vars(history), net


def watch(side: str) -> Watch:
    backend = backends.create(side, "cpu")
    return Watch(lambda net: backend.inspect(net, IMAGES, LABELS), FIT["iterations"], times=3)


def accuracy(side: str) -> Accuracy:
    """What ``fit`` evaluates by itself, too."""
    of = partial(backends.create(side, "cpu").accuracy, images=IMAGES, labels=LABELS)
    return Accuracy(of, FIT["every"], FIT["iterations"])


def state(net: Any) -> dict[str, np.ndarray]:
    """All that training changes."""
    streams = [np.asarray(generator.get_state()) for generator in net.generators]
    return dict(enumerate(streams)) | {k: np.asarray(v) for k, v in net.state_dict().items()}


@SIDES
def test_being_watched_changes_no_number(side: str) -> None:
    (expected, alone), (history, net) = fit(side), fit(side, callbacks=[watch(side)])
    for name, values in expected.items():
        np.testing.assert_array_equal(history[name], values, err_msg=name)
    theirs = state(net)
    for name, values in state(alone).items():
        np.testing.assert_array_equal(theirs[name], values, err_msg=name)


@SIDES
def test_a_training_that_is_left_and_gone_on_with_has_been_seen_whole(
    side: str, tmp_path: Path
) -> None:
    whole, before, after = watch(side), watch(side), watch(side)
    history, _ = fit(side, callbacks=[whole])
    path = tmp_path / "kept.safetensors"
    with pytest.raises(Interruption):
        fit(side, callbacks=[before, accuracy(side), Interrupting(path, 7)])
    assert 0 < len(before.steps) < len(whole.steps)
    fit(side, callbacks=[after, tested := accuracy(side), Interrupting(path)])
    assert tested.evaluated == history["evaluated"].tolist()
    np.testing.assert_array_equal(tested.accuracy, history["accuracy"])
    assert after.steps == whole.steps == [0, 3, 6, 9]
    for tag, seen in whole.seen.items():
        np.testing.assert_array_equal(after.seen[tag], seen, err_msg=tag)


@pytest.fixture
def again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Runs one experiment into the same folder."""
    cut_down(monkeypatch)
    return partial(done_anew, "run", "--quick", "--seeds", "2", "--out", tmp_path)


def test_a_finished_result_gets_its_event_files_when_they_are_asked_for(
    tmp_path: Path, again: Callable[..., bool]
) -> None:
    folder, asked = tmp_path / "optimizer-paths", ("optimizer-paths", "--backend", "scratch")
    assert again(*asked)
    assert not (folder / "tensorboard").exists()
    assert again(*asked, "--tensorboard")
    assert not again(*asked, "--tensorboard")
    assert not again(*asked)
    assert len(list(folder.rglob("events.out.tfevents.*"))) == 12
    next(folder.rglob("events.out.tfevents.*")).unlink()
    assert again(*asked, "--tensorboard")
    written = json.loads((folder / "result.json").read_text())
    assert len(written["tensorboard"]) == 12
    assert set(written["tensorboard"]) < written["files"].keys()
    assert again(*asked, "--force")  # the earlier result's files go with it
    assert not (folder / "tensorboard").exists()


def test_an_experiment_without_steps_has_no_event_files(
    tmp_path: Path, again: Callable[..., bool]
) -> None:
    assert again("surface", "--tensorboard")
    assert not again("surface", "--tensorboard")
    assert not (tmp_path / "surface" / "tensorboard").exists()


def test_files_that_cannot_be_written_are_named_and_the_earlier_stay(
    tmp_path: Path, again: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    assert again("optimizer-paths", "--tensorboard")
    before = sorted(tmp_path.rglob("events.*"))
    monkeypatch.setattr(tensorboard, "_write_one", disk_full)
    asked = ("optimizer-paths", "--tensorboard", "--quick", "--seeds", "2")
    result = lockstep("run", *asked, "--force", "--out", tmp_path)
    assert result.exit_code == 1
    assert "tensorboardwasnotwritten:Nospaceleft" in unwrapped(result.output)
    assert sorted(tmp_path.rglob("events.*")) == before


def test_without_the_package_it_says_so_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    result = lockstep("run", "surface", "--tensorboard", "--out", tmp_path / "results")
    assert result.exit_code == 2
    message = " ".join(result.output.replace("│", " ").split())
    assert "pip install tensorboard" in message
    assert "'.[tensorboard]'" in message
    assert not any(tmp_path.iterdir())


def test_the_scratch_backend_writes_them_without_torch(tmp_path: Path) -> None:
    options = ("--backend", "scratch", "--quick", "--tensorboard", "--out", tmp_path)
    run_without({"torch", "tensorflow"}, "run", "zero-init", *options)
    assert list(tmp_path.rglob("events.out.tfevents.*"))
