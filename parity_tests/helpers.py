"""What several test files share: the cases, small networks, and how to compare."""

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from scratch import nn
from torch_ref import nn as torch_nn
from torch_ref.lockstep import Distance, Result
from torch_ref.lockstep.compare.distance import apart
from torch_ref.lockstep.compare.modules import as_linear, layer_of
from torch_ref.registry import INITIALIZERS, LAYERS, LayerPair, Settings
from torch_ref.registry.pairs import torch_since

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
LOSS = "CrossEntropyLoss"
#: The initializers without those that the torch that is installed is too old to draw alike.
DRAWN_ALIKE = {n: p for n, p in INITIALIZERS.items() if not p.since or torch_since(p.since)}
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)


def loops_over(names: str, cases: Iterable[tuple]) -> Callable[[Callable], Callable]:
    """As ``parametrize``, but all cases with the same first value are one test, a loop over them.

    What fails has a note that says with which of them.
    """
    first, *others = names.split()
    loops: dict[str, tuple[object, list[dict]]] = {}
    for value, *rest in cases:
        name = getattr(value, "name", str(value))
        loops.setdefault(name, (value, []))[1].append(dict(zip(others, rest, strict=True)))

    def decorate(test: Callable) -> Callable:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def loop(**arguments: object) -> None:
            value = arguments[first]
            for case in loops[getattr(value, "name", str(value))][1]:
                try:
                    test(**arguments, **case)
                except BaseException as error:  # pytest's own are no Exception
                    error.add_note(f"with {case}")
                    raise

        left = [p for p in signature.parameters.values() if p.name not in others]
        loop.__signature__ = signature.replace(parameters=left)
        values = [value for value, _ in loops.values()]
        return pytest.mark.parametrize(first, values, ids=list(loops))(loop)

    return decorate


LAYER_CASES = loops_over(
    "pair case shape",
    [
        (pair, case, shape)
        for name, pair in LAYERS.items()
        if name != LOSS
        for case in pair.cases
        for shape in pair.shapes
    ],
)
SIZES = (12, (9, 7), 5)
RUNS = {"single": {"seed": 3}, "stack": {"seed": [3, 4, 5]}}
OPTIONS = {
    "plain": {},
    "sigmoid": {"activation": "sigmoid", "init": "xavier"},
    "tanh": {"activation": "tanh", "init": "xavier_uniform"},
    "fixed std": {"init": 0.1},
    "batch norm": {"batch_norm": True},
    "dropout": {"dropout": 0.3},
    "the book's dropout": {"dropout": 0.3, "inverted_dropout": False},
    "the book's BatchNorm": {"batch_norm": True, "chapter_batch_norm": True},
    "weight decay": {"weight_decay": 0.1},
    "everything": {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.1},
}
IN_RUNS = pytest.mark.parametrize("runs", RUNS.values(), ids=RUNS)
WITH_OPTIONS = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 12), dtype=np.uint8)
LABELS = IMAGES[:, :5].argmax(axis=1)

NOT_FINITE = (math.nan, math.inf, -math.inf)
NOT_NUMBERS = (None, "0.1", True, [0.1], 1j)

# Nothing at all that is no finite number >= 0.
bad_rates = st.one_of(
    st.floats(max_value=0, exclude_max=True),
    st.sampled_from(NOT_FINITE),
    st.integers(max_value=-1),
    st.sampled_from(NOT_NUMBERS),
)


def unwrapped(output: str) -> str:
    """What a terminal shows without any space: where rich breaks a line depends on a path."""
    return "".join(output.replace("│", "").split())


def names_of(verdict: Result) -> list[set[str]]:
    """The causes that a check names together, in no order."""
    return [set(finding.names) for finding in verdict.findings]


def normal(seed: int, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(0.3, 1.2, shape), dtype=dtype)


def make_layer(
    name: str, case: Settings, dtype: str = "float64", runs: int | None = None, seed: int = 0
) -> nn.Layer:
    """A layer whose parameters are random; an ``Affine`` one from 5 units to 4."""
    layer = layer_of(LAYERS[name], case, dtype, runs, seed)
    for i, w in enumerate(layer.params.values()):
        w[...] = normal(seed + i + 1, w.shape, dtype)
    return layer


def assert_same_pass(
    pair: LayerPair, layer: nn.Layer, twin: torch.nn.Module, x: np.ndarray, seed: int
) -> Distance:
    """One forward and backward pass on both sides gives the same values and gradients."""
    their_x = torch.tensor(x, requires_grad=True)
    twin.zero_grad()
    mine, theirs = layer(x), twin(their_x)
    dy = normal(seed, mine.shape, x.dtype.name)
    dx = layer.backward(dy)
    theirs.backward(torch.tensor(dy))
    compared = [(mine, theirs), (dx, their_x.grad)]
    assert layer.grads.keys() == layer.params.keys() == dict(twin.named_parameters()).keys()
    for name, g in layer.grads.items():
        compared.append((as_linear(pair, name, g), getattr(twin, name).grad))
    worst = Distance()
    for ours, torchs in compared:
        assert_close(ours, torchs, TOLERANCE[x.dtype.name])
        worst = worst.or_larger(distance(ours, torchs, least=1.0))
    return worst


def assert_close(mine: np.ndarray, theirs: torch.Tensor | np.ndarray, tolerance: float) -> None:
    """Equal but for ``tolerance`` relative to the largest element, in shape and dtype too."""
    if isinstance(theirs, torch.Tensor):
        theirs = theirs.detach().numpy()
    assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    largest = max(1.0, np.abs(theirs).max(initial=0))
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance * largest)


def make_network(dtype: str = "float64", **options: object) -> nn.MultiLayerNet:
    return nn.MultiLayerNet(*SIZES, **options, dtype=dtype)


def batch(net: nn.MultiLayerNet, seed: int = 1, dtype: str = "float64") -> tuple[np.ndarray, ...]:
    """Inputs and labels of its own for each run."""
    random, lead = np.random.default_rng(seed), () if net.runs is None else (net.runs,)
    x = np.asarray(random.normal(size=(*lead, 10, 12)), dtype=dtype)
    return x, random.integers(0, 5, (*lead, 10))


def assert_same_gradients(
    net: nn.MultiLayerNet, twin: torch_nn.MultiLayerNet, tolerance: float = 1e-12
) -> None:
    x, t = batch(net, dtype=net.dtype.name)
    loss, grads = net.loss_and_gradient(x, t)
    their_loss, their_grads = twin.loss_and_gradient(torch.tensor(x), torch.tensor(t))
    np.testing.assert_allclose(loss, their_loss.numpy(), rtol=tolerance)
    assert grads.keys() == their_grads.keys()
    for name, g in grads.items():
        assert g.dtype == their_grads[name].numpy().dtype
        np.testing.assert_allclose(
            g, their_grads[name].numpy(), rtol=tolerance, atol=tolerance, err_msg=name
        )


def snapshot(net: nn.MultiLayerNet) -> list[np.ndarray]:
    norms = net.batch_norms
    return [
        *(w.copy() for w in net.params.values()),
        *(norm.running_mean.copy() for norm in norms),
        *(norm.running_var.copy() for norm in norms),
        *(np.array(norm.num_batches_tracked) for norm in norms),
    ]


@contextmanager
def refused(message: str, *nets: nn.MultiLayerNet) -> Iterator[None]:
    """Within, something is refused with a ``message``, and no network is changed."""
    before = [snapshot(net) for net in nets]
    with pytest.raises((TypeError, ValueError), match=message):
        yield
    for net, then in zip(nets, before, strict=True):
        assert_unchanged(net, then)


def assert_unchanged(net: nn.MultiLayerNet, before: list[np.ndarray]) -> None:
    for now, then in zip(snapshot(net), before, strict=True):
        np.testing.assert_array_equal(now, then)


def distance(mine: np.ndarray, theirs: np.ndarray | torch.Tensor, least: float = 0.0) -> Distance:
    """How far an array is from another, as :func:`apart` has it."""
    return apart(mine, torch.as_tensor(theirs).detach().numpy(), least)
