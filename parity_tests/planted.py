"""Faults planted one at a time, and the first test that finds each: what the suite is worth.

    python -m parity_tests.planted              all of them
    python -m parity_tests.planted adam clip    those whose names have one of the words in them

Each is a mistake that somebody has made, here or elsewhere, put into a copy of the project; the
tests named beside it are run there without the slow ones. What nothing finds is a hole in the
suite: ``experiments/docs/tests.md`` has what was found last.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("scratch", "torch_ref", "experiments", "parity_tests", "pyproject.toml", "README.md")
NOBODY = "nobody"


@dataclass(frozen=True)
class Fault:
    """A mistake.

    Attributes:
        name: what is wrong.
        file: where.
        right, wrong: a text that is there once, and what takes its place.
        tests: the names of the test files that look there.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]

    def plant(self, root: Path) -> None:
        """Put it into the project at ``root``."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise ValueError(f"{self.file} must have {self.right!r} once, for {self.name!r}")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


def _in(folder: str, tests: tuple[str, ...], *faults: tuple[str, str, str, str]) -> list[Fault]:
    return [
        Fault(name, f"{folder}/{file}.py", right, wrong, tests)
        for name, file, right, wrong in faults
    ]


FAULTS = [
    *_in(
        "scratch/optim",
        ("test_optimizers",),
        (
            "SGD: dampening ignored",
            "sgd",
            "b += (1 - self.dampening) * g",
            "b += g",
        ),
        (
            "SGD: dampening at the first step too",
            "sgd",
            "b[...] = g",
            "b[...] = (1 - self.dampening) * g",
        ),
        (
            "SGD: Nesterov's g and b the wrong way round",
            "sgd",
            "g + self.momentum * b if",
            "b + self.momentum * g if",
        ),
        (
            "Adam: the betas swapped",
            "adam",
            "beta1, beta2 = self.betas",
            "beta2, beta1 = self.betas",
        ),
        (
            "Adam: epsilon under the root",
            "adam",
            "(np.sqrt(v) / (1 - beta2**t) ** 0.5 + self.eps)",
            "np.sqrt(v / (1 - beta2**t) + self.eps)",
        ),
        (
            "Adam: epsilon before the bias correction",
            "adam",
            "(np.sqrt(v) / (1 - beta2**t) ** 0.5 + self.eps)",
            "((np.sqrt(v) + self.eps) / (1 - beta2**t) ** 0.5)",
        ),
        (
            "Adam: the bias correction one step ahead",
            "adam",
            "self.lr / (1 - beta1**t)",
            "self.lr / (1 - beta1 ** (t + 1))",
        ),
        (
            "Adam: AMSGrad's largest kept in the average",
            "adam",
            'out=state["max_exp_avg_sq"])',
            "out=v)",
        ),
        ("maximize ignored", "base", "            g = -g\n", "            pass\n"),
        (
            "decoupled decay without the rate",
            "base",
            "w *= 1 - self.lr * self.weight_decay",
            "w *= 1 - self.weight_decay",
        ),
        (
            "decay always decoupled",
            "base",
            "            if self.decoupled_weight_decay:",
            "            if True:",
        ),
        (
            "Adagrad: epsilon under the root",
            "adagrad",
            "(np.sqrt(h) + self.eps)",
            "np.sqrt(h + self.eps)",
        ),
        (
            "Adagrad: the rate decays one step early",
            "adagrad",
            '(state["step"] - 1) * self.lr_decay',
            'state["step"] * self.lr_decay',
        ),
        (
            "RMSprop: centered on nothing",
            "rmsprop",
            "variance = h - m * m",
            "variance = h",
        ),
        ("NAdam: this step's mu for the next", "nadam", "self._mu(t + 1)", "self._mu(t)"),
        ("RAdam: rectified one step early", "radam", "if length > 5:", "if length > 4:"),
        ("Adamax: epsilon forgotten", "adamax", "np.abs(g) + self.eps", "np.abs(g)"),
        (
            "Adadelta: epsilon outside of the roots",
            "adadelta",
            "np.sqrt(u + self.eps) / np.sqrt(v + self.eps)",
            "(np.sqrt(u) + self.eps) / (np.sqrt(v) + self.eps)",
        ),
        ("ASGD: averages from the start", "asgd", "max(1, t - self.t0)", "max(1, t)"),
        (
            "Rprop: the gradient kept where the sign changed",
            "rprop",
            "np.where(agreement < 0, 0, g)",
            "g",
        ),
        (
            "Adafactor: clipped by the larger",
            "adafactor",
            "max(1.0, _rms(u) / self.d)",
            "max(self.d, _rms(u))",
        ),
        (
            "the chapter's Nesterov as it is widely copied",
            "chapter",
            "w += self.momentum * v - self.lr * g",
            "w += self.momentum**2 * v - (1 + self.momentum) * self.lr * g",
        ),
    ),
    *_in(
        "scratch/optim",
        ("test_clip", "test_bad_input_optimizers", "test_optimizer_state"),
        (
            "clipping makes small gradients larger",
            "clip",
            "np.minimum(max_norm / (total + 1e-6), 1.0)",
            "max_norm / (total + 1e-6)",
        ),
        (
            "clipping by the norm of the norms' squares",
            "clip",
            "_norm(np.array(norms).T.reshape(runs or 1, -1), norm_type)",
            "_norm(np.array(norms).T.reshape(runs or 1, -1), 2.0)",
        ),
        (
            "an infinite gradient passes",
            "fitting",
            "if math.isfinite(np.vdot(g, g)):",
            "if not math.isnan(np.vdot(g, g)):",
        ),
        (
            "a snapshot without the groups",
            "base",
            '"groups": self.groups, "state"',
            '"groups": {}, "state"',
        ),
    ),
    *_in(
        "scratch/nn",
        ("test_norms", "test_layers", "test_networks", "test_run_axis", "test_resuming"),
        (
            "BatchNorm: the running variance biased",
            "batchnorm",
            "return var * (n / (n - 1))",
            "return var",
        ),
        (
            "BatchNorm: the running momentum the other way round",
            "batchnorm",
            "m = self.share_of_new_batch()",
            "m = 1 - self.share_of_new_batch()",
        ),
        (
            "normalization by the unbiased variance",
            "norm",
            "var = (centred * centred).mean(axis=axes, keepdims=True)",
            "var = x.var(axis=axes, keepdims=True, ddof=1)",
        ),
        (
            "epsilon beside the standard deviation",
            "batchnorm",
            "1 / np.sqrt(var + self.eps)",
            "1 / (np.sqrt(var) + self.eps)",
        ),
        (
            "BatchNorm's backward without the variance's part",
            "batchnorm",
            "(dbeta + self._x_hat * dgamma) / self._n",
            "dbeta / self._n",
        ),
        (
            "BatchNorm: the batch's own statistics in evaluation",
            "batchnorm",
            "from_batch = self.training or not self.track_running_stats",
            "from_batch = True",
        ),
        (
            "BatchNorm: the plain mean counts from 0",
            "batchnorm",
            "1 / self.num_batches_tracked if",
            "1 / (self.num_batches_tracked + 1) if",
        ),
        (
            "LayerNorm along the last axis alone",
            "layernorm",
            "tuple(range(-len(last), 0))",
            "(-1,)",
        ),
        (
            "the loss's gradient over the runs, not the rows",
            "loss",
            "dx /= dx.shape[-2]",
            "dx /= dx.shape[0]",
        ),
        (
            "the running variance is not restored",
            "network",
            '            norm.running_var[...] = given[f"running_var{i}"]\n',
            "",
        ),
    ),
    *_in(
        "torch_ref/lockstep",
        ("test_lockstep",),
        (
            "the tolerance ten times too wide",
            "run",
            "tolerance = tolerances[",
            "tolerance = 10 * tolerances[",
        ),
        (
            "NaN is at no distance",
            "distance",
            "        apart[np.isnan(apart)] = np.inf  # one of them is NaN\n",
            "",
        ),
        (
            "the scale of this step alone",
            "distance",
            "            scale[part] = drift._scale\n",
            "            pass\n",
        ),
        (
            "a parameter that becomes infinite is not noted",
            "guard",
            "bad = ~np.isfinite(w)",
            "bad = np.isnan(w)",
        ),
        (
            "buffers are not compared",
            "run",
            "            if found is not None:",
            "            if found is not None and not mine.strict:",
        ),
    ),
    *_in(
        "torch_ref/lockstep",
        ("test_diagnose",),
        (
            "a diagnosis takes the first variant that fits",
            "diagnose/optimizers",
            "result.findings = list(_simplest(found))",
            "result.findings = found[:1]",
        ),
        (
            "a diagnosis tries no pairs",
            "search",
            "for size in range(1, depth + 1):",
            "for size in range(1, 2):",
        ),
        (
            "a diagnosis halves no rate",
            "diagnose/optimizers",
            "if changed.lr_assigned and moved:",
            "if False:",
        ),
    ),
    *_in(
        "torch_ref/lockstep",
        ("test_golden", "test_golden_bad_files", "test_check_initializers"),
        (
            "other inputs than the golden file's pass",
            "golden/verify",
            "if not np.array_equal(repeated, found[key][parameter]):",
            "if repeated.shape != found[key][parameter].shape:",
        ),
        (
            "a sample's standard deviation is not tested",
            "diagnose/laws",
            "for z in (z_mean, z_std))",
            "for z in (z_mean,))",
        ),
    ),
    *_in(
        "scratch",
        ("test_initializers", "test_lr_scheduler", "test_random"),
        (
            "Xavier without the outputs",
            "init/scaled",
            "math.sqrt(2.0 / (fan_in + fan_out))",
            "math.sqrt(1.0 / fan_in)",
        ),
        (
            "the plateau's patience one step short",
            "lr_scheduler/plateau",
            "if self.num_bad_epochs > self.patience:",
            "if self.num_bad_epochs >= self.patience:",
        ),
        (
            "warm restarts one step late",
            "lr_scheduler/cosine",
            "if self.T_cur >= self.T_i:",
            "if self.T_cur > self.T_i:",
        ),
    ),
]


def project(folder: Path) -> Path:
    """A copy of the project, to be spoilt."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def files_of(tests: tuple[str, ...], root: Path) -> Iterator[str]:
    """Where the test files of these names are, as far as they are there."""
    for name in tests:
        yield from map(str, (root / "parity_tests").rglob(f"{name}.py"))


def finder(fault: Fault, root: Path) -> str:
    """The first test that fails with the fault in the project at ``root``, or that nobody does."""
    path = root / fault.file
    before = path.read_bytes()
    try:
        fault.plant(root)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-n", "0", "--tb=no"]
        command += ["-p", "no:cacheprovider", "-m", "not slow", *files_of(fault.tests, root)]
        ran = subprocess.run(command, cwd=root, capture_output=True, text=True)
    finally:
        path.write_bytes(before)
    found = re.search(r"^(?:FAILED|ERROR) (?:.*/)?(\S+::.*?)(?: - .*)?$", ran.stdout, re.M)
    if found is None and ran.returncode:
        raise RuntimeError(f"{fault.name}: pytest could not be run:\n{ran.stdout}{ran.stderr}")
    return found[1] if found else NOBODY


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", help="of the names of faults; all if left out")
    words = [word.lower() for word in parser.parse_args().words]
    chosen = [f for f in FAULTS if not words or any(word in f.name.lower() for word in words)]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder))
        for fault in chosen:
            found = finder(fault, root)
            missed += found == NOBODY
            print(f"{fault.name}: {found}", flush=True)
    print(f"{len(chosen)} planted, {missed} not found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
