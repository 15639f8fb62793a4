"""Optimizers of other packages, as they are: which are torch's, and what differs."""

import ast
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.frameworks import keras_on_jax, needs
from torch_ref.lockstep.candidates.candidate import load
from torch_ref.lockstep.check import check
from torch_ref.lockstep.frameworks.optimizers.ways import make
from torch_ref.lockstep.result import Result

EPSILON_HAT = "epsilon before the bias correction"


def agrees(candidate: Any, against: str, **settings: Any) -> Result:
    """The result of a check of a few steps, which agrees."""
    dtype = settings.pop("dtype", "float64")
    result = check(candidate, against, settings, steps=20, dtype=dtype, seconds=100)
    assert result.agrees, result
    return result


def causes(candidate: Any, against: str, **settings: Any) -> set[tuple[str, ...]]:
    """The names of what it does otherwise."""
    result = check(candidate, against, settings, steps=20, seconds=100)
    assert not result.agrees, result
    return {finding.names for finding in result.findings}


@needs("jax", "optax")
def test_optax_is_run_in_64_bits_compiled_once_and_its_rate_is_changed() -> None:
    import jax
    import optax

    assert agrees(optax.adam, "Adam").lr_varied
    assert not jax.config.jax_enable_x64  # as it was
    assert agrees(optax.adam, "Adam", dtype="float32").dtype == "float32"
    assert agrees(optax.adam(1e-3), "Adam").lr_varied is False  # it is made: nobody can change it
    traced = []

    def counted(learning_rate: float) -> Any:
        made = optax.sgd(learning_rate)

        def update(grads: Any, state: Any, params: Any = None) -> Any:
            traced.append(learning_rate)
            return made.update(grads, state, params)

        return optax.GradientTransformation(made.init, update)

    side = make(counted, {"learning_rate": 0.5})
    for _ in range(3):  # runs
        side.start({"w": np.ones(2)})
        for _ in range(5):
            side.step({"w": np.ones(2)})
        assert side.scale_lr(0.5)
        side.step({"w": np.ones(2)})
        assert side.params()["w"].tolist() == [-1.75, -1.75]
    assert traced == [0.5, 0.25]


@needs("jax", "optax")
def test_an_optimizer_of_optax_that_looks_for_its_length_is_given_the_loss() -> None:
    import optax

    from torch_ref.lockstep.compare.problems import Rosenbrock

    def searching(learning_rate: float) -> Any:
        search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=20)
        return optax.chain(optax.sgd(learning_rate), search)

    valley, side = Rosenbrock(), make(searching, {"learning_rate": 1.0})
    side.start(valley.params)
    losses = [valley.evaluate(valley.params)[0]]
    for _ in range(5):
        side.minimize(valley.evaluate)
        losses.append(valley.evaluate(side.params())[0])
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 4  # with the whole step it would be at 1e10 by now


IN_ANY_ORDER = """
import jax

def along(grads, lr):
    return jax.tree.map(lambda g: -lr * g, grads)

def usual(lr):
    return lambda params: (), lambda grads, state, params: (along(grads, lr), state)

def other(lr):
    return lambda params: (), lambda params, state, grads: (along(grads, lr), state)
"""


@needs("jax")
def test_parameters_that_a_pair_takes_first_come_first_where_the_loss_is_known_too(
    tmp_path: Path,
) -> None:
    from torch_ref.lockstep.compare.problems import Rosenbrock

    (tmp_path / "pairs.py").write_text(IN_ANY_ORDER)
    valley, ends = Rosenbrock(), []
    for name in ("usual", "other"):
        side = load(f"{tmp_path / 'pairs.py'}:{name}").side({"lr": 1e-4})
        side.start(valley.params)
        side.minimize(valley.evaluate)
        ends.append(side.params())
    assert all(np.array_equal(w, ends[1][name]) for name, w in ends[0].items())


@needs("pytorch_optimizer")
def test_a_step_in_two_is_one_around_sgd_and_what_that_does_not_show_is_said() -> None:
    import pytorch_optimizer

    result = agrees(pytorch_optimizer.SAM, "SGD", lr=0.1, momentum=0.9)
    assert result.lr_varied
    assert "first_step and second_step were given one gradient" in result.notes[0]


@pytest.mark.slow
@needs("jax", "optax")
def test_optaxs_sgd_is_torchs_and_its_rmsprop_where_it_is_asked_to_be() -> None:
    import optax

    nesterov = {"lr": 0.1, "momentum": 0.9, "nesterov": True}
    assert agrees(optax.sgd, "SGD", **nesterov).lr_varied
    assert agrees(optax.rmsprop, "RMSprop", eps_in_sqrt=False).lr_varied
    assert ("epsilon inside the square root",) in causes(optax.rmsprop, "RMSprop")


@needs("jax")
def test_jaxs_triples() -> None:
    from jax.example_libraries import optimizers

    assert agrees(optimizers.adam, "Adam", lr=0.01).lr_varied
    assert agrees(optimizers.momentum, "SGD", lr=0.01, mass=0.9).lr_varied


@needs("autograd")
def test_autograds_loops() -> None:
    from autograd.misc import optimizers

    agrees(optimizers.adam, "Adam")
    names = causes(optimizers.sgd, "SGD", lr=0.1)
    assert ("momentum as a moving average, (1 − momentum)·g",) in names
    assert ("square_avg started at one",) in causes(optimizers.rmsprop, "RMSprop")


@needs("sklearn")
def test_scikit_learns_are_the_papers_adam_and_the_chapters_momentum() -> None:
    from sklearn.neural_network import _stochastic_optimizers as optimizers

    assert (EPSILON_HAT,) in causes(optimizers.AdamOptimizer, "Adam")
    # As long as lr stays, it is torch's; so it diverges by this alone.
    result = check(optimizers.SGDOptimizer, "SGD", {"nesterov": False}, steps=20, seconds=100)
    assert not result.agrees
    assert [each.names for each in result.findings] == [("lr inside the momentum buffer",)]


@needs("mlx")
def test_mlx_is_run_in_float32_and_says_so() -> None:
    from mlx import optimizers

    result = agrees(optimizers.Adam, "Adam", bias_correction=True)
    assert (result.dtype, result.lr_varied) == ("float32", True)
    assert "in float32, not float64: Adam computes in that alone" in result.notes
    agrees(optimizers.SGD, "SGD", lr=0.1, momentum=0.9, nesterov=True)


def said_of_keras() -> tuple[str, bool, set[tuple[str, ...]], bool]:
    """Of Keras's Adam the dtype, whether it is torch's, and how it differs; whether its SGD is."""
    import keras

    adam = check(keras.optimizers.Adam, "Adam", {"epsilon": 1e-6}, steps=20, seconds=100)
    plain = check(keras.optimizers.SGD, "SGD", {"lr": 0.1}, steps=20)
    return adam.dtype, adam.agrees, {each.names for each in adam.findings}, plain.agrees


@needs("keras", "jax")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_is_the_papers_adam() -> None:
    keras_on_jax()
    dtype, adam, differs, plain = said_of_keras()
    assert (dtype, adam, plain) == ("float64", False, True)
    assert (EPSILON_HAT,) in differs


@pytest.mark.slow
@needs("keras", "jax")
@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_keras_is_that_on_every_backend(backend: str) -> None:
    import subprocess

    # One backend a process: Keras chooses it when it is imported.
    source = (
        "from parity_tests.harness.test_framework_optimizers import said_of_keras\n"
        "print(said_of_keras())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    dtype, adam, differs, plain = ast.literal_eval(done.stdout.splitlines()[-1])
    assert (adam, plain) == (False, True)
    single = backend == "numpy"
    assert dtype == ("float32" if single else "float64")
    # 1 − β₂ in float32 is off by 3e-5 of it.
    assert ((EPSILON_HAT, "bias corrections in float32") if single else (EPSILON_HAT,)) in differs


@needs("tinygrad")
def test_tinygrad_is_run_in_float32() -> None:
    os.environ.setdefault("DEV", "PYTHON")  # it needs no compiler
    from tinygrad.nn import optim

    result = check(optim.SGD, "SGD", {"lr": 0.1, "momentum": 0.9}, steps=3, seconds=100)
    assert result.agrees, result
    assert (result.dtype, result.lr_varied) == ("float32", True)


@needs("pytorch_optimizer", "timm", "schedulefree", "prodigyopt", "lion_pytorch", "madgrad")
def test_whole_packages_for_torch_run_whatever_their_constructors_take() -> None:
    import lion_pytorch
    import madgrad
    import prodigyopt
    import pytorch_optimizer
    import schedulefree
    import timm.optim

    agrees(pytorch_optimizer.AdaMax, "Adamax")
    agrees(pytorch_optimizer.RAdam, "RAdam", degenerated_to_sgd=True)
    agrees(timm.optim.AdamP, "AdamW", delta=0.0, weight_decay=0.01)
    for cls in (
        *(pytorch_optimizer.ScheduleFreeAdamW, pytorch_optimizer.Muon, pytorch_optimizer.Yogi),
        *(schedulefree.SGDScheduleFree, schedulefree.AdamWScheduleFree, timm.optim.NvNovoGrad),
        *(prodigyopt.Prodigy, lion_pytorch.Lion, madgrad.MADGRAD),
    ):
        result = check(cls, "SGD", {"lr": 0.1}, steps=5)
        assert result.steps == 5, result
        assert "1e+30" not in str(result)
