"""Golden files: what is in them, who agrees with them, and what a bad file is told."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import typer
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from experiments.cli import golden as golden_commands
from torch_ref import lockstep as harness
from torch_ref.lockstep.compare.sides import as_adapter
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.golden import all_names, file_name, write_golden
from torch_ref.lockstep.golden.cause import _catalogue
from torch_ref.lockstep.golden.verify import verify
from torch_ref.lockstep.golden.write import STEPS
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, SAME_GRADIENTS

Arrays = dict[str, np.ndarray]
DTYPES = tuple(SAME_GRADIENTS)
READERS = Path(harness.__file__).parent / "readers"
LARGEST = 200_000
SCHEMA = json.loads(
    (Path(golden_commands.__file__).parents[1] / "docs" / "golden.schema.json").read_text()
)

needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="the examples in JavaScript need node; there is none"
)

app = typer.Typer()
app.command()(golden_commands.golden)
app.command()(golden_commands.verify)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The golden file of an optimizer, written once."""
    folder = tmp_path_factory.mktemp("golden")

    def path(name: str) -> Path:
        found = folder / file_name(name)
        return found if found.exists() else write_golden(name, folder)

    return path


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    return tmp_path / "candidate.safetensors"


def manifest_of(path: Path) -> dict:
    with safe_open(path, "np") as file:
        return json.loads(file.metadata()["manifest"])


def recorded(side: Adapter, golden: Arrays, dtype: str, case: int) -> Arrays:
    """What ``side`` does from the golden start and along the golden gradients."""
    names = [key.rpartition("/")[2] for key in golden if key.startswith(f"{dtype}/start/")]
    side.start({name: golden[f"{dtype}/start/{name}"] for name in names})
    values: dict[str, list] = {}
    for step in range(STEPS):
        side.step({name: golden[f"{dtype}/grad/{name}"][step].copy() for name in names})
        state = side.state()
        for name, w in side.params().items():
            for quantity, array in {"param": w, **state.get(name, {})}.items():
                values.setdefault(f"{dtype}/{case}/{quantity}/{name}", []).append(array.copy())
    return {key: np.stack(arrays).astype(dtype) for key, arrays in values.items()}


def by_hand(path: Path, name: str, **changes: object) -> Arrays:
    """Every case by the hand-written optimizer, with the given settings replaced."""
    pair, tensors = OPTIMIZERS[name], {}
    for dtype in DTYPES:
        for number, case in enumerate(pair.cases):
            side = as_adapter(pair.scratch(**(case | changes)))
            tensors |= recorded(side, load_file(path), dtype, number)
    return tensors


def trajectories(path: Path) -> Arrays:
    tensors = load_file(path).items()
    return {key: value for key, value in tensors if "/start/" not in key and "/grad/" not in key}


# What is written


@pytest.mark.parametrize("name", all_names())
def test_a_golden_file_holds_what_torch_computes(golden: Callable, name: str) -> None:
    path = golden(name)
    tensors = load_file(path)
    expected = {key: a for key, a in tensors.items() if "/start/" in key or "/grad/" in key}
    for dtype in DTYPES:
        for number, case in enumerate(OPTIMIZERS[name].cases):
            side = as_adapter(Twin(OPTIMIZERS[name].scratch(**case)))
            expected |= recorded(side, tensors, dtype, number)
    assert tensors.keys() == expected.keys()
    for key, array in expected.items():
        assert array.dtype == key.partition("/")[0]
        np.testing.assert_array_equal(tensors[key], array, strict=True)


@pytest.mark.parametrize("name", all_names())
def test_golden_files_are_small_and_the_same_every_time(
    golden: Callable, tmp_path: Path, name: str
) -> None:
    path, again = golden(name), write_golden(name, tmp_path / "deep" / "folder")
    for suffix in (".safetensors", ".json"):
        data = path.with_suffix(suffix).read_bytes()
        assert data == again.with_suffix(suffix).read_bytes()
        assert len(data) < LARGEST
    assert len(list(again.parent.iterdir())) == 2  # and no temporary file


def test_no_two_files_differ_in_case_only() -> None:
    assert len({file_name(name).casefold() for name in all_names()}) == len(all_names())


@pytest.mark.parametrize("name", all_names())
def test_the_manifest_says_what_the_file_holds(golden: Callable, name: str) -> None:
    path = golden(name)
    manifest = manifest_of(path)
    jsonschema.Draft202012Validator(SCHEMA).validate(manifest)
    assert manifest == json.loads(path.with_suffix(".json").read_text())
    assert (manifest["format"], manifest["version"]) == ("lockstep-golden", 2)
    assert (manifest["class"], manifest["steps"]) == (OPTIMIZERS[name].torch, STEPS)
    assert manifest["tolerance"] == dict(OPTIMIZERS[name].tolerance)
    assert len(manifest["cases"]) == len(OPTIMIZERS[name].cases)
    templates, names = manifest["tensors"], set()
    for dtype in manifest["tolerance"]:
        for parameter in manifest["parameters"]:
            at = {"dtype": dtype, "parameter": parameter}
            names |= {templates[key].format(**at) for key in ("start", "gradient")}
            for number, case in enumerate(manifest["cases"]):
                names.add(templates["parameter"].format(case=number, **at))
                for buffer in case["buffers"].get(parameter, {}):
                    names.add(templates["buffer"].format(case=number, buffer=buffer, **at))
    assert names == load_file(path).keys()


def test_the_layout_is_as_specified(golden: Callable) -> None:
    data = golden("Adam").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert list(header.pop("__metadata__")) == ["manifest"]
    for entry in header.values():
        itemsize = {"F64": 8, "F32": 4}[entry["dtype"]]
        begin, end = entry["data_offsets"]
        assert (8 + length + begin) % itemsize == 0
        assert end - begin == itemsize * np.prod(entry["shape"])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradients_are_awkward_but_finite(golden: Callable, dtype: str) -> None:
    tensors = load_file(golden("Adam"))
    grads = np.concatenate([tensors[f"{dtype}/grad/{name}"].ravel() for name in ("w0", "w1")])
    assert np.isfinite(grads).all()
    for value in (0, 1e-30, -1e-30, 1e-8, 1e3):
        assert np.asarray(value, dtype) in grads
    assert (tensors[f"{dtype}/grad/w0"] == 0).all(axis=-1).any()


# Who agrees


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", all_names())
def test_the_hand_written_optimizers_agree(golden: Callable, candidate: Path, name: str) -> None:
    save_file(by_hand(golden(name), name), candidate)
    verification = verify(golden(name), candidate)
    assert verification.agrees, str(verification)
    assert len(verification.results) == len(DTYPES) * len(OPTIMIZERS[name].cases)
    assert all(result.report.steps == STEPS for result in verification.results)
    cases = verification.manifest.cases
    buffers = {q for case in cases for shapes in case.buffers.values() for q in shapes}
    compared = {q for result in verification.results for _, q in result.report.drifts}
    assert compared == {"gradient", "parameter", *buffers}


def test_a_golden_file_agrees_with_itself(golden: Callable) -> None:
    verification = verify(golden("RMSprop"), golden("RMSprop"))
    assert verification.agrees
    assert all(result.report.worst.ulp == 0 for result in verification.results)


def test_one_case_in_one_dtype_without_buffers_is_enough(golden: Callable, candidate: Path) -> None:
    tensors = trajectories(golden("Adam")).items()
    save_file({k: a for k, a in tensors if k.startswith("float32/2/param/")}, candidate)
    verification = verify(golden("Adam"), candidate)
    assert [(r.dtype, r.case) for r in verification.results] == [("float32", 2)]
    assert f"float32: 1 of 1 cases agree ({len(OPTIMIZERS['Adam'].cases) - 1} more" in str(
        verification
    )
    assert "float64: not in the file" in str(verification)


def test_eps_is_found_at_the_parameter_of_the_first_step(golden: Callable, candidate: Path) -> None:
    save_file(by_hand(golden("Adam"), "Adam", eps=1e-7), candidate)
    verification = verify(golden("Adam"), candidate)
    firsts = [result.report.first for result in verification.failed if result.dtype == "float64"]
    assert len(firsts) == len(OPTIMIZERS["Adam"].cases)
    assert {(first.step, first.quantity) for first in firsts} == {(1, "parameter")}


def test_the_buffer_comes_before_the_parameter_that_it_spoils(
    golden: Callable, candidate: Path
) -> None:
    tensors = trajectories(golden("Adam"))
    for quantity in ("exp_avg_sq", "param"):
        tensors[f"float64/3/{quantity}/w0"][6:, 2, 1] *= 1.5
    save_file(tensors, candidate)
    verification = verify(golden("Adam"), candidate)
    [failed] = verification.failed
    first = failed.report.first
    assert (failed.dtype, failed.case) == ("float64", 3)
    assert (first.step, first.name, first.quantity) == (7, "w0", "exp_avg_sq")
    assert first.element == (2, 1)
    assert first.mine == pytest.approx(1.5 * first.theirs)
    assert "maximize=True: at step 7, exp_avg_sq of w0[2, 1]" in str(verification)


def test_a_step_counter_off_by_one_is_found(golden: Callable, candidate: Path) -> None:
    class Late(OPTIMIZERS["Adam"].scratch):
        def rule(self, w: np.ndarray, g: np.ndarray, state: dict) -> None:
            super().rule(w, g, {**state, "step": state["step"] + 1})

    tensors = recorded(as_adapter(Late()), load_file(golden("Adam")), "float64", 0)
    save_file({key: a for key, a in tensors.items() if "/param/" in key}, candidate)
    [failed] = verify(golden("Adam"), candidate).failed
    assert (failed.report.first.step, failed.report.first.quantity) == (1, "parameter")


def test_the_hyperparameter_that_only_failing_cases_have_is_named(
    golden: Callable, candidate: Path
) -> None:
    save_file(by_hand(golden("Adam"), "Adam", amsgrad=False), candidate)
    verification = verify(golden("Adam"), candidate)
    amsgrad = {i for i, case in enumerate(OPTIMIZERS["Adam"].cases) if case.get("amsgrad")}
    assert {result.case for result in verification.failed} == amsgrad
    assert verification.shared == {"amsgrad": True}
    assert "Every case that diverges has amsgrad=True; no case that agrees" in str(verification)


@pytest.mark.parametrize("name", ["Adam", "SGD"])
def test_a_planted_cause_is_named_from_the_files_alone(
    golden: Callable, candidate: Path, name: str
) -> None:
    """In every case a variant goes its own way, or torch's where it changes nothing."""
    pair, tensors = OPTIMIZERS[name], load_file(golden(name))
    for planted in _catalogue(pair, {}).variants[::8]:
        written: Arrays = {}
        for number, case in enumerate(manifest_of(golden(name))["cases"]):
            rule = _catalogue(pair, case["hyperparameters"]).rule(**planted.changes)
            written |= recorded(as_adapter(rule), tensors, "float64", number)
        save_file({key: a for key, a in written.items() if "/param/" in key}, candidate)
        found = verify(golden(name), candidate)
        names = [finding.names for finding in found.findings]
        assert found.agrees or not all_finite(written) or (planted.name,) in names, planted.name
        said = [line["names"] for line in found.as_dict()["findings"]]
        assert (names == [tuple(each) for each in said], bool(names)) == (
            True,
            "your candidate.safetensors agrees with" in str(found),
        )


def all_finite(arrays: Arrays) -> bool:
    return all(np.isfinite(array).all() for array in arrays.values())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_out_of_all_bounds_are_a_divergence(
    golden: Callable, candidate: Path, value: float
) -> None:
    tensors = trajectories(golden("SGD"))
    tensors["float64/0/param/w1"][3, 2] = value
    save_file(tensors, candidate)
    verification = verify(golden("SGD"), candidate)
    [failed] = verification.failed
    assert (failed.report.first.step, failed.report.first.element) == (4, (2,))
    json.dumps(verification.as_dict(), allow_nan=False)


# Another language


@pytest.mark.arithmetic
@needs_node
def test_an_adam_in_javascript(golden: Callable, candidate: Path) -> None:
    def run(*changes: str) -> None:
        command = ["node", READERS / "adam.mjs", golden("Adam"), candidate, *changes]
        subprocess.run(command, check=True, timeout=60)

    run()
    right = verify(golden("Adam"), candidate)
    assert right.agrees, str(right)
    assert len(right.results) == len(OPTIMIZERS["Adam"].cases)
    compared = {q for result in right.results for _, q in result.report.drifts}
    assert compared >= {"parameter", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}
    run("eps=1e-7")
    wrong = verify(golden("Adam"), candidate)
    assert len(wrong.failed) == len(wrong.results)
    assert {result.report.first.quantity for result in wrong.failed} == {"parameter"}
    run("amsgrad=false")
    assert verify(golden("Adam"), candidate).shared == {"amsgrad": True}


def test_the_examples_are_short() -> None:
    for name, lines in (("reader.mjs", 20), ("adam.mjs", 60)):
        assert len((READERS / name).read_text().splitlines()) <= lines


# The commands


def test_the_commands(tmp_path: Path, candidate: Path) -> None:
    run = CliRunner().invoke
    folder = tmp_path / "golden"
    path = folder / "sgd.safetensors"
    written = run(app, ["golden", "SGD", "--out", str(folder)])
    assert (written.exit_code, path.exists()) == (0, True)
    assert "sgd.json" in written.output
    tensors = trajectories(path)
    save_file(tensors, candidate)
    agrees = run(app, ["verify", str(path), str(candidate)])
    assert agrees.exit_code == 0
    assert "candidate.safetensors agrees with torch.optim.SGD" in agrees.output
    tensors["float32/4/param/w1"][9] += 1
    save_file(tensors, candidate)
    diverges = run(app, ["verify", str(path), str(candidate), "--json"])
    assert diverges.exit_code == 1
    report = json.loads(diverges.output)
    [failed] = [case for case in report["cases"] if not case["agrees"]]
    assert (failed["dtype"], failed["first"]["step"]) == ("float32", 10)
    assert failed["hyperparameters"]["momentum"] == 0.9
    assert report["shared"] == {}  # another case with momentum agrees


def test_all_golden_files_by_one_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["golden", "--all", "--out", str(tmp_path)])
    assert result.exit_code == 0
    assert len(list(tmp_path.glob("*.safetensors"))) == len(all_names())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["golden", "adamm"], "did you mean 'Adam'?"),
        (["golden", "rmsporp"], "did you mean 'RMS"),
        (["golden", "xyz"], "these are: SGD"),
        (["golden"], "or --all"),
        (["golden", "Adam", "--all"], "or --all"),
        (["verify", "no.safetensors", "neither.safetensors"], "no.safetensors: there is no such"),
    ],
)
def test_what_the_commands_cannot_do(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output
