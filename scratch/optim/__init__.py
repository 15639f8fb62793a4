"""The optimizers of section 6.1 and all others of torch, in order of increasing complexity.

    SGD         w −= lr·g, with momentum if asked (6.1.2, 6.1.4)
    Adagrad     a step of its own for every element (6.1.5)
    RMSprop     the same, forgetting (6.1.5)
    Adam        momentum and RMSprop together, corrected for their start (6.1.6)
    AdamW       the weight decay taken out of the gradient
    Adamax      the largest gradient in place of their root mean square
    Adadelta    steps in the units of the weights
    NAdam       Adam with Nesterov's look ahead
    RAdam       Adam that waits until it has seen enough
    ASGD        also keeps the average of where it has been
    Rprop       only the sign of the gradient counts
    Lion        only the sign of the momentum counts
    LAMB        Adam's direction, and a step as long as the parameter
    LARS        SGD, with a rate for every parameter from its length and its gradient's
    SparseAdam  Adam for gradients of a few rows
    Adafactor   the second moment of a matrix from its rows and columns
    Muon        momentum made orthogonal
    LBFGS       the curvature, from the steps it has taken

These have torch's names, arguments and defaults, but for ``Lion``, ``LAMB`` and ``LARS``, which
torch does not have. ``lookahead`` makes an optimizer of any other that goes k steps forward and one
back; ``LookaheadAdam`` is one.
``scratch.optim.chapter`` has the chapter's:

    Momentum, Nesterov, AdaGrad, RMSProp, and ``chapter.SGD``, ``chapter.Adam``

All are used alike: ``optimizer.update(params, grads)`` on two dicts with the same keys. ``clip``
limits the gradients before.
"""

from scratch.optim import chapter
from scratch.optim.adadelta import Adadelta
from scratch.optim.adafactor import Adafactor
from scratch.optim.adagrad import Adagrad
from scratch.optim.adam import Adam
from scratch.optim.adamax import Adamax
from scratch.optim.adamw import AdamW
from scratch.optim.asgd import ASGD
from scratch.optim.base import Optimizer
from scratch.optim.chapter import AdaGrad, Momentum, Nesterov, RMSProp
from scratch.optim.clip import clip_grad_norm, clip_grad_value
from scratch.optim.fitting import NonFiniteGradientError
from scratch.optim.lamb import LAMB
from scratch.optim.lars import LARS
from scratch.optim.lbfgs import LBFGS
from scratch.optim.lion import Lion
from scratch.optim.muon import Muon
from scratch.optim.nadam import NAdam
from scratch.optim.radam import RAdam
from scratch.optim.rmsprop import RMSprop
from scratch.optim.row_gradient import RowGradient
from scratch.optim.rprop import Rprop
from scratch.optim.sgd import SGD
from scratch.optim.slow_weights import LookaheadAdam, lookahead
from scratch.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LAMB",
    "LARS",
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "LookaheadAdam",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "NonFiniteGradientError",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "RMSprop",
    "RowGradient",
    "Rprop",
    "SparseAdam",
    "chapter",
    "clip_grad_norm",
    "clip_grad_value",
    "lookahead",
]
