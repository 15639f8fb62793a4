"""README.ko.md says in Korean what README.md says: their commands and tables stay in step."""

import re
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
CODE = re.compile(r"`[^`]+`")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
CELL = re.compile(r"(?<!\\)\|")
HANGUL = re.compile(r"[가-힣]")


class Section(NamedTuple):
    """A heading, and what stands under it up to the next one, with its blocks of code and not."""

    title: str
    text: str

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    @property
    def tables(self) -> list[list[str]]:
        """The rows of each table."""
        return [table.splitlines() for table in re.findall(r"^(?:\|.*\n?)+", self.prose, re.M)]


def sections(name: str) -> list[Section]:
    text = (ROOT / name).read_text(encoding="utf-8")
    text = FENCE.sub(lambda block: block[0].replace("\n#", "\n\0#"), text)  # a comment in there
    _, *parts = re.split(r"^(#+ .*)$", text, flags=re.M)
    return [Section(*found) for found in zip(parts[::2], parts[1::2], strict=True)]


ENGLISH, KOREAN = sections("README.md"), sections("README.ko.md")
EACH = pytest.mark.parametrize(
    ("english", "korean"),
    list(zip(ENGLISH, KOREAN, strict=False)),
    ids=[section.title.strip("# ") for section in ENGLISH][: len(KOREAN)],
)


def anchors(of: list[Section]) -> list[str]:
    """The headings as GitHub makes them targets of links."""
    return [
        re.sub(r"[^\w\- ]", "", section.title.strip("# ").lower()).replace(" ", "-")
        for section in of
    ]


def code(text: str) -> Counter[str]:
    """What is set as code in a line, however the lines are broken."""
    return Counter(" ".join(span.split()) for span in CODE.findall(text))


def targets(section: Section) -> list[str]:
    """Where its links lead; within the page, to which of the headings."""
    own = ENGLISH if section in ENGLISH else KOREAN
    found = re.findall(r"\]\(([^)\s]+)\)", section.prose)
    found = [link for link in found if not re.fullmatch(r"README(\.ko)?\.md", link)]
    return sorted(
        f"#{anchors(own).index(link[1:])}" if link.startswith("#") else link for link in found
    )


def test_they_have_the_same_headings() -> None:
    levels = [[section.title.split()[0] for section in of] for of in (KOREAN, ENGLISH)]
    assert levels[0] == levels[1]


def test_they_lead_to_each_other() -> None:
    assert "[한국어](README.ko.md)" in ENGLISH[0].text
    assert "[English](README.md)" in KOREAN[0].text


@EACH
def test_a_section_says_the_same_in_korean(english: Section, korean: Section) -> None:
    assert FENCE.findall(korean.text) == FENCE.findall(english.text)
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
