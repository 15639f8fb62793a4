"""The result of a check for people, for a pull request on GitHub, and as a badge."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.cli.ending import console
from experiments.engine.terminal import escape, visible

if TYPE_CHECKING:
    from torch_ref.lockstep.layout import Block
    from torch_ref.lockstep.result import Result

GREEN, RED, GREY = "#2e7d32", "#c62828", "#616161"
#: What the letters of a badge take, on the average, in its 11 pixels.
_LETTER, _MARGIN = 6.6, 12
_BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img">
<title>{name}: {text}</title>
<rect width="{left}" height="20" fill="#555"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{at_name}" y="14">{name}</text>
<text x="{at_text}" y="14">{text}</text>
</g>
</svg>
"""


def show(outcome: "Result", quiet: bool = False) -> None:
    """Print the verdict, in whole words on a terminal, and a line for a line in a pipe."""
    width = console.width if console.is_terminal else None
    first, *others = outcome.blocks()
    mark = "[bold green]✓[/]" if outcome.agrees else "[bold red]✗[/]"
    heading, *rest = first.text(None if width is None else width - 2).splitlines()
    lines = [f"{mark} [bold]{escape(heading)}[/]"]
    if not quiet:
        lines += [escape(line) for line in rest]
        lines += [line for block in others for line in _styled(block, width)]
        lines.append(f"[dim]{outcome.seconds:.1f} s[/]")
    console.print("\n".join(lines), soft_wrap=True)


def _styled(block: "Block", width: int | None) -> Iterator[str]:
    dim = block.heading in ("notes", "settings")
    yield f"[bold]{escape(block.heading)}[/]"
    for line in block.body(width):
        yield f"[dim]{escape(line)}[/]" if dim else escape(line)


def annotations(outcome: "Result", asked: str) -> list[str]:
    """The result as commands of GitHub's workflows: one for each cause, with its line.

    Where the line is not known, it is that on which the candidate begins.

    Args:
        outcome: of the check.
        asked: the file and the name in it.
    """
    from torch_ref.lockstep.candidates.source import defined

    verdict, *others = outcome.blocks()
    file, _, name = asked.rpartition(":")
    begins = defined(Path(file), name) if file else 1
    if outcome.agrees:
        said = "\n".join(map(str.strip, verdict.body())) or verdict.heading
        return [annotation("notice", verdict.heading, said, file, begins)]
    causes = [block for block in others if block.heading.startswith("cause")] or [verdict]
    # What is said of all of them comes before them.
    causes = causes[-max(len(outcome.findings), 1) :]
    places = [finding.places for finding in outcome.findings] or [()]
    return [
        annotation(
            "error",
            verdict.heading,
            "\n".join(map(str.strip, block.body())),
            file,
            where[0].line if where else begins,
        )
        for block, where in zip(causes, places, strict=False)
    ]


def refusal(error: Exception, asked: str) -> str:
    """The annotation of what could not be run, at the user's line if the message has one."""
    file = asked.rpartition(":")[0]
    at = re.search(r"\n  .*:(\d+): ", str(error))
    line = int(at[1]) if at else 1
    return annotation("error", f"{asked} cannot be run", str(error), file, line)


def annotation(kind: str, title: str, message: str, file: str, line: int = 1) -> str:
    """One command of GitHub's workflows.

    >>> annotation("error", "it diverges", "at step 1:\\n 100 %", "my_adam.py", 14)
    '::error file=my_adam.py,line=14,title=it diverges::at step 1:%0A 100 %25'
    """
    place = f"file={_property(file)},line={line}," if file else ""
    return f"::{kind} {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible(text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def badge(name: str, text: str, colour: str) -> str:
    """A badge as SVG, with no font of its own.

    >>> badge("lockstep", "agrees with torch.optim.Adam", GREEN).count("<rect")
    2
    """
    left, right = (round(len(each) * _LETTER + _MARGIN) for each in (name, text))
    return _BADGE.format(
        name=html.escape(visible(name)),
        text=html.escape(visible(text)),
        colour=colour,
        left=left,
        right=right,
        width=left + right,
        at_name=left / 2,
        at_text=left + right / 2,
    )
