"""The tests that run other people's packages: which of them are installed, and the mark to skip by.

    @needs("optax")
    def test_its_adam_agrees(): ...

``make frameworks`` installs them all. Without it ``make test`` takes those that are there, skips
the others with a reason, and says so at its head.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
EXTRA = "frameworks"


def needs(*modules: str) -> pytest.MarkDecorator:
    """The mark of a test, or of a file's (``pytestmark``), that imports such modules.

    >>> needs("jax", "optax").args
    ('jax', 'optax')
    """
    return pytest.mark.frameworks(*modules)


def keras_on_jax() -> Any:
    """Keras, on JAX as far as it is not imported yet; on what cannot do the same it is skipped."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    if keras.config.backend() not in ("jax", "torch"):
        pytest.skip("Keras runs on another backend here")
    return keras


def missing(modules: Iterable[str]) -> list[str]:
    """Those of the modules that are not installed; none is imported to find out.

    >>> missing(["numpy", "no_such_framework"])
    ['no_such_framework']
    """
    return [name for name in modules if find_spec(name) is None]


def skip_what_is_missing(items: Iterable[pytest.Item]) -> None:
    """Skip the tests whose packages are not installed."""
    for item in items:
        modules = [name for mark in item.iter_markers("frameworks") for name in mark.args]
        if lacking := missing(modules):
            reason = f"{', '.join(lacking)} not installed: make frameworks"
            item.add_marker(pytest.mark.skip(reason=reason))


def header() -> str:
    """What is installed of the extra ``frameworks`` and what is not, for the head of a run."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    wanted = [re.split(r"[\[<>=]", each)[0] for each in project["optional-dependencies"][EXTRA]]
    lacking = [name for name in wanted if not _is_installed(name)]
    there = f"frameworks: {len(wanted) - len(lacking)} of {len(wanted)} installed"
    return f"{there}; tests skipped for want of {', '.join(lacking)}" if lacking else there


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
