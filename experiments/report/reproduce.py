"""What made each item: command, seeds, versions, device, machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.engine.texts import Text, say
from experiments.report.results import Document, Finished, Item, Missing, Results


@dataclass(frozen=True)
class Origin:
    """Of one item."""

    name: str
    command: str
    state: Text
    seeds: str = ""
    versions: str = ""
    device: str = ""
    finished: str = ""


def origins(results: Results) -> list[Origin]:
    """Of every item, in the page's order."""
    return [_origin(item) for item in results.items]


def _origin(item: Item) -> Origin:
    if not isinstance(item, Document):
        state = say("missing") if isinstance(item, Missing) else say("unreadable")
        return Origin(item.name, item.command, state)
    info = item.info
    code = str(info.get("code", ""))[:8]
    return Origin(
        item.name,
        command(info) if isinstance(item, Finished) else _command(item.name, info),
        say("code {digest}", digest=code) if code else Text(""),
        _seeds(info),
        ", ".join(f"{name} {version}" for name, version in _versions(info).items()),
        _device(info),
        _when(str(info.get("finished", ""))),
    )


def _seeds(info: Mapping[str, Any]) -> str:
    """Those of a result, or as many as the settings say."""
    count = info["settings"].get("seeds") if isinstance(info.get("settings"), Mapping) else None
    seeds = info.get("seeds") or range(count if isinstance(count, int) and count > 1 else 1)
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"


def _versions(info: Mapping[str, Any]) -> Mapping[str, Any]:
    machine = info.get("machine")
    if isinstance(machine, Mapping):
        found = machine.get("versions")
        return found if isinstance(found, Mapping) else {}
    found = {"python": info["python"]} if "python" in info else {}
    for about in info["backends"].values():
        found |= {k: v for k, v in about.items() if k not in ("device", "threads")}
    return found


def _device(info: Mapping[str, Any]) -> str:
    machine = info.get("machine", "")
    if isinstance(machine, Mapping):
        names = ("processor", "system", "device")
        return ", ".join(str(machine[name]) for name in names if name in machine)
    backends = info["backends"].items()
    devices = ", ".join(f"{backend}: {about.get('device', '')}" for backend, about in backends)
    return f"{devices}; {machine}".strip("; ")


def command(info: Mapping[str, Any]) -> str:
    """What makes this result again.

    >>> made = {"experiment": "surface", "seeds": [0, 1], "quick": True, "dataset": None}
    >>> command(made | {"backends": {"torch": {}}})
    'lockstep run surface --backend torch --seeds 2 --quick'
    """
    backends = list(info["backends"])
    parts = ["lockstep run", info["experiment"]]
    parts.append(f"--backend {backends[0] if len(backends) == 1 else 'both'}")
    parts.append(f"--seeds {max(info['seeds']) + 1}")
    if (dataset := info.get("dataset")) and dataset["name"] != "mnist":
        parts.append(f"--dataset {dataset['name']}")
    return " ".join([*parts, "--quick"] if info["quick"] else parts)


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


def _command(name: str, info: Mapping[str, Any]) -> str:
    """What makes a sweep again, its grid value by value, a benchmark or the parity."""
    if name != "sweep":
        options = info.get("options")
        quick = isinstance(options, Mapping) and options.get("quick") is True
        return f"lockstep {name}{' --quick' * quick}"
    parts = ["lockstep sweep"]
    for option, key in _SWEEP.items():
        value = info["settings"].get(key)
        values = value if isinstance(value, list) else [value]
        if key == "batch_norm":
            values = ["on" if each else "off" for each in values]
        shown = ",".join(map(str, values))
        parts.append(f"--{option} {shown}")
    backends = list(info["backends"])
    if backends != ["scratch"]:
        parts.append(f"--backend {'both' if len(backends) > 1 else backends[0]}")
    dataset = info.get("dataset")
    if isinstance(dataset, Mapping) and dataset.get("name") not in (None, "mnist"):
        parts.append(f"--dataset {dataset['name']}")
    return " ".join(parts)


def _when(time: str) -> str:
    """A time for people.

    >>> _when("2026-01-31T12:30:00+00:00")
    '2026-01-31 12:30:00 UTC'
    """
    return time.replace("T", " ", 1).replace("+00:00", " UTC")
