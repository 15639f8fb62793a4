"""Every optimizer against its twin on MNIST, each side computing its own gradients."""

import numpy as np
import pytest

from experiments.data import Dataset
from scratch.nn import MultiLayerNet
from scratch.random import Generator
from torch_ref.lockstep import NetworkProblem, Report, as_adapter, lockstep
from torch_ref.optim import Twin
from torch_ref.registry import OPTIMIZERS, OWN_GRADIENTS, OptimizerPair

STEPS, SEED = 1000, 7
SHORT = 300  # in make test, and for what compares three runs
#: Without BatchNorm they train for as long from one seed (``test_same_seed.py``).
PLAIN_TOO = [
    pytest.param(False, id="plain", marks=pytest.mark.slow),
    pytest.param(True, id="batch-norm"),
]
#: The chapter's; the others are held to this from the same seed (``test_same_seed.py``).
CHAPTERS = {name: pair for name, pair in OPTIMIZERS.items() if pair.section}
#: What a processor rounds otherwise, the chapter's classes feel as torch's with the same rules do.
PAIRS = pytest.mark.parametrize(
    "pair",
    [
        pytest.param(pair, id=name, marks=[pytest.mark.arithmetic] * pair.of_chapter)
        for name, pair in CHAPTERS.items()
    ],
)
BATCH_NORM = pytest.mark.parametrize("batch_norm", PLAIN_TOO)


def problem(net: MultiLayerNet, mnist: Dataset, batch_size: int = 64) -> NetworkProblem:
    net.generators = [Generator(SEED)]  # the same batches, whatever the weights took
    return NetworkProblem(net, mnist.train_images, mnist.train_labels, batch_size)


def small_net(batch_norm: bool, dtype: type, activation: str = "relu") -> MultiLayerNet:
    return MultiLayerNet(
        784, [32, 32], 10, activation, batch_norm=batch_norm, seed=SEED, dtype=dtype
    )


def train(pair: OptimizerPair, trained: NetworkProblem, steps: int = STEPS) -> Report:
    mine = pair.scratch()
    return lockstep(mine, Twin(mine), trained, steps=steps, every=50)


def gradients(batch_norm: bool) -> str:
    return "own gradients, BatchNorm" if batch_norm else "own gradients"


@pytest.mark.parametrize(
    ("batch_norm", "steps"),
    [
        pytest.param(False, STEPS, id="plain", marks=pytest.mark.slow),
        pytest.param(True, STEPS, id="batch-norm", marks=pytest.mark.slow),
        pytest.param(True, SHORT, id="batch-norm-short"),
    ],
)
@PAIRS
def test_own_gradients_in_float64(
    pair: OptimizerPair, batch_norm: bool, steps: int, mnist: Dataset, record_parity
) -> None:
    report = train(pair, problem(small_net(batch_norm, np.float64), mnist), steps)
    norm = max(report.norm)
    record_parity(pair.name, "float64", gradients(batch_norm), steps, norm, report.worst.ulp)
    assert norm <= OWN_GRADIENTS


@BATCH_NORM
@PAIRS
def test_in_float32_the_exact_run_is_no_farther_than_from_torch(
    pair: OptimizerPair, batch_norm: bool, mnist: Dataset, record_parity
) -> None:
    """Rounding grows in training, in torch too: how far torch comes from float64 is the measure.

    With tanh, because ReLU makes it a matter of luck: in float32 sooner or later a unit fires on
    one side and not on the other, and from there on the two are different runs.
    """
    rounded = problem(small_net(batch_norm, np.float32, "tanh"), mnist)
    exact = small_net(batch_norm, np.float64, "tanh")
    for name, w in exact.params.items():
        w[...] = rounded.params[name]
    truth, optimizer = problem(exact, mnist), pair.scratch()
    mine, theirs = as_adapter(pair.scratch()), as_adapter(Twin(pair.scratch()))
    report = lockstep(mine, theirs, rounded, steps=SHORT, every=50)
    for _ in range(SHORT):
        optimizer.update(truth.params, truth.gradients(truth.params, truth.params)[0])
    errors = apart(mine.params(), truth) / apart(theirs.params(), truth)
    kind = f"{gradients(batch_norm)}, tanh"
    record_parity(pair.name, "float32", kind, SHORT, max(report.norm), errors=errors)
    assert errors <= 10  # one decimal digit


def apart(params: dict[str, np.ndarray], truth: NetworkProblem) -> float:
    names = truth.params.keys() - truth.undetermined
    return sum(float(np.sum((params[name] - truth.params[name]) ** 2)) for name in names) ** 0.5


@pytest.mark.arithmetic
@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch-norm"])
def test_the_chapters_own_network_with_adam(batch_norm: bool, mnist: Dataset) -> None:
    net = MultiLayerNet(784, [100] * 4, 10, batch_norm=batch_norm, seed=SEED, dtype=np.float64)
    report = train(OPTIMIZERS["Adam"], problem(net, mnist, batch_size=128))
    assert max(report.norm) <= OWN_GRADIENTS
