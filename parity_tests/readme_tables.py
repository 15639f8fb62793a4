"""Puts the tables of ``lockstep list`` into the READMEs and the documentation (``make texts``).

Each stands below its mark, ``<!-- lockstep list: scratch.optim -->``. Korean comes from the page's
catalogue; what has no translation stays English.
"""

import re
from pathlib import Path

from experiments.report import listing
from experiments.report.translations import korean

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "experiments" / "docs"
#: Each page of Korean, and the English one that says the same.
ENGLISH_OF = {ROOT / "README.ko.md": ROOT / "README.md"} | {
    page: DOCS / page.name for page in sorted((DOCS / "ko").glob("*.md"))
}
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *ENGLISH_OF]

_TABLE = re.compile(r"(<!-- lockstep list: (\S+) -->\n\n)(?:\|.*\n)*")


def marks(page: Path) -> list[str]:
    """The names of the tables that ``page`` has."""
    return [found[2] for found in _TABLE.finditer(page.read_text(encoding="utf-8"))]


def filled(page: Path) -> str:
    """The text of ``page`` with its tables as they are to be."""
    tables = listing.as_markdown(korean if page in ENGLISH_OF else str)
    text = page.read_text(encoding="utf-8")
    return _TABLE.sub(lambda found: found[1] + tables[found[2]], text)


def main() -> None:
    """Write those that have tables."""
    for page in filter(marks, PAGES):
        page.write_text(filled(page), encoding="utf-8")


if __name__ == "__main__":
    main()
