"""Buffers in a state that nobody has described."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays


def found(attributes: Mapping[str, Any], params: Arrays) -> dict[str, Arrays]:
    """Buffers among ``attributes``: dicts by parameter, or a dict of dicts by parameter.

    >>> found({"v": {"w": np.ones(2)}, "lr": 0.1}, {"w": np.zeros(2)})
    {'w': {'v': array([1., 1.])}}
    """
    buffers: dict[str, Arrays] = {name: {} for name in params}
    for key, value in attributes.items():
        if not isinstance(value, Mapping) or not value.keys() & params.keys():
            continue
        for name in value.keys() & params.keys():
            inner = value[name] if isinstance(value[name], Mapping) else {key: value[name]}
            for buffer, array in inner.items():
                array = np.asarray(array) if isinstance(array, np.ndarray | float) else None
                if array is not None and array.shape == params[name].shape:
                    buffers[name][buffer] = array
    return buffers
