"""A network whose weights are the average of another's as that is trained: SWA and EMA."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scratch import _check
from scratch._signals import SignalsWait
from scratch.nn.network import REMEMBERED, MultiLayerNet
from scratch.typing import Array

#: Of the average so far, the weights now, and how many were averaged: the next average.
Average = Callable[[Array, Array, int], Array]


def get_swa_avg_fn() -> Average:
    r"""The mean of all, as ``torch.optim.swa_utils.get_swa_avg_fn``.

    .. math::
        \bar w \leftarrow \bar w + \frac{w - \bar w}{n + 1}

    (Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization",
    arXiv:1803.05407.)
    """
    return lambda averaged, now, n: averaged + (now - averaged) / (n + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    r"""The exponential moving average, as ``torch.optim.swa_utils.get_ema_avg_fn``.

    .. math::
        \bar w \leftarrow \beta \bar w + (1 - \beta) w

    Args:
        decay: β, in [0, 1].
    """
    beta = _check.number("decay", decay, at_least=0, at_most=1)
    return lambda averaged, now, n: beta * averaged + (1 - beta) * now


class AveragedModel:
    r"""The average of a network's weights, as ``torch.optim.swa_utils.AveragedModel``.

    The first update copies the weights, every later one averages. What normalization layers
    remember is not averaged but copied, and is of the network itself: :func:`update_bn` makes it
    that of the average.

    Args:
        model: the network; a copy of it holds the averages.
        avg_fn: how to average; :func:`get_swa_avg_fn` if left out.

    Attributes:
        module: the network with the averages.
        n_averaged: how many were averaged.

    >>> net = MultiLayerNet(2, [3], 2)
    >>> averaged = AveragedModel(net)
    >>> for value in (1.0, 3.0, 8.0):
    ...     net.params["b1"][...] = value
    ...     averaged.update_parameters(net)
    >>> averaged.module.params["b1"]
    array([4., 4., 4.], dtype=float32)
    """

    def __init__(self, model: MultiLayerNet, avg_fn: Average | None = None) -> None:
        self.module = copy.deepcopy(_check.instance("model", model, MultiLayerNet))
        self.avg_fn = get_swa_avg_fn() if avg_fn is None else _check.function("avg_fn", avg_fn)
        self.n_averaged = 0

    def update_parameters(self, model: MultiLayerNet) -> None:
        """Take the weights of ``model`` as they are now into the average.

        Raises:
            TypeError, ValueError: it is no network like this one; nothing was changed.
        """
        own, given = self.module.params, _check.instance("model", model, MultiLayerNet).params
        shapes = [{n: (w.shape, w.dtype) for n, w in params.items()} for params in (own, given)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"model must have the parameters {_check.names(own)} of this one")
        n = self.n_averaged
        new = {name: self.avg_fn(own[name], w, n) if n else w for name, w in given.items()}
        with SignalsWait():
            for name, w in own.items():
                w[...] = new[name]
            for mine, theirs in zip(self.module.batch_norms, model.batch_norms, strict=True):
                for what in REMEMBERED:
                    setattr(mine, what, copy.copy(getattr(theirs, what)))
            self.n_averaged += 1

    def state_dict(self) -> dict[str, Any]:
        """A snapshot; as in torch without ``avg_fn``."""
        return {"n_averaged": self.n_averaged, "module": self.module.state_dict()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a snapshot.

        Raises:
            TypeError, ValueError: it is none; nothing was changed.
        """
        given = _check.keys("state_dict", state_dict, ("n_averaged", "module"))
        n = _check.integer("state_dict['n_averaged']", given["n_averaged"], at_least=0)
        with SignalsWait():
            self.module.load_state_dict(given["module"])
            self.n_averaged = n


def update_bn(batches: Iterable[Array], model: MultiLayerNet) -> None:
    """Give the normalization layers the mean statistics of ``batches``.

    As ``torch.optim.swa_utils.update_bn``: they begin anew, and every batch counts alike.

    Args:
        batches: each of inputs, as for ``model.predict``.
        model: the network; what else it has stays, but for the random stream of dropout.

    Raises:
        TypeError, ValueError: a batch does not fit; nothing was changed.

    >>> import numpy as np
    >>> net = MultiLayerNet(1, [2], 2, batch_norm=True)
    >>> update_bn([np.array([[0.0], [2.0]]), np.array([[1.0], [9.0]])], net)
    >>> net.batch_norms[0].num_batches_tracked, net.batch_norms[0].momentum
    (2, 0.1)
    """
    norms = _check.instance("model", model, MultiLayerNet).batch_norms
    if not isinstance(batches, Iterable):
        raise TypeError(f"batches must be arrays of inputs, got {_check.shown(batches)}")
    before, momenta = model.state_dict(), [norm.momentum for norm in norms]
    seen = 0
    try:
        for norm in norms:
            norm.running_mean[...], norm.running_var[...], norm.num_batches_tracked = 0, 1, 0
            norm.momentum = None  # the mean of all batches
        for x in batches:
            model.predict(x, train=True)
            seen += 1
    except BaseException as error:
        model.load_state_dict(before)
        if isinstance(error, TypeError | ValueError):
            raise type(error)(f"batches[{seen}]: {error}") from None
        raise
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
