"""What the activation lab has to choose from; the page computes what flows, in JavaScript.

The modules in ``assets/lab`` are held against ``scratch``'s own layers and initializers by the
tests: from one seed both draw the same float64 weights.
"""

from typing import Any

from experiments.engine.texts import Text, say
from scratch.init import INITIALIZERS

#: An activation's module's name → what it is called, and where its histogram begins and ends.
ACTIVATIONS: dict[str, tuple[str, tuple[float, float]]] = {
    "sigmoid": (say("sigmoid"), (0.0, 1.0)),
    "tanh": ("tanh", (-1.0, 1.0)),
    "relu": ("ReLU", (0.0, 2.0)),
    "leaky_relu": ("LeakyReLU", (-0.5, 2.0)),
    "gelu": ("GELU", (-0.5, 2.0)),
    "silu": ("SiLU", (-0.5, 2.0)),
    "selu": ("SELU", (-2.0, 3.0)),
}
#: Three steps of section 6.2: an activation, and the weights that are tried with it.
PRESETS: dict[Text, dict[str, Any]] = {
    say("ReLU, std 1"): {"activation": "relu", "init": "std", "std": 1.0},
    say("ReLU, Xavier"): {"activation": "relu", "init": "xavier"},
    say("ReLU, He"): {"activation": "relu", "init": "he"},
    say("sigmoid, std 1"): {"activation": "sigmoid", "init": "std", "std": 1.0},
}
ROWS = 100
BINS = 30
#: Of the gradients' histograms: of their magnitude, as a power of ten.
LOG_RANGE = (-12.0, 4.0)


def as_dict() -> dict[str, Any]:
    """All of it for the page's script."""
    return {
        "activations": {
            name: {"label": label, "range": ends} for name, (label, ends) in ACTIVATIONS.items()
        },
        "initializers": list(INITIALIZERS),
        "presets": list(PRESETS.values()),
        "rows": ROWS,
        "bins": BINS,
        "logRange": LOG_RANGE,
    }
