"""``lockstep bench``: how fast the two sides are, as ratios measured side by side.

timing      functions timed in turns; medians and quartiles
stopwatch   time divided among the parts of a program
section     what a section measures with, and the rows that it gives
training    the steps of training that several sections time
processes   Python processes, their time and memory
scale       how much is measured: full or quick
goals       the numbers to reach
machine     what machine it is
report      the tables and the JSON file
runner      measures the sections, one after another
sections    one module each: ``training_step`` is called training-step on the command line
"""

import pkgutil
from importlib import import_module
from typing import Any

from experiments.bench import sections

#: The sections by the names that the command line knows.
NAMES = tuple(
    sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(sections.__path__))
)


def load(name: str) -> Any:
    """The module of the section called ``name``."""
    return import_module(f"experiments.bench.sections.{name.replace('-', '_')}")
