"""What is never executed, where nothing is written, and that downloads are what was published."""

import ast
import io
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments import cli
from experiments.data import DataError, load
from experiments.data.downloads import SOURCES, published
from experiments.data.embedded import EMBEDDED, FILES
from experiments.engine import runner

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    p
    for package in ("scratch", "torch_ref", "experiments", "parity_tests")
    for p in (ROOT / package).rglob("*.py")
)

#: They run what a file or a text says. joblib does so between the processes of one command, over
#: pipes that it has opened itself (or a cluster's, which whoever names it trusts), and that is what
#: it is here for; no file is ever read or written by it.
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "torch.save"}
FORBIDDEN_CALLS |= {"np.load", "numpy.load", "os.system", "os.popen", "torch.jit.load", "yaml.load"}
FORBIDDEN_CALLS |= {"joblib.load", "joblib.dump"}
FORBIDDEN_ARGUMENTS = {"allow_pickle", "shell"}
#: ``lockstep check`` runs the user's own file: that is what it is asked to do. One test runs the
#: README's examples, one defines a class as a notebook does, one is the lesson's learner.
RUNS_A_FILE = {
    "torch_ref/lockstep/frameworks/loading.py": ("spec.loader.exec_module",),
    "parity_tests/project/test_readme.py": ("exec", "compile"),
    "parity_tests/harness/test_check_command.py": ("exec",),
    "parity_tests/project/test_lesson.py": ("exec",),
}


def dotted(node: ast.expr) -> str:
    """The name that an expression is written as, ``a.b.c``; empty if it is none."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def offences(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names.append(getattr(node, "module", None) or "")
            yield from (n for n in names if n.partition(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in FORBIDDEN_CALLS or name.endswith("exec_module"):
                yield name
            yield from (k.arg for k in node.keywords if k.arg in FORBIDDEN_ARGUMENTS)


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(
        "import pickle\nfrom dill import loads\nnp.load(f, allow_pickle=True)\neval('1')"
    )
    assert sorted(offences(path)) == ["allow_pickle", "dill", "eval", "np.load", "pickle"]


def test_no_file_or_text_is_executed() -> None:
    found = {path.relative_to(ROOT).as_posix(): tuple(offences(path)) for path in MODULES}
    assert {path: names for path, names in found.items() if names} == RUNS_A_FILE


CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink")


class Watcher:
    """Notes every path that this process writes, makes, moves or removes, while it is on."""

    def __init__(self) -> None:
        self.on, self.paths = False, set()
        sys.addaudithook(self)  # for ever: there is no taking it back

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self.note(path)
        elif event in CHANGES and arguments[-1] in (-1, None):  # else within an open folder
            for path in arguments[:2]:
                self.note(path)

    def note(self, path: object) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            self.paths.add(os.path.realpath(os.fsdecode(path)))


@pytest.fixture(scope="module")
def watcher() -> Watcher:
    return Watcher()


SMALL_SWEEP = "sweep --lr 0.1 --depth 1 --init he --batch-norm off --width 4 --iterations 2"
SMALL_SWEEP += " --optimizer sgd --processes 1"


@pytest.mark.parametrize(
    "arguments",
    ["run surface optimizer-paths --quick --backend scratch", SMALL_SWEEP],
    ids=lambda arguments: arguments.split()[0],
)
def test_nothing_is_written_outside_of_the_output_folder(
    arguments: str, watcher: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, elsewhere = tmp_path / "results [bold]", tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    monkeypatch.chdir(elsewhere)
    watcher.paths, watcher.on = set(), True
    try:
        result = CliRunner().invoke(cli.app, [*arguments.split(), "--out", str(out)])
    finally:
        watcher.on = False
    assert result.exit_code == 0, result.output
    assert watcher.paths
    outside = [p for p in map(Path, watcher.paths) if p != out and out not in p.parents]
    assert not [p for p in outside if str(p) != os.devnull and "__pycache__" not in p.parts]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("fingerprint", ["../../x", "a\0b", "\x1b[31m"])
def test_a_result_edited_by_hand_puts_nothing_anywhere_else(
    fingerprint: object, tmp_path: Path
) -> None:
    out = tmp_path / "inner" / "results"
    arguments = ["run", "surface", "--backend", "scratch", "--out", str(out)]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    path = out / "surface" / runner.RESULT
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": fingerprint}))
    result = CliRunner().invoke(cli.app, [*arguments, "--quick"])
    assert result.exit_code == 0, result.output
    assert [p.name for p in tmp_path.iterdir()] == ["inner"]
    assert [p.name for p in (tmp_path / "inner").iterdir()] == ["results"]
    kept = {p.name for p in out.iterdir()} - {"surface", ".lock"}
    assert all(name.startswith("surface.") and name.isprintable() for name in kept)


# --- downloads -----------------------------------------------------------------------------------


class Answer(io.BytesIO):
    """What a server says, whatever it is asked for."""

    length, url = None, "http://here/x"


def test_a_download_that_is_not_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Answer(b"another"))
    with pytest.raises(DataError, match="could not be downloaded"):
        load("mnist", tmp_path / "data")


def test_every_file_that_torchvision_downloads_has_a_checksum() -> None:
    for source in SOURCES.values():
        files = published(source)
        assert tuple(file.name for file in files) == source.files
        for file in files:
            assert len(file.md5) == 32
            int(file.md5, 16)
            assert all(url.endswith(file.name) for url in file.urls)


def test_a_misspelt_data_dir_is_named_and_not_made(tmp_path: Path, no_network: None) -> None:
    folder = tmp_path / "dtaa" / "mnist"
    with pytest.raises(DataError, match=r"there is no folder .*dtaa/mnist that mnist could be in"):
        load("mnist", folder)
    assert not list(tmp_path.iterdir())


def test_what_was_in_a_data_dir_stays_after_a_failed_download(
    tmp_path: Path, no_network: None
) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(EMBEDDED / f"{FILES[1].name}.gz", tmp_path / "data" / "kept.gz")
    with pytest.raises(DataError, match="could not be downloaded"):
        load("kmnist", tmp_path / "data")
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["kept.gz"]
