"""What ``lockstep learn`` does with files: the lesson copied for the learner, answers marked."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from experiments.lesson.exercises import EXERCISES
from experiments.lesson.grading import Mark, check
from torch_ref.errors import LockstepError
from torch_ref.lockstep.candidates.candidate import module_at

HERE = Path(__file__).parent
ANSWERS = "my_answers.py"
_HEAD = '"""Your answers: `lockstep learn {name}` marks them."""\n\nimport numpy as np\n'


def copy(folder: Path, language: str = "en") -> list[Path]:
    """Put the notebooks, and a file with an empty place for every answer, into a folder.

    Raises:
        LockstepError: one of them is there already, or the folder cannot be written; nothing is
            changed then.
    """
    notebooks = sorted((HERE / language).glob("*.ipynb"))
    targets = [folder / each.name for each in (*notebooks, Path(ANSWERS))]
    for target in targets:
        if target.exists():
            raise LockstepError(f"{target} is there already: name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in notebooks:
            shutil.copyfile(notebook, folder / notebook.name)
        targets[-1].write_text(empty_answers(), encoding="utf-8")
    except OSError as error:
        raise LockstepError(f"{folder} cannot be written: {error.strerror}") from error
    return targets


def empty_answers() -> str:
    """A file with a place for every answer.

    >>> print(empty_answers().partition("def he")[2])
    (n_in, n_out):
        pass  # your code
    <BLANKLINE>
    <BLANKLINE>
    def batchnorm_forward(...
    """
    places = [each.given for each in EXERCISES.values()]
    return "\n\n".join([_HEAD.format(name=ANSWERS), *(f"{place}\n" for place in places)])


def marked(file: Path) -> list[Mark]:
    """The marks of the answers in a file, which is run in this process.

    Raises:
        CandidateError: it cannot be run.
        LockstepError: there is no such file, or it has no answer to any exercise.
    """
    if not file.is_file():
        raise LockstepError(
            f"there is no file {file}; `lockstep learn FOLDER` writes one to fill in"
        )
    module, _ = module_at(str(file))
    answers = vars(module)
    found = [answers[name] for name in EXERCISES if name in answers]
    if not found:
        raise LockstepError(f"{file} has no answer: they are called {', '.join(EXERCISES)}")
    return [check(answer) for answer in found]


def has_jupyter() -> bool:
    """Whether JupyterLab is installed for this Python."""
    return find_spec("jupyterlab") is not None
