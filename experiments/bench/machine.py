"""What machine the numbers are from."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from experiments.engine.memory import cores

#: Variables that begin so choose the threads and kernels of NumPy's and torch's libraries.
_PREFIXES = ("OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "ATEN_")
_PREFIXES += ("NPY_",)


def describe(device: torch.device) -> dict[str, Any]:
    """The processor, its threads, the libraries and the device, by what they are called."""
    return {
        "processor": processor(),
        "cores": cores(),
        "memory": _memory(),
        "threads of each library": f"1; {cores()} as well where a row says so",
        "instructions torch uses": torch.backends.cpu.get_cpu_capability(),
        "set in the environment": environment(),
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


def environment() -> dict[str, str]:
    """What is set that makes the libraries faster or slower: OPENBLAS_CORETYPE picks a kernel."""
    return {k: v for k, v in sorted(os.environ.items()) if k.startswith(_PREFIXES)}


def load() -> float | None:
    """How many processes wanted to compute in the last minute, where the system tells it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, others not these names
        return "unknown"
    return f"{size / 1e9:.0f} GB"


def _blas() -> str:
    """The libraries that NumPy multiplies with, and the processor that their kernels are for."""
    found = ThreadpoolController().select(user_api="blas").info()
    if not found:  # Apple's is not known to threadpoolctl
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        found = [{"internal_api": blas.get("name"), "version": blas.get("version")}]
    names = ("internal_api", "version", "architecture")
    return ", ".join(" ".join(str(each[n]) for n in names if each.get(n)) for each in found)


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    return str(device)
