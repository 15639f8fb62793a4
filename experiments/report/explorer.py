"""What the explorer has to choose from: surfaces, optimizers and schedules with their settings.

The paths are computed on the page, by the modules that :mod:`experiments.report.javascript` names.
"""

from dataclasses import asdict
from typing import Any

from experiments import optimizer_paths
from experiments.engine.texts import Text, say
from experiments.report import javascript
from experiments.report.surfaces import SURFACES
from torch_ref.registry import OptimizerPair

STEPS = 30
#: The chapter's four, which the page begins with.
SHOWN = ("SGD", "Momentum", "AdaGrad", "chapter.Adam")


def names() -> list[str]:
    """The optimizers that the experiment ``optimizer-paths`` has."""
    return list(optimizer_paths.EXPERIMENT.settings.optimizers)


def label(name: str) -> Text:
    """What an optimizer is called beside all others.

    >>> label("chapter.Adam"), label("Adam")
    ('Adam of the chapter', 'Adam')
    """
    own = name.rpartition(".")[2]
    return say("{name} of the chapter", name=own) if own != name else Text(name)


def as_dict() -> dict[str, Any]:
    """All of it for the page's script."""
    proof, pairs = javascript.proof(), javascript.optimizers()
    first = [*names(), *(name for name in pairs if name not in names())]
    return {
        "steps": STEPS,
        "surfaces": [asdict(surface) for surface in SURFACES],
        "optimizers": [_optimizer(pairs[name], proof["optimizers"][name]["ulp"]) for name in first],
        "schedules": [
            {"name": name, "module": javascript.module_of(name), "settings": settings}
            for name, settings in javascript.SCHEDULED.items()
        ],
        "proof": {
            "steps": proof["steps"],
            "count": len(proof["optimizers"]),
            "ulp": max(found["ulp"] for found in proof["optimizers"].values()),
            "usual": sorted(found["ulp"] for found in proof["optimizers"].values())[-2],
            "torch": proof["torch"],
        },
    }


def _optimizer(pair: OptimizerPair, ulp: int) -> dict[str, Any]:
    """With what the experiment gives it, if it has it."""
    chapters = optimizer_paths.EXPERIMENT.settings.optimizers.get(pair.name, {})
    return javascript.described(pair) | {
        "label": label(pair.name),
        "chapter": pair.name in names(),
        "shown": pair.name in SHOWN,
        "start": chapters,
        "ulp": ulp,
    }
