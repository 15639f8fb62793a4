"""Without torch the hand-written twin is what a candidate is held against, and that is said."""

import json
from pathlib import Path

import pytest

from parity_tests.harness import bare

MINE = """
import numpy as np

class Adam:
    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps, self.t = lr, beta1, beta2, eps, 0
        self.m, self.v = {}, {}

    def update(self, params, grads):
        self.t += 1
        for name, g in grads.items():
            m = self.m.get(name, 0) * self.beta1 + (1 - self.beta1) * g
            v = self.v.get(name, 0) * self.beta2 + (1 - self.beta2) * g * g
            self.m[name], self.v[name] = m, v
            m_hat = m / (1 - self.beta1**self.t)
            params[name] -= self.lr * m_hat / (np.sqrt(v / (1 - self.beta2**self.t)) + self.eps)

class Doubled(Adam):
    def __init__(self, lr=2e-3):
        super().__init__(lr / 2)

class Late(Adam):
    def update(self, params, grads):
        self.t += 1
        for name, g in grads.items():
            m = self.m.get(name, 0) * self.beta1 + (1 - self.beta1) * g
            v = self.v.get(name, 0) * self.beta2 + (1 - self.beta2) * g * g
            self.m[name], self.v[name] = m, v
            rate = self.lr * np.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)
            params[name] -= rate * m / (np.sqrt(v) + self.eps)

def he(shape, rng):
    return rng.normal(0, np.sqrt(2 / shape[1]), shape)

def decay(step):
    return 0.1 * 0.9 ** (step + 1)

class Norm:
    def __init__(self, gamma, beta, eps=1e-5):
        self.gamma, self.beta, self.eps = gamma, beta, eps

    def forward(self, x):
        mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(var + self.eps) * self.gamma + self.beta
"""
#: Whether it agrees, and what is said, of each candidate against each of torch's.
CHECKS = [
    ("Adam", "Adam", {}, True, "held against scratch.optim.Adam, which is proven equal"),
    ("Doubled", "SGD", {}, False, "diverges from scratch.optim.SGD"),
    ("Late", "Adam", {}, False, '"epsilon before the bias correction"'),
    ("he", "kaiming_normal_", {"nonlinearity": "relu"}, True, "cannot be told apart from"),
    ("he", "xavier_normal_", {}, False, "diverges from scratch.init.xavier_normal"),
    ("decay", "ExponentialLR", {"gamma": 0.9}, False, '"one step ahead"'),
    ("Norm", "LayerNorm", {}, True, "agrees with scratch.nn.LayerNorm"),
]
PROGRAM = """
import json
from torch_ref.lockstep.check import check

for name, against, settings, *_ in {checks!r}:
    found = check(f"mine.py:{{name}}", against, settings)
    print(json.dumps({{"agrees": found.agrees, "text": str(found)}}))
"""
FIXTURE = """
import numpy as np
from mine import Adam, Late
from torch_ref.lockstep.conformance import lockstep_checks

def test_it_agrees(lockstep):
    assert lockstep(Adam, "Adam").stands_for == "torch.optim.Adam"

def test_it_does_not(lockstep):
    lockstep(Late, "Adam")

@lockstep_checks(Adam, against="Adam", skip=["takes_keys_added_later"])
def test_conformance(check):
    check()

@lockstep_checks(Late, against="Adam")
def test_late(check):
    check()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def test_what_is_checked_is_held_against_the_twin(folder: Path) -> None:
    done = bare.python(PROGRAM.format(checks=CHECKS), folder)
    for (name, *_, agrees, said), line in zip(CHECKS, done.stdout.splitlines(), strict=True):
        found = json.loads(line)
        assert (found["agrees"], said in found["text"]) == (agrees, True), (name, found)


def test_the_command_says_that_torch_is_not_installed(folder: Path) -> None:
    asked = ("check", "mine.py:Adam", "--against", "Adam")
    done = bare.lockstep(folder, *asked)
    assert done.returncode == 0, done.stderr
    assert "equal to torch.optim.Adam; torch is not installed" in done.stdout
    result = json.loads(bare.lockstep(folder, *asked, "--json").stdout)
    assert (result["against"], result["stands_for"]) == ("scratch.optim.Adam", "torch.optim.Adam")


def test_a_candidate_of_torch_is_told_what_to_install(folder: Path) -> None:
    (folder / "theirs.py").write_text("import torch\n\nAdam = torch.optim.Adam\n")
    done = bare.lockstep(folder, "check", "theirs.py:Adam", "--against", "Adam")
    assert done.returncode == 2
    assert "pip install 'lockstep-scratch[torch]'" in done.stderr


def test_golden_files_are_written_and_verified(folder: Path) -> None:
    written = bare.lockstep(folder, "golden", "Adam")
    assert written.returncode == 0, written.stderr
    manifest = json.loads((folder / "golden/adam.json").read_text())
    assert (manifest["class"], manifest["torch"]) == ("scratch.optim.Adam", "")
    paths = ("golden/adam.safetensors",) * 2
    done = bare.lockstep(folder, "verify", *paths)
    assert (done.returncode, "(by hand, which is proven equal to torch's)" in done.stdout) == (
        0,
        True,
    )


def test_the_fixture_and_the_conformance_suite_run(folder: Path) -> None:
    (folder / "test_mine.py").write_text(FIXTURE)
    options = ["-q", "-rs", "-p", "no:cacheprovider", "test_mine.py"]
    program = f"import pytest\nsys.exit(pytest.main({options!r}))"
    done = bare.python(program, folder)
    # Of its twelve checks Late fails those of its numbers, and that of the counter for all keys.
    assert "5 failed, 18 passed, 3 skipped" in done.stdout, done.stdout
    assert "Late diverges from scratch.optim.Adam" in done.stdout
    assert "not promised by Adam" in done.stdout
    late = done.stdout.partition("test_late[agrees_in_float64]")[2].partition("test_late[")[0]
    assert 'your Late agrees with "epsilon before the bias correction"' in late
    for inside in ("Subject(", "conformance.py:", "Monitored"):
        assert inside not in done.stdout


@pytest.mark.parametrize("command", [("list",), ("--help",)])
def test_what_needs_nothing_runs(folder: Path, command: tuple[str, ...]) -> None:
    assert bare.lockstep(folder, *command).returncode == 0


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("run", "surface"), "plots"),
        (("sweep", "--quick"), "plots"),
        (("bench", "--quick"), "torch"),
        (("parity",), "plots"),
        (("report",), "plots"),
    ],
)
def test_what_needs_more_says_what_to_install(
    folder: Path, command: tuple[str, ...], extra: str
) -> None:
    done = bare.lockstep(folder, *command)
    assert done.returncode not in (0, 130)
    assert f"pip install 'lockstep-scratch[{extra}]'" in done.stderr, done.stderr
