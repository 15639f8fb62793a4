"""The activation lab's JavaScript, beside scratch's layers and initializers, and torch's functions.

Node computes, all at once, in float64.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from experiments.report import lab
from parity_tests.report import javascript
from scratch import init, nn
from scratch.nn.activations import ACTIVATIONS
from scratch.random import Generator

SEED, SIDE = 3, 20
POINTS = [*np.linspace(-9, 9, 145).tolist(), 1e-9, -1e-9, 0.0, 40.0, -40.0]
FUNCTIONS = {
    "leaky_relu": functional.leaky_relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "selu": functional.selu,
}
ROWS, UNITS, DEPTH = 18, 22, 4
STDS = (0.1, 1.0)


class Function(nn.Layer):
    """torch's function as a layer, for those that scratch has not."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = torch.from_numpy(x).requires_grad_()
        self.y = self.function(self.x)
        return self.y.detach().numpy()

    def backward(self, dy: np.ndarray) -> np.ndarray:
        (dx,) = torch.autograd.grad(self.y, self.x, torch.from_numpy(dy), retain_graph=True)
        return dx.numpy()


def activation(name: str) -> nn.Layer:
    """scratch's layer, or torch's function."""
    return ACTIVATIONS[name]() if name in ACTIVATIONS else Function(FUNCTIONS[name])


def asked_flows() -> list[dict[str, Any]]:
    """Every activation with and without batch normalization, every initializer, two fixed stds."""
    size = {"rows": ROWS, "units": UNITS, "depth": DEPTH, "seed": SEED, "std": 1.0}
    each = [
        {"activation": name, "init": "he", "batchNorm": on}
        for name in lab.ACTIVATIONS
        for on in (False, True)
    ]
    # Not tanh, whose slope 1 − y² is all rounding where large weights saturate it.
    each += [{"activation": "relu", "init": n, "batchNorm": False} for n in init.INITIALIZERS]
    each += [{"activation": "relu", "init": "std", "batchNorm": True, "std": s} for s in STDS]
    return [size | flow for flow in each]


@cache
def made() -> dict[str, Any]:
    """What the modules make of all that is compared."""
    asked = {
        "weights": [{"init": name, "n": SIDE, "seed": SEED} for name in init.INITIALIZERS],
        "points": POINTS,
        "flows": asked_flows(),
        "layers": layers(),
    }
    return javascript.made("prove_lab.mjs", asked)


def layers() -> list[dict[str, Any]]:
    """Layers whose shares, dead and identical units are known."""
    rows, units = 14, 6
    values = np.random.default_rng(0).normal(size=(rows, units))
    values[:, 1] = values[:, 0]  # identical
    values[:, 2] = values[:, 3] + 1e-4  # nearly
    values[:, 4] = -2.0  # outside, and dead
    values[0, 5] = 1.0  # the upper end
    flags = (values < -1).ravel().tolist()
    flat = {"values": values.ravel().tolist(), "flags": flags, "units": units}
    return [flat | {"range": [-1.0, 1.0], "bins": 8}]


def weights(name: str) -> np.ndarray:
    return init.by_name(name)((SIDE, SIDE), generator=Generator(SEED), dtype=np.float64)


def flow(asked: dict[str, Any]) -> dict[str, list[np.ndarray]]:
    """The same by scratch: every layer's activations, and the gradients by them."""
    generator, shape = Generator(asked["seed"]), (asked["rows"], asked["units"])
    x, sent = (generator.randn(*shape, dtype=np.float64) for _ in range(2))
    draw = init.by_name(asked["std"] if asked["init"] == "std" else asked["init"])
    built, forward = [], []
    for _ in range(asked["depth"]):
        w = draw((shape[1], shape[1]), generator=generator, dtype=np.float64)
        parts: list[nn.Layer] = [nn.Affine(w, np.zeros(shape[1]))]
        if asked["batchNorm"]:
            parts.append(nn.BatchNorm1d(shape[1], affine=False))
        parts.append(activation(asked["activation"]))
        for part in parts:
            x = part.forward(x)
        built.append(parts)
        forward.append(x)
    gradients = [sent]
    for parts in reversed(built[1:]):
        dy = gradients[0]
        for part in reversed(parts):
            dy = part.backward(dy)
        gradients.insert(0, dy)
    return {"activations": forward, "gradients": gradients}


def distances() -> dict[str, dict[str, float]]:
    """The largest distance of every initializer, activation and flow."""
    found = made()
    mine = dict(zip(init.INITIALIZERS, found["weights"], strict=True))
    flows = zip(asked_flows(), found["flows"], strict=True)
    return {
        "initializers": {name: _apart([(mine[name], weights(name))]) for name in mine},
        "activations": {name: _apart(_at_points(name, found)) for name in lab.ACTIVATIONS},
        "flows": {
            "{activation}, {init} {std}, BatchNorm {batchNorm}".format_map(asked): _apart(
                [
                    pair
                    for quantity, theirs in flow(asked).items()
                    for pair in zip(each[quantity], theirs, strict=True)
                ]
            )
            for asked, each in flows
        },
    }


def _at_points(name: str, found: dict[str, Any]) -> list[tuple[Any, np.ndarray]]:
    layer, x = activation(name), np.array(POINTS)[:, None]
    y, slope = layer.forward(x), layer.backward(np.ones_like(x))
    return list(zip(found["points"][name], (y, slope), strict=True))


def _apart(pairs: list[tuple[Any, np.ndarray]]) -> float:
    """The largest difference, by the largest number of its array."""
    apart = [np.abs(np.reshape(mine, theirs.shape) - theirs).max() for mine, theirs in pairs]
    sizes = [np.abs(theirs).max() or 1.0 for _, theirs in pairs]
    return float(np.max(np.divide(apart, sizes)))


def table() -> dict[str, Any]:
    """What the page says of the lab: how many of each, and the largest distance, by the largest
    number of its array."""
    return {
        kind: {"count": len(each), "relative": max(each.values())}
        for kind, each in distances().items()
    }
