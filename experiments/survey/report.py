"""The results of a survey as JSON, and as a page: whose Adam is PyTorch's?"""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

from experiments.survey.run import AGREES, DIFFERS, LIKE, REFUSED, Surveyed
from experiments.survey.table import KINDS

_HEAD = """# Whose Adam is PyTorch's?

What the field's packages have, run beside PyTorch's by `lockstep survey`: the same settings, the
same gradients, inputs or seeds, step by step. A package that differs is not wrong for it; it has
another formula, which is good to know before hyperparameters move from one to the other. A cause
is named only where torch's formula with that one change gives the package's numbers to rounding.

✓ agrees · ≈ cannot be told apart by a sample of 100,000 numbers · ✗ differs · – cannot be run

As run with {versions}. The numbers behind it are in [survey.json](survey.json).
"""


def versions() -> dict[str, str]:
    """Of torch and NumPy, as they are here."""
    return {name: metadata.version(name).partition("+")[0] for name in ("torch", "numpy")}


def as_json(outcomes: Iterable[Surveyed]) -> str:
    """All of it, with the versions of torch and NumPy."""
    found = {"versions": versions(), "checks": [each.as_dict() for each in outcomes]}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def of_json(text: str) -> tuple[dict[str, str], list[Surveyed]]:
    """The versions and the outcomes that ``as_json`` wrote."""
    found = json.loads(text)
    return found["versions"], [Surveyed.of(each) for each in found["checks"]]


def as_markdown(outcomes: list[Surveyed], run_with: Mapping[str, str]) -> str:
    """The page, a table for each kind."""
    named = ", ".join(f"{name} {version}" for name, version in run_with.items())
    lines = [_HEAD.format(versions=named), *_counts(outcomes)]
    for title in KINDS:
        those = [each for each in outcomes if each.kind == title]
        head = "| package | name | torch's | settings | | |"
        lines += ["", f"## {title}", "", head, "|" + "---|" * 6]
        lines += [_line(each) for each in those]
    return "\n".join(lines) + "\n"


def _counts(outcomes: list[Surveyed]) -> Iterator[str]:
    number = dict.fromkeys((AGREES, LIKE, DIFFERS, REFUSED), 0)
    for each in outcomes:
        number[each.verdict] += 1
    named = sum(bool(each.causes) for each in outcomes if each.verdict == DIFFERS)
    yield (
        f"Of {len(outcomes)} checks {number[AGREES]} agree and {number[LIKE]} cannot be told "
        f"apart; {number[DIFFERS]} differ, {named} of them by a cause that is named; "
        f"{number[REFUSED]} cannot be run."
    )


def _line(each: Surveyed) -> str:
    mark = {AGREES: "✓", LIKE: "≈", DIFFERS: "✗", REFUSED: "–"}[each.verdict]
    home, _, name = each.name.rpartition(".")
    said = "; ".join(each.causes) or each.said.partition(" (|")[0]
    if each.causes and each.verdict == AGREES:
        said = f"as long as lr stays; then {said}"
    notes = "; ".join(note.partition(":")[0] for note in each.notes)
    said = " — ".join(filter(None, (said, notes)))
    cells = (f"{home} {each.version}", name, each.against, " ".join(each.settings), mark, said)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
