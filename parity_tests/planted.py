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


#: Of a folder, the names of the test files that look there; then each file in it, what is wrong,
#: and the text that becomes another.
LIST = """
scratch/optim: test_optimizers
  sgd.py: SGD: dampening ignored
  - b += (1 - self.dampening) * g
  + b += g
  sgd.py: SGD: dampening at the first step too
  - b[...] = g
  + b[...] = (1 - self.dampening) * g
  sgd.py: SGD: Nesterov's g and b the wrong way round
  - g + self.momentum * b if
  + b + self.momentum * g if
  adam.py: Adam: the betas swapped
  - beta1, beta2 = self.betas
  + beta2, beta1 = self.betas
  adam.py: Adam: epsilon under the root
  - (np.sqrt(v) / (1 - beta2**t) ** 0.5 + self.eps)
  + np.sqrt(v / (1 - beta2**t) + self.eps)
  adam.py: Adam: epsilon before the bias correction
  - (np.sqrt(v) / (1 - beta2**t) ** 0.5 + self.eps)
  + ((np.sqrt(v) + self.eps) / (1 - beta2**t) ** 0.5)
  adam.py: Adam: the bias correction one step ahead
  - self.lr / (1 - beta1**t)
  + self.lr / (1 - beta1 ** (t + 1))
  adam.py: Adam: AMSGrad's largest kept in the average
  - out=state["max_exp_avg_sq"])
  + out=v)
  base.py: maximize ignored
  - g = -g
  + pass
  base.py: decoupled decay without the rate
  - w *= 1 - self.lr * self.weight_decay
  + w *= 1 - self.weight_decay
  base.py: decay always decoupled
  - if self.decoupled_weight_decay:
  + if True:
  adagrad.py: Adagrad: epsilon under the root
  - (np.sqrt(h) + self.eps)
  + np.sqrt(h + self.eps)
  adagrad.py: Adagrad: the rate decays one step early
  - (state["step"] - 1) * self.lr_decay
  + state["step"] * self.lr_decay
  rmsprop.py: RMSprop: centered on nothing
  - variance = h - m * m
  + variance = h
  nadam.py: NAdam: this step's mu for the next
  - self._mu(t + 1)
  + self._mu(t)
  radam.py: RAdam: rectified one step early
  - if length > 5:
  + if length > 4:
  adamax.py: Adamax: epsilon forgotten
  - np.abs(g) + self.eps
  + np.abs(g)
  adadelta.py: Adadelta: epsilon outside of the roots
  - np.sqrt(u + self.eps) / np.sqrt(v + self.eps)
  + (np.sqrt(u) + self.eps) / (np.sqrt(v) + self.eps)
  asgd.py: ASGD: averages from the start
  - max(1, t - self.t0)
  + max(1, t)
  rprop.py: Rprop: the gradient kept where the sign changed
  - np.where(agreement < 0, 0, g)
  + g
  adafactor.py: Adafactor: clipped by the larger
  - max(1.0, _rms(u) / self.d)
  + max(self.d, _rms(u))
  chapter.py: the chapter's Nesterov as it is widely copied
  - w += self.momentum * v - self.lr * g
  + w += self.momentum**2 * v - (1 + self.momentum) * self.lr * g

scratch/optim: test_clip test_bad_input_optimizers test_optimizer_state
  clip.py: clipping makes small gradients larger
  - np.minimum(max_norm / (total + 1e-6), 1.0)
  + max_norm / (total + 1e-6)
  clip.py: clipping by the norm of the norms' squares
  - _norm(np.array(norms).T.reshape(runs or 1, -1), norm_type)
  + _norm(np.array(norms).T.reshape(runs or 1, -1), 2.0)
  fitting.py: an infinite gradient passes
  - if math.isfinite(np.vdot(g, g).real):
  + if not math.isnan(np.vdot(g, g).real):
  base.py: a snapshot without the groups
  - "groups": self.groups, "state"
  + "groups": {}, "state"

scratch/nn: test_norms test_layers test_networks test_run_axis test_resuming
  batchnorm.py: BatchNorm: the running variance biased
  - return var * (n / (n - 1))
  + return var
  batchnorm.py: BatchNorm: the running momentum the other way round
  - m = self.share_of_new_batch()
  + m = 1 - self.share_of_new_batch()
  norm.py: normalization by the unbiased variance
  - var = (centred * centred).mean(axis=axes, keepdims=True)
  + var = x.var(axis=axes, keepdims=True, ddof=1)
  batchnorm.py: epsilon beside the standard deviation
  - 1 / np.sqrt(var + self.eps)
  + 1 / (np.sqrt(var) + self.eps)
  batchnorm.py: BatchNorm's backward without the variance's part
  - (dbeta + self._x_hat * dgamma) / self._n
  + dbeta / self._n
  batchnorm.py: BatchNorm: the batch's own statistics in evaluation
  - from_batch = self.training or not self.track_running_stats
  + from_batch = True
  batchnorm.py: BatchNorm: the plain mean counts from 0
  - 1 / self.num_batches_tracked if
  + 1 / (self.num_batches_tracked + 1) if
  layernorm.py: LayerNorm along the last axis alone
  - tuple(range(-len(last), 0))
  + (-1,)
  loss.py: the loss's gradient over the runs, not the rows
  - dx /= dx.shape[-2]
  + dx /= dx.shape[0]
  network.py: the running variance is not restored
  - norm.running_var[...] = values[f"running_var{i}"]
  + pass

torch_ref/lockstep: test_lockstep
  compare/run.py: the tolerance ten times too wide
  - tolerance = tolerances[
  + tolerance = 10 * tolerances[
  compare/distance.py: NaN is at no distance
  - apart[np.isnan(apart)] = np.inf  # one of them is NaN
  + pass
  compare/distance.py: the scale of this step alone
  - scale[part] = drift._scale
  + pass
  candidates/contract.py: a parameter that becomes infinite is not noted
  - bad = ~np.isfinite(w)
  + bad = np.isnan(w)
  compare/run.py: buffers are not compared
  - if found is not None and (
  + if found is not None and not mine.strict and (

torch_ref/lockstep: test_diagnose
  diagnose/optimizers.py: a diagnosis takes the first variant that fits
  - result.findings = list(_simplest(found))
  + result.findings = found[:1]
  diagnose/search.py: a diagnosis tries no pairs
  - for size in range(least, depth + 1):
  + for size in range(least, 2):
  diagnose/optimizers.py: a diagnosis halves no rate
  - return changed if changed[1].lr_assigned and moved else constant
  + return constant

torch_ref/lockstep: test_golden test_golden_bad_files test_samples test_check_orthogonal
  golden/verify.py: other inputs than the golden file's pass
  - if not np.array_equal(repeated, found[key][parameter]):
  + if repeated.shape != found[key][parameter].shape:
  diagnose/samples.py: a sample's standard deviation is not tested
  - for z in (z_mean, z_std))
  + for z in (z_mean,))

scratch: test_initializers test_lr_scheduler test_random
  init/scaled.py: Xavier without the outputs
  - math.sqrt(2.0 / (fan_in + fan_out))
  + math.sqrt(1.0 / fan_in)
  lr_scheduler/plateau.py: the plateau's patience one step short
  - if self.num_bad_epochs > self.patience:
  + if self.num_bad_epochs >= self.patience:
  lr_scheduler/cosine.py: warm restarts one step late
  - if self.T_cur >= self.T_i:
  + if self.T_cur > self.T_i:
"""


def listed(text: str) -> Iterator[Fault]:
    """Yield the faults of a list as :data:`LIST` is one."""
    for group in text.strip().split("\n\n"):
        head, *lines = group.splitlines()
        folder, _, tests = head.partition(": ")
        for said, right, wrong in zip(*[iter(line[2:] for line in lines)] * 3, strict=True):
            file, _, name = said.partition(": ")
            path = f"{folder}/{file}"
            yield Fault(name, path, right[2:], wrong[2:], tuple(tests.split()))


FAULTS = list(listed(LIST))


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
