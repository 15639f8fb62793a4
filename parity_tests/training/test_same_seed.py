"""Two programs from one seed, with nothing handed across: weights, batches, masks, training."""

import numpy as np
import pytest
import torch

import scratch.train
import torch_ref.train
from experiments.data import Dataset
from parity_tests.optimizer_helpers import ANY_SHAPE
from scratch.nn import MultiLayerNet
from torch_ref import nn as torch_nn
from torch_ref.optim import Twin
from torch_ref.registry import OWN_GRADIENTS, OptimizerPair

BATCH, SEED = 64, 11
STEPS, FEW_STEPS = 1000, 100
SIZES = (784, (32, 32), 10)
VARIANTS = {
    "plain": {},
    "dropout": {"dropout": 0.2},
    "BatchNorm, dropout": {"batch_norm": True, "dropout": 0.2},
}
IN_VARIANTS = pytest.mark.parametrize("variant", VARIANTS)
#: With torch's lr of 0.01 the first steps are ten times that, and what follows is chaos: rounding
#: grows by a factor of a hundred in the last two hundred steps.
CALM = {"RMSprop": {"lr": 0.001}, "RMSProp": {"lr": 0.001}}
#: It takes the sign of a gradient, and sooner or later one is zero but for rounding.
BEFORE_A_TOSS = {"Rprop": 200}
CASES = [
    pytest.param(pair, variant, steps, id=f"{name}-{variant}-{steps}", marks=marks)
    for name, pair in ANY_SHAPE.items()
    for variant, steps, marks in (
        # With BatchNorm the chapter's train for as long in ``test_training.py``.
        ("plain", STEPS, (pytest.mark.slow,)),
        *([("plain", FEW_STEPS, ())] if pair.section else []),
        ("BatchNorm, dropout", STEPS, (pytest.mark.slow, pytest.mark.arithmetic)),
        ("BatchNorm, dropout", FEW_STEPS, (pytest.mark.arithmetic,)),
    )
]


def networks(variant: str, seed: int = SEED) -> tuple[MultiLayerNet, torch_nn.MultiLayerNet]:
    options = {"seed": seed, **VARIANTS[variant]}
    mine = MultiLayerNet(*SIZES, **options, dtype=np.float64)
    return mine, torch_nn.MultiLayerNet(*SIZES, **options, dtype=torch.float64)


@pytest.mark.arithmetic
@pytest.mark.parametrize("seed", [0, 1, SEED, 2**32 - 1])
@IN_VARIANTS
def test_the_initial_weights_are_equal_bit_for_bit(variant: str, seed: int) -> None:
    mine, theirs = networks(variant, seed)
    assert mine.params.keys() == theirs.params.keys()
    for name, w in theirs.params.items():
        np.testing.assert_array_equal(mine.params[name], w.detach().numpy(), strict=True)


@pytest.mark.arithmetic
def test_the_batches_are_equal_row_by_row(mnist: Dataset) -> None:
    mine, theirs = networks("plain")
    images, labels = mnist.train_images, mnist.train_labels
    my_batches = scratch.train.batches(images, labels, BATCH, mine.generators, np.float64)
    their_batches = torch_ref.train.batches(
        *map(torch.tensor, (images, labels)), BATCH, theirs.generators, torch.float64
    )
    for _ in range(20):
        for my_half, their_half in zip(next(my_batches), next(their_batches), strict=True):
            np.testing.assert_array_equal(my_half, their_half.numpy())


@pytest.mark.arithmetic
def test_dropout_drops_the_same_units_at_every_step(mnist: Dataset) -> None:
    """What a dropped unit would have passed on has a gradient of exactly zero on both sides."""
    mine, theirs = networks("dropout")
    for start in range(20):
        x, t = mnist.train_images[start : start + 1] / 255, mnist.train_labels[start : start + 1]
        my_grads = mine.gradient(x, t)
        their_grads = theirs.gradient(torch.tensor(x), torch.tensor(t))
        for name in ("b1", "W2", "b2", "W3"):
            kept = their_grads[name].numpy() != 0
            assert 0 < kept.mean() < 1
            np.testing.assert_array_equal(my_grads[name] != 0, kept)


@pytest.mark.parametrize(("pair", "variant", "steps"), CASES)
def test_a_run_from_the_same_seed_stays_together_in_float64(
    pair: OptimizerPair, variant: str, steps: int, mnist: Dataset, record_parity
) -> None:
    mine, theirs = networks(variant)
    data = (mnist.train_images[:5000], mnist.train_labels[:5000])
    steps, case = min(steps, BEFORE_A_TOSS.get(pair.name, steps)), CALM.get(pair.name, {})
    settings = {"iterations": steps, "batch_size": BATCH}
    my_history = scratch.train.fit(mine, pair.scratch(**case), *data, **settings)
    their_history = torch_ref.train.fit(theirs, Twin(pair.scratch(**case)), *data, **settings)

    # The mean that BatchNorm subtracts takes the bias before it away: no gradient determines it.
    undetermined = {f"b{i}" for i in range(1, len(mine.batch_norms) + 1)}
    names = theirs.params.keys() - undetermined
    mine_flat, theirs_flat = (
        np.concatenate([np.ravel(params[name]) for name in sorted(names)])
        for params in (mine.params, {n: w.detach().numpy() for n, w in theirs.params.items()})
    )
    norm = float(np.linalg.norm(mine_flat - theirs_flat) / np.linalg.norm(theirs_flat))
    record_parity(pair.name, "float64", f"same seed, {variant}", steps, norm)
    assert norm <= OWN_GRADIENTS
    np.testing.assert_allclose(my_history.loss, their_history.loss, rtol=1e-8, atol=1e-12)
    for my_generator, other in zip(mine.generators, theirs.generators, strict=True):
        np.testing.assert_array_equal(my_generator.get_state(), other.get_state().numpy())
