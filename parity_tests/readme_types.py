"""Type-checks the Python of README.md and of the pages: ``python -m parity_tests.readme_types``.

An example that is an excerpt of the code, all of its lines in one file of ``scratch``, is checked
there.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mypy import api

ROOT = Path(__file__).parents[1]
#: In both languages the examples are the same, which a test sees to.
PAGES = [ROOT / "README.md", *sorted((ROOT / "experiments" / "docs").glob("*.md"))]
#: The reader's own file, which the examples for pytest import.
MY_ADAM = "from scratch.optim import Adam\n\n\nclass MyAdam(Adam): ...\n"


def examples(text: str) -> dict[int, str]:
    """Each block of Python by the number of its first line.

    >>> examples("Run it:\\n```python\\nx = 1\\n```\\n")
    {3: 'x = 1\\n'}
    """
    blocks = re.finditer(r"^```python\n(.*?)^```", text, re.S | re.M)
    return {text[: block.start(1)].count("\n") + 1: block[1] for block in blocks}


def is_excerpt(block: str) -> bool:
    """Whether all lines of ``block`` are in one file of ``scratch``."""
    lines = {line.strip() for line in block.splitlines()}
    files = (ROOT / "scratch").rglob("*.py")
    return any(lines <= {line.strip() for line in _lines(path)} for path in files)


def main() -> int:
    """Check them all in one run of mypy; what it finds has the pages' line numbers."""
    with TemporaryDirectory() as folder:
        readme = Path(folder, "readme")
        readme.mkdir()
        Path(folder, "my_adam.py").write_text(MY_ADAM, encoding="utf-8")
        (readme / "__init__.py").touch()
        for page in PAGES:
            for number, block in examples(page.read_text(encoding="utf-8")).items():
                if not is_excerpt(block):
                    text = "\n" * (number - 1) + block
                    file = readme / f"{page.stem}_from_line_{number}.py"
                    file.write_text(text, encoding="utf-8")
        found, trouble, status = api.run(
            [
                f"--config-file={ROOT / 'pyproject.toml'}",
                f"--cache-dir={ROOT / '.mypy_cache'}",
                "--no-pretty",
                folder,
            ]
        )
    print(found.replace(f"{readme}/", "") + trouble, end="")
    return status


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    sys.exit(main())
