"""Ten lines that fit, for whatever there is a check for."""

from torch_ref.lockstep.frameworks.optimizers.templates import TEMPLATES as OPTIMIZERS
from torch_ref.lockstep.frameworks.optimizers.templates import Template

_OTHERS = {
    "layer": Template(
        "forward(x), and backward(dy) where there is one",
        "a normalization layer; this is LayerNorm",
        (),
        """\
import numpy as np


class MyNorm:
    def __init__(self, gamma, beta, eps=1e-5):
        self.gamma, self.beta, self.eps = gamma, beta, eps

    def forward(self, x):
        centred = x - x.mean(-1, keepdims=True)
        return self.gamma * centred / np.sqrt(x.var(-1, keepdims=True) + self.eps) + self.beta
""",
    ),
    "initializer": Template(
        "w = f(shape, rng)",
        "an initializer of weights (out, in); this is kaiming_normal_ with nonlinearity=relu",
        (),
        """\
import numpy as np


def my_he(shape, rng):
    return rng.normal(0, np.sqrt(2 / shape[1]), shape)
""",
    ),
    "schedule": Template(
        "lr = f(step)",
        "a learning rate by the step, counted from 0; this is ExponentialLR",
        (),
        """\
def my_decay(step, lr=0.1, gamma=0.9):
    return lr * gamma**step
""",
    ),
}
#: By the way, or the kind, that they show.
TEMPLATES: dict[str, Template] = OPTIMIZERS | _OTHERS


def commented(name: str) -> str:
    """A template as a file, which says what it shows.

    >>> print("\\n".join(commented("schedule").splitlines()[:2]))
    # lr = f(step)
    # a learning rate by the step, counted from 0; this is ExponentialLR
    """
    shown = TEMPLATES[name]
    return f"# {shown.call}\n# {shown.says}\n{shown.code}"
