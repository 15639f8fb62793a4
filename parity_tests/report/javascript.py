"""The page's optimizers in JavaScript, beside torch's golden files; its schedules, beside torch's.

Node takes the steps, all at once, in float64.
"""

import json
import math
import shutil
import subprocess
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from experiments.report import javascript
from torch_ref.lockstep import Distance, Drift
from torch_ref.lockstep.golden import Verification, verify, write_golden
from torch_ref.lr_scheduler import by_torch
from torch_ref.registry import SCHEDULES

ASSETS = Path(javascript.__file__).with_name("assets")
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="JavaScript is run by node; there is none")
STEPS = 100  # of a schedule
BASE = 0.1

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer beside its golden file."""

    verification: Verification
    cases: int
    steps: int

    @property
    def worst(self) -> Distance:
        worst = Distance()
        for result in self.verification.results:
            worst = worst.or_larger(result.report.worst)
        return worst


def made(script: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the modules make of it, called by a script that lies beside this."""
    command = [str(NODE), str(Path(__file__).with_name(script)), str(ASSETS)]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60
    )
    return dict(json.loads(done.stdout))


def compared(
    folder: Path, changes: Mapping[str, Any] | None = None
) -> tuple[dict[str, Optimizer], dict[str, Distance]]:
    """Every optimizer beside its golden file, and every schedule beside torch's class.

    Args:
        folder: for the files.
        changes: settings to be changed behind JavaScript's back, where an optimizer has them.
    """
    pairs = javascript.optimizers()
    golden = {name: _golden(name, folder) for name in pairs}
    asked = {
        javascript.module_of(name): _asked(pair, load_file(golden[name]), changes or {})
        for name, pair in pairs.items()
    }
    schedules = {javascript.module_of(name): _rates_asked(name) for name in javascript.SCHEDULED}
    found = made("prove.mjs", {"optimizers": asked, "schedules": schedules})
    optimizers = {}
    for name, pair in pairs.items():
        candidate = folder / f"mine-{golden[name].name}"
        cases = found["optimizers"][javascript.module_of(name)]
        _write(candidate, golden[name], cases, renamed=pair.buffers)
        steps = len(cases[0][0])
        optimizers[name] = Optimizer(verify(golden[name], candidate), len(cases), steps)
    return optimizers, {
        name: _apart(name, found["schedules"][javascript.module_of(name)])
        for name in javascript.SCHEDULED
    }


@cache
def _golden(name: str, folder: Path) -> Path:
    return write_golden(name, folder)


def _asked(pair: Any, tensors: Arrays, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The start and the gradients, each number alone, and the settings of every case."""
    cases = []
    for case in pair.cases:
        made = pair.scratch(**case)
        cases.append(made.settings | {k: v for k, v in changes.items() if k in made.settings})
    names = sorted(name for name in tensors if name.startswith("float64/start/"))
    start = [tensors[name].ravel() for name in names]
    grads = [tensors[name.replace("/start/", "/grad/")] for name in names]
    flat = [g.reshape(len(g), -1).T for g in grads]
    return {
        "start": np.concatenate(start).tolist(),
        "grads": np.concatenate(flat).tolist(),
        "cases": cases,
    }


def _write(path: Path, golden: Path, cases: list, renamed: Mapping[str, Any]) -> None:
    """A candidate: the parameters, and those of the buffers that torch has as well."""
    expected, written = load_file(golden), {}
    for key, theirs in expected.items():
        dtype, case, quantity, parameter = [*key.split("/"), ""][:4]
        if dtype != "float64" or not case.isdigit():
            continue
        before = 0 if parameter == "w0" else expected["float64/start/w0"].size
        count = expected[f"float64/start/{parameter}"].size
        ways = cases[int(case)][before : before + count]
        if quantity in ways[0][0]:
            values = np.array([[step[quantity] for step in way] for way in ways], np.float64).T
            number = theirs.ndim == 1  # one for the whole parameter
            written[key] = (values[:, 0] if number else values.reshape(theirs.shape)).copy()
    save_file(written, path)


def _rates_asked(name: str) -> list[dict[str, Any]]:
    shown = javascript.SCHEDULED[name]
    cases = [shown, *([shown | {"three_phase": True}] if "three_phase" in shown else [])]
    cases += _cases(name)
    return [{"base": BASE, "steps": _steps(case), "settings": case} for case in cases]


def _cases(name: str) -> list[dict[str, Any]]:
    """The registry's, but for what the page does not have: lists for groups, momentum, epochs."""
    defaults, found = javascript.SCHEDULED[name], []
    for case in SCHEDULES[name].cases:
        own = {k: v for k, v in case.items() if k not in ("max_lr", "cycle_momentum")}
        if own.keys() <= defaults.keys() and not any(isinstance(v, list) for v in case.values()):
            made = SCHEDULES[name].scratch(**_whole(name, own, by_hand=True))
            found.append({key: getattr(made, key, own.get(key)) for key in defaults})
    return [case for case in found if not _degenerate(case)]


def _degenerate(case: Mapping[str, Any]) -> bool:
    return case.get("total_iters") == 0


def _steps(case: Mapping[str, Any]) -> int:
    return min(STEPS, case.get("total_steps", STEPS))


def _whole(name: str, case: Mapping[str, Any], by_hand: bool = False) -> dict[str, Any]:
    from scratch.optim import SGD

    cycle = {"max_lr": BASE} if name == "OneCycleLR" else {}
    if by_hand:
        cycle |= {"optimizer": SGD(lr=BASE)} | ({"cycle_momentum": False} if cycle else {})
    return {**case, **cycle}


def _apart(name: str, mine: list[list[tuple[float, float | None]]]) -> Distance:
    drift = Drift()
    for asked, rates in zip(_rates_asked(name), mine, strict=True):
        theirs = torch.optim.SGD([torch.zeros(1)], lr=BASE, momentum=0.5)
        schedule = by_torch(name, theirs, **_whole(name, asked["settings"]))
        for t, (rate, momentum) in enumerate(rates):
            if t:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of a schedule without its optimizer
                    schedule.step()
            group = theirs.param_groups[0]
            drift.add(np.array(rate), np.array(group["lr"], np.float64))
            momentum = 0.5 if momentum is None else momentum
            drift.add(np.array(momentum), np.array(group["momentum"], np.float64))
    return drift.worst


def table(folder: Path) -> dict[str, Any]:
    """What the page says of itself."""
    optimizers, schedules = compared(folder)
    return {
        "torch": torch.__version__.partition("+")[0],
        "steps": max(found.steps for found in optimizers.values()),
        "optimizers": {
            name: {"ulp": math.ceil(found.worst.ulp), "cases": found.cases}
            for name, found in optimizers.items()
        },
        "schedules": {name: {"ulp": math.ceil(worst.ulp)} for name, worst in schedules.items()},
    }
