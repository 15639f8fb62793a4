"""Measuring all of it, and the file."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from experiments import data
from experiments.bench import machine
from experiments.engine import threads
from experiments.engine.output import atomic
from experiments.parity import drift, twins
from torch_ref.conventions import CONVENTIONS

FILE = "parity.json"


def measure(
    progress: Callable[[str], None], settings: drift.Settings | None = None
) -> dict[str, Any]:
    """Everything that the file has."""
    with threads.limited(1):
        return _measured(progress, settings or drift.Settings())


def _measured(progress: Callable[[str], None], settings: drift.Settings) -> dict[str, Any]:
    start = time.perf_counter()
    content = {
        "twins": list(twins.measured(progress)),
        "drift": drift.measured(settings, data.load_mnist(), progress),
        "settings": {"steps": twins.STEPS, "drift": asdict(settings)},
        "conventions": [],
        "machine": machine.describe(torch.device("cpu")),
    }
    for convention in CONVENTIONS:
        progress(convention.name)
        apart, aligned = convention.measure()
        content["conventions"].append({"name": convention.name, "apart": apart, "aligned": aligned})
    content["seconds"] = round(time.perf_counter() - start, 1)
    content["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    return content


def write(content: dict[str, Any], path: Path) -> None:
    """Write the file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic(path) as temporary:
        text = json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """JSON knows no infinity: where sides differ by that, the largest number stands."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return 1e308
    return value
