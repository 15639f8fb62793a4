"""The Korean of the page, in a gettext catalogue; and what keeps that complete.

``python -m experiments.report.translations`` puts the texts of the code into the catalogue, with
nothing beside those that are new (``make texts``); with ``--check`` it changes nothing, and says
what is missing (``make lint``).
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from experiments.engine.texts import Text
from experiments.report import listing
from torch_ref.conventions import CONVENTIONS

CATALOGUE = Path(__file__).with_name("ko.po")
ROOT = Path(__file__).parents[1]
#: What makes a text, of which the first argument is its template.
KEYWORDS = {"say": (1,), "Claim": (1,)}
METHODS = [("**.py", "python"), ("report/templates/**.html", "jinja2")]


def read(path: Path = CATALOGUE) -> Catalog:
    """The catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale="ko")


@cache
def _korean() -> dict[str, str]:
    return {message.id: message.string for message in read() if message.id and not message.fuzzy}


def korean(text: str) -> str:
    """A text in Korean, or in English where the catalogue does not have it."""
    return text.translated(_korean()) if isinstance(text, Text) else text


def texts() -> Iterator[str]:
    """The templates of all texts: those in the code, and those of the tables of twins."""
    with redirect_stderr(StringIO()):  # where it tells of every f-string among the values
        found = list(extract_from_dir(ROOT, METHODS, keywords=KEYWORDS))
    for *_, template, _, _ in found:
        yield template if isinstance(template, str) else template[0]
    for _, table in listing.TABLES.values():
        yield from (pair.note for pair in table.values())
    for each in CONVENTIONS:
        yield from (each.name, each.chapter, each.torch, each.shown)


def updated(catalogue: Catalog) -> Catalog:
    """The catalogue with exactly the texts that there are."""
    made = Catalog(locale="ko", project="Lockstep", header_comment=catalogue.header_comment)
    made.creation_date, made.revision_date = catalogue.creation_date, catalogue.revision_date
    made.last_translator, made.language_team = catalogue.last_translator, catalogue.language_team
    made.fuzzy = False
    for template in sorted(filter(_says_something, set(texts()))):
        known = catalogue.get(template)
        made.add(template, known.string if known else "")
    return made


def wrong(catalogue: Catalog) -> Iterator[str]:
    """What is wrong with the catalogue, a line for each text."""
    wanted = updated(catalogue)
    for message in wanted:
        if message.id and not message.string:
            yield f"no translation: {message.id!r}"
        elif Counter(_places(message.id)) != Counter(_places(message.string)):
            yield f"other places than in English: {message.id!r}"
    for message in catalogue:
        if message.id and message.id not in wanted:
            yield f"of no text: {message.id!r}"


def _places(template: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", template)


def _says_something(template: str) -> bool:
    """Whether there is a letter in it, beside code and what stands for values."""
    return bool(re.search(r"[^\W\d_]", re.sub(r"`[^`]*`|\{\w+\}", "", template)))


def main() -> None:
    """Update the catalogue, or check it."""
    catalogue = read()
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{CATALOGUE.name}: {line}" for line in wrong(catalogue)) or 0)
    with CATALOGUE.open("wb") as file:
        write_po(file, updated(catalogue), width=100, no_location=True)


if __name__ == "__main__":
    main()
