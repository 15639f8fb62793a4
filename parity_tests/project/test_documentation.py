"""The documentation is built without a warning and asks the network for nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.readme_tables import DOCS, ROOT

pytest.importorskip("material", reason="pip install -e '.[docs]' brings MkDocs Material")
pytest.importorskip("mkdocstrings", reason="pip install -e '.[docs]' brings mkdocstrings")
#: A file that a browser would load by itself.
LOADED = re.compile(r"<(?:script|img|link rel=.stylesheet)[^>]*(?:src|href)=\W?https?:", re.I)


@pytest.mark.slow
def test_it_is_built_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        [*command, "--config-file", str(ROOT / "experiments" / "mkdocs.yml")],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for page in DOCS.rglob("*.md"):
        built = tmp_path / page.relative_to(DOCS).with_suffix(".html")
        assert not LOADED.search(built.read_text(encoding="utf-8"))
    assert "lockstep check" in (tmp_path / "commands.html").read_text(encoding="utf-8")
