"""The page of whatever results there are: none, some, damaged ones; in both languages."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

import experiments
from experiments import cli
from experiments.data import Dataset
from experiments.engine import output
from experiments.report import charts, explorer, page, reproduce, results, texts
from experiments.report.chapter import sections
from experiments.report.korean import KOREAN, chapter, parity
from experiments.report.korean import charts as korean_charts
from experiments.report.korean import page as korean_page
from experiments.report.results import Missing, Unreadable
from experiments.report.surfaces import SURFACES
from experiments.report.words import WORDS
from parity_tests import report_results as fabricated
from torch_ref import registry
from torch_ref.conventions import CONVENTIONS

ROOT = Path(__file__).parents[1]
HOSTILE = "</script><script>alert(1)</script>&\u2028\"'<img src=x onerror=alert(1)>"
#: What is the same in Korean: names, code, and what stands for a number.
SAME = {"torch", "scratch", "tanh", "he", "normal", "uniform", "sparse", "foreach", "fused"}
SAME |= {"float", "rand", "randn", "randint", "randperm", "decay", "rate", "run", "side"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricated.write_all(folder, mnist)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of a whole results folder, to be damaged."""
    return shutil.copytree(whole, tmp_path / "results")


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The explorer and the lab, which are the same whatever results there are, made once."""
    data = _made_once()
    monkeypatch.setattr(page.explorer, "as_dict", lambda: data[0])
    monkeypatch.setattr(page.lab, "as_dict", lambda size: data[1])


def _made_once(made: list = []) -> list:  # noqa: B006 (kept between calls)
    if not made:
        made += [explorer.as_dict(), page.lab.as_dict(fabricated.LAB)]
    return made


def rendered(folder: Path) -> str:
    return page.render(results.read(folder))


def state(folder: Path, name: str) -> Unreadable | Missing | None:
    item = next(item for item in results.read(folder).items if item.name == name)
    return item if isinstance(item, Unreadable | Missing) else None


def lockstep(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, arguments)


class Structure(HTMLParser):
    """The text outside of scripts and styles, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._inside = "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data


@pytest.mark.usefixtures("quickly")
def test_a_whole_folder_makes_a_page_of_everything(whole: Path) -> None:
    html = rendered(whole)
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


@pytest.mark.usefixtures("quickly")
def test_the_page_asks_for_nothing_from_anywhere_else(whole: Path) -> None:
    found = Structure(rendered(whole))
    for tag, attributes in found.tags:
        for name in ("src", "href", "action", "data"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:")), (tag, address)
    policy = next(a["content"] for _, a in found.tags if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_the_real_page_stays_below_eight_megabytes(whole: Path) -> None:
    # The curves of a real run, 400 points each at most, add a quarter of a megabyte.
    assert len(page.render(results.read(whole)).encode()) < 7_500_000


@pytest.mark.usefixtures("quickly")
def test_an_empty_folder_names_every_command(tmp_path: Path) -> None:
    found = results.read(tmp_path / "nowhere")
    assert all(isinstance(item, Missing) for item in found.items)
    text = Structure(page.render(found)).text
    for item in found.items:
        assert item.command in text
    assert "not measured" in text  # the conventions are told, without numbers


@pytest.mark.usefixtures("quickly")
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


def _truncate(home: Path) -> None:
    text = (home / "result.json").read_text()
    (home / "result.json").write_text(text[: len(text) // 2])


def _set(home: Path, key: str, value: object) -> None:
    fabricated.edit(home / "result.json", lambda info: info.update({key: value}))


def _edit_number(home: Path) -> None:
    path = home / "metrics.csv"
    path.write_text(path.read_text().replace("0,SGD", "1,SGD") + "scratch,SGD,loss,0,1,0.0\n")


def _rows(change: Callable[[list[list[str]]], object]) -> Callable[[Path], None]:
    return lambda home: fabricated.edit_rows(home, change)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_truncate, "is not JSON"),
    "empty": (lambda home: (home / "result.json").write_text(""), "is not JSON"),
    "a list": (lambda home: (home / "result.json").write_text("[]"), "has no object"),
    "not text": (lambda home: (home / "result.json").write_bytes(b"\xff\xfe\x00"), "is not JSON"),
    "NaN in JSON": (lambda home: _set(home, "seeds", [float("nan")]), "JSON knows no NaN"),
    "deep": (lambda home: (home / "result.json").write_text("[" * 10**5), "is not JSON"),
    "wrong type": (lambda home: _set(home, "seeds", "0"), "seeds is not what it should be"),
    "no seeds": (lambda home: _set(home, "seeds", []), "seeds is not what it should be"),
    "foreign backend": (lambda home: _set(home, "backends", {"jax": {}}), "backends is not"),
    "claims of a number": (lambda home: _set(home, "claims", 3), "claims/scratch is not"),
    "another's": (lambda home: _set(home, "experiment", "surface"), "of another experiment"),
    "edited numbers": (_edit_number, "was changed after it was written"),
    "no metrics": (lambda home: (home / "metrics.csv").unlink(), "metrics.csv"),
    "a folder": (
        lambda home: ((home / "result.json").unlink(), (home / "result.json").mkdir()),
        "is not a file",
    ),
    "another header": (_rows(lambda rows: rows[0].reverse()), "its columns are not"),
    "no numbers": (_rows(lambda rows: rows[1].__setitem__(5, "high")), "has no curves"),
    "short row": (_rows(lambda rows: rows[3].pop()), "has no curves"),
    "header alone": (_rows(lambda rows: rows.__delitem__(slice(1, None))), "there is nothing of"),
    "another seed": (_rows(lambda rows: rows[1].__setitem__(3, "7")), "is not of the seeds"),
    "infinite x": (_rows(lambda rows: rows[1].__setitem__(4, "inf")), "differ from seed to seed"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_result_is_named_and_the_others_are_read(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder / "optimizer-comparison")
    found = results.read(folder)
    bad = [item for item in found.items if isinstance(item, Missing | Unreadable)]
    assert [item.name for item in bad] == ["optimizer-comparison"]
    assert message in bad[0].why.en
    assert bad[0].why.ko != bad[0].why.en
    shown = {part.name: part for part in sections(found)}
    assert bad[0].why.en in shown["optimizer-comparison"].trouble.en
    assert shown["init-comparison"].charts


@pytest.mark.parametrize("file", ["sweep/sweep.json", "bench.json", "parity.json"])
@pytest.mark.parametrize("content", ["{", "{}", "[1]", '{"machine": {}, "twins": [3]}'])
@pytest.mark.usefixtures("quickly")
def test_a_damaged_file_is_named_and_the_page_is_made(
    folder: Path, file: str, content: str
) -> None:
    (folder / file).write_text(content)
    name = Path(file).stem
    assert isinstance(state(folder, name), Unreadable)
    assert f"The result of {name} is unreadable" in Structure(rendered(folder)).text


@pytest.mark.usefixtures("quickly")
def test_numbers_without_what_the_figure_needs_are_no_failure(folder: Path) -> None:
    def rename(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[2] = "something"

    for name in experiments.NAMES:
        fabricated.edit_rows(folder / name, rename)
    found = Structure(rendered(folder))
    assert "Its numbers lack what the figure needs" in found.text
    assert "What the chapter says, and what was measured" in found.text


def test_a_run_that_diverged_leaves_a_gap_and_is_said(folder: Path) -> None:
    def diverge(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            if row[1] == "He" and float(row[4]) > 3:
                row[5] = "nan"

    fabricated.edit_rows(folder / "init-comparison", diverge)
    part = next(p for p in sections(results.read(folder)) if p.name == "init-comparison")
    assert part.trouble is None
    assert any("Diverges in some seed: He (scratch)" in note.en for note in part.notes)


@pytest.mark.usefixtures("quickly")
def test_what_stands_in_files_is_shown_and_never_run(folder: Path) -> None:
    def rename(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[1] = HOSTILE if row[1] == "He" else row[1]

    def soil(info: dict) -> None:
        info["settings"][HOSTILE] = HOSTILE
        info["machine"] = info["python"] = info["finished"] = HOSTILE
        for claims in info["claims"].values():
            for claim in claims:
                claim["text"] = HOSTILE
                for seed in claim["seeds"]:
                    seed["measured"] = HOSTILE

    fabricated.edit_rows(folder / "init-comparison", rename)
    fabricated.edit(folder / "init-comparison" / "result.json", soil)
    fabricated.edit(folder / "bench.json", lambda b: b["sections"][0].update(title=HOSTILE))
    clean, soiled = Structure(rendered(folder.parent / "none")), Structure(html := rendered(folder))
    scripts = [sum(tag == "script" for tag, _ in s.tags) for s in (clean, soiled)]
    assert scripts[0] == scripts[1]
    assert not any("onerror" in attributes for _, attributes in soiled.tags)
    assert not any(tag == "img" for tag, _ in soiled.tags)
    assert HOSTILE in soiled.text
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert "\u2028" not in embedded[1]
    names = [trace["name"] for trace in _traces(json.loads(embedded[1]), "init-comparison-loss")]
    assert HOSTILE in names


def _traces(data: dict, chart: str) -> list[dict]:
    return [trace for panel in data["charts"][chart]["panels"] for trace in panel["traces"]]


def test_no_file_outside_is_read_because_of_what_a_file_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = folder.parent / "secret.csv"
    secret.write_text("secret")
    for name in ("surface", "zero-init"):
        info = json.loads((folder / name / "result.json").read_text())
        info |= {"dataset": {"name": "../../secret.csv", "digest": "0"}, "file": str(secret)}
        info["files"]["../../secret.csv"] = "0"
        fabricated.write_json(folder / name / "result.json", info)
    read = []
    whole = results._bytes
    monkeypatch.setattr(results, "_bytes", lambda path: read.append(path) or whole(path))
    results.read(folder)
    assert all(path.resolve().is_relative_to(folder) for path in read)
    assert len(read) == 2 * len(experiments.NAMES) + 3


def test_a_curve_is_thinned_and_keeps_its_extremes() -> None:
    values = np.sin(np.arange(10_000) / 50)
    values[[1234, 7777]] = 9, -9
    at = charts.thinned(values)
    assert len(at) <= charts.MOST
    assert {0, 1234, 7777, 9999} <= set(at.tolist())


def test_packed_numbers_are_what_plotly_reads() -> None:
    packed = charts.pack([[1.5, np.nan]])
    assert packed["shape"] == "1,2"
    raw = np.frombuffer(__import__("base64").b64decode(packed["bdata"]), "<f4")
    np.testing.assert_array_equal(raw, [1.5, np.nan])


@pytest.mark.parametrize("surface", SURFACES, ids=[s.name for s in SURFACES])
def test_a_surfaces_gradient_is_autograds(surface) -> None:
    x = torch.linspace(-2, 3, 7, dtype=torch.float64, requires_grad=True)
    y = torch.linspace(3, -1, 7, dtype=torch.float64, requires_grad=True)
    expected = torch.autograd.grad(surface.f(x, y).sum(), (x, y))
    mine = surface.gradient(x.detach().numpy(), y.detach().numpy())
    for ours, theirs in zip(mine, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-12)
    for minimum in surface.minima:
        assert np.hypot(*surface.gradient(*map(np.float64, minimum))) < 1e-12


@pytest.mark.parametrize("name", explorer.names())
def test_a_path_is_the_one_that_the_optimizer_takes_alone(name: str) -> None:
    rate, momentum = 8, 0.8 if name in explorer.MOMENTUM else 0.0
    together = explorer.paths(name, momentum)
    for surface, found in zip(SURFACES, together, strict=True):
        stepper = explorer.optimizer(name, explorer.RATES[rate], momentum)
        params = dict(zip("xy", surface.start, strict=True))
        for step in range(20):
            np.testing.assert_allclose(found[rate].points[step], [*params.values()], rtol=1e-9)
            grads = dict(zip("xy", surface.gradient(params["x"], params["y"]), strict=True))
            stepper.update(params, grads)


def test_a_path_ends_where_it_diverges() -> None:
    bowl = explorer.paths("SGD", 0.0)[0]
    assert bowl[-1].diverged  # lr 3: the curvature of 2 allows less than 1
    assert len(bowl[-1].points) < explorer.STEPS
    assert not bowl[explorer.RATES.index(0.95)].diverged


@pytest.mark.usefixtures("quickly")
def test_every_text_of_the_page_has_a_korean_one(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, bool] = {}

    class Recording(dict):
        def __contains__(self, key: object) -> bool:
            return asked.setdefault(key, super().__contains__(key))

        def get(self, key: str, default: object = None) -> object:
            asked[key] = super().__contains__(key)
            return super().get(key, default)

    monkeypatch.setattr(texts, "KOREAN", Recording(KOREAN))
    for folder in (whole, tmp_path / "none"):
        rendered(folder)
    for pair in (*registry.OPTIMIZERS.values(), *registry.SCHEDULES.values()):
        texts.known(pair.note)
    for name in experiments.NAMES:
        texts.known(experiments.load(name).title)
        for claim in experiments.load(name).claims:
            texts.known(claim.text)
    lacking = {
        text
        for text, there in asked.items()
        if not there and not asked.get(texts.abstracted(text)) and " ÷ " not in text
    }
    assert {text for text in lacking if _says_something(text)} == set()
    assert all(word.ko != word.en for word in WORDS.values())


def _says_something(text: str) -> bool:
    """Whether it has words of its own, beside names and code."""
    bare = re.sub(r"`[^`]*`|[\w.]+=\w+|\w+_\w+|lockstep [\w -]+|python .*|import \w+", "", text)
    return bool({word for word in re.findall(r"\b[a-z]{3,}", bare)} - SAME)


def test_every_korean_text_is_asked_for_once_and_keeps_its_places() -> None:
    tables = (chapter.CHAPTER, korean_charts.CHARTS, korean_page.PAGE, parity.PARITY)
    assert sum(map(len, tables)) == len(KOREAN)
    for english, korean in KOREAN.items():
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, korean)]
        if "{}" in english:
            assert english.count("{}") == len(re.findall(r"\{\d*\}", korean)), english
        else:
            assert places[0] == places[1], english


def test_the_readme_has_the_table_of_conventions() -> None:
    from torch_ref.conventions import as_markdown

    assert as_markdown() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("convention", CONVENTIONS, ids=[c.name for c in CONVENTIONS])
def test_a_convention_makes_a_difference_and_none_once_it_is_aligned(convention) -> None:
    apart, aligned = convention.measure()
    assert apart > 0.01
    assert aligned < 1e-14


def test_the_command_that_made_a_result_is_reconstructed(whole: Path) -> None:
    found = {origin.name: origin for origin in reproduce.origins(results.read(whole))}
    assert found["surface"].command == "lockstep run surface --backend both --seeds 2 --quick"
    assert found["zero-init"].command == "lockstep run zero-init --backend scratch --seeds 2 --quick"
    assert "--optimizer SGD,chapter.Adam --lr 0.01,0.1" in found["sweep"].command
    assert found["bench"].command == "lockstep bench --quick"


@pytest.mark.usefixtures("quickly")
def test_the_command_writes_the_page_names_it_and_says_what_it_lacks(folder: Path) -> None:
    shutil.rmtree(folder / "surface")
    (folder / "bench.json").write_text("{")
    done = lockstep("report", "--out", str(folder))
    assert done.exit_code == 0, done.output
    assert "missing: surface; `lockstep run surface` makes it" in done.output
    assert "unreadable: bench: bench.json is not JSON" in done.output
    assert done.output.splitlines()[-1] == str(folder / "report.html")
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_that_cannot_be_written_is_a_failure_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "render", lambda *_: pytest.fail("it began to work"))
    (tmp_path / "file").write_text("")
    done = lockstep("report", "--out", str(tmp_path / "file" / "results"))
    assert done.exit_code == 1
    assert "cannot be written" in done.output


@pytest.mark.usefixtures("quickly")
def test_a_page_that_cannot_be_written_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "report.html").write_text("old")

    def disk_full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", disk_full)
    with pytest.raises(output.OutputError, match="No space left on device"):
        page.write(folder)
    assert (folder / "report.html").read_text() == "old"
    assert not [path for path in folder.iterdir() if "partial" in path.name]


@pytest.mark.parametrize("command", ["report", "parity"])
def test_a_usage_mistake_exits_with_2(command: str) -> None:
    assert lockstep(command, "--uot", "x").exit_code == 2
    assert lockstep(command, "surplus").exit_code == 2


def test_run_with_report_ends_with_the_page_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(cli, "measure_into", lambda out, console: asked.append(out))
    monkeypatch.setattr(cli, "write_into", lambda out, console: out / "report.html")
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
    hatchling = pytest.importorskip("hatchling.builders.wheel", reason="needs hatchling to build")
    built = next(hatchling.WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    names = set(zipfile.ZipFile(built).namelist())
    for folder in ("templates", "assets"):
        for path in (ROOT / "experiments" / "report" / folder).iterdir():
            assert f"experiments/report/{folder}/{path.name}" in names
