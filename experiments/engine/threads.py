"""How many threads NumPy's BLAS and torch compute with: set, never left to the libraries.

Left to themselves they take a thread for every core. A product of this chapter is over before
these have met, and OpenBLAS's threads spin while they wait for each other: beside another program
a run of 20 s took minutes. So there is a rule, by the size of the largest product.

A product of F operations takes some time to be shared out, by which more threads are worth having
only where each of them has enough to do. :data:`EACH` is that.

The network of the chapter comes to 20 million in a batch of 128 images, so that it trains with one
thread, and the cores are for other trainings side by side (``experiments.engine.processes``), whose
loops over elements use one core anyway. On 16 or 64 cores that is no other: the number of threads
grows with the product, and the cores are only its limit. A product that is worth two threads gets
two, and 64 only where each of the 64 has :data:`EACH` to do.

The threads are part of what makes a result: sums are cut into other pieces by others.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from experiments.engine.memory import cores

#: So many multiplications and additions are worth a thread of their own.
EACH = 200_000_000


def fastest(operations: int, most: int | None = None) -> int:
    """The threads for products of so many operations, 2·m·k·n for (m, k) by (k, n).

    Args:
        operations: of the largest product.
        most: threads that there can be; ``None`` for one on each core that this process may use.

    >>> fastest(2 * 128 * 784 * 100, most=64), fastest(2 * 4096**3, most=64)
    (1, 64)
    """
    return max(1, min(operations // EACH, most or cores()))


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Within, NumPy's BLAS computes with so many threads, and so does torch if it is imported.

    There may be more of them than cores. torch has a second pool, for operators beside each other
    in a compiled graph; layers that are called one after another never use it.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with threadpool_limits(threads, user_api="blas"):
        if torch:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
