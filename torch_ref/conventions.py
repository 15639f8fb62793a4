"""The conventions in which chapter and PyTorch differ, each with numbers that show it.

The README's table and the report's are made of this one. The table itself needs no torch; what
measures it does.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scratch import init, nn, optim
from scratch.random import Generator

STEPS = 40
CONSTANT = [0.1] * STEPS
FALLING = [0.1] * (STEPS // 2) + [0.01] * (STEPS - STEPS // 2)
DECAY = 0.1
ROWS = 10

#: The relative distance of the chapter's from torch's as they come, and when aligned.
Distances = tuple[float, ...]


@dataclass(frozen=True)
class Convention:
    """A convention in which the chapter and PyTorch differ.

    Attributes:
        name: what it is about; ``chapter``, ``torch``: how either has it, in Markdown.
        shown: what is compared, and what is done to align the two.
        measure: gives the relative distance as they come, and when aligned.
    """

    name: str
    chapter: str
    torch: str
    shown: str
    measure: Callable[[], Distances]


CONVENTIONS: list[Convention] = []


def _convention(name: str, chapter: str, torch: str, shown: str) -> Callable[..., None]:
    """Put a convention, measured by the function below, into the table."""
    return lambda measure: CONVENTIONS.append(Convention(name, chapter, torch, shown, measure))


@_convention(
    "momentum",
    "`v = αv − lr·g; w += v` (`Momentum`)",
    "`b = μb + g; w −= lr·b` (`SGD`): equal until lr changes",
    "the parameters after 40 steps, lr a tenth from the 21st on; aligned: lr stays",
)
def _() -> Distances:
    import torch

    theirs = partial(_torchs, torch.optim.SGD, momentum=0.9)
    return tuple(
        _apart(_ours(optim.Momentum(), rates=rates), theirs(rates=rates))
        for rates in (FALLING, CONSTANT)
    )


class WidelyCopiedNesterov:
    """w + α²·v − (1 + α)·η·g with the v that was already updated: not Nesterov's method."""

    lr, momentum = 0.1, 0.9
    v: np.ndarray | float = 0.0

    def update(self, params: dict[str, np.ndarray], grads: dict[str, np.ndarray]) -> None:
        self.v = self.momentum * self.v - self.lr * grads["w"]
        params["w"] += self.momentum**2 * self.v - (1 + self.momentum) * self.lr * grads["w"]


@_convention(
    "Nesterov",
    "widely copied code updates v first and then uses it as if it were old: another method",
    "looks ahead (`SGD(nesterov=True)`; our `Nesterov` is this one)",
    "the parameters after 40 steps; aligned: our Nesterov",
)
def _() -> Distances:
    import torch

    theirs = _torchs(torch.optim.SGD, momentum=0.9, nesterov=True)
    ours = (_ours(optimizer) for optimizer in (WidelyCopiedNesterov(), optim.Nesterov()))
    return tuple(_apart(w, theirs) for w in ours)


@_convention(
    "AdaGrad",
    "`/(√h + 1e-7)` (`AdaGrad`)",
    "`eps=1e-10`, `lr_decay`, `initial_accumulator_value` (`Adagrad`)",
    "the parameters after 40 steps along gradients of 1e-7; aligned: eps=1e-7",
)
def _() -> Distances:
    import torch

    ends = (_torchs(torch.optim.Adagrad, scale=1e-7, eps=eps) for eps in (1e-10, 1e-7))
    return _each_apart(_ours(optim.AdaGrad(), scale=1e-7), ends)


@_convention(
    "RMSProp",
    "`decay_rate`, `/(√h + 1e-7)` (`RMSProp`)",
    "`alpha`, `eps=1e-8` (`RMSprop`)",
    "the parameters after 40 steps along gradients of 1e-7; aligned: eps=1e-7",
)
def _() -> Distances:
    import torch

    ends = (_torchs(torch.optim.RMSprop, scale=1e-7, eps=eps) for eps in (1e-8, 1e-7))
    return _each_apart(_ours(optim.RMSProp(), scale=1e-7), ends)


@_convention(
    "Adam",
    "`lr·√(1−β₂ᵗ)/(1−β₁ᵗ)`, `/(√v + 1e-7)`: the paper's ε̂ (`chapter.Adam`)",
    "`/(√v̂ + eps)`, `eps=1e-8` (`Adam`)",
    "the parameters after 40 steps along gradients of 1e-6, eps=1e-7 on both sides; aligned: "
    "ε̂ beside √v in torch, too",
)
def _() -> Distances:
    import torch

    from torch_ref.optim import EpsilonHatAdam

    classes = (torch.optim.Adam, EpsilonHatAdam)
    ends = (_torchs(cls, scale=1e-6, eps=1e-7) for cls in classes)
    return _each_apart(_ours(optim.chapter.Adam(), scale=1e-6), ends)


@_convention(
    "weight decay",
    "½λΣW² in the loss: on the gradients of W alone (`MultiLayerNet(weight_decay=…)`)",
    "on every parameter it is given (`optim.…(weight_decay=…)`)",
    "a network's parameters after 40 steps; aligned: torch's decay for W alone",
)
def _() -> Distances:
    network = nn.MultiLayerNet(6, [5], 3, weight_decay=DECAY, seed=0, dtype=np.float64)
    random = np.random.default_rng(0)
    x, t = random.standard_normal((8, 6)), random.integers(0, 3, 8)
    start = {name: w.copy() for name, w in network.params.items()}
    on_all = dict.fromkeys(start, DECAY)
    on_weights = {name: DECAY * name.startswith("W") for name in start}
    ends = [_flat(_plain_sgd(network, x, t, decay)) for decay in (on_all, on_weights)]
    optimizer = optim.SGD(lr=0.1)
    for _ in range(STEPS):
        optimizer.update(network.params, network.gradient(x, t))
    return _each_apart(_flat(network.params), ends, _flat(start))


@_convention(
    "Xavier",
    "N(0, 1/n_in) (`init.xavier`)",
    "N(0, 2/(n_in + n_out)) (`init.xavier_normal`); the chapter's is LeCun's, "
    '`kaiming_normal_(nonlinearity="linear")`',
    "weights of 200 inputs and 50 outputs from one seed; aligned: LeCun's",
)
def _() -> Distances:
    import torch

    shape, generator = (50, 200), torch.Generator()
    linear = partial(torch.nn.init.kaiming_normal_, nonlinearity="linear")
    ends = (
        fill(torch.empty(shape, dtype=torch.float64), generator=generator.manual_seed(0)).numpy()
        for fill in (torch.nn.init.xavier_normal_, linear)
    )
    return _each_apart(init.xavier(shape, generator=Generator(0), dtype=np.float64), ends)


@_convention(
    "BatchNorm momentum",
    "the part that is kept, 0.9 (`BatchNormalization`)",
    "the part that is new, 0.1 (`BatchNorm1d`)",
    "the running mean after ten batches, momentum=0.9 on both sides; aligned: torch's 0.1",
)
def _() -> Distances:
    mine = _normalized(nn.chapter.BatchNormalization(4, momentum=0.9, dtype=np.float64))
    theirs = (_torchs_normalized(momentum=m) for m in (0.9, 0.1))
    return _each_apart(mine.running_mean, (t.running_mean.numpy() for t in theirs))


@_convention(
    "BatchNorm running variance",
    "of the biased variances",
    "of the unbiased ones, n/(n−1); normalized by the biased",
    "the running variance after ten batches of ten rows; aligned: times 10/9",
)
def _() -> Distances:
    mine = _normalized(nn.chapter.BatchNormalization(4, dtype=np.float64)).running_var
    theirs = _torchs_normalized(start=0.0).running_var.numpy()
    return _apart(mine, theirs), _apart(mine * (ROWS / (ROWS - 1)), theirs)


@_convention(
    "BatchNorm eps, first running variance",
    "1e-6, zeros",
    "1e-5, ones",
    "the output in evaluation before any training; aligned: torch's layer is given both",
)
def _() -> Distances:
    import torch

    x = _batches()[0]
    mine = nn.chapter.BatchNormalization(4, dtype=np.float64).train(False).forward(x)
    layers = (_torchs_layer(eps=eps, start=start) for eps, start in ((1e-5, 1.0), (1e-6, 0.0)))
    return _each_apart(mine, (layer.eval()(torch.tensor(x)).detach().numpy() for layer in layers))


@_convention(
    "weights",
    "W is (in, out)",
    "`Linear.weight` is (out, in)",
    "a layer's output, W put into Linear as it is; aligned: transposed",
)
def _() -> Distances:
    import torch

    random = np.random.default_rng(0)
    weight, x = random.standard_normal((5, 5)), random.standard_normal((8, 5))
    linear = torch.nn.functional.linear
    ends = (linear(torch.tensor(x), torch.tensor(w)).numpy() for w in (weight, weight.T.copy()))
    return _each_apart(nn.Affine(weight, np.zeros(5)).forward(x), ends)


def _batches() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(1.0, 2.0, (ROWS, 4)) for _ in range(10)]


def _normalized(layer: nn.Layer) -> Any:
    for x in _batches():
        layer.train(True).forward(x)
    return layer


def _torchs_layer(momentum: float = 0.1, eps: float = 1e-5, start: float = 1.0) -> Any:
    import torch

    layer = torch.nn.BatchNorm1d(4, eps=eps, momentum=momentum, dtype=torch.float64)
    layer.get_buffer("running_var").fill_(start)
    return layer


def _torchs_normalized(**settings: float) -> Any:
    import torch

    layer = _torchs_layer(**settings)
    for x in _batches():
        layer(torch.tensor(x))
    return layer


def _gradients(scale: float) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [scale * random.standard_normal(20) for _ in range(STEPS)]


def _ours(optimizer: Any, *, rates: Sequence[float] = CONSTANT, scale: float = 1.0) -> np.ndarray:
    """Return where the optimizer gets from zero along random gradients of size ``scale``."""
    params = {"w": np.zeros(20)}
    for rate, g in zip(rates, _gradients(scale), strict=True):
        optimizer.lr = rate
        optimizer.update(params, {"w": g})
    return params["w"]


def _torchs(
    cls: type, *, rates: Sequence[float] = CONSTANT, scale: float = 1.0, **settings: Any
) -> np.ndarray:
    import torch

    w = torch.zeros(20, dtype=torch.float64, requires_grad=True)
    optimizer = cls([w], **settings)
    for rate, g in zip(rates, _gradients(scale), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.tensor(g)
        optimizer.step()
    return w.detach().numpy()


def _plain_sgd(
    network: nn.MultiLayerNet, x: np.ndarray, t: np.ndarray, decay: dict[str, float]
) -> dict[str, np.ndarray]:
    """Return where ``torch.optim.SGD`` gets from the network's values, with a decay for each."""
    import torch

    from torch_ref import convert

    modules = convert.plain(network)
    params = convert.plain_params(modules)
    groups = [{"params": [w], "weight_decay": decay[name]} for name, w in params.items()]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(modules(torch.tensor(x)), torch.tensor(t)).backward()
        optimizer.step()
    return {
        name: convert.from_linear(name, w.detach()).numpy().copy() for name, w in params.items()
    }


def _flat(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([arrays[name].ravel() for name in sorted(arrays)])


def _apart(mine: np.ndarray, theirs: np.ndarray, start: np.ndarray | float = 0.0) -> float:
    """The norm of the difference, as a part of the way that torch's side has gone."""
    return float(np.linalg.norm(mine - theirs) / np.linalg.norm(theirs - start))


def _each_apart(
    mine: np.ndarray, ends: Iterable[np.ndarray], start: np.ndarray | float = 0.0
) -> Distances:
    return tuple(_apart(mine, theirs, start) for theirs in ends)


def as_markdown() -> str:
    """The table for the README."""
    rows = [("", "chapter", "PyTorch"), ("---",) * 3]
    rows += [(each.name, each.chapter, each.torch) for each in CONVENTIONS]
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)
