"""The page of the catalogue, from its tables: every way to get an optimizer wrong that is known.

python -m parity_tests.catalogue_page          # writes experiments/docs/catalogue.md
"""

from collections.abc import Iterator
from pathlib import Path

from torch_ref.lockstep.diagnose.lbfgs import LBFGSRule
from torch_ref.lockstep.diagnose.rules import FAMILIES, OF_TORCH, UpdateRule
from torch_ref.lockstep.finding import Variant

PAGE = Path(__file__).parents[1] / "experiments" / "docs" / "catalogue.md"
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
the other way. A variant is no mistake by itself: many are the convention of a framework, and agree
with its own documentation. Every row is a test: its rule does something else than the rule without
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
    head = HEAD.format(others=others, variants=variants, families=len(RULES))
    first = ["Adam", *(name for name in RULES if name != "Adam")]
    return "\n".join([head, *(_section(name, RULES[name]) for name in first)])


def _section(name: str, cls: type[UpdateRule | LBFGSRule]) -> str:
    home = cls.PAPER or (f"`torch.optim.{name}`" if name in (*OF_TORCH, "LBFGS") else "")
    settings = ", ".join(f"{key}={value}" for key, value in cls.DEFAULTS.items())
    return "\n".join([f"## {name}\n", f"{home}; `{settings}`\n", *_table(cls), ""])


def _table(cls: type[UpdateRule | LBFGSRule]) -> Iterator[str]:
    yield "| variant | what the optimizer does | done so by |"
    yield "| --- | --- | --- |"
    for variant in cls.VARIANTS:
        cells = variant.name, _theirs(variant, cls), variant.seen_in
        yield f"| {' | '.join(map(_cell, cells))} |"


def _theirs(variant: Variant, cls: type[UpdateRule | LBFGSRule]) -> str:
    return variant.instead(cls().settings).removeprefix("torch ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
