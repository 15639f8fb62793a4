"""A page of Korean says what the English one says: their commands and tables stay in step."""

import os
import re
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from parity_tests.readme_tables import ENGLISH_OF, ROOT

FENCE = re.compile(r"^```.*?^```", re.M | re.S)
COMMENT = re.compile(r"(?<!\S)# .*")
CODE = re.compile(r"`[^`]+`")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
CELL = re.compile(r"(?<!\\)\|")
HANGUL = re.compile(r"[가-힣]")


class Section(NamedTuple):
    """A heading, and what stands under it up to the next one, with its blocks of code and not."""

    page: Path
    title: str
    text: str

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    @property
    def tables(self) -> list[list[str]]:
        """The rows of each table."""
        return [table.splitlines() for table in re.findall(r"^(?:\|.*\n?)+", self.prose, re.M)]


def sections(page: Path) -> list[Section]:
    text = page.read_text(encoding="utf-8")
    text = FENCE.sub(lambda block: block[0].replace("\n#", "\n\0#"), text)  # a comment in there
    _, *parts = re.split(r"^(#+ .*)$", text, flags=re.M)
    return [Section(page, *found) for found in zip(parts[::2], parts[1::2], strict=True)]


PAIRS = {korean: (sections(english), sections(korean)) for korean, english in ENGLISH_OF.items()}
SAME = [both for pair in PAIRS.values() for both in zip(*pair, strict=False)]
EACH = pytest.mark.parametrize(
    ("english", "korean"),
    SAME,
    ids=[f"{english.page.stem}: {english.title.strip('# ')}" for english, _ in SAME],
)


def code(text: str) -> Counter[str]:
    """What is set as code in a line, however the lines are broken."""
    return Counter(" ".join(span.split()) for span in CODE.findall(text))


def targets(section: Section) -> list[str]:
    """Where its links lead; to the English page, where there is one."""
    links = re.findall(r"\]\(([^)\s]+)\)", section.prose)
    links = [link for link in links if not re.fullmatch(r"README(\.ko)?\.md", link)]
    return sorted(link if ":" in link else _english(section.page.parent, link) for link in links)


def _english(folder: Path, link: str) -> str:
    target = Path(os.path.normpath(folder / link))
    return str(ENGLISH_OF.get(target, target).relative_to(ROOT))


@pytest.mark.parametrize("page", PAIRS, ids=lambda page: str(page.relative_to(ROOT)))
def test_they_have_the_same_headings(page: Path) -> None:
    english, korean = ([section.title.split()[0] for section in of] for of in PAIRS[page])
    assert korean == english


def test_they_lead_to_each_other() -> None:
    english, korean = PAIRS[ROOT / "README.ko.md"]
    assert "[한국어](README.ko.md)" in english[0].text
    assert "[English](README.md)" in korean[0].text


@EACH
def test_a_section_says_the_same_in_korean(english: Section, korean: Section) -> None:
    blocks = FENCE.findall(korean.text)
    plain = [COMMENT.sub("#", block) for block in FENCE.findall(english.text)]
    assert [COMMENT.sub("#", block) for block in blocks] == plain
    assert all(HANGUL.search(said) for block in blocks for said in COMMENT.findall(block))
    assert code(korean.prose) == code(english.prose)
    assert targets(korean) == targets(english)
    assert HANGUL.search(korean.title + korean.prose) or not english.prose.strip()


@EACH
def test_a_section_has_the_same_tables(english: Section, korean: Section) -> None:
    assert [len(rows) for rows in korean.tables] == [len(rows) for rows in english.tables]
    for row, other in zip(chain(*korean.tables), chain(*english.tables), strict=True):
        assert code(row) == code(other)
        assert len(CELL.split(row)) == len(CELL.split(other)), row
        numbers, expected = (Counter(NUMBER.findall(r)) for r in (row, other))
        assert numbers >= expected, row
        assert (numbers - expected).keys() <= set("0123456789"), row  # which English spells
