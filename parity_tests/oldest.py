"""The oldest versions that ``pyproject.toml`` allows, as pip takes them.

    pip install -e '.[all,test]' $(python -m parity_tests.oldest)

``make test-oldest`` installs them and runs the tests with them: a lower bound is run, not guessed.
What to install is known before anything is installed, so this imports the standard library only.
"""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
#: The extras that are installed for the tests.
TESTED = ("torch", "plots", "report", "test")
_REQUIREMENT = re.compile(r"(?P<name>[\w.\[\]-]+)>=(?P<oldest>[\w.]+)")


def pinned(requirement: str) -> str:
    """A requirement with its lower bound as the only version.

    Raises:
        ValueError: there is no such bound, or more than that, so that the oldest is not known.

    >>> pinned("numpy>=2.0")
    'numpy==2.0'
    """
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None:
        raise ValueError(f"must be name>=version, to know the oldest, got {requirement!r}")
    return f"{match['name']}=={match['oldest']}"


def versions(pyproject: Path = PYPROJECT) -> list[str]:
    """What the package and its tests need, each at its lower bound."""
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    groups = [project["dependencies"], *(extras[name] for name in TESTED)]
    return [pinned(requirement) for group in groups for requirement in group]


if __name__ == "__main__":
    print(*versions(), sep="\n")
