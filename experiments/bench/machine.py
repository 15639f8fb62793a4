"""What machine the numbers are from."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def describe(device: torch.device) -> dict[str, Any]:
    """The processor, its threads, the libraries and the device, by what they are called."""
    return {
        "processor": processor(),
        "cores": _cores(),
        "threads of torch": torch.get_num_threads(),
        "threads by the environment": {k: os.environ[k] for k in _THREADS if k in os.environ},
        "BLAS of NumPy": _blas(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "system": platform.platform(),
        "device": _device(device),
        "load before": load(),
    }


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return platform.processor() or platform.machine()


def load() -> float | None:
    """How many processes wanted to compute in the last minute, where the system tells it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _blas() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    return str(device)
