"""Docstrings as Markdown, for the documentation: formulas for KaTeX, doctests in fences."""

import re
from typing import Any

import griffe

_MATH = re.compile(r"^\.\. math::\n((?:    .*\n|\n)+)", re.M)
_DOCTEST = re.compile(r"^( *)>>> .*(?:\n *\S.*)*", re.M)


def as_markdown(text: str) -> str:
    r"""Turn the reStructuredText that our docstrings have into Markdown.

    >>> as_markdown(".. math::\n    x = 1\n\nSo:\n")
    '$$\n\\begin{aligned}\nx = 1\n\\end{aligned}\n$$\n\nSo:\n'
    >>> as_markdown(">>> 1 + 1\n2")
    '```pycon\n>>> 1 + 1\n2\n```'
    """
    text = _MATH.sub(lambda found: _formula(found[1]), text)
    return _DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", text)


def _formula(block: str) -> str:
    lines = "\n".join(line.strip() for line in block.splitlines() if line.strip())
    return f"$$\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n$$\n\n"


class AsMarkdown(griffe.Extension):
    """What mkdocstrings calls for every function and class."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite its docstring."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
