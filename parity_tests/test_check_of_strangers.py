"""``lockstep check`` on what strangers write otherwise than one would expect."""

import sys
from pathlib import Path

import pytest

from parity_tests.test_check_command import AGREES, CANNOT_RUN, DIVERGES, Command
from torch_ref.lockstep.check import check

pytestmark = pytest.mark.arithmetic


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


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
def test_a_schedules_or_initializers_own_defaults_are_torchs_too(
    command: Command, source: str, against: str
) -> None:
    result = command(source, "f", against=against)
    assert result.exit_code == AGREES, result.output
    assert "(your default; torch's is " in result.output


def test_what_torch_needs_and_no_side_has(command: Command) -> None:
    result = command("def f(step):\n    return 0.1", "f", against="StepLR")
    assert result.exit_code == CANNOT_RUN
    assert "torch's StepLR needs step_size; give --arg step_size=…" in result.output


@pytest.mark.parametrize("against", ["Linear", "sparse_"])
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


def test_one_that_takes_no_parameter_without_axes(command: Command) -> None:
    body = "for k in params: params[k][:] -= self.lr * grads[k]"
    result = command(PLAIN.format(body=body), "Plain", against="SGD")
    assert result.exit_code == AGREES, result.output
    assert "without a parameter of shape (), where it cannot be run: " in result.output


def test_one_that_returns_new_parameters(command: Command) -> None:
    body = "return {k: params[k] - self.lr * grads[k] for k in params}"
    result = command(PLAIN.format(body=body), "Plain", against="SGD")
    assert result.exit_code == DIVERGES
    assert "it changes no parameter in 200 steps: update(params, grads) must " in result.output
    assert "known variant" not in result.output


def test_one_that_is_made_with_the_parameters(command: Command) -> None:
    source = "class Mine:\n    def __init__(self, params, lr=0.1):\n        pass"
    result = command(source, "Mine", against="SGD")
    assert result.exit_code == CANNOT_RUN
    assert "must be a subclass of torch.optim.Optimizer" in result.output


def test_one_that_agrees_but_in_float32(command: Command) -> None:
    body = """import numpy as np
        for k, w in params.items():
            w -= (self.lr * grads[k].astype(np.float32)).astype(w.dtype)"""
    result = command(PLAIN.format(body=body), "Plain", against="SGD")
    assert result.exit_code == DIVERGES
    assert "in float32 it agrees with torch" in result.output


def test_one_that_was_written_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    names = {"__name__": "__main__"}
    exec(PLAIN.format(body="for key in params: params[key] -= self.lr * grads[key]"), names)
    assert check(names["Plain"], against="SGD", steps=5).agrees
