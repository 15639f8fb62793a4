"""Fisher and Yates's shuffle, many swaps at a time."""

import math

import numpy as np

ONE_BY_ONE = 4096  # so few places are soon shuffled, and blocks of them would be too small


def shuffle(order: np.ndarray, targets: np.ndarray) -> None:
    """Swap ``order[i]`` with ``order[targets[i]]``, for i = 0, 1, 2, … in turn, in place.

    Swaps of different places may be done in any order: in a block of B swaps, all that share no
    place are done at once, and the few that do, about B²/n, one after another.

    Args:
        order: (n,).
        targets: (m,), m <= n.

    >>> order = np.arange(4)
    >>> shuffle(order, np.array([2, 3, 2]))
    >>> order
    array([2, 3, 0, 1])
    """
    done = 0
    latest = np.empty(len(order), np.int64)  # the last of the block's swaps that aims at a place
    shared = np.zeros(len(order), bool)
    while len(targets) - done > ONE_BY_ONE:
        stop = min(done + 4 * math.isqrt(len(order) - done), len(targets))
        places, aims = np.arange(done, stop), targets[done:stop]
        latest[aims] = places
        several = aims[(latest[aims] != places) | ((done <= aims) & (aims < stop))]
        shared[several] = True
        alone = ~(shared[aims] | shared[done:stop])
        i, j = places[alone], aims[alone]
        order[i], order[j] = order[j], order[i]
        _one_by_one(order, places[~alone], aims[~alone])
        shared[several] = False
        done = stop
    _one_by_one(order, np.arange(done, len(targets)), targets[done:])


def _one_by_one(order: np.ndarray, places: np.ndarray, targets: np.ndarray) -> None:
    cells = order.data  # a list's speed, without a copy
    for i, j in zip(places.tolist(), targets.tolist(), strict=True):
        cells[i], cells[j] = cells[j], cells[i]
