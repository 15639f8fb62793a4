"""Initial weights: the initializers of section 6.2, torch's and LeCun's.

Every function takes ``(shape, …, generator, dtype)`` and returns a new array. ``shape`` follows
torch's convention, (out, in) for a fully connected layer and (out, in, *kernel) for a convolution:
``fan_in`` is in × the kernel's size, ``fan_out`` is out × the kernel's size. The chapter's layers
hold the transpose, W of shape (in, out).

    zeros             every weight 0: the units of a layer stay equal for ever (6.2.1)
    ones, constant    every weight 1, or another value
    eye, dirac        the identity, as a matrix and as a convolution

    normal            N(mean, std²), whatever the shape
    fixed_std         the same as an initializer: the chapter's 1 and 0.01 (6.2.2)
    uniform           U(a, b)
    trunc_normal      N(mean, std²), what falls outside [a, b] drawn anew
    sparse            N(0, std²), with a share of zeros in every column

    xavier            the chapter's Xavier: N(0, 1/fan_in) (6.2.2)
    he                the chapter's He: N(0, 2/fan_in) (6.2.3)
    lecun_normal      LeCun's: the same as the chapter's Xavier
    lecun_uniform     the same variance, uniform
    xavier_normal     torch's Xavier: N(0, 2/(fan_in + fan_out))
    xavier_uniform    the same variance, uniform
    kaiming_normal    torch's He, with a choice of fan and gain
    kaiming_uniform   the same variance, uniform

    orthogonal        rows, or columns, of length 1 at right angles

    calculate_gain    torch's factor for a nonlinearity
    fans              (fan_in, fan_out) of a shape

``scratch.nn.lsuv`` scales the weights of a whole network by data.
"""

from scratch import _check
from scratch.init.constant import constant, dirac, eye, ones, zeros
from scratch.init.fans import calculate_gain, fans
from scratch.init.fixed import Initializer, fixed_std, normal, trunc_normal, uniform
from scratch.init.orthogonal import orthogonal
from scratch.init.scaled import (
    he,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    xavier,
    xavier_normal,
    xavier_uniform,
)
from scratch.init.sparse import sparse

__all__ = [
    "zeros",
    "ones",
    "constant",
    "eye",
    "dirac",
    "normal",
    "fixed_std",
    "uniform",
    "trunc_normal",
    "sparse",
    "xavier",
    "he",
    "lecun_normal",
    "lecun_uniform",
    "xavier_normal",
    "xavier_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "orthogonal",
    "calculate_gain",
    "fans",
    "by_name",
    "INITIALIZERS",
    "Initializer",
]

_WHATEVER_THE_SHAPE = (zeros, ones, eye, normal, uniform, trunc_normal)
_BY_FANS = (xavier, he, lecun_normal, lecun_uniform)
_BY_FANS_AS_TORCH = (xavier_normal, xavier_uniform, kaiming_normal, kaiming_uniform)
#: What ``MultiLayerNet(init=…)`` and the command line accept by name: all that fill a matrix and
#: need no more than its shape. A number is a fixed std.
INITIALIZERS: dict[str, Initializer] = {
    draw.__name__: draw
    for draw in (*_WHATEVER_THE_SHAPE, *_BY_FANS, *_BY_FANS_AS_TORCH, orthogonal)
}


def by_name(init: str | float) -> Initializer:
    """The initializer called ``init``, or N(0, init²) where ``init`` is a number.

    >>> from scratch.random import Generator
    >>> by_name(0.01)((2, 3), generator=Generator(0)).shape
    (2, 3)
    """
    if isinstance(init, str):
        return INITIALIZERS[_check.choice("init", init, INITIALIZERS)]
    return fixed_std(_check.number("init", init, at_least=0))
