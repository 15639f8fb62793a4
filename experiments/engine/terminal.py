"""Text for a terminal: in whole words, and what comes from files and arguments is never obeyed."""

import json
import os
import re
from typing import Any

from rich import markup
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

#: C0 and C1 control characters, by which a terminal is commanded, but for the end of a line and the
#: tabulator; and the marks by which text is reordered.
_COMMANDS = (*range(9), *range(11, 32), *range(127, 160), 0x200E, 0x200F)
_COMMANDS += (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in _COMMANDS}
_IN_JSON = {code: f"\\u{code:04x}" for code in _COMMANDS}


def visible(text: object) -> str:
    r"""``text`` with its control characters spelled out.

    >>> visible("\x1b[31mred\n")
    '\\x1b[31mred\n'
    """
    return str(text).translate(_VISIBLE)


def escape(text: object) -> str:
    r"""``text`` for rich, which shows it as it is, its markup and control characters too.

    >>> escape("\x1b[bold]")
    '\\x1b\\[bold]'
    """
    return markup.escape(visible(text))


def forget_a_width_of_nothing() -> None:
    """Let a ``COLUMNS`` that is no width not count: rich would print lines of no column."""
    columns = os.environ.get("COLUMNS", "")
    if not (columns.isdigit() and int(columns)):
        os.environ.pop("COLUMNS", None)


def show(console: Console, line: str, hanging: int = 2) -> None:
    """Print a line of markup: at a terminal in whole words, what does not fit further in.

    In a pipe it stays one line. A word that is longer than a line stands out, so that a path can be
    copied.

    Args:
        console: where.
        line: with the blanks that it is to begin with.
        hanging: how much further in it goes on.
    """
    width = console.width if console.is_terminal else None
    for each in wrapped(line, width, hanging):
        console.print(each, soft_wrap=True)


def wrapped(line: str, width: int | None, hanging: int = 2) -> list[Text]:
    r"""A line of markup as several of at most ``width`` columns; as itself where that is ``None``.

    One that has ends of lines in it keeps them.

    >>> [str(part) for part in wrapped("  one [bold]two[/] three\nfour", 12)]
    ['  one two', '    three', 'four']
    """
    whole = Text.from_markup(line)
    if width is None:
        return [whole]
    lines = whole.split("\n", allow_blank=True)
    return [part for each in lines for part in _wrapped(each, width, hanging)]


def _wrapped(whole: Text, width: int, hanging: int) -> list[Text]:
    plain, cuts, indent = whole.plain, [0], ""
    if cell_len(plain) <= width:
        return [whole]
    for word in re.finditer(r"\S+", plain):
        if (
            cell_len(indent + plain[cuts[-1] : word.end()]) > width
            and plain[: word.start()].strip()
        ):
            cuts.append(word.start())
            indent = " " * (len(plain) - len(plain.lstrip()) + hanging)
    first, *others = whole.divide(cuts[1:])
    parts = [first, *(Text(indent).append_text(part) for part in others)]
    for part in parts:
        part.rstrip()
    return parts


def as_json(value: Any) -> str:
    r"""``value`` as JSON for people; what would command a terminal is written as \\uXXXX."""
    return json.dumps(value, indent=2, ensure_ascii=False).translate(_IN_JSON)
