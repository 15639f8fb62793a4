"""The initializers of ``scratch.init`` beside torch's."""

from typing import Any

from scratch import init
from torch_ref.registry import distributions
from torch_ref.registry.pairs import CONVOLUTIONS, MATRICES, InitializerPair, Settings

INITIALIZERS: dict[str, InitializerPair] = {}

_ANY = MATRICES + CONVOLUTIONS + ((5,), (0,), ())
_LINEAR: Settings = {"settings": {"nonlinearity": "linear"}}
_RELU: Settings = {"settings": {"nonlinearity": "relu"}}
_XAVIER: Settings = {"cases": ({}, {"gain": 2.0})}
_KAIMING: Settings = {
    "cases": (
        {},
        {"a": 0.5},
        {"mode": "fan_out"},
        {"mode": "FAN_OUT", "nonlinearity": "tanh"},
        {"nonlinearity": "conv2d"},
    )
}


def _add(name: str, section: str = "", torch: str = "", law: str = "", **said: Any) -> None:
    """Add the pair of a function and torch's of that name, or another of ``torch``.

    Its distribution goes by torch's name, or by ``law``. Torch's names end with what is drawn.
    """
    torch = torch or name
    last = torch.rpartition("_")[2]
    said["distribution"] = getattr(distributions, law or torch, None)
    said.setdefault("draws", last if last in ("normal", "uniform", "orthogonal") else "")
    INITIALIZERS[name] = InitializerPair(
        name, getattr(init, name), f"torch.nn.init.{torch}_", section, **said
    )


_add("zeros", "6.2.1", law="constant", shapes=_ANY)
_add("ones", law="constant", shapes=_ANY)
_add("constant", cases=({"val": 0.3}, {"val": -2}), shapes=_ANY)
_add("eye", law="constant", shapes=(*MATRICES, (4, 3), (0, 3)))
_add(
    "dirac",
    law="constant",
    cases=({}, {"groups": 2}),
    shapes=(*CONVOLUTIONS, (2, 1, 4), (8, 4, 2, 5), (4, 2, 3, 1, 2), (0, 3, 1)),
)
_add(
    "normal",
    "6.2.2",
    cases=({}, {"std": 0.01}, {"std": 0.5, "mean": 0.25}, {"std": 0}),
    shapes=_ANY,
)
_add("uniform", cases=({}, {"a": -0.1, "b": 0.3}, {"a": 2, "b": 2}), shapes=_ANY)
_add(
    "trunc_normal",
    law="truncated",
    cases=(
        {},
        {"mean": 0.5, "std": 0.8},
        {"std": 0.02},
        {"a": 0.0, "b": float("inf")},
        {"a": 1.0, "b": 3.0},  # too little of the normal: torch draws uniform numbers
        {"mean": -0.1, "std": 0.5, "a": 0.25, "b": 0.3},
    ),
    shapes=_ANY,
    refused=(((3, 4), {"a": 1.0, "b": float("inf")}),),
    since="2.12",
    note="a and b are bounds of the weights, not in units of std",
)
_add(
    "sparse",
    draws="normal",
    cases=({"sparsity": 0.3}, {"sparsity": 0.75, "std": 0.5}, {"sparsity": 0}, {"sparsity": 1}),
    shapes=(*MATRICES, (30, 20), (3, 0), (0, 3)),
    note="torch ignores its generator for the places of the zeros",
)
_add("xavier", "6.2.2", "kaiming_normal", **_LINEAR, note="LeCun's √(1/n)")
_add("he", "6.2.3", "kaiming_normal", **_RELU)
_add("lecun_normal", "6.2.2", "kaiming_normal", **_LINEAR)
_add("lecun_uniform", "", "kaiming_uniform", **_LINEAR)
_add("xavier_normal", "6.2.2", **_XAVIER)
_add("xavier_uniform", "6.2.2", **_XAVIER)
_add("kaiming_normal", "6.2.3", **_KAIMING)
_add("kaiming_uniform", "6.2.3", **_KAIMING)
_add(
    "orthogonal",
    cases=({}, {"gain": 0.5}, {"gain": -2}),
    shapes=(*MATRICES, *CONVOLUTIONS, (30, 20), (0, 3), (3, 0)),
)
