"""Text from files and arguments for a terminal: shown, and never obeyed."""

import json
from typing import Any

from rich import markup

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


def as_json(value: Any) -> str:
    r"""``value`` as JSON for people; what would command a terminal is written as \\uXXXX."""
    return json.dumps(value, indent=2, ensure_ascii=False).translate(_IN_JSON)
