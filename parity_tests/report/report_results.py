"""A results folder as the commands write it, in seconds: the experiments cut down to a moment."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import experiments
from experiments.data import Dataset
from experiments.engine import backends, output
from experiments.engine.experiment import judged
from experiments.engine.fingerprint import identity_of
from experiments.engine.measurements import write_csv
from experiments.engine.texts import parts
from experiments.report import page, results
from parity_tests.experiments.cut_down import measured, small
from torch_ref.conventions import CONVENTIONS

SEEDS = (0, 1)
#: By these the page shows both backends beside each other, the others it shows alone.
BESIDE = ("surface", "optimizer-paths", "optimizer-comparison", "batchnorm-scales")
STD = {"low": 0.4, "median": 0.5, "high": 0.75, "count": 3}


def write_experiment(folder: Path, name: str, data: Dataset) -> None:
    """metrics.csv and result.json of an experiment."""
    experiment = experiments.load(name)
    sides = backends.NAMES if name in BESIDE else backends.NAMES[:1]
    found = {side: measured(name, side, data, SEEDS) for side in sides}
    home = folder / name
    home.mkdir(parents=True)
    with (home / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv(file, found, list(SEEDS))
    info = identity_of(
        [backends.describe(side, "cpu") for side in sides],
        1,
        data if experiment.needs_data else None,
        experiment=name,
        settings=asdict(small(experiment)),
        quick=True,
        seeds=list(SEEDS),
    ) | {
        "title": experiment.title,
        "section": experiment.section,
        "python": "3.11",
        "machine": "Linux x86_64",
        "claims": {side: judged(experiment.claims, m, SEEDS) for side, m in found.items()},
        "finished": "2026-01-01T00:00:00+00:00",
    }
    vouch(home, info | {"texts": parts(info["claims"])})


def vouch(home: Path, info: dict[str, Any]) -> None:
    """Write result.json with the digest of the metrics.csv that is there."""
    digest = hashlib.sha256((home / "metrics.csv").read_bytes()).hexdigest()
    write_json(home / "result.json", info | {"files": {"metrics.csv": digest}})


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = output.sealed(content) if isinstance(content, dict) else content
    path.write_text(json.dumps(content), encoding="utf-8")


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a file of JSON."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    write_json(path, content)


def edit_rows(home: Path, change: Callable[[list[list[str]]], None]) -> None:
    """Change the rows of metrics.csv, and let result.json vouch for them."""
    with (home / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    with (home / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    vouch(home, json.loads((home / "result.json").read_text(encoding="utf-8")))


def write_sweep(folder: Path) -> None:
    best = {"lr": 0.1, "loss": 0.5, "low": 0.01, "high": 0.1, "learns": True}
    found = {"best": best, "runs": 4, "diverged": 1, "by_architecture": {"2 layers": best}}
    settings = {"optimizers": ["SGD", "chapter.Adam"], "rates": [0.01, 0.1], "seeds": 2}
    settings |= {"depths": [2], "inits": ["he"], "batch_norm": [True]}
    content = {
        "runs": 8,
        "settings": settings | {"width": 100, "iterations": 10, "batch_size": 128},
        "backends": {"scratch": {"device": "cpu", "numpy": "2.0"}},
        "python": "3.11",
        "summary": {"scratch": {"SGD": found, "chapter.Adam": found}},
    }
    write_json(folder / "sweep" / "sweep.json", content)


def write_bench(folder: Path) -> None:
    ratio = {"what": "SGD, 10,000", "against": "torch's default", "unit": "×", "value": STD}
    memory = {"what": "scratch", "against": "peak", "unit": "MB", "value": STD, "goal": 400}
    skipped = ratio | {"against": "fused=True", "value": None, "skipped": "not here"}
    steps = [ratio | {"goal": 0.5, "reached": True}, ratio | {"against": "foreach=True"}, skipped]
    content = {
        "machine": {"processor": "one", "versions": {"numpy": "2.0"}},
        "options": {"quick": True},
        "sections": [
            {"name": "optimizer-step", "title": "An optimizer's step, float32", "rows": steps},
            {
                "name": "memory",
                "title": "A run of the scratch backend: time and peak memory",
                "rows": [memory],
            },
        ],
    }
    write_json(folder / "bench.json", content)


def write_parity(folder: Path) -> None:
    """With the conventions measured, and a few twins."""
    one = {"relative": 1e-16, "ulp": 1.0}
    distances = {"scratch float32 – torch float32": [1e-8, 1e-7]}
    twins = [
        {"table": "optimizers", "name": "SGD", "torch": "torch.optim.SGD", "note": ""},
        {"table": "schedules", "name": "StepLR", "torch": "torch.optim.lr_scheduler.StepLR"},
    ]
    rows = ((c.name, *c.measure()) for c in CONVENTIONS)
    content = {
        "machine": {"processor": "one"},
        "twins": [twin | {"distance": {"float64": one, "float32": one}} for twin in twins],
        "drift": [{"optimizer": "SGD", "steps": [1, 2], "distance": distances}],
        "conventions": [{"name": n, "apart": a, "aligned": b} for n, a, b in rows],
    }
    write_json(folder / "parity.json", content)


def write_all(folder: Path, data: Dataset) -> None:
    """Everything that the page can show."""
    few = replace(data, test_images=data.test_images[:100], test_labels=data.test_labels[:100])
    for name in experiments.NAMES:
        write_experiment(folder, name, few)
    for write in (write_sweep, write_bench, write_parity):
        write(folder)


def rendered(folder: Path) -> str:
    """The page of a folder."""
    return page.render(results.read(folder))


class Structure(HTMLParser):
    """The text outside of scripts and styles, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._inside = "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data
