"""Learning rates that change during training (6.1.5), simplest first.

    StepLR, MultiStepLR              times γ now and then
    ExponentialLR                    times γ at every step
    ConstantLR, LinearLR             a smaller rate for the first steps
    PolynomialLR                     to zero on a power of a line
    CosineAnnealingLR                down, and up again, on a cosine
    CosineAnnealingWarmRestarts      down on a cosine, again and again
    LambdaLR, MultiplicativeLR       times a function that you give
    ReduceLROnPlateau                times a factor where a metric does not improve
    SWALR                            to a constant rate, for the averaging of weights
    CyclicLR                         up and down on a line, and the momentum with it
    OneCycleLR                       up once, down for good, and the momentum with it
    ChainedScheduler                 several at once
    SequentialLR                     one after another

The names, arguments, defaults and numbers are torch's. A schedule is made over an optimizer of
``scratch.optim`` and stepped after each update:

>>> from scratch.optim import SGD
>>> sgd = SGD(lr=0.1)
>>> schedule = ExponentialLR(sgd, gamma=0.5)
>>> schedule.step()
>>> sgd.lr
0.05

Most multiply the current rate, and follow a formula only as long as nothing else changes it, so
that several can share one. Rates may be arrays (K,), one for each run of a stack.
"""

from scratch.lr_scheduler.base import LRScheduler
from scratch.lr_scheduler.composite import ChainedScheduler, SequentialLR
from scratch.lr_scheduler.cosine import SWALR, CosineAnnealingLR, CosineAnnealingWarmRestarts
from scratch.lr_scheduler.cycles import CyclicLR, OneCycleLR
from scratch.lr_scheduler.decay import (
    ExponentialLR,
    LambdaLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from scratch.lr_scheduler.plateau import ReduceLROnPlateau
from scratch.lr_scheduler.warmup import ConstantLR, LinearLR

__all__ = [
    "StepLR",
    "MultiStepLR",
    "ExponentialLR",
    "ConstantLR",
    "LinearLR",
    "PolynomialLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "LambdaLR",
    "MultiplicativeLR",
    "ReduceLROnPlateau",
    "SWALR",
    "CyclicLR",
    "OneCycleLR",
    "ChainedScheduler",
    "SequentialLR",
    "LRScheduler",
]
