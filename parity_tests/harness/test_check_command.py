"""``lockstep check``: a user's own file beside torch, as strangers write it, and every failure."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from experiments.cli import check as check_command
from torch_ref.lockstep.check import check

AGREES, DIVERGES, CANNOT_RUN = 0, 1, 2

ADAM = """
import numpy as np

class MyAdam:
    def __init__(self, {lr}=0.01, {beta1}=0.9, {beta2}=0.99, {eps}=1e-7):
        self.rate, self.first, self.second, self.small = {lr}, {beta1}, {beta2}, {eps}
        self.m, self.v, self.t = {{}}, {{}}, 0

    def update(self, params, grads):
        self.t += 1
        for key, g in grads.items():
            m = self.m[key] = self.first * self.m.get(key, 0) + (1 - self.first) * g
            v = self.v[key] = self.second * self.v.get(key, 0) + (1 - self.second) * g * g
            m, v = m / (1 - self.first**self.t), v / (1 - self.second**self.t)
            params[key] -= self.rate * m / self.root(v)

    def root(self, v):
        return np.sqrt(v) + self.small

class Inside(MyAdam):
    def root(self, v):
        return np.sqrt(v + self.small)
"""
SPELLINGS = {"lr": "learning_rate", "beta1": "b1", "beta2": "b2", "eps": "epsilon"}
MINE = ADAM.format(**SPELLINGS)

MOMENTUM = """
class Momentum:
    def __init__(self, lr=0.01, alpha=0.9, label=""):
        self.step_length, self.alpha, self.b = lr, alpha, {}

    def update(self, params, grads):
        for key, g in grads.items():
            self.b[key] = self.alpha * self.b.get(key, 0) + g
            params[key] -= self.step_length * self.b[key]
"""
LR_INSIDE = """
class Momentum:
    def __init__(self, lr=0.01, alpha=0.9, label=""):
        self.lr, self.alpha, self.b = lr, alpha, {}

    def update(self, params, grads):
        for key, g in grads.items():
            self.b[key] = self.alpha * self.b.get(key, 0) - self.lr * g
            params[key] += self.b[key]
"""
RMSPROP = """
class RMSprop:
    def __init__(self, lr, {decay}, eps=None):
        self.lr, self.decay, self.h = lr, {decay}, {{}}
        self.eps = eps

    def update(self, params, grads):
        for key, g in grads.items():
            self.h[key] = self.decay * self.h.get(key, 0) + (1 - self.decay) * g * g
            params[key] -= self.lr * g / (self.h[key] ** 0.5 + self.eps)
"""
TORCH = """
import torch

class MySGD(torch.optim.Optimizer):
    def __init__(self, params, learning_rate=0.1, mu=0.9):
        super().__init__(params, {"learning_rate": learning_rate, "mu": mu})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                state = self.state[w]
                b = state.get("momentum_buffer", torch.zeros_like(w)) * group["mu"] + w.grad
                state["momentum_buffer"] = b
                w -= group["learning_rate"] * b

class InPlace(MySGD):
    @torch.no_grad()
    def step(self):
        super().step()
        for w in self.param_groups[0]["params"]:
            w.grad.mul_(2)

class Rectified(torch.optim.RAdam): pass
"""
PAIR = """
from typing import NamedTuple

class Transformation(NamedTuple):
    init: object
    update: object

def sgd(learning_rate):
    def init(params):
        return ()

    def update(grads, state, params=None):
        return {key: -learning_rate * g for key, g in grads.items()}, state

    return Transformation(init, update)

def as_tuple(eta=0.5):
    return tuple(sgd(eta))

made = sgd(0.001)
"""
SGD = """
import numpy as np

class SGD:
    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, params, grads):
        for key, g in grads.items():
            {first}
            params[key] -= self.lr * g
"""
PLAIN = """
import numpy as np

class Plain:
    def __init__(self, lr=0.001):
        self.lr = lr

    def update(self, params, grads):
        {body}
"""
OTHERS = """
from scratch.init import xavier_normal as xavier_normal_
from scratch.nn import BatchNorm1d
import numpy as np

ConstantLR = lambda step: 0.1 / 3 if step < 5 else 0.1

def steps(step, step_size=30, gamma=0.5):
    return 0.1 * gamma ** (step // step_size)

def drawn(shape, std=0.01):
    return std * np.random.randn(*shape)

class WithParams:
    def __init__(self, params, lr=0.1):
        pass
"""


class Command:
    """The command on a file with the given source."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "mine.py"
        self._app = typer.Typer(pretty_exceptions_enable=False)
        self._app.command()(check_command.check)

    def __call__(self, source: str, name: str, *options: str, against: str = "Adam") -> Result:
        self.file.write_text(source, encoding="utf-8")
        return self.asked(f"{self.file}:{name}", "--against", against, *options)

    def asked(self, *given: str) -> Result:
        return CliRunner().invoke(self._app, list(given))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def cases() -> Iterator[tuple[int, str, str, str, tuple[str, ...]]]:
    """The exit status, the source, ``NAME OPTION…``, what it is checked against, what is said."""
    yield (
        AGREES,
        MINE,
        "MyAdam",
        "Adam",
        (
            "✓ MyAdam agrees with torch.optim.Adam",
            "learning_rate → lr = 0.01 (your default; torch's is 0.001)",
            "b1, b2 → betas = (0.9, 0.99) (your default; torch's is (0.9, 0.999))",
            "epsilon → eps = 1e-07 (your default; torch's is 1e-08)",
        ),
    )
    yield (
        DIVERGES,
        MINE,
        "Inside",
        "Adam",
        (
            "✗ Inside diverges from torch.optim.Adam",
            "at step 1, w0[",
            'agrees with "epsilon inside the square root"',
        ),
    )
    # Settings that one side alone has, or one that is given under the candidate's own name.
    own = "b1, b2 → betas = (0.9, 0.5) (--arg)"
    yield AGREES, MINE, "MyAdam --arg b2=0.5", "Adam", (own,)
    yield (
        AGREES,
        MOMENTUM,
        "Momentum --arg label='x'",
        "SGD",
        (
            "alpha → momentum = 0.9 (your default; torch's is 0)",
            "label = 'x' (Momentum alone: torch does not take it)",
        ),
    )
    decay = "weight_decay = 0.1 (torch alone: Momentum does not take it)"
    yield DIVERGES, MOMENTUM, "Momentum --arg weight_decay=0.1", "SGD", (decay,)
    defaults = ("alpha = 0.99 (torch's default)", "lr = 0.01 (torch's", "eps = 1e-08 (torch's")
    for spelling in ("alpha", "rho", "decay", "decay_rate"):
        yield AGREES, RMSPROP.format(decay=spelling), "RMSprop", "RMSprop", defaults
    # What an optimizer may be.
    rate = "learning_rate → lr = 0.1 (your default; torch's is 0.001)"
    yield AGREES, TORCH, "MySGD", "SGD", (rate,)
    changed = "it changes the gradients it is given: grads['w0'] at step 1"
    yield DIVERGES, TORCH, "InPlace", "SGD", (changed,)
    yield AGREES, TORCH, "Rectified", "RAdam", ()
    yield DIVERGES, TORCH, "Rectified", "Adamax", ("Rectified is RAdam with lr 0.001",)
    for name in ("sgd", "as_tuple"):
        yield AGREES, PAIR, name, "torch.optim.SGD", (f"{name} agrees with torch.optim.SGD",)
    yield AGREES, PAIR, "made", "torch.optim.SGD", ()
    inside = ("as long as lr stays", '"lr inside the momentum buffer"')
    yield DIVERGES, LR_INSIDE, "Momentum", "SGD", inside
    # What it must not do.
    for line, said in (
        ("grads[key] *= 2", "changes the gradients it is given: grads['w0'] at step 1"),
        ("g = g * np.where(g == 0, np.nan, 1)", "nan at step 1, where the gradient is 0"),
        (
            "params[key] = params[key].astype('f4')",
            "turns params['w0'] from float64 of shape (7, 5) into float32",
        ),
        ("params[key] = params[key][None]", "into float64 of shape (1, 7, 5) at step 1"),
        ("del params[key]; break", "takes 'w0' out of params at step 1"),
    ):
        yield DIVERGES, SGD.format(first=line), "SGD", "SGD", (said,)
    yield (
        CANNOT_RUN,
        SGD.format(first="self.nothing"),
        "SGD",
        "SGD",
        (
            "step 1 raised AttributeError: 'SGD' object has no attribute 'nothing'",
            "mine.py:10: self.nothing",
        ),
    )
    for body, status, said in (
        (
            "for k in params: params[k][:] -= self.lr * grads[k]",
            AGREES,
            "not tried with a parameter of shape (): step 1 raised IndexError: ",
        ),
        (
            "return {k: params[k] - self.lr * grads[k] for k in params}",
            AGREES,
            "Plain agrees with torch.optim.SGD",
        ),
        (
            "params = {k: params[k] - self.lr * grads[k] for k in params}",
            DIVERGES,
            "it changes no parameter in 200 steps: update(params, grads) must ",
        ),
        (
            "for k in params: params[k] -= (self.lr * grads[k].astype('f4')).astype('f8')",
            DIVERGES,
            "same there bit for bit; in float32 it agrees with torch",
        ),
    ):
        yield status, PLAIN.format(body=body), "Plain", "SGD", (said,)
    # What cannot be run is said with the user's own line.
    for source, said in (
        ("x = 1\nimport nothing_of_this_name", "mine.py:2: import nothing_of_this_name"),
        ("def f(:\n    pass", "mine.py:1: def f(:"),
        ("x = [1][1]", "running it raised IndexError"),
        ("import sys\nsys.exit(3)", "running it raised SystemExit: 3"),
        ("class MyAdm: ...", "has no 'MyAdam'; did you mean 'MyAdm'?"),
        ("class Other: ...", "has no 'MyAdam'; it has Other"),
        ("def MyAdam():\n    raise ValueError('[bold]no')", "constructor raised ValueError: [b"),
        ("class MyAdam:\n    def __init__(self): 1 / 0", "mine.py:2: def __init__(self): 1 / 0"),
        ("class MyAdam: ...", "MyAdam must be something that optimizes: it is written in none"),
        ("MyAdam = 3", "MyAdam must be something that optimizes: it is written in none"),
        ("def MyAdam(hidden): ...", "MyAdam needs hidden, for which torch has no counterpart"),
    ):
        yield CANNOT_RUN, source, "MyAdam", "Adam", (said,)
    for options, said in (
        ("--arg lr", "--arg takes name=value, like lr=0.01, got 'lr'"),
        ("--arg lr=__import__('os')", "--arg lr takes a number"),
        ("--arg lr=1 --arg lr=2", "--arg lr is given twice"),
        ("--arg lr=1 --arg learning_rate=2", "are the same, and differ"),
        ("--arg b3=1", "neither side takes 'b3'"),
        ("--arg lr=-1.0", "torch.optim.Adam cannot be run here: Invalid learning rate"),
        ("--arg lr=fast", "it was given lr='fast', betas="),
        ("--arg betas=0.9", "betas must be 2 numbers, got 0.9"),
        ("--dtype float8", "'float8' is not one of float64, float32"),
    ):
        yield CANNOT_RUN, MINE, f"MyAdam {options}", "Adam", (said,)
    for name, against, said in (
        ("MyAdam", "AdamX", "torch has no 'AdamX', nor has the chapter; did you mean"),
        ("MyAdam", "nothing like it", "it may be an optimizer"),
        ("My-Adam", "Adam", "like path/to/file.py:MyAdam"),
        ("", "Adam", "mine.py:MyAdam"),
    ):
        yield CANNOT_RUN, MINE, name, against, (said,)
    # Layers, initializers, schedules.
    for name in ("BatchNorm1d", "xavier_normal_", "ConstantLR"):
        yield AGREES, OTHERS, name, name, ()
    yield AGREES, OTHERS, "steps", "StepLR", ("(your default; torch's is ",)
    yield AGREES, OTHERS, "drawn", "normal_", ("(your default; torch's is ",)
    needed = "torch's StepLR needs step_size; give --arg step_size=…"
    yield CANNOT_RUN, OTHERS, "ConstantLR", "StepLR", (needed,)
    for against in ("Linear", "sparse_"):
        yield CANNOT_RUN, OTHERS, "WithParams", against, ("there is no check for torch.nn.",)
    made = "WithParams must be something that optimizes"
    yield CANNOT_RUN, OTHERS, "WithParams", "SGD", (made,)


#: By what is said, what must not be said then: no cause is looked for, nobody is blamed.
UNSAID = {"changes no parameter": "known variant", "there is no check for": "WithParams"}


@pytest.mark.parametrize(
    ("status", "source", "asked", "against", "said"),
    list(cases()),
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_the_exit_status_and_what_is_said(
    command: Command, status: int, source: str, asked: str, against: str, said: tuple[str, ...]
) -> None:
    result = command(source, *asked.split(" "), against=against)
    assert result.exit_code == status, result.output
    for text in said:
        assert text in result.output
    verdict = result.output.partition("…\n")[2]  # behind what is being checked
    for text, unsaid in UNSAID.items():
        assert text not in verdict or unsaid not in verdict


@pytest.mark.parametrize(
    "names",
    [
        ("lr", "beta1", "beta2", "eps"),
        ("alpha", "beta_1", "beta_2", "epsilon"),
        ("eta", "β1", "β2", "ε"),
        ("stepSize", "B1", "B2", "Eps"),
    ],
    ids=lambda names: names[0],
)
def test_the_spellings_of_the_hyperparameters(command: Command, names: tuple[str, ...]) -> None:
    source = ADAM.format(**dict(zip(SPELLINGS, names, strict=True)))
    result = command(source, "MyAdam", "--arg", "lr=0.02", "--arg", "betas=(0.8, 0.9)", "--json")
    assert result.exit_code == AGREES, result.output
    assert json.loads(result.output)["settings"] == {"lr": 0.02, "betas": [0.8, 0.9], "eps": 1e-7}


def test_files_that_are_refused(command: Command) -> None:
    command(MINE, "MyAdam")
    missing = command.asked(f"{command.file.with_name('mime.py')}:MyAdam", "--against", "Adam")
    assert missing.exit_code == CANNOT_RUN
    assert "there is no file" in missing.output
    assert "did you mean 'mine.py'?" in missing.output
    command.file = command.file.with_suffix(".txt")
    assert "is not a Python file" in command("", "MyAdam").output


def test_its_folder_is_on_the_path_while_the_file_is_run(command: Command) -> None:
    command.file.with_name("my_helper.py").write_text("LR = 0.25\n", encoding="utf-8")
    source = "import my_helper\n" + SGD.format(first="pass").replace("0.1", "my_helper.LR")
    result = command(source, "SGD", against="SGD")
    assert result.exit_code == AGREES, result.output
    assert "lr = 0.25 (your default; torch's is 0.001)" in result.output


def test_the_result_as_json(command: Command) -> None:
    source = MINE + "\nprint('hello')\n"
    given = json.loads(command(source, "Inside", "--json", "--steps", "5").stdout)
    assert (given["agrees"], given["steps"], given["first"]["step"]) == (False, 5, 1)
    assert list(given) == [
        *("candidate", "against", "stands_for", "agrees", "dtype", "steps", "settings", "mapped"),
        "worst",
        *("first", "faults", "cause", "findings", "portrait", "notes", "detail", "seconds"),
    ]
    assert set(given["first"]) == {
        *("step", "name", "quantity", "element", "mine", "theirs", "relative", "ulp")
    }
    assert given["mapped"][0]["mine"] == "learning_rate"
    nan = command(SGD.format(first="g = g * float('nan')"), "SGD", "--json", against="SGD")
    assert json.loads(nan.stdout)["first"]["mine"] == "nan"
    error = command(source, "Nothing", "--json")
    assert error.exit_code == CANNOT_RUN
    assert list(json.loads(error.stdout)) == ["error"]


FOREVER = """while True:
                try:
                    g.sum()
                except Exception:
                    pass"""


@pytest.mark.parametrize(
    "source", [SGD.format(first=FOREVER), "while True:\n    pass"], ids=["update", "import"]
)
def test_a_candidate_that_hangs_is_ended(command: Command, source: str) -> None:
    began = time.monotonic()
    result = command(source, "SGD", "--seconds", "1", against="SGD")
    assert result.exit_code == CANNOT_RUN
    assert "not done within the time limit of 1 s" in result.output
    assert "mine.py:" in result.output
    assert time.monotonic() - began < 10


def test_the_help_says_that_the_file_is_run(command: Command) -> None:
    said = " ".join(command.asked("--help").output.split())
    assert "Your file is run, and may do all that you may: check only code that you trust." in said
    assert "It has a process of its own" in said


def test_one_that_was_written_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(PLAIN.format(body="for key in params: params[key] -= self.lr * grads[key]"), names)
    assert check(names["Plain"], against="SGD", steps=5).agrees
