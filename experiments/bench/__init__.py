"""``lockstep bench``: how fast the two sides are, as ratios measured side by side.

timing      functions timed in turns; medians and quartiles
section     what a section is, and what it gets to measure with
scale       how much is measured: full or quick
goals       the numbers to reach
machine     what machine it is
report      the tables and the JSON file
sections    one module each: ``training_step`` is called training-step on the command line
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from experiments.bench import sections

if TYPE_CHECKING:
    from experiments.bench.section import Section

#: The sections by the names that the command line knows.
NAMES = tuple(
    sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(sections.__path__))
)


def load(name: str) -> "Section":
    """The section called ``name``; only its own module is imported."""
    return import_module(f"experiments.bench.sections.{name.replace('-', '_')}").SECTION
