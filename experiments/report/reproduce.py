"""What made each item: command, seeds, versions, device, machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.report.results import Document, Item, Missing, Result, Results
from experiments.texts import Text, say


@dataclass(frozen=True)
class Origin:
    """Of one item."""

    name: str
    command: str
    seeds: str
    versions: str
    device: str
    finished: str
    state: Text


def origins(results: Results) -> list[Origin]:
    """Of every item, in the page's order."""
    return [_origin(item) for item in results.items]


def _origin(item: Item) -> Origin:
    if isinstance(item, Result):
        return _of_result(item)
    if isinstance(item, Document):
        return _of_document(item)
    state = say("missing") if isinstance(item, Missing) else say("unreadable")
    return Origin(item.name, item.command, "", "", "", "", state)


def command(info: Mapping[str, Any]) -> str:
    """What makes this result again.

    >>> command(
    ...     {
    ...         "experiment": "surface",
    ...         "seeds": [0, 1],
    ...         "backends": {"torch": {}},
    ...         "quick": True,
    ...         "dataset": None,
    ...     }
    ... )
    'lockstep run surface --backend torch --seeds 2 --quick'
    """
    sides = list(info["backends"])
    parts = ["lockstep run", info["experiment"]]
    parts.append(f"--backend {sides[0] if len(sides) == 1 else 'both'}")
    parts.append(f"--seeds {max(info['seeds']) + 1}")
    if info["dataset"] and info["dataset"]["name"] != "mnist":
        parts.append(f"--dataset {info['dataset']['name']}")
    return " ".join([*parts, "--quick"] if info["quick"] else parts)


def _of_result(result: Result) -> Origin:
    info = result.info
    seeds = info["seeds"]
    versions = {"python": info["python"]}
    devices = []
    for side, about in info["backends"].items():
        versions |= {k: str(v) for k, v in about.items() if k not in ("device", "threads")}
        devices.append(f"{side}: {about['device']}")
    return Origin(
        result.name,
        command(info),
        str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}",
        _listed(versions),
        f"{', '.join(devices)}; {info['machine']}",
        _when(info["finished"]),
        say("code {digest}", digest=info["code"][:8]),
    )


def _of_document(document: Document) -> Origin:
    """Of the sweep, the benchmark, the parity: what these files say, as far as they do."""
    content, machine = document.content, document.content.get("machine")
    about = machine if isinstance(machine, Mapping) else {}
    versions = about.get("versions")
    device = [str(machine)] if isinstance(machine, str) else []
    device += [str(about[key]) for key in ("processor", "system", "device") if key in about]
    found = {"python": content["python"]} if isinstance(content.get("python"), str) else {}
    backends = content.get("backends")
    if isinstance(backends, Mapping):
        for side in backends.values():
            found |= {k: v for k, v in side.items() if k not in ("device", "threads")}
    options = content.get("options")
    quick = " --quick" if isinstance(options, Mapping) and options.get("quick") is True else ""
    again = _sweep(content) if document.name == "sweep" else f"lockstep {document.name}{quick}"
    settings = content.get("settings")
    seeds = settings.get("seeds") if isinstance(settings, Mapping) else None
    shown = f"0–{seeds - 1}" if isinstance(seeds, int) and seeds > 1 else "0"
    return Origin(
        document.name,
        again,
        shown,
        _listed(versions if isinstance(versions, Mapping) else found),
        ", ".join(device),
        _when(str(content.get("finished", ""))),
        say("code {digest}", digest=str(content["code"])[:8]) if "code" in content else Text(""),
    )


#: The sweep's options, and what its settings call their values.
_SWEEP = {
    "optimizer": "optimizers",
    "lr": "rates",
    "depth": "depths",
    "init": "inits",
    "batch-norm": "batch_norm",
    "seeds": "seeds",
    "width": "width",
    "iterations": "iterations",
    "batch-size": "batch_size",
}


def _sweep(content: Mapping[str, Any]) -> str:
    """What makes this sweep again, its grid value by value."""
    parts = ["lockstep sweep"]
    for option, key in _SWEEP.items():
        value = content["settings"].get(key)
        values = value if isinstance(value, list) else [value]
        if key == "batch_norm":
            values = ["on" if each else "off" for each in values]
        shown = ",".join(map(str, values))
        parts.append(f"--{option} {shown}")
    sides = list(content["backends"])
    if sides != ["scratch"]:
        parts.append(f"--backend {'both' if len(sides) > 1 else sides[0]}")
    dataset = content.get("dataset")
    if isinstance(dataset, Mapping) and dataset.get("name") not in (None, "mnist"):
        parts.append(f"--dataset {dataset['name']}")
    return " ".join(parts)


def _listed(versions: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _when(time: str) -> str:
    """A time for people.

    >>> _when("2026-01-31T12:30:00+00:00")
    '2026-01-31 12:30:00 UTC'
    """
    return time.replace("T", " ", 1).replace("+00:00", " UTC")
