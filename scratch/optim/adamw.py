"""AdamW: Adam with the weight decay taken out of the gradient."""

from typing import ClassVar

from scratch._settings import AtLeast0
from scratch.optim.adam import Adam


class AdamW(Adam):
    r"""AdamW, as ``torch.optim.AdamW``.

    .. math::
        w &\leftarrow w - \eta\,\lambda\, w \\
        w &\leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)
        \qquad (\hat m, \hat v \text{ as in Adam, of } g \text{ alone})

    Coupled with the gradient, the decay would be divided by √v̂ with it, and weights with large
    gradients would decay less. Here all decay alike (Loshchilov and Hutter 2019, "Decoupled weight
    decay regularization"). As in torch the decay comes before the step and is scaled by η.

    Args:
        lr: η.
        betas: (β₁, β₂).
        eps: ε.
        weight_decay: λ.
        amsgrad: divide by the largest v so far instead of v.
        maximize: go uphill; the weights decay all the same.
        groups: settings of some parameters, by a pattern of their names; see ``Optimizer``.

    Buffers: ``exp_avg`` (m), ``exp_avg_sq`` (v), and ``max_exp_avg_sq`` with ``amsgrad``.

    >>> import numpy as np
    >>> params = {"w": np.array([1.0])}
    >>> AdamW(lr=0.1, weight_decay=0.5).update(params, {"w": np.array([2.0])})
    >>> params["w"].round(6)  # 1 − 0.1·0.5·1 − 0.1
    array([0.85])
    """

    weight_decay: AtLeast0 = 1e-2
    decoupled_weight_decay: ClassVar[bool] = True  # type: ignore[misc] # no setting any longer
