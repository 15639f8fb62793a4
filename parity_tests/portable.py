"""The tests that depend on arithmetic, on every processor that this one can pretend to be.

    python -m parity_tests.portable            every switch by itself, and together
    python -m parity_tests.portable --short    two processors, all switches of each

NumPy, its OpenBLAS, torch, and torch's MKL and oneDNN each choose their kernels by the processor,
and each has a variable that makes it choose as on another. The tests are those marked
``arithmetic``, without the slow ones unless ``--slow``. What this machine cannot pretend is
skipped, and says why.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
_BUILD = np.show_config(mode="dicts")
FEATURES = tuple(_BUILD["SIMD Extensions"].get("found", ()))
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
OLD = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": " ".join(FEATURES),
}
#: What a value of these variables needs; what is not here needs nothing.
NEEDS = {
    **dict.fromkeys(("avx2", "AVX2", "Haswell", "Zen"), "AVX2"),
    **dict.fromkeys(("avx512", "AVX512", "AVX512_CORE", "SkylakeX"), "AVX-512"),
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Processor(NamedTuple):
    """One to pretend, as the variables that do it; each library takes one thread or more."""

    name: str
    variables: dict[str, str]
    threads: tuple[int, int, int] = (1, 1, 1)

    @property
    def environment(self) -> dict[str, str]:
        threads = zip(THREADS, map(str, self.threads), strict=True)
        return {**os.environ, **self.variables, **dict(threads)}

    def obstacle(self) -> str | None:
        """Why this machine cannot pretend it, or ``None``."""
        if self.variables and platform.machine().lower() not in ("x86_64", "amd64"):
            return f"the variable is for x86-64, this is {platform.machine()}"
        blas = _BUILD["Build Dependencies"]["blas"]["name"]
        if "OPENBLAS_CORETYPE" in self.variables and "openblas" not in blas:
            return f"NumPy's BLAS is {blas}"
        if self.variables.get("NPY_DISABLE_CPU_FEATURES") == "":
            return "NumPy has nothing that can be disabled"
        missing = {NEEDS[v] for v in self.variables.values() if v in NEEDS} - _available()
        return f"this processor has no {' and no '.join(sorted(missing))}" if missing else None


class Outcome(NamedTuple):
    """What the tests gave on one processor; ``failed`` are their names."""

    tests: int
    failed: list[str]
    skipped: int
    seconds: float


def _available() -> set[str]:
    has = {*FEATURES, *_BUILD["SIMD Extensions"].get("baseline", ())}
    found = {"AVX2"} if has & {"AVX2", "X86_V3"} else set()
    return found | ({"AVX-512"} if has & {"AVX512_SKX", "X86_V4"} else set())


def each_switch() -> list[Processor]:
    values = {
        "ATEN_CPU_CAPABILITY": ("default", "avx2", "avx512"),
        "ONEDNN_MAX_CPU_ISA": ("SSE41", "AVX2", "AVX512_CORE"),
        "MKL_ENABLE_INSTRUCTIONS": ("SSE4_2", "AVX2", "AVX512"),
        "OPENBLAS_CORETYPE": ("Prescott", "Haswell", "SkylakeX", "Zen"),
    }
    switches = [Processor(f"{name}={v}", {name: v}) for name, vs in values.items() for v in vs]
    disabled = "NPY_DISABLE_CPU_FEATURES"
    return [
        Processor("as it is", {}),
        *switches,
        Processor(f"{disabled}: all {len(FEATURES)}", {disabled: OLD[disabled]}),
        *whole(),
        Processor("torch: two threads", {}, (2, 2, 1)),
        Processor("OpenBLAS: two threads", {}, (1, 1, 2)),
    ]


def whole() -> list[Processor]:
    return [
        Processor("no AVX: all switches", OLD),
        Processor("AVX2: all switches", AVX2),
    ]


def run(processor: Processor, marked: str, arguments: Sequence[str] = ()) -> Outcome:
    """Run the tests in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        # xunit1, as the tests record distances: xunit2 has no place for them, and pytest warns.
        command += ["-m", marked, f"--junitxml={written}", "-o", "junit_family=xunit1"]
        command += arguments
        done = subprocess.run(
            command, cwd=ROOT, env=processor.environment, capture_output=True, text=True
        )
        if not written.exists():
            raise RuntimeError(f"pytest did not run on {processor.name!r}: {done.stderr.strip()}")
        return read(written)


def read(written: Path) -> Outcome:
    """The outcome in a file of pytest's ``--junitxml``."""
    suite = ElementTree.parse(written).getroot().find("testsuite")
    assert suite is not None
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = int(suite.get("skipped", 0))
    tests = int(suite.get("tests", 0)) - skipped
    return Outcome(tests, failed, skipped, float(suite.get("time", 0)))


def table(rows: Sequence[tuple[Processor, Outcome | str]]) -> Table:
    """A row for each processor: its outcome, or why there is none."""
    shown = Table(title="The tests that depend on arithmetic", title_justify="left", box=None)
    for column in ("processor pretended", "tests", "failed", "skipped", "seconds"):
        shown.add_column(column, justify="left" if column.startswith("proc") else "right")
    for processor, outcome in rows:
        if isinstance(outcome, str):
            shown.add_row(f"{processor.name}: not run, {outcome}")
        else:
            tests, failed, skipped, seconds = outcome
            numbers = (f"{tests:,}", str(len(failed)), str(skipped), f"{seconds:.0f}")
            shown.add_row(processor.name, *numbers)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--short", action="store_true", help="two processors, all switches of each")
    parser.add_argument("--slow", action="store_true", help="the slow tests, too")
    parser.add_argument("--side-by-side", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("arguments", nargs="*", help="more arguments for pytest, after --")
    options = parser.parse_args()
    processors = whole() if options.short else each_switch()
    marked = "arithmetic" if options.slow else "arithmetic and not slow"

    def outcome(processor: Processor) -> Outcome | str:
        return processor.obstacle() or run(processor, marked, options.arguments)

    # Threads that share a core with another program wait for each other: those run alone.
    alone = [p for p in processors if max(p.threads) > 1]
    beside = [p for p in processors if p not in alone]
    with ThreadPoolExecutor(options.side_by_side) as pool:
        rows = list(zip(beside, pool.map(outcome, beside), strict=True))
    rows += [(processor, outcome(processor)) for processor in alone]
    console = Console(width=100)
    console.print(table(rows))
    failures = [(p.name, name) for p, o in rows if isinstance(o, Outcome) for name in o.failed]
    for processor, name in failures:
        console.print(f"failed on {processor}: {name}", markup=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
