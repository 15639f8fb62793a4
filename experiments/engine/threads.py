"""How many threads NumPy's BLAS and torch compute with: set, never left to the libraries.

Left to themselves they take a thread for every core. That is good for one product on a machine
that does nothing else, and a risk for anything else: OpenBLAS's threads spin while they wait for
each other, and where one of them has lost its core to another program, all wait for that. float32
products with two threads, as a part of their time with one, medians (an Intel Xeon with AMX, two
cores, NumPy 2.4.6, torch 2.14.1; busy: the least and the most beside one, two, four and eight
programs that compute, as the system happens to deal out the cores):

    operations             20 · 10⁶   0.9 · 10⁹   2.1 · 10⁹
    NumPy (OpenBLAS) idle      0.60        0.75        0.71
                     busy    0.6–53     1.4–2.3     0.6–0.9
    torch (MKL)      idle      0.88        0.68        0.62
                     busy   0.6–259     0.7–2.2     1.0–1.3

20 million are the largest product of the chapter's networks, in a batch of 128 images. Its 0.2 ms
are a tenth of a time slice, so that to wait for a core costs a hundred of it. And there is always
another training for the second core (``experiments.engine.workers``), which wins the loops over
elements, too. So the rule is that a thread must have so much to do that waiting for a core is no
more than about doubling it: five milliseconds, :data:`EACH`.

On 16 or 64 cores that is no other: the number of threads follows from the product, and the cores
are only its limit. A product that is worth two threads gets two, and 64 only where each of the 64
has :data:`EACH` to do; what is left of the cores is for other processes.

The threads are part of what makes a result: with another number, sums are cut into other pieces.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from experiments.engine.memory import cores

#: So many multiplications and additions are worth a thread of their own.
EACH = 450_000_000


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
