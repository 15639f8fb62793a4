"""The lesson: one text, from which the notebook is made, and which runs from top to bottom."""

import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
TEXT, NOTEBOOK = (ROOT / "experiments" / f"chapter6.{ending}" for ending in ("md", "ipynb"))


def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells() -> list[str]:
    return [cell.source for cell in notebook().cells if cell.cell_type == "code"]


def test_the_notebook_is_made_from_its_text() -> None:
    text, made = jupytext.read(TEXT), notebook()
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        (cell.cell_type, cell.source) for cell in text.cells
    ], "run `make notebook`"


def test_it_is_stored_without_outputs_and_without_traces_of_a_machine() -> None:
    made = notebook()
    nbformat.validate(made)
    assert made.metadata.keys() == {"jupytext", "kernelspec"}
    for cell in made.cells:
        assert cell.metadata == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert str(ROOT) not in NOTEBOOK.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    """The notebook after a quick run of all its cells, in a kernel of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOCKSTEP_QUICK", "1")
        environment.setenv("PYTHONPATH", str(ROOT))
        made, folder = notebook(), {"metadata": {"path": str(NOTEBOOK.parent)}}
        client = NotebookClient(made, timeout=300, kernel_name="python3", resources=folder)
        return client.execute()  # raises at a cell that fails


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(executed: nbformat.NotebookNode) -> None:
    counts = [cell.execution_count for cell in executed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.slow
def test_it_draws_every_experiment_and_judges_its_claims(executed: nbformat.NotebookNode) -> None:
    import experiments

    shown = {}
    for cell in executed.cells:
        if cell.cell_type == "code" and cell.source.startswith("run("):
            shown[cell.source.split('"')[1]] = [output.get("data", {}) for output in cell.outputs]
    assert shown.keys() >= set(experiments.NAMES)
    for name in experiments.NAMES:
        picture, verdicts = shown[name]
        assert "image/png" in picture
        for claim in experiments.load(name).claims:
            assert claim.text in verdicts["text/markdown"]


@pytest.mark.slow
def test_its_own_adam_is_found_out(executed: nbformat.NotebookNode) -> None:
    assert 'agrees with "bias correction missing"' in executed.cells[-2].outputs[0].text


#: Python as on a machine where the project is not installed.
NOT_INSTALLED = """
import sys
from pathlib import Path
sys.path[:] = [place for place in sys.path if not (Path(place) / "scratch" / "optim").is_dir()]
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in str(finder)]
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("where", ["in the checkout", "below it", "beside it"])
def test_without_an_installation_it_finds_the_checkout(where: str, tmp_path: Path) -> None:
    (tmp_path / "a-clone").symlink_to(ROOT)
    folder = {"in the checkout": ROOT, "below it": ROOT / "experiments", "beside it": tmp_path}
    code = f"{NOT_INSTALLED}{code_cells()[0]}\nimport scratch; print(scratch.__file__)"
    done = run(code, folder[where])
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == ROOT / "scratch" / "__init__.py"


def test_where_there_is_none_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(NOT_INSTALLED + code_cells()[0], tmp_path)
    assert "clone it here, or set SOURCE" in done.stderr


def test_all_but_its_last_section_needs_no_torch() -> None:
    cells = code_cells()
    helpers = cells[: next(i for i, cell in enumerate(cells) if cell.startswith("def code")) + 1]
    code = "\n".join([*helpers, 'run("zero-init", iterations=4, look_every=2)'])
    done = run(f"{code}\nimport sys; print('torch' in sys.modules)", ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"
