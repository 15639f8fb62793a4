"""A text for people in blocks, each a heading and what belongs to it, at any width."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

#: In front of what belongs to a heading; what does not fit on a line goes on behind it.
INDENT, HANGING = "  ", "    "


@dataclass(frozen=True)
class Block:
    """A heading, and lines below it; tuples among them are the rows of a table.

    >>> print(Block("settings", ["lr = 0.1", ("eps", "1e-7"), ("momentum", "0.9")]).text())
    settings
      lr = 0.1
      eps       1e-7
      momentum  0.9
    """

    heading: str
    lines: Sequence[str | tuple[str, ...]] = ()

    def text(self, width: int | None = None) -> str:
        """All of it, in lines of at most ``width`` columns that begin and end at words."""
        return "\n".join([*wrapped(self.heading, width), *self.body(width)])

    def body(self, width: int | None = None) -> list[str]:
        """The lines below the heading."""
        rows = [line for line in self.lines if isinstance(line, tuple)]
        sizes = [max(map(columns, column)) for column in zip(*rows, strict=True)]
        return [
            part
            for line in self.lines
            for part in (
                wrapped(INDENT + line, width) if isinstance(line, str) else _row(line, sizes, width)
            )
        ]


def text(blocks: Iterable[Block], width: int | None = None) -> str:
    """The blocks, one below the other."""
    return "\n".join(block.text(width) for block in blocks)


def wrapped(line: str, width: int | None) -> list[str]:
    """A line as several of whole words; a word that is longer than a line stands out.

    >>> wrapped("  one two three four", 14)
    ['  one two', '    three four']
    """
    if width is None or columns(line) <= width:
        return [line]
    lines = [line[: len(line) - len(line.lstrip())]]
    for word in line.split():
        joined = lines[-1] + word if not lines[-1].strip() else f"{lines[-1]} {word}"
        if columns(joined) <= width or not lines[-1].strip():
            lines[-1] = joined
        else:
            lines.append(HANGING + word)
    return lines


def columns(line: str) -> int:
    """How many columns of a terminal a line takes: two for a letter of Chinese or Korean."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)


def _row(row: tuple[str, ...], sizes: Sequence[int], width: int | None) -> list[str]:
    """A row of a table; below each other where it is wider than a line."""
    cells = [cell + " " * (size - columns(cell)) for cell, size in zip(row, sizes, strict=True)]
    line = INDENT + "  ".join(cells).rstrip()
    if width is None or columns(line) <= width:
        return [line]
    first, *rest = row
    return wrapped(INDENT + first, width) + [
        part for cell in rest for part in wrapped(HANGING + cell, width)
    ]
