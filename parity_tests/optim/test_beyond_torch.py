"""LAMB, LARS and Lookahead, of which torch has none, beside a few lines and other packages."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.frameworks import needs
from parity_tests.helpers import normal
from parity_tests.optimizer_helpers import DENSE, shapes_for
from scratch import optim
from scratch.optim import LAMB, LARS, SGD, Adam, lookahead
from torch_ref.lockstep import GradientStream, lockstep

SHAPES = (7, 5), (5,), ()
AROUND = {name: pair for name, pair in DENSE.items() if pair.scratch is not optim.LookaheadAdam}
Arrays = Mapping[str, np.ndarray]


def lamb_of_the_paper(params: Arrays, grads: list[Arrays], lr: float, decay: float) -> dict:
    """You et al. 2020, algorithm 2, with β = (0.9, 0.999) and ε = 1e-6, the averages as sums."""
    now = {name: w.copy() for name, w in params.items()}
    for t in range(1, len(grads) + 1):
        for name, w in now.items():
            seen = [g[name] for g in grads[:t]]
            m = sum(0.1 * 0.9 ** (t - i) * g for i, g in enumerate(seen, 1)) / (1 - 0.9**t)
            v = sum(0.001 * 0.999 ** (t - i) * g * g for i, g in enumerate(seen, 1))
            u = m / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + decay * w
            now[name] = w - lr * np.sqrt((w**2).sum() / (u**2).sum()) * u
    return now


def lars_of_the_paper(params: Arrays, grads: list[Arrays], lr: float, decay: float) -> dict:
    """You et al. 2017, algorithm 1: lr, while it stays, may as well be inside of the buffer."""
    now, v = {name: w.copy() for name, w in params.items()}, dict.fromkeys(params, 0.0)
    for g in grads:
        for name, w in now.items():
            size, slope = np.sqrt((w**2).sum()), np.sqrt((g[name] ** 2).sum())
            local = 0.01 * size / (slope + decay * size)
            v[name] = 0.9 * v[name] + lr * local * (g[name] + decay * w)
            now[name] = w - v[name]
    return now


@pytest.mark.parametrize(
    ("optimizer", "written_anew"),
    [
        (LAMB(lr=0.01, weight_decay=0.1), lamb_of_the_paper),
        (LARS(lr=0.5, weight_decay=0.1, trust_coefficient=0.01, eps=0.0), lars_of_the_paper),
    ],
    ids=["LAMB", "LARS"],
)
def test_its_steps_are_those_of_the_paper(
    optimizer: optim.Optimizer, written_anew: Callable[..., dict]
) -> None:
    start = {f"w{i}": normal(i, shape) for i, shape in enumerate(SHAPES)}
    grads = [{n: normal(10 * t, w.shape) for n, w in start.items()} for t in range(1, 31)]
    params = {name: w.copy() for name, w in start.items()}
    for g in grads:
        optimizer.update(params, g)
    expected = written_anew(start, grads, optimizer.lr, 0.1)
    for name, w in params.items():
        np.testing.assert_allclose(w, expected[name], rtol=1e-12, atol=1e-14)


def test_a_step_of_lamb_is_as_long_as_asked_whatever_the_gradient() -> None:
    for scale in (1e-9, 1.0, 1e9):
        w, lamb = normal(0, (7, 5)), LAMB(lr=0.25, eps=0.0)
        params = {"w": w.copy()}
        for step in range(3):
            before = params["w"].copy()
            lamb.update(params, {"w": scale * normal(step, (7, 5))})
            moved = np.linalg.norm(params["w"] - before)
            assert moved == pytest.approx(0.25 * np.linalg.norm(before), rel=1e-12)


def test_without_a_trust_coefficient_lars_is_sgd() -> None:
    sgd, stream = SGD(momentum=0.9, weight_decay=0.1), GradientStream(SHAPES)
    lars = LARS(momentum=0.9, weight_decay=0.1, trust_coefficient=None)
    assert lockstep(lars, sgd, stream, tolerance=0).agrees


@pytest.mark.parametrize("pair", AROUND.values(), ids=AROUND)
def test_lookahead_around_any_optimizer_is_that_optimizer_called_back(pair: Any) -> None:
    """The slow weights are kept outside here; a snapshot has them."""
    plain, ahead = pair.scratch(), lookahead(pair.scratch)(sync_period=3, slow_step_size=0.25)
    stream = GradientStream(shapes_for(pair, *SHAPES) or [(4, 3)])
    fast = {name: w.copy() for name, w in stream.params.items()}
    slow = {name: w.copy() for name, w in fast.items()}
    params = {name: w.copy() for name, w in fast.items()}
    for step in range(1, 11):
        grads = stream.next()
        plain.update(fast, grads)
        if step % 3 == 0:
            for name, w in fast.items():
                slow[name] += 0.25 * (w - slow[name])
                w[...] = slow[name]
        if step == 5:
            resumed = lookahead(pair.scratch)()
            resumed.load_state_dict(ahead.state_dict())
            ahead = resumed
        ahead.update(params, grads)
        for name, w in fast.items():
            np.testing.assert_array_equal(params[name], w)


def test_lookahead_needs_the_class_of_an_optimizer_with_a_rule() -> None:
    for not_one in (optim.LBFGS, optim.LookaheadAdam, Adam(), int, "Adam"):
        with pytest.raises(TypeError, match=r"cls must (not )?be "):
            lookahead(not_one)
    assert lookahead(Adam) is optim.LookaheadAdam


@needs("timm")
def test_lamb_and_lars_are_timms() -> None:
    """But for its clipping; and where it does not leave them out for want of weight decay."""
    timm = pytest.importorskip("timm.optim")
    for decay in (0.0, 0.1):
        settings = {"lr": 0.01, "weight_decay": decay}
        theirs = settings | {"always_adapt": True, "foreach": False}
        assert_same(LAMB(**settings), timm.Lamb, **theirs, max_grad_norm=None)
        lars = LARS(**settings, momentum=0.5, trust_coefficient=0.1)
        assert_same(lars, timm.Lars, **theirs, momentum=0.5, trust_coeff=0.1)


@needs("pytorch_optimizer")
def test_lars_and_lookahead_are_those_of_pytorch_optimizer() -> None:
    """Whose LARS leaves vectors alone."""
    theirs = pytest.importorskip("pytorch_optimizer")
    groups = {"w1": {"trust_coefficient": None, "weight_decay": 0.0}}
    lars = LARS(lr=0.01, weight_decay=0.1, eps=0.0, nesterov=True, groups=groups)
    settings = {"lr": 0.01, "weight_decay": 0.1, "nesterov": True, "foreach": False}
    assert_same(lars, theirs.LARS, **settings)
    adam = optim.LookaheadAdam(lr=0.01, sync_period=4, slow_step_size=0.3)
    assert_same(adam, lambda w: theirs.Lookahead(torch.optim.Adam(w, lr=0.01), k=4, alpha=0.3))


def assert_same(mine: optim.Optimizer, make: Callable[..., Any], **settings: Any) -> None:
    """Beside a class of torch's kind, on the same gradients of a matrix and a vector."""
    stream = GradientStream([(7, 5), (5,)], awkward=True)
    params = {name: w.copy() for name, w in stream.params.items()}
    tensors = {name: torch.tensor(w) for name, w in params.items()}
    theirs = make(list(tensors.values()), **settings)
    for _ in range(50):
        grads = stream.next()
        for name, w in tensors.items():
            w.grad = torch.tensor(grads[name])
        mine.update(params, grads)
        theirs.step()
        for name, w in params.items():
            np.testing.assert_allclose(w, tensors[name].numpy(), rtol=1e-11, atol=1e-13)


@needs("jax", "optax")
def test_lamb_is_optaxs() -> None:
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    stream, lamb = GradientStream([(7, 5), (5,)]), LAMB(lr=0.01, weight_decay=0.1)
    params = {name: w.copy() for name, w in stream.params.items()}
    with jax.enable_x64(True):
        theirs, now = optax.lamb(0.01, weight_decay=0.1), stream.params
        state, update = theirs.init(now), jax.jit(theirs.update)
        for _ in range(20):
            lamb.update(params, grads := stream.next())
            updates, state = update(grads, state, now)
            now = optax.apply_updates(now, updates)
    for name, w in params.items():
        np.testing.assert_allclose(w, now[name], rtol=1e-11, atol=1e-13)
