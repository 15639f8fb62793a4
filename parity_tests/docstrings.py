"""Docstrings as Markdown, for the documentation: formulas for KaTeX, doctests in fences, tables."""

import inspect
import re
from typing import Any

import griffe

_MATH = re.compile(r"^\.\. math::\n((?:    .*\n|\n)+)", re.M)
#: A table of reStructuredText: columns under rules of "=", a line without a first cell goes on.
_TABLE = re.compile(r"^( *)(=+(?: +=+)+)\n((?:.*\n)+?) *\2$", re.M)
_DOCTEST = re.compile(r"^( *)>>> .*(?:\n *\S.*)*", re.M)


def as_markdown(text: str) -> str:
    r"""Turn the reStructuredText that our docstrings have into Markdown.

    >>> as_markdown(".. math::\n    x = 1\n\nSo:\n")
    '$$\n\\begin{aligned}\nx = 1\n\\end{aligned}\n$$\n\nSo:\n'
    >>> as_markdown(">>> 1 + 1\n2")
    '```pycon\n>>> 1 + 1\n2\n```'
    >>> print(as_markdown("== ====\na  some\n   more\nb  c\n== ===="))
    | | |
    | --- | --- |
    | a | some more |
    | b | c |
    """
    text = _MATH.sub(lambda found: _formula(found[1]), text)
    text = _TABLE.sub(lambda found: _table(found[2], found[3]), text)
    return _DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", text)


def _formula(block: str) -> str:
    lines = "\n".join(line.strip() for line in block.splitlines() if line.strip())
    return f"$$\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n$$\n\n"


def _table(rule: str, body: str) -> str:
    """A table without a head; what it has between ``…`` stays code."""
    starts = [column.start() for column in re.finditer("=+", rule)]
    rows: list[list[str]] = []
    for line in inspect.cleandoc(body).splitlines():
        ends = [*starts[1:], len(line)]
        cells = [line[a:b].strip() for a, b in zip(starts, ends, strict=True)]
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
    head = [[""] * len(starts), ["---"] * len(starts)]
    lines = (" | ".join(cells) for cells in [*head, *rows])
    return "\n".join(f"| {line} |".replace("|  |", "| |") for line in lines)


class AsMarkdown(griffe.Extension):
    """What mkdocstrings calls for every function and class."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite its docstring."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
