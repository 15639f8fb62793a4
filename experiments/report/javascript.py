"""The page's own optimizers and schedules, in JavaScript: one module for each, and no list of them.

What there is, what it is called and which settings it has comes from the registry: a module stands
beside every optimizer that takes each element alone, under the name of its golden file. Inside of
the page, where nothing can be imported, :func:`bundled` puts the modules into one script.
"""

import json
import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

from torch_ref.lockstep.golden.write import file_name
from torch_ref.registry import OPTIMIZERS, SCHEDULES, OptimizerPair

PROOF = "proof.json"
#: The schedules that have a module, with settings that show what they do within 100 steps.
SCHEDULED: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 10, "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.95},
    "LinearLR": {"start_factor": 0.1, "end_factor": 1.0, "total_iters": 10},
    "CosineAnnealingLR": {"T_max": 30, "eta_min": 0.0},
    "OneCycleLR": {
        "total_steps": 31,
        "pct_start": 0.3,
        "anneal_strategy": "cos",
        "div_factor": 25.0,
        "final_div_factor": 1e4,
        "three_phase": False,
        "cycle_momentum": True,
        "base_momentum": 0.85,
        "max_momentum": 0.95,
    },
}
_TRIED = (-1.0, 0.0, 0.5, 1.0, 2.0)


def optimizers() -> dict[str, OptimizerPair]:
    """Those that take every element alone, as they do x and y: the chapter's first."""
    pairs = [pair for pair in OPTIMIZERS.values() if pair.scratch.elementwise]
    return {pair.name: pair for pair in sorted(pairs, key=lambda pair: not pair.of_chapter)}


def module_of(name: str) -> str:
    """The module of an optimizer or a schedule.

    >>> module_of("chapter.Adam"), module_of("RMSprop"), module_of("StepLR")
    ('chapter-adam', 'rmsprop', 'steplr')
    """
    return name.lower() if name in SCHEDULES else PurePosixPath(file_name(name)).stem


def described(pair: OptimizerPair) -> dict[str, Any]:
    """An optimizer for the page: its module, and each setting with its default and bounds."""
    made = pair.scratch()
    settings = made.settings
    return {
        "name": pair.name,
        "module": module_of(pair.name),
        "settings": settings,
        "bounds": {name: _bounds(made, name, value) for name, value in settings.items()},
    }


def _bounds(made: Any, name: str, default: Any) -> list[list[float | None]]:
    """[least, most] that each number of a setting may be, found by what its check takes."""
    if isinstance(default, bool | str):
        return []
    several = isinstance(default, tuple)
    found = []
    for place in range(len(default) if several else 1):
        taken = [v for v in _TRIED if _takes(made, name, _with(default, place, v))]
        least = 0 if -1.0 not in taken else None
        most = 1 if 2.0 not in taken else None
        found.append([least, most])
    return found


def _with(default: Any, place: int, value: float) -> Any:
    """A setting with one of its numbers replaced."""
    if isinstance(default, tuple):
        return (*default[:place], value, *default[place + 1 :])
    return int(value) if isinstance(default, int) else value


def _takes(made: Any, name: str, value: Any) -> bool:
    try:
        type(made)._checks[name](name, value)
    except (TypeError, ValueError):
        return False
    return True


def proof() -> dict[str, Any]:
    """What the tests measured: for each module its largest distance from torch."""
    return dict(json.loads((_assets() / PROOF).read_text(encoding="utf-8")))


def bundled() -> str:
    """All modules as one classic script, which leaves them in the object ``modules``."""
    lines = ['"use strict";', "const modules = {};"]
    for folder in ("optim", "schedule", "lab"):
        lines += [wrapped(stem, source) for stem, source in _in_order(_assets() / folder)]
    return "\n".join(lines)


def wrapped(stem: str, source: str) -> str:
    """One module as a function's body, with what it imports taken from those before it.

    >>> print(wrapped("b", 'import * as a from "./a.mjs";\\nexport const c = a.d;'))
    modules["b"] = (() => {
    const a = modules["a"];
    const c = a.d;
    return { c };
    })();
    """
    body = _IMPORT.sub(lambda found: f'const {_bound(found)} = modules["{found[3]}"];', source)
    names = ", ".join(_EXPORT.findall(body))
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE).rstrip()
    return f'modules["{stem}"] = (() => {{\n{body}\nreturn {{ {names} }};\n}})();'


_IMPORT = re.compile(r'^import (?:\* as (\w+)|(\{[^}]+\})) from "\./([\w-]+)\.mjs";', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:const|function) (\w+)", re.MULTILINE)


def _bound(found: re.Match[str]) -> str:
    return found[1] or found[2]


def _in_order(folder: Traversable) -> Iterator[tuple[str, str]]:
    """The modules of a folder, each after those that it imports."""
    waiting = {
        file.name.removesuffix(".mjs"): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
    }
    while waiting:
        ready = [
            stem
            for stem, source in waiting.items()
            if not any(found[3] in waiting for found in _IMPORT.finditer(source))
        ]
        yield from ((stem, waiting.pop(stem)) for stem in ready)


def _assets() -> Traversable:
    return resources.files("experiments.report") / "assets"
