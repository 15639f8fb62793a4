"""The page of the catalogue, from its tables: every way to get an optimizer wrong that is known.

python -m parity_tests.catalogue_page          # writes experiments/docs/catalogue.md, its pictures
"""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

from experiments.report import rules
from parity_tests import catalogue_pictures
from scratch import optim
from torch_ref.lockstep.diagnose.lbfgs import LBFGSRule
from torch_ref.lockstep.diagnose.rules import FAMILIES, OF_TORCH, UpdateRule
from torch_ref.lockstep.finding import Variant

PAGE = Path(__file__).parents[1] / "experiments" / "docs" / "catalogue.md"
PICTURES = PAGE.parents[1] / "gallery" / "catalogue"
SURVEY = PAGE.with_name("survey.json")
RULES: dict[str, type[UpdateRule | LBFGSRule]] = {**FAMILIES, "LBFGS": LBFGSRule}
HEAD = """\
# The ways to get Adam wrong, and {others} other optimizers

`lockstep check FILE.py:NAME --against Adam` runs your optimizer beside torch's. Where they differ
it looks through this catalogue, alone and in combination, with the numbers fitted: {variants}
variants of {families} optimizers, each a change of a rule written by hand. A variant is named only
if the rule with that change agrees with yours to rounding, at every step; two that cannot be told
apart are both named. If yours is another optimizer than the one you named, it says which, and with
which settings: "your Lion is Lion with lr 0.0001, betas (0.9, 0.99), bit for bit".

The tables say what a variant is called, what the optimizer does instead, and who is known to do it
the other way; what is *measured* was found by [the survey](survey.md) in the package's own code. A
variant is no mistake by itself: many are the convention of a framework, and agree with its own
documentation.

The pictures have a panel for each row, with its number: where a parameter goes in {steps} steps,
the optimizer in broad grey and the variant in orange, in a run in which the variant stands out.
Above it stands what the gradients were; they are 1 where nothing else is said. lr is halved in
step {half}. Where the two cannot be told apart by eye, it says by how much they part.

Every row is a test: its rule does something else than the rule without
it, and is told from all other rows, but where two are one formula. Each rule is held against
torch's class, or against a package that has it, over the settings of the tests.

This page is made by `python -m parity_tests.catalogue_page`. To add an optimizer is to add a file
to [`torch_ref/lockstep/diagnose/rules`](../../torch_ref/lockstep/diagnose/rules): its rule, and the
table of its variants.
"""


def page() -> str:
    """The whole page."""
    variants = sum(len(cls.VARIANTS) for cls in RULES.values())
    others = len(RULES) - 1
    steps, half = catalogue_pictures.STEPS, catalogue_pictures.HALF
    counts = {"others": others, "variants": variants, "families": len(RULES)}
    head = HEAD.format(**counts, steps=steps, half=half)
    first = ["Adam", *(name for name in RULES if name != "Adam")]
    return "\n".join([head, *(_section(name, RULES[name]) for name in first)])


def _section(name: str, cls: type[UpdateRule | LBFGSRule]) -> str:
    home = cls.PAPER or (f"`torch.optim.{name}`" if name in (*OF_TORCH, "LBFGS") else "")
    settings = ", ".join(f"{key}={value}" for key, value in cls.DEFAULTS.items())
    parts = [f"## {name}\n", f"{home}; `{settings}`\n", *_formula(name), *_picture(name)]
    return "\n".join([*parts, *_table(name, cls), ""])


def _formula(name: str) -> Iterator[str]:
    """From the docstring of the hand-written class; else the first line of the rule's."""
    if formula := rules.math(getattr(optim, name, None)):
        lines = inspect.cleandoc(formula)
        yield f"$$\\begin{{aligned}}\n{lines}\n\\end{{aligned}}$$\n"
    elif name in FAMILIES:
        yield f"{inspect.getdoc(FAMILIES[name])}".partition("\n\n")[0].replace("\n", " ") + "\n"


def _picture(name: str) -> Iterator[str]:
    """LBFGS has none: its variants differ in the places that a line search visits."""
    if name in FAMILIES:
        yield f"![What each variant of {name} does](../gallery/catalogue/{_file(name)})\n"


def _file(name: str) -> str:
    return f"{name.lower()}.svg"


def _table(name: str, cls: type[UpdateRule | LBFGSRule]) -> Iterator[str]:
    yield "| | variant | what the optimizer does | done so by |"
    yield "| --: | --- | --- | --- |"
    found = measured(name, [variant.name for variant in cls.VARIANTS])
    for number, variant in enumerate(cls.VARIANTS, 1):
        shipped = found.get(variant.name, [])
        known = [variant.seen_in] if variant.seen_in else []
        by = "; ".join([*known, *([f"*measured:* {', '.join(shipped)}"] if shipped else [])])
        cells = str(number), variant.name, _theirs(variant, cls), by
        yield f"| {' | '.join(map(_cell, cells))} |"


def measured(name: str, variants: list[str]) -> dict[str, list[str]]:
    """What the survey found in packages, by variant: alone, or with another."""
    found: dict[str, list[str]] = {}
    for check in json.loads(SURVEY.read_text(encoding="utf-8"))["checks"]:
        first, *others = check["causes"] or [""]
        is_another = re.match(r"(\w+) with lr", first)
        causes = others if is_another else [first, *others]
        if name == (is_another[1] if is_another else check["against"]):
            for variant in variants:
                of = found.setdefault(variant, [])
                if any(_has(cause, variant, variants) for cause in causes):
                    of += [check["name"]] if check["name"] not in of else []
    return found


def _has(cause: str, variant: str, variants: list[str]) -> bool:
    """Whether a cause, which may join several variants, has this one: not a longer one's part."""
    if cause in variants:
        return cause == variant
    longer = [each for each in variants if variant in each and each != variant and each in cause]
    return variant in cause and not longer


def _theirs(variant: Variant, cls: type[UpdateRule | LBFGSRule]) -> str:
    return variant.instead(cls().settings).removeprefix("torch ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    for family in FAMILIES:
        (PICTURES / _file(family)).write_text(catalogue_pictures.picture(family), encoding="utf-8")
