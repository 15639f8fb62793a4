"""The lesson: it marks rightly, and its notebooks are made from its texts and run."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import experiments
from experiments.engine.texts import Text
from experiments.lesson import hint, making, speak
from experiments.lesson.exercises import EXERCISES, Exercise, Mistake
from experiments.lesson.files import ANSWERS, empty_answers
from experiments.lesson.grading import EMPTY, RIGHT, WRONG, check, find
from experiments.report.translations import korean
from parity_tests.command_line import ROOT, lockstep, run_python
from parity_tests.harness import bare
from torch_ref.errors import LockstepError

NOTEBOOKS = [text.with_suffix(".ipynb") for text in making.texts()]
GIVEN = [f"given: {name}\n" for name in EXERCISES]
MISTAKES = [(name, i) for name, each in EXERCISES.items() for i in range(len(each.mistakes))]
#: Those of an optimizer take a search each: two of them now, the others are `slow`.
LATER = {(name, i) for name, i in MISTAKES if isinstance(EXERCISES[name].solution, type)}
LATER -= {("Momentum", 1), ("Adam", 0)}


def written(source: str, name: str) -> Any:
    """What a learner's source makes, of this name."""
    names: dict[str, Any] = {"np": np}
    exec(source, names)
    return names[name]


def mistake(name: str, i: int) -> tuple[Exercise, Mistake]:
    exercise = EXERCISES[name]
    return exercise, exercise.mistakes[i]


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_right_is_right_and_what_is_empty_is_not_written_yet(name: str) -> None:
    exercise = EXERCISES[name]
    right = check(written(exercise.source, name))
    assert (right.sign, list(right.lines)) == (RIGHT, [])
    assert check(written(exercise.given, name)).sign == EMPTY
    documented = exercise.given.replace("pass  # your code", '"""Not yet."""')
    assert check(written(documented, name)).sign == EMPTY


@pytest.mark.parametrize(
    ("name", "i"),
    [pytest.param(*each, marks=pytest.mark.slow if each in LATER else ()) for each in MISTAKES],
)
def test_a_usual_mistake_is_named(name: str, i: int) -> None:
    exercise, planted = mistake(name, i)
    mark = check(written(exercise.wrong(planted), name))
    told = [line for line in mark.lines if isinstance(line, Text)]
    others = {str(each.said) for each in exercise.mistakes if each is not planted}
    assert mark.sign == WRONG
    assert str(planted.said) in told
    assert not others & set(told)


def test_each_exercise_has_hints_and_six_mistakes() -> None:
    for exercise in EXERCISES.values():
        assert len(exercise.mistakes) == len({each.said for each in exercise.mistakes}) == 6
        assert len(exercise.hints) >= 2


@pytest.mark.slow
def test_the_books_own_form_of_adam_is_right() -> None:
    source, rate = EXERCISES["Adam"].source, "(1 - self.beta2**self.t) ** 0.5"
    for old, new in {
        " / (1 - self.beta1**self.t)": "",
        " / (1 - self.beta2**self.t)": "",
        "self.lr *": f"self.lr * {rate} / (1 - self.beta1**self.t) *",
    }.items():
        assert old in source
        source = source.replace(old, new)
    mark = check(written(source, "Adam"))
    assert mark.right
    assert "the book's own code" in mark.said


def test_a_mistake_that_is_not_usual_is_shown_as_it_was_measured() -> None:
    source = EXERCISES["batchnorm_forward"].source
    unusual = source.replace("x_hat = (x - mu)", "x_hat = np.sin(x - mu)")
    mark = check(written(unusual, "batchnorm_forward"))
    assert mark.sign == WRONG
    assert any("none of the known variants fits" in line for line in mark.lines) or (
        "No usual mistake" in mark.lines[0] and "step 1" in mark.lines[1]
    )


def test_what_the_answer_raises_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / ANSWERS
    for name, body in (("he", "return n_in.std"), ("SGD", "return 1 / 0")):
        exercise = EXERCISES[name]
        file.write_text(exercise.given.replace("pass  # your code", body))
        result = lockstep("learn", file)
        assert result.exit_code == 1
        assert f"✗ {name} ({exercise.section}): it cannot be run" in result.output
        assert f"{ANSWERS}:" in result.output
        assert body in result.output


def test_hints_come_one_after_another() -> None:
    count = len(EXERCISES["Adam"].hints)
    numbers = [hint("adam").number for _ in range(count + 1)]
    assert numbers == [*range(1, count + 1), 1]
    assert "<code>np.zeros_like</code>" in hint("Momentum")._repr_html_()


def test_a_mark_is_text_and_html_in_both_languages() -> None:
    empty = written(EXERCISES["he"].given, "he")
    mark = check(empty)
    assert str(mark).startswith("○ he (6.2.3): not written yet")
    assert "<b>he</b>" in mark._repr_html_()
    try:
        speak("ko")
        assert str(mark) == f"○ he (6.2.3): {korean(mark.said)}"
        assert "아직 작성하지 않았다" in mark._repr_html_()
    finally:
        speak("en")
    with pytest.raises(LockstepError, match="there is no exercise 'Adamm'"):
        find("Adamm")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_notebook_is_made_from_its_text_and_stored_with_what_it_showed(path: Path) -> None:
    stored, made = nbformat.read(path, as_version=4), making.made(path.with_suffix(".md"))
    nbformat.validate(stored)
    assert [(c.cell_type, c.source) for c in stored.cells] == [
        (c.cell_type, c.source) for c in made.cells
    ], "run `make notebook`"
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        outputs = [output.get("data", {}) for output in cell.outputs]
        if cell.source.startswith("check("):
            assert EMPTY in outputs[0]["text/html"]
        elif cell.source.startswith(("bowl(", "layers(")):
            assert "image/png" in outputs[-1]
        elif cell.source.startswith("run("):
            picture, verdicts = outputs
            assert "image/png" in picture
            claims = experiments.load(cell.source.split('"')[1]).claims
            _, _, *rows = verdicts["text/markdown"].splitlines()
            assert len(rows) == len(claims)
            for claim, row in zip(claims, rows, strict=True):
                # The Korean of a claim may have got better since.
                assert "ko" in path.parts or claim.text.replace("|", r"\|") in row
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'/tmp/|/home/|site-packages|Traceback|"stderr"', text)
    assert str(ROOT) not in text


def test_the_notebooks_are_small_and_have_all_exercises_and_experiments_of_their_sections() -> None:
    assert all(path.stat().st_size < 200_000 for path in NOTEBOOKS)
    assert sum(path.stat().st_size for path in NOTEBOOKS) < 1_000_000
    for language in ("en", "ko"):
        paths = [path for path in NOTEBOOKS if language in path.parts]
        code = [cell.source for path in paths for cell in cells(path, "code")]
        assert [each for each in EXERCISES.values() if each.given in code] == [*EXERCISES.values()]
        assert [each for each in EXERCISES if f"check({each})" in code] == [*EXERCISES]
        assert {each.split('"')[1] for each in code if each.startswith("run(")} == {
            *experiments.NAMES
        }
        told = "".join(cell.source for path in paths for cell in cells(path, "markdown"))
        assert all(f"```python\n{each.source}```" in told for each in EXERCISES.values())


def test_both_languages_have_the_same_cells() -> None:
    english, korean_ones = NOTEBOOKS[: len(NOTEBOOKS) // 2], NOTEBOOKS[len(NOTEBOOKS) // 2 :]
    for ours, theirs in zip(english, korean_ones, strict=True):
        both = [nbformat.read(path, as_version=4).cells for path in (ours, theirs)]
        assert [c.cell_type for c in both[0]] == [c.cell_type for c in both[1]], ours.name
        headings = [[re.findall(r"^#+", c.source, re.M) for c in each] for each in both]
        assert headings[0] == headings[1], ours.name


@pytest.mark.slow
@pytest.mark.parametrize("text", making.texts(), ids=lambda path: "/".join(path.parts[-2:]))
def test_filled_in_it_runs_from_top_to_bottom_and_all_is_right(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_QUICK", "1")
    monkeypatch.setenv("LOCKSTEP_STILL", "0")  # with sliders
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = making.made(text)
    for cell in notebook.cells:
        for exercise in EXERCISES.values():
            cell.source = cell.source.replace(exercise.given, exercise.source)
    folder = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=folder).execute()
    marks = [
        output.data["text/html"]
        for cell in notebook.cells
        if cell.source.startswith("check(")
        for output in cell.outputs
    ]
    assert len(marks) == sum(name in text.read_text(encoding="utf-8") for name in GIVEN)
    assert all(RIGHT in mark for mark in marks)


@pytest.mark.slow
def test_an_experiment_of_the_lesson_needs_no_torch() -> None:
    code = """
import sys
from experiments.lesson import bowl, check, run, speak
run("zero-init", iterations=4, look_every=2)
assert "torch" not in sys.modules
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_lockstep_learn_copies_the_lesson_once(tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "lesson"
    result = lockstep("learn", folder, "--no-open", "--language", "ko")
    assert result.exit_code == 0, result.output
    copied = {path.name for path in folder.iterdir()}
    assert copied == {ANSWERS, *(path.name for path in NOTEBOOKS)}
    assert "가중치" in json.loads((folder / "6.2.ipynb").read_text())["cells"][0]["source"][0]
    assert "lockstep learn" in result.output
    (folder / ANSWERS).write_text("mine")
    again = lockstep("learn", folder)
    assert again.exit_code == 1
    assert "is there already" in again.output
    assert (folder / ANSWERS).read_text() == "mine"


def test_lockstep_learn_starts_jupyterlab_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("experiments.lesson.files.has_jupyter", lambda: True)
    monkeypatch.setattr("subprocess.run", lambda command, **_: started.append(command))
    assert lockstep("learn", tmp_path / "lesson").exit_code == 0
    assert started[0][1:] == ["-m", "jupyterlab", str(tmp_path / "lesson")]


def test_lockstep_learn_marks_a_file_without_torch_or_any_extra(tmp_path: Path) -> None:
    (tmp_path / ANSWERS).write_text(
        empty_answers().replace(EXERCISES["he"].given, EXERCISES["he"].source)
    )
    done = bare.lockstep(tmp_path, "learn", ANSWERS, "--language", "ko")
    assert done.returncode == 1, done.stderr
    assert "✓ he" in done.stdout
    assert done.stdout.count(EMPTY) == len(EXERCISES) - 1
    assert f"1 of {len(EXERCISES)}" in done.stdout  # without Babel in English
    hinted = lockstep("learn", tmp_path / ANSWERS, "--hints", "2")
    assert hinted.output.count("hint 2 of") == len(EXERCISES) - 1


def test_lockstep_learn_says_what_it_cannot_mark(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    assert "there is no file" in lockstep("learn", file).output
    file.write_text("x = 1\n")
    assert "has no answer: they are called SGD" in lockstep("learn", file).output
    file.write_text("import nothing_like_it\n")
    result = lockstep("learn", file)
    assert result.exit_code == 1
    assert "nothing_like_it" in result.output
    assert "mine.py:1" in result.output
