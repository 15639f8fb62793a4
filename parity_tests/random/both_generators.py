"""What the tests of random streams share: the same calls of either generator, and their numbers."""

import platform

import numpy as np
import torch
from hypothesis import strategies as st

from scratch.random import Generator, processor

SEEDS = (0, 1, 2**31, 2**32 - 1, 2**32 + 7, 2**64 - 1, -1, -123456789, -(2**63))
DTYPES = (np.float32, np.float64)

#: With another compiler or C library, the last bits of normal numbers are theirs.
GNU = platform.libc_ver()[0] == "glibc" and platform.machine() in ("x86_64", "aarch64")

# One call of either generator, with the same arguments.
Call = tuple[str, tuple]


def twin(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rounds_once() -> bool:
    """Whether torch rounds std·x + mean once, in ``normal_``, and not std·x before that.

    Older versions do, in kernels for processors that have no multiply-add.
    """
    x, y = (torch.empty(64, dtype=torch.float64) for _ in range(2))
    x.normal_(generator=twin(0))
    y.normal_(0.25, 3.1, generator=twin(0))
    return not torch.equal(y, 3.1 * x + 0.25)


#: Whether normal numbers of any mean are torch's bit for bit, where those of mean 0 are.
ANY_MEAN = processor.FUSES or _rounds_once()


def torch_dtype(dtype: np.typing.DTypeLike) -> torch.dtype:
    return getattr(torch, np.dtype(dtype).name)


def assert_same_bits(mine: np.ndarray, theirs: torch.Tensor) -> None:
    np.testing.assert_array_equal(mine, theirs.numpy(), strict=True)
    assert mine.tobytes() == theirs.numpy().tobytes()  # equal, and so are the signs of zeros


def draw_mine(generator: Generator, kind: str, arguments: tuple) -> np.ndarray:
    if kind in ("rand", "randn"):
        size, dtype = arguments
        return getattr(generator, kind)(*size, dtype=dtype)
    return getattr(generator, kind)(*arguments)


def draw_theirs(generator: torch.Generator, kind: str, arguments: tuple) -> torch.Tensor:
    """What torch has for the method ``kind`` of ``scratch.random.Generator``."""
    if kind in ("rand", "randn"):
        size, dtype = arguments
        return getattr(torch, kind)(size, dtype=torch_dtype(dtype), generator=generator)
    if kind in ("uniform", "normal"):
        first, second, size, dtype = arguments
        empty = torch.empty(size, dtype=torch_dtype(dtype))
        return getattr(empty, f"{kind}_")(first, second, generator=generator)
    if kind == "randint":
        low, high, size = arguments
        return torch.randint(low, high, size, generator=generator)
    if kind == "randperm":
        return torch.randperm(*arguments, generator=generator)
    p, size = arguments
    return torch.rand(size, dtype=torch.float64, generator=generator) < p


sizes = st.lists(st.integers(0, 20), max_size=2).map(tuple)
scales = st.just(0.0) | st.floats(1e-3, 100)  # what underflows is rounded otherwise
numbers = scales | scales.map(lambda x: 0.0 - x)
means = numbers if ANY_MEAN else st.just(0.0)
calls = st.one_of(
    st.tuples(numbers, numbers, sizes, st.sampled_from(DTYPES)).map(
        lambda a: ("uniform", (min(a[:2]), max(a[:2]), *a[2:]))
    ),
    st.tuples(means, scales, sizes, st.just(np.float64)).map(lambda a: ("normal", a)),
    # Up to 15 in float32 are exact too, and take from the same pairs as those in float64.
    st.tuples(numbers, scales, st.tuples(st.integers(0, 15)), st.just(np.float32)).map(
        lambda a: ("normal", a)
    ),
    st.tuples(st.integers(-(2**40), 2**20), st.integers(2**20 + 1, 2**40), sizes).map(
        lambda a: ("randint", a)
    ),
    st.tuples(st.integers(0, 40)).map(lambda a: ("randperm", a)),
    st.tuples(st.floats(0, 1), sizes).map(lambda a: ("bernoulli", a)),
)
