"""Every lower bound can be installed: what `make test-oldest` asks pip for."""

import re
import tomllib

import pytest

from parity_tests import oldest
from torch_ref.extras import EXTRAS


def test_every_package_that_is_needed_is_installed_in_its_oldest_version() -> None:
    project = tomllib.loads(oldest.PYPROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    (everything,) = extras["all"]
    assert all(extra in everything for extra in ("torch", "plots", "report"))
    tested = [bound for extra in ("torch", "plots", "report", "test") for bound in extras[extra]]
    needed = project["dependencies"] + tested
    assert [pin.replace("==", ">=") for pin in oldest.versions()] == needed


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy>2", "numpy>=2,<3"])
def test_a_requirement_whose_oldest_version_is_open_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match=f"must be name>=version, .* got '{requirement}'"):
        oldest.pinned(requirement)


def test_the_page_on_versions_says_what_each_bound_of_the_package_is_there_for() -> None:
    page = (oldest.PYPROJECT.parent / "experiments" / "docs" / "versions.md").read_text("utf-8")
    project = tomllib.loads(oldest.PYPROJECT.read_text("utf-8"))["project"]
    bounds = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", page, flags=re.MULTILINE))
    extras = project["optional-dependencies"]
    for requirement in project["dependencies"] + [
        *extras["torch"],
        *extras["plots"],
        *extras["report"],
    ]:
        name, _, version = requirement.partition(">=")
        assert bounds[name] == version


def test_no_package_has_two_lower_bounds() -> None:
    project = tomllib.loads(oldest.PYPROJECT.read_text("utf-8"))["project"]
    extras = [bound for group in project["optional-dependencies"].values() for bound in group]
    bounds = {*project["dependencies"], *extras}
    names = [bound.partition(">=")[0] for bound in bounds]
    assert sorted(names) == sorted(set(names))


def test_every_package_of_an_extra_is_said_to_come_with_it() -> None:
    project = tomllib.loads(oldest.PYPROJECT.read_text("utf-8"))["project"]
    brought = {
        bound.partition(">=")[0]: extra
        for extra in ("torch", "plots", "report")
        for bound in project["optional-dependencies"][extra]
    }
    assert brought == EXTRAS
