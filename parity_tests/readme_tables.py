"""Puts the tables of ``lockstep list`` into both READMEs (``make texts``).

Each stands below its mark, ``<!-- lockstep list: scratch.optim -->``. Korean comes from the page's
catalogue; what has no translation stays English.
"""

import re
from pathlib import Path

from experiments.report import listing
from experiments.report.translations import korean

ROOT = Path(__file__).parents[1]
LANGUAGES = {"README.md": str, "README.ko.md": korean}

_TABLE = re.compile(r"(<!-- lockstep list: (\S+) -->\n\n)(?:\|.*\n)*")


def filled(name: str) -> str:
    """The README called ``name`` with its tables as they are to be."""
    tables = listing.as_markdown(LANGUAGES[name])
    text = (ROOT / name).read_text(encoding="utf-8")
    return _TABLE.sub(lambda found: found[1] + tables[found[2]], text)


def main() -> None:
    """Write both."""
    for name in LANGUAGES:
        (ROOT / name).write_text(filled(name), encoding="utf-8")


if __name__ == "__main__":
    main()
