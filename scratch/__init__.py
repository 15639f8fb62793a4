"""The learning techniques of chapter 6, hand-written in NumPy.

    random         torch's CPU random stream: same seed, same numbers
    init           the values that weights start from
    optim          the rules that change them: SGD, Momentum, AdaGrad, RMSProp, Adam
    lr_scheduler   learning rates that change during training
    nn             the network they belong to: layers, batch normalization, the loss
    train          the loop that draws a batch and applies the rule
    typing         the names that annotations use

Nothing here imports more than NumPy. Each name has a twin of the same name in ``torch_ref``.
"""

from scratch import init, lr_scheduler, nn, optim, random, train

__all__ = ["init", "lr_scheduler", "nn", "optim", "random", "train"]
