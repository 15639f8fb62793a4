"""The initializers of ``scratch.init`` beside torch's."""

from scratch import init
from torch_ref.registry.pairs import InitializerPair

_UNIFORM_OR_NORMAL = ({}, {"a": 0.5}, {"mode": "fan_out"}, {"nonlinearity": "tanh"})

_INITIALIZERS = (
    InitializerPair("zeros", init.zeros, "torch.nn.init.zeros_", "6.2.1"),
    InitializerPair(
        "normal",
        init.normal,
        "torch.nn.init.normal_",
        "6.2.2",
        cases=({}, {"std": 0.01}, {"std": 0.5, "mean": 0.25}),
    ),
    InitializerPair(
        "xavier",
        init.xavier,
        "torch.nn.init.kaiming_normal_",
        "6.2.2",
        settings={"nonlinearity": "linear"},
        note="LeCun's √(1/n)",
    ),
    InitializerPair(
        "he",
        init.he,
        "torch.nn.init.kaiming_normal_",
        "6.2.3",
        settings={"nonlinearity": "relu"},
    ),
    InitializerPair(
        "xavier_normal",
        init.xavier_normal,
        "torch.nn.init.xavier_normal_",
        "6.2.2",
        cases=({}, {"gain": 2.0}),
    ),
    InitializerPair(
        "xavier_uniform",
        init.xavier_uniform,
        "torch.nn.init.xavier_uniform_",
        "6.2.2",
        cases=({}, {"gain": 2.0}),
    ),
    InitializerPair(
        "kaiming_normal",
        init.kaiming_normal,
        "torch.nn.init.kaiming_normal_",
        "6.2.3",
        cases=_UNIFORM_OR_NORMAL,
    ),
    InitializerPair(
        "kaiming_uniform",
        init.kaiming_uniform,
        "torch.nn.init.kaiming_uniform_",
        "6.2.3",
        cases=_UNIFORM_OR_NORMAL,
    ),
)

INITIALIZERS: dict[str, InitializerPair] = {pair.name: pair for pair in _INITIALIZERS}
