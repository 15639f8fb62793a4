"""Faults injected into real processes, over and over: nothing may be lost, and no number differ.

    python -m parity_tests.soak --faults 200

A trial runs a command into a few faults one after the other, lets it come to its end, and compares
every number with those of a run that nothing happened to. ``make soak`` does 200 faults;
``test_soak.py`` does a few.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from parity_tests.training import long_runs

ROOT = Path(__file__).parents[1]
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
TIMES = ("seconds", "finished", "sha256")
#: Room on a disk that is then filled up.
DISK = "48m"
STEPS = 20_000
LIMIT = 600  # seconds for one command, on a busy machine


@dataclass(frozen=True)
class Subject:
    """A command that is to survive.

    Attributes:
        arguments: of ``lockstep``.
    """

    name: str
    arguments: tuple[str, ...]

    def start(self, out: Path) -> subprocess.Popen:
        """In a process group of its own, so that all of it can be killed."""
        command = [sys.executable, "-m", "experiments", *self.arguments, "--out", str(out)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | THREADS,
            start_new_session=True,
        )


RUN = ("run", "zero-init", "init-comparison", "--quick", "--seeds", "2", "--device", "cpu")
RUN += ("--checkpoint-every", "0.2")
SWEEP = ("sweep", "--optimizer", "sgd,adam", "--lr", "0.001,0.01,0.1", "--depth", "2", "--seeds")
SWEEP += ("2", "--init", "he", "--batch-norm", "on", "--iterations", "150", "--device", "cpu")
SWEEP += ("--checkpoint-every", "0.2")
SUBJECTS = (
    Subject("run, scratch", (*RUN, "--backend", "scratch")),
    Subject("run, torch", (*RUN, "--backend", "torch")),
    Subject("run, two processes", (*RUN, "--backend", "scratch", "--processes", "2")),
    Subject("sweep, scratch", (*SWEEP, "--processes", "1")),
    Subject("sweep, torch, two processes", (*SWEEP, "--backend", "torch", "--processes", "2")),
)


@dataclass
class Trial:
    """A subject in a folder of its own.

    Attributes:
        expected: seconds that the command takes if nothing happens.
        problems: what should not have been, in words.
    """

    subject: Subject
    out: Path
    random: random.Random
    expected: float
    problems: list[str] = field(default_factory=list)

    def interrupted(self, how: Callable[[subprocess.Popen], None], *codes: int) -> bool:
        """Start the command and let ``how`` happen at some time; whether it happened in time."""
        process = self.subject.start(self.out)
        try:
            process.wait(self.random.uniform(0.1, 0.9) * self.expected)
        except subprocess.TimeoutExpired:
            how(process)
            self._examine(process, *codes)
            return True
        finish(process)
        return False

    def completed(self) -> None:
        """Let the command come to its end."""
        self._examine(self.subject.start(self.out), 0)

    def _examine(self, process: subprocess.Popen, *codes: int) -> None:
        output = finish(process)
        if "Traceback" in output:
            self.problems.append(f"a traceback: {output[-1500:]}")
        if process.returncode not in codes:
            self.problems.append(f"exit code {process.returncode}, not {codes}: {output[-500:]}")

    def kept(self) -> list[Path]:
        """The files that an interrupted run goes on from."""
        return sorted(path for path in self.out.glob(".units/**/*") if path.is_file())


def finish(process: subprocess.Popen) -> str:
    """Wait for its end; what it printed."""
    try:
        return process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        kill_all(process)
        return process.communicate()[0] + "\nIt did not end."


def kill_all(process: subprocess.Popen) -> None:
    """As a power cut: all of its processes at once."""
    os.killpg(process.pid, signal.SIGKILL)


# The faults: each is a function of a trial that says whether it was injected.


def killed(trial: Trial) -> bool:
    """kill -9 of all processes."""
    return trial.interrupted(kill_all, -signal.SIGKILL)


def one_killed(trial: Trial) -> bool:
    """kill -9 of one process that works for the others."""

    def kill_one(process: subprocess.Popen) -> None:
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process.pid)],
            capture_output=True,
            text=True,
        )
        lines = [line for line in listed.stdout.splitlines() if "resource_tracker" not in line]
        children = [int(line.split()[0]) for line in lines]
        if children:
            os.kill(trial.random.choice(children), signal.SIGKILL)
        else:
            kill_all(process)

    # Where it was about to end, it may end well all the same.
    return trial.interrupted(kill_one, 0, 1, -signal.SIGKILL)


def terminated(trial: Trial) -> bool:
    """SIGTERM, as a scheduler sends it."""
    return trial.interrupted(lambda p: p.terminate(), 143, 0, -signal.SIGTERM)


def ctrl_c(trial: Trial) -> bool:
    """Ctrl-C, which a terminal sends to all processes."""

    def press(process: subprocess.Popen) -> None:
        os.killpg(process.pid, signal.SIGINT)

    return trial.interrupted(press, 130, 0, -signal.SIGINT)


def damaged(trial: Trial) -> bool:
    """A few bytes of something that was kept, changed."""
    return _spoiled(trial, _flip)


def truncated(trial: Trial) -> bool:
    """Something that was kept, cut off."""
    return _spoiled(trial, lambda trial, data: data[: trial.random.randrange(len(data))])


def foreign(trial: Trial) -> bool:
    """Something that was kept, with the contents of something else."""
    others = [path.read_bytes() for path in trial.kept()]
    return _spoiled(trial, lambda trial, data: trial.random.choice([b"foreign", *others]))


def full_disk(trial: Trial) -> bool:
    """No room left, from some moment on."""
    filler = trial.out / "filler"

    def fill(process: subprocess.Popen) -> None:
        try:
            with filler.open("wb") as file:
                while True:
                    file.write(bytes(2**20))
        except OSError:
            process.wait(LIMIT)

    filled = trial.interrupted(fill, 0, 1)
    filler.unlink(missing_ok=True)
    return filled


def _spoiled(trial: Trial, change: Callable[[Trial, bytes], bytes]) -> bool:
    if not trial.kept():
        trial.interrupted(kill_all, -signal.SIGKILL)
    if not trial.kept():
        return False
    path = trial.random.choice(trial.kept())
    data = path.read_bytes()
    if data:
        path.write_bytes(change(trial, data))
    return bool(data)


def _flip(trial: Trial, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(trial.random.randint(1, 4)):
        changed[trial.random.randrange(len(data))] ^= trial.random.randint(1, 255)
    return bytes(changed)


FAULTS: dict[str, Callable[[Trial], bool]] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (killed, one_killed, terminated, ctrl_c, damaged, truncated, foreign, full_disk)
}


@dataclass
class Soak:
    """Trials until enough faults were injected.

    Attributes:
        injected: by fault.
        failures: of trials, in words; a fault was survived if its trial is none of them.
    """

    seed: int = 0
    faults: tuple[str, ...] = tuple(FAULTS)
    subjects: tuple[Subject, ...] = SUBJECTS
    injected: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    differed: int = 0

    def run(self, count: int, say: Callable[[str], None] = print) -> None:
        """Inject ``count`` faults at least."""
        drawn = random.Random(self.seed)
        with tempfile.TemporaryDirectory() as folder:
            nothing_happens = cache(lambda subject: reference(subject, Path(folder)))
            while self.injected.total() < count:
                subject = drawn.choice(self.subjects)
                expected, seconds = nothing_happens(subject)
                wanted = drawn.sample(self.faults, drawn.randint(1, len(self.faults)))
                with disk(Path(folder) / "out", small="full-disk" in wanted) as out:
                    trial = Trial(subject, out, drawn, seconds)
                    done = self._try(trial, wanted, expected)
                verdict = "; ".join(trial.problems) or "survived"
                say(f"{self.injected.total():4} {subject.name}: {', '.join(done)}: {verdict}")

    def _try(self, trial: Trial, wanted: list[str], expected: dict[str, Any]) -> list[str]:
        """Inject what is wanted, as far as it can be, and compare; returns what was injected."""
        wanted = [name for name in wanted if name != "full-disk" or trial.out.is_mount()]
        done = [name for name in wanted if FAULTS[name](trial)]
        trial.completed()
        if not trial.problems and (found := numbers(trial.out)) != expected:
            self.differed += 1
            names = sorted(n for n in found | expected if found.get(n) != expected.get(n))
            trial.problems.append(f"the results differ: {', '.join(names)}")
        trial.problems += [f"left over: {name}" for name in left_over(trial.out)]
        self.injected.update(done)
        self.survived.update([] if trial.problems else done)
        where = f"{trial.subject.name}, {', '.join(done)}"
        self.failures += [f"{where}: {problem}" for problem in trial.problems]
        return done

    def summary(self) -> str:
        """For people."""
        lines = [f"{name}: {self.survived[name]} of {n}" for name, n in self.injected.items()]
        lines.append(
            f"{self.injected.total()} faults injected, {self.survived.total()} survived, "
            f"{self.differed} results differed"
        )
        return "\n".join([*self.failures, *lines])


@contextmanager
def disk(out: Path, small: bool) -> Iterator[Path]:
    """A folder for results; a small disk of its own, where one can be mounted."""
    out.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(out)]
    mounted = small and can_mount() and not subprocess.run(command, capture_output=True).returncode
    try:
        yield out
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(out)], check=True)
        shutil.rmtree(out, ignore_errors=True)


def can_mount() -> bool:
    """Whether a small disk can be made here."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None


def reference(subject: Subject, folder: Path) -> tuple[Any, float]:
    """The numbers of a run that nothing happens to, and the seconds that it takes."""
    with disk(folder / "reference", small=False) as out:
        start = time.monotonic()
        process = subject.start(out)
        output = finish(process)
        if process.returncode:
            raise RuntimeError(f"{subject.name} fails by itself: {output}")
        return numbers(out), time.monotonic() - start


def numbers(out: Path) -> dict[str, Any]:
    """Every file of the results; JSON without the times and what follows from them."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.suffix == ".json" and not name.startswith("."):
            whole = json.loads(path.read_text(encoding="utf-8"))
            found[name] = {key: value for key, value in whole.items() if key not in TIMES}
        elif path.suffix in (".csv", ".txt"):
            found[name] = path.read_text(encoding="utf-8")
    return found


def left_over(out: Path) -> list[str]:
    """What should not be there in the end."""
    names = (path.relative_to(out).as_posix() for path in out.rglob("*"))
    return [name for name in names if "lockstep-partial" in name or name.startswith(".units")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=200, help="how many, at least")
    parser.add_argument("--seed", type=int, default=0, help="of what happens when")
    arguments = parser.parse_args()
    soak = Soak(arguments.seed)
    if not can_mount():
        print("No small disk can be mounted here: full-disk is left out.")
    soak.run(arguments.faults, lambda line: print(line, flush=True))
    if long_runs.can_look():
        for fit in (long_runs.by_hand, long_runs.by_torch):
            memory, files = long_runs.growth(fit, STEPS)
            print(f"{STEPS:,} steps {fit.__name__}: {memory:+,} bytes, {files:+} open files")
            if memory >= long_runs.SLACK or files:
                soak.failures.append(f"memory or files grow: {fit.__name__}")
    print(soak.summary())
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main())
