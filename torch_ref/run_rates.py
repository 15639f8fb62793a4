"""A learning rate for each run of a stack, for optimizers of torch: views, and groups of them.

Torch has a rate for each of its ``param_groups``. So the parameters of a stack become views of the
runs with the same rate, and each rate is a group of such views; every class of ``torch.optim`` then
serves as it is. Runs of equal rates side by side are one view, so a stack in the order of its rates
takes the fewest.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from scratch.typing import Rate


class View(NamedTuple):
    """The part of a parameter that torch updates: all of it, or that of some runs."""

    tensor: Tensor
    runs: slice | None


def views(name: str, w: Tensor, rate: Rate) -> list[View]:
    """``w`` itself; or, where there is a rate for each run, views of the runs with equal ones."""
    if not isinstance(rate, np.ndarray):
        return [View(w, None)]
    if w.shape[:1] != rate.shape:
        raise ValueError(
            f"params[{name!r}] must have a leading axis of {len(rate)}, as many runs as lr has "
            f"values, got shape {tuple(w.shape)}"
        )
    bounds = [0, *(np.flatnonzero(np.diff(rate)) + 1).tolist(), len(rate)]
    runs = [slice(*ends) for ends in pairwise(bounds)]
    return [View(w.detach()[part], part) for part in runs]


def rate_of(view: View, rate: Any) -> tuple[float, list[int] | None]:
    """The view's rate, and all runs that have it; ``None`` if one is for all."""
    if view.runs is None:
        return rate, None
    own = float(rate[view.runs.start])
    return own, np.flatnonzero(rate == own).tolist()


def rates(groups: Sequence[dict[str, Any]]) -> Rate:
    """The rate of torch's ``groups``, or one for each run."""
    if groups[0]["runs"] is None:
        return groups[0]["lr"]
    found = np.empty(1 + max(max(group["runs"]) for group in groups))
    for group in groups:
        found[group["runs"]] = float(group["lr"])
    return found


def shared_rate(lr: Rate, runs: list[int] | None) -> float:
    """The rate in ``lr`` that the ``runs`` of one of torch's groups all have."""
    if not isinstance(lr, np.ndarray):
        return lr
    own = lr if runs is None else lr[runs] if max(runs) < len(lr) else lr[:0]
    if len(set(own.tolist())) != 1:
        these = "all runs" if runs is None else f"the runs {', '.join(map(str, runs))}"
        raise ValueError(
            f"lr must have one rate for {these}, which are one group in torch because they began "
            f"with the same, got {own.tolist()} of {len(lr)} values; use a new optimizer"
        )
    return float(own[0])


def joined(views: Sequence[View], states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The states of a parameter's views as that of the whole parameter.

    Buffers are put together to the parameter's shape, in a copy; a number that differs from run to
    run, as ASGD's ``eta``, is a tensor (K,).
    """
    if len(views) == 1:
        return dict(states[0])
    return {key: _joined(views, [state[key] for state in states]) for key in states[0]}


def _joined(views: Sequence[View], values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, Tensor) and first.shape == views[0].tensor.shape:
        return torch.cat(list(values))
    if all(bool(value == first) for value in values):
        return first
    lengths = torch.tensor([len(view.tensor) for view in views])
    return torch.stack([torch.as_tensor(v).cpu() for v in values]).repeat_interleave(lengths)
