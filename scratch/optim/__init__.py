"""The optimizers of section 6.1, in order of increasing complexity.

    SGD        w −= lr·g, with momentum if asked (6.1.2, 6.1.4)
    Adagrad    a step of its own for every element (6.1.5)
    RMSprop    the same, forgetting (6.1.5)
    Adam       momentum and RMSprop together, corrected for their start (6.1.6)

These have torch's names, arguments and defaults. ``scratch.optim.chapter`` has the chapter's:

    Momentum, Nesterov, AdaGrad, RMSProp, and ``chapter.Adam``

All are used alike: ``optimizer.update(params, grads)`` on two dicts with the same keys.
"""

from scratch.optim import chapter
from scratch.optim.adagrad import Adagrad
from scratch.optim.adam import Adam
from scratch.optim.base import NonFiniteGradientError, Optimizer
from scratch.optim.chapter import AdaGrad, Momentum, Nesterov, RMSProp
from scratch.optim.rmsprop import RMSprop
from scratch.optim.sgd import SGD

__all__ = [
    "SGD",
    "AdaGrad",
    "Adagrad",
    "Adam",
    "Momentum",
    "Nesterov",
    "NonFiniteGradientError",
    "Optimizer",
    "RMSProp",
    "RMSprop",
    "chapter",
]
