"""``lockstep check``: a user's own file beside torch, as strangers write it, and every failure."""

import json
import sys
import time
from pathlib import Path

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


class Command:
    """The command on a file with the given source."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "mine.py"
        self._app = typer.Typer(pretty_exceptions_enable=False)
        self._app.command()(check_command.check)

    def __call__(self, source: str, name: str, *options: str, against: str = "Adam") -> Result:
        self.file.write_text(source, encoding="utf-8")
        given = [f"{self.file}:{name}", "--against", against, *options]
        return CliRunner().invoke(self._app, given)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_an_optimizer_that_agrees(command: Command) -> None:
    result = command(ADAM.format(**SPELLINGS), "MyAdam")
    assert result.exit_code == AGREES, result.output
    for line in (
        "✓ MyAdam agrees with torch.optim.Adam",
        "learning_rate → lr = 0.01 (your default; torch's is 0.001)",
        "b1, b2 → betas = (0.9, 0.99) (your default; torch's is (0.9, 0.999))",
        "epsilon → eps = 1e-07 (your default; torch's is 1e-08)",
    ):
        assert line in result.output


def test_an_optimizer_that_diverges_and_the_cause(command: Command) -> None:
    result = command(ADAM.format(**SPELLINGS), "Inside")
    assert result.exit_code == DIVERGES
    assert "✗ Inside diverges from torch.optim.Adam" in result.output
    assert "at step 1, w0[" in result.output
    assert 'agrees with "epsilon inside the square root"' in result.output


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


def test_one_argument_under_the_candidates_own_name(command: Command) -> None:
    result = command(ADAM.format(**SPELLINGS), "MyAdam", "--arg", "b2=0.5")
    assert result.exit_code == AGREES
    assert "b1, b2 → betas = (0.9, 0.5) (--arg)" in result.output


MOMENTUM = """
class Momentum:
    def __init__(self, lr=0.01, alpha=0.9, label=""):
        self.step_length, self.alpha, self.b = lr, alpha, {}

    def update(self, params, grads):
        for key, g in grads.items():
            self.b[key] = self.alpha * self.b.get(key, 0) + g
            params[key] -= self.step_length * self.b[key]
"""


def test_alpha_is_the_momentum_of_sgd_where_there_is_an_lr(command: Command) -> None:
    result = command(MOMENTUM, "Momentum", "--arg", "label='x'", against="SGD")
    assert result.exit_code == AGREES, result.output
    assert "alpha → momentum = 0.9 (your default; torch's is 0)" in result.output
    assert "label = 'x' (Momentum alone: torch does not take it)" in result.output


def test_what_the_candidate_does_not_take_goes_to_torch_alone(command: Command) -> None:
    result = command(MOMENTUM, "Momentum", "--arg", "weight_decay=0.1", against="SGD")
    assert result.exit_code == DIVERGES
    assert "weight_decay = 0.1 (torch alone: Momentum does not take it)" in result.output


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


@pytest.mark.parametrize("decay", ["alpha", "rho", "decay", "decay_rate"])
def test_what_the_candidate_has_no_default_for_is_torchs(command: Command, decay: str) -> None:
    result = command(RMSPROP.format(decay=decay), "RMSprop", against="RMSprop")
    assert result.exit_code == AGREES, result.output
    assert "alpha = 0.99 (torch's default)" in result.output
    assert "lr = 0.01 (torch's default)" in result.output
    assert "eps = 1e-08 (torch's default)" in result.output


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
"""


def test_a_subclass_of_torchs_optimizer(command: Command) -> None:
    result = command(TORCH, "MySGD", against="SGD")
    assert result.exit_code == AGREES, result.output
    assert "learning_rate → lr = 0.1 (your default; torch's is 0.001)" in result.output
    changed = command(TORCH, "InPlace", against="SGD")
    assert changed.exit_code == DIVERGES
    assert "it changes the gradients it is given: grads['w0'] at step 1" in changed.output


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


@pytest.mark.parametrize("name", ["sgd", "as_tuple", "made"])
def test_an_init_and_update_pair_in_optaxs_style(command: Command, name: str) -> None:
    result = command(PAIR, name, against="torch.optim.SGD")
    assert result.exit_code == AGREES, result.output
    assert f"{name} agrees with torch.optim.SGD" in result.output or name == "made"


def test_any_optimizer_of_torch_is_a_reference(command: Command) -> None:
    source = "import torch\nclass Mine(torch.optim.RAdam): pass\n"
    assert command(source, "Mine", against="RAdam").exit_code == AGREES
    other = command(source, "Mine", against="Adamax")
    assert other.exit_code == DIVERGES
    assert "no catalogue of variants of Adamax" in other.output


def test_a_difference_that_only_a_changing_lr_shows_is_noted(command: Command) -> None:
    source = MOMENTUM.replace("step_length", "lr").replace("+ g", "- self.lr * g")
    source = source.replace("-= self.lr * self.b", "+= self.b")
    result = command(source, "Momentum", against="SGD")
    assert result.exit_code == AGREES
    assert "as long as lr stays" in result.output
    assert '"lr inside the momentum buffer"' in result.output


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


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("grads[key] *= 2", "changes the gradients it is given: grads['w0'] at step 1"),
        ("g = g * np.where(g == 0, np.nan, 1)", "nan at step 1, where the gradient is 0"),
        (
            "params[key] = params[key].astype('f4')",
            "turns params['w0'] from float64 of shape (7, 5) into float32",
        ),
        ("params[key] = params[key][None]", "into float64 of shape (1, 7, 5) at step 1"),
        ("del params[key]; break", "takes 'w0' out of params at step 1"),
    ],
    ids=["gradients", "nan", "dtype", "shape", "key"],
)
def test_what_an_optimizer_must_not_do(command: Command, line: str, said: str) -> None:
    result = command(SGD.format(first=line), "SGD", against="SGD")
    assert result.exit_code == DIVERGES, result.output
    assert said in result.output


def test_what_update_raises_is_shown_with_its_line(command: Command) -> None:
    result = command(SGD.format(first="self.nothing"), "SGD", against="SGD")
    assert result.exit_code == CANNOT_RUN
    assert "step 1 raised AttributeError: 'SGD' object has no attribute 'nothing'" in result.output
    assert "mine.py:10: self.nothing" in result.output


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\nimport nothing_of_this_name", "mine.py:2: import nothing_of_this_name"),
        ("def f(:\n    pass", "mine.py:1: def f(:"),
        ("x = [1][1]", "running it raised IndexError"),
        ("import sys\nsys.exit(3)", "running it raised SystemExit: 3"),
        ("class MyAdm: ...", "has no 'MyAdam'; did you mean 'MyAdm'?"),
        ("class Other: ...", "has no 'MyAdam'; it has Other"),
        (
            "def MyAdam():\n    raise ValueError('[bold]no')",
            "the constructor raised ValueError: [b",
        ),
        ("class MyAdam:\n    def __init__(self): 1 / 0", "mine.py:2: def __init__(self): 1 / 0"),
        ("class MyAdam: ...", "candidate must be an object with update(params, grads)"),
        ("MyAdam = 3", "candidate must be an object with update(params, grads)"),
        ("def MyAdam(hidden): ...", "MyAdam needs hidden, for which torch has no counterpart"),
    ],
)
def test_what_cannot_be_run_is_said_with_the_users_own_line(
    command: Command, source: str, said: str
) -> None:
    result = command(source, "MyAdam")
    assert result.exit_code == CANNOT_RUN, result.output
    assert said in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--arg", "lr"), "--arg takes name=value, like lr=0.01, got 'lr'"),
        (("--arg", "lr=__import__('os')"), "--arg lr takes a number"),
        (("--arg", "lr=1", "--arg", "lr=2"), "--arg lr is given twice"),
        (("--arg", "lr=1", "--arg", "learning_rate=2"), "are the same, and differ"),
        (("--arg", "b3=1"), "neither side takes 'b3'"),
        (("--arg", "lr=-1.0"), "torch.optim.Adam cannot be run here: Invalid learning rate"),
        (("--arg", "betas=0.9"), "betas must be 2 numbers, got 0.9"),
        (("--dtype", "float16"), "'float16' is not one of float64, float32"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_arguments_that_are_refused(command: Command, options: tuple, said: str) -> None:
    result = command(ADAM.format(**SPELLINGS), "MyAdam", *options)
    assert result.exit_code == CANNOT_RUN, result.output
    assert said in result.output


def test_paths_and_names_that_are_refused(command: Command) -> None:
    for given, said in (
        (("MyAdam", "AdamX"), "torch has no 'AdamX', nor has the chapter; did you mean"),
        (("MyAdam", "nothing like it"), "it may be an optimizer"),
        (("My-Adam", "Adam"), "like path/to/file.py:MyAdam"),
    ):
        result = command(ADAM.format(**SPELLINGS), given[0], against=given[1])
        assert result.exit_code == CANNOT_RUN
        assert said in result.output
    command.file = command.file.with_suffix(".txt")
    assert "is not a Python file" in command("", "MyAdam").output


def test_a_file_that_is_not_there(command: Command) -> None:
    command(ADAM.format(**SPELLINGS), "MyAdam")
    missing = f"{command.file.with_name('mime.py')}:MyAdam"
    result = CliRunner().invoke(command._app, [missing, "--against", "Adam"])
    assert result.exit_code == CANNOT_RUN
    assert "there is no file" in result.output
    assert "did you mean 'mine.py'?" in result.output


def test_its_folder_is_on_the_path_while_the_file_is_run(command: Command) -> None:
    command.file.with_name("my_helper.py").write_text("LR = 0.25\n", encoding="utf-8")
    source = "import my_helper\n" + SGD.format(first="pass").replace("0.1", "my_helper.LR")
    result = command(source, "SGD", against="SGD")
    assert result.exit_code == AGREES, result.output
    assert "lr = 0.25 (your default; torch's is 0.001)" in result.output


def test_the_result_as_json(command: Command) -> None:
    source = ADAM.format(**SPELLINGS) + "\nprint('hello')\n"
    given = json.loads(command(source, "Inside", "--json", "--steps", "5").stdout)
    assert (given["agrees"], given["steps"], given["first"]["step"]) == (False, 5, 1)
    assert list(given) == [
        *("candidate", "against", "agrees", "dtype", "steps", "settings", "mapped", "worst"),
        *("first", "faults", "cause", "notes", "detail", "seconds"),
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
    text = " ".join(CliRunner().invoke(command._app, ["--help"]).output.split())
    assert "Your file is run in this process" in text


@pytest.mark.parametrize("against", ["BatchNorm1d", "xavier_normal_", "ConstantLR"])
def test_a_layer_an_initializer_and_a_schedule(command: Command, against: str) -> None:
    source = """
from scratch.init import xavier_normal as xavier_normal_
from scratch.nn import BatchNorm1d
ConstantLR = lambda step: 0.1 / 3 if step < 5 else 0.1
"""
    result = command(source, against, against=against)
    assert result.exit_code == AGREES, result.output


@pytest.mark.parametrize(
    ("source", "against"),
    [
        (
            "def f(step, step_size=30, gamma=0.5):\n    return 0.1 * gamma ** (step // step_size)",
            "StepLR",
        ),
        (
            "import numpy as np\ndef f(shape, std=0.01):\n    return std * np.random.randn(*shape)",
            "normal_",
        ),
    ],
)
@pytest.mark.arithmetic
def test_a_schedules_or_initializers_own_defaults_are_torchs_too(
    command: Command, source: str, against: str
) -> None:
    result = command(source, "f", against=against)
    assert result.exit_code == AGREES, result.output
    assert "(your default; torch's is " in result.output


@pytest.mark.arithmetic
def test_what_torch_needs_and_no_side_has(command: Command) -> None:
    result = command("def f(step):\n    return 0.1", "f", against="StepLR")
    assert result.exit_code == CANNOT_RUN
    assert "torch's StepLR needs step_size; give --arg step_size=…" in result.output


@pytest.mark.parametrize("against", ["Linear", "sparse_"])
@pytest.mark.arithmetic
def test_there_is_no_check_for_it(command: Command, against: str) -> None:
    result = command("class Mine:\n    pass", "Mine", against=against)
    assert result.exit_code == CANNOT_RUN
    assert "there is no check for torch.nn." in result.output
    assert "Mine" not in result.output


PLAIN = """
class Plain:
    def __init__(self, lr=0.001):
        self.lr = lr

    def update(self, params, grads):
        {body}
"""


@pytest.mark.arithmetic
def test_one_that_takes_no_parameter_without_axes(command: Command) -> None:
    body = "for k in params: params[k][:] -= self.lr * grads[k]"
    result = command(PLAIN.format(body=body), "Plain", against="SGD")
    assert result.exit_code == AGREES, result.output
    assert "without a parameter of shape (), where it cannot be run: " in result.output


@pytest.mark.arithmetic
def test_one_that_returns_new_parameters(command: Command) -> None:
    body = "return {k: params[k] - self.lr * grads[k] for k in params}"
    result = command(PLAIN.format(body=body), "Plain", against="SGD")
    assert result.exit_code == DIVERGES
    assert "it changes no parameter in 200 steps: update(params, grads) must " in result.output
    assert "known variant" not in result.output


@pytest.mark.arithmetic
def test_one_that_is_made_with_the_parameters(command: Command) -> None:
    source = "class Mine:\n    def __init__(self, params, lr=0.1):\n        pass"
    result = command(source, "Mine", against="SGD")
    assert result.exit_code == CANNOT_RUN
    assert "must be a subclass of torch.optim.Optimizer" in result.output


@pytest.mark.arithmetic
def test_one_that_agrees_but_in_float32(command: Command) -> None:
    body = """import numpy as np
        for k, w in params.items():
            w -= (self.lr * grads[k].astype(np.float32)).astype(w.dtype)"""
    result = command(PLAIN.format(body=body), "Plain", against="SGD")
    assert result.exit_code == DIVERGES
    assert "in float32 it agrees with torch" in result.output


@pytest.mark.arithmetic
def test_one_that_was_written_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    names = {"__name__": "__main__"}
    exec(PLAIN.format(body="for key in params: params[key] -= self.lr * grads[key]"), names)
    assert check(names["Plain"], against="SGD", steps=5).agrees
