"""The notebooks of the lesson, made from their texts and run: ``make notebook``.

In a text a block of Python ``given: NAME`` stands for the cell that the learner is to fill in, and
a paragraph ``solution: NAME`` for the solution, folded. A paragraph ``answer: …`` is folded, too.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from experiments.lesson.exercises import EXERCISES
from experiments.lesson.language import LANGUAGES

HERE = Path(__file__).parent
_FOLDED = "<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"
_SOLUTION = {"en": "The solution", "ko": "풀이"}
_ANSWER = {"en": "An answer", "ko": "답"}


def texts() -> list[Path]:
    """The texts of all languages."""
    return [path for each in LANGUAGES for path in sorted((HERE / each).glob("*.md"))]


def made(text: Path) -> nbformat.NotebookNode:
    """The notebook of a text, not run."""
    notebook = jupytext.read(text)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id, cell.metadata = f"cell-{number}", {}
        cell.source = "".join(_filled(cell.source, text.parent.name))
    kernel = notebook.metadata["kernelspec"]
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _filled(source: str, language: str) -> Iterator[str]:
    for part in re.split(r"^((?:given|solution|answer): (?s:.+?))(?=\n\n|\Z)", source, flags=re.M):
        kind, _, what = part.partition(": ")
        if kind == "given":
            yield EXERCISES[what].given
        elif kind == "solution":
            summary = f"{_SOLUTION[language]}: <code>{what}</code>"
            yield _FOLDED.format(summary=summary, text=f"```python\n{EXERCISES[what].source}```")
        elif kind == "answer":
            yield _FOLDED.format(summary=_ANSWER[language], text=what)
        else:
            yield part


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of its cells; raises at a cell that fails.

    Pictures are still, and what a machine and a moment leave behind is taken away.
    """
    os.environ |= {"LOCKSTEP_STILL": "1", "PYTHONPATH": str(HERE.parents[1])}
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    language = dict(notebook.metadata["language_info"])
    client.execute()
    notebook.metadata["language_info"] = language
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            if "data" in output and len(output["data"]) > 1:
                output["data"].pop("text/plain", None)
    return notebook


def main() -> None:
    """Make the notebooks of all texts, or of those that are named."""
    for text in map(Path, sys.argv[1:]) if sys.argv[1:] else texts():
        notebook = run(made(text.resolve()), text.parent)
        nbformat.write(notebook, text.with_suffix(".ipynb"))
        print(f"{text.with_suffix('.ipynb')} is written")


if __name__ == "__main__":
    main()
