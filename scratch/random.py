"""The random numbers of ``torch.Generator`` on a CPU, from the same seed, in NumPy.

torch and NumPy share the Mersenne Twister (MT19937) and its seeding, so their streams of 32-bit
words are the same. What differs is how a word becomes a number, and that is what this file holds:

* a uniform float32 keeps the low 24 bits of one word, a float64 the low 53 bits of two;
* an integer is the word modulo the range (two words from a range of 2²⁸ on);
* a normal number is Box and Muller's (1958): √(−2·ln u₁)·cos(2π·u₂) and ·sin(2π·u₂).

All of it is equal to torch's bit for bit, but for float32 normals: torch computes their logarithm
and cosine with vector instructions of its own, and the two differ by up to 4 units in the last
place (ULP), in 8 % of the numbers.
"""

import math

import numpy as np

from scratch import _check

_WORDS_FROM = 2**28  # torch draws 64 bits for an integer range from here on
_BOX = 16  # torch makes normals in boxes of 8 radii and 8 angles


class Generator:
    """A stream of random numbers, equal to ``torch.Generator().manual_seed(seed)``.

    Args:
        seed: a whole number of 64 bits; as in torch, its low 32 bits count.

    >>> Generator(0).rand(3)
    array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
    >>> Generator(0).randperm(5).tolist()
    [4, 0, 1, 3, 2]
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = _check.integer("seed", seed, at_least=-(2**63), below=2**64)
        self._twister = np.random.RandomState(self.seed & 0xFFFFFFFF)
        self._spare: float | None = None

    @property
    def state(self) -> tuple[np.ndarray, int, float | None]:
        """The twister's 624 words, the position among them, and the normal number kept for later.

        Assigning it makes the stream go on from there.
        """
        _, words, position, *_ = self._twister.get_state()
        return words, position, self._spare

    @state.setter
    def state(self, state: tuple[np.ndarray, int, float | None]) -> None:
        words, position, self._spare = state
        self._twister.set_state(("MT19937", words, position))

    def __repr__(self) -> str:
        return f"Generator(seed={self.seed})"

    def rand(self, *size: int, dtype: np.typing.DTypeLike = np.float32) -> np.ndarray:
        """Uniform numbers in [0, 1), as ``torch.rand``.

        Args:
            size: the shape, as whole numbers or one tuple.
            dtype: float32 or float64.
        """
        shape = _shape(size)
        return self._unit(math.prod(shape), _check.floating(dtype)).reshape(shape)

    def uniform(
        self,
        low: float,
        high: float,
        size: tuple[int, ...],
        dtype: np.typing.DTypeLike = np.float32,
    ) -> np.ndarray:
        """Uniform numbers in [low, high), as ``torch.Tensor.uniform_``: u·(high − low) + low."""
        dtype = _check.floating(dtype)
        low, high = _check.number("low", low), _check.number("high", high)
        if low > high:
            raise ValueError(f"low must be <= high, got low={low} and high={high}")
        low, high = dtype.type(low), dtype.type(high)
        return _multiply_add(self.rand(size, dtype=dtype), high - low, low)

    def randn(self, *size: int, dtype: np.typing.DTypeLike = np.float32) -> np.ndarray:
        """Numbers of the standard normal distribution, as ``torch.randn``.

        Args:
            size: the shape, as whole numbers or one tuple.
            dtype: float32 or float64.
        """
        return self.normal(0.0, 1.0, _shape(size), dtype=dtype)

    def normal(
        self,
        mean: float,
        std: float,
        size: tuple[int, ...],
        dtype: np.typing.DTypeLike = np.float32,
    ) -> np.ndarray:
        """Numbers of N(mean, std²), as ``torch.Tensor.normal_``.

        As in torch, fewer than 16 numbers are drawn one after another in float64, and 16 or more
        in boxes of 16; a last box that is not full is drawn anew and overlaps the one before.
        """
        dtype, shape = _check.floating(dtype), _shape(size)
        mean, std = _check.number("mean", mean), _check.number("std", std, at_least=0)
        count = math.prod(shape)
        if count < _BOX:
            standard = np.array([self._next_normal() for _ in range(count)])
            return _multiply_add(standard, std, mean).astype(dtype).reshape(shape)
        standard = self._unit(count, dtype)
        full = count - count % _BOX
        standard[:full] = _box_muller(standard[:full])
        if full < count:
            standard[-_BOX:] = _box_muller(self._unit(_BOX, dtype))
        return _multiply_add(standard, dtype.type(std), dtype.type(mean)).reshape(shape)

    def randint(self, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
        """Whole numbers in [low, high) as int64, as ``torch.randint``."""
        low = _check.integer("low", low, at_least=-(2**63))
        high = _check.integer("high", high, at_least=-(2**63), below=2**63)
        if not low < high:
            raise ValueError(f"low must be below high, got low={low} and high={high}")
        shape, span = _shape(size), high - low
        count = math.prod(shape)
        words = self._words(count) if span < _WORDS_FROM else self._double_words(count)
        return ((words % words.dtype.type(span)).astype(np.int64) + low).reshape(shape)

    def randperm(self, n: int) -> np.ndarray:
        """The numbers 0 … n−1 in random order as int64, as ``torch.randperm`` (Fisher–Yates)."""
        n = _check.integer("n", n, at_least=0)
        order = list(range(n))
        words = self._words(max(n - 1, 0)).astype(np.int64)
        for i, jump in enumerate((words % (n - np.arange(len(words)))).tolist()):
            order[i], order[i + jump] = order[i + jump], order[i]
        return np.array(order, dtype=np.int64)

    def bernoulli(self, p: float, size: tuple[int, ...]) -> np.ndarray:
        """True with probability ``p``, as ``torch.rand(size, dtype=torch.float64) < p``.

        ``torch.Tensor.bernoulli_(p)`` draws the same, except on Intel processors, where it uses
        the generator of Intel's math library; the twin in ``torch_ref`` therefore avoids it.
        """
        p = _check.number("p", p, at_least=0, at_most=1)
        return self.rand(size, dtype=np.float64) < p

    def _words(self, count: int) -> np.ndarray:
        return self._twister.randint(0, 2**32, count, dtype=np.uint32)

    def _double_words(self, count: int) -> np.ndarray:
        pairs = self._words(2 * count).astype(np.uint64)
        return (pairs[0::2] << np.uint64(32)) | pairs[1::2]

    def _unit(self, count: int, dtype: np.dtype) -> np.ndarray:
        """``count`` uniform numbers in [0, 1): as many random bits as the significand holds."""
        if dtype == np.float32:
            return (self._words(count) & np.uint32(2**24 - 1)).astype(np.float32) * dtype.type(
                2.0**-24
            )
        return (self._double_words(count) & np.uint64(2**53 - 1)) * 2.0**-53

    def _next_normal(self) -> float:
        """One normal number; they come in pairs, and the second is kept for the next call."""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        angle, u = self._unit(2, np.dtype(np.float64)).tolist()
        radius, angle = math.sqrt(-2 * math.log1p(-u)), 2 * math.pi * angle
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)


def _shape(size: tuple) -> tuple[int, ...]:
    if not isinstance(size, tuple | list):
        raise TypeError(f"size must be a tuple of whole numbers, got {size!r}")
    if len(size) == 1 and isinstance(size[0], tuple | list):
        size = size[0]
    return tuple(_check.integer("size", n, at_least=0) for n in size)


def _box_muller(uniform: np.ndarray) -> np.ndarray:
    """Turn boxes of 8 + 8 uniform numbers into 16 normal ones."""
    number = uniform.dtype.type
    u1, u2 = uniform.reshape(-1, 2, _BOX // 2).swapaxes(0, 1)
    radius = np.sqrt(number(-2) * _log(number(1) - u1))
    angle = number(2 * math.pi) * u2
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


def _log(x: np.ndarray) -> np.ndarray:
    """The logarithm, as closely rounded as torch's, which NumPy's own is not in either dtype."""
    if x.dtype == np.float32:
        return np.log(x.astype(np.float64)).astype(np.float32)
    return np.fromiter(map(math.log, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def _multiply_add(x: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """x·scale + shift, rounded once, as the multiply-add instruction in torch's kernels does.

    float32 is exact in float64. In float64 the rounding errors of the product (Dekker 1971) and of
    the sum (Knuth's two-sum) are computed and added back.
    """
    if shift == 0:
        return x * scale + shift  # exact, but that −0 becomes 0
    if x.dtype == np.float32:
        return (x.astype(np.float64) * float(scale) + float(shift)).astype(np.float32)
    product = x * scale
    x_high, x_low = _split(x)
    scale_high, scale_low = _split(scale)
    product_error = x_high * scale_high - product
    product_error += x_high * scale_low + x_low * scale_high
    product_error += x_low * scale_low
    total = product + shift
    part = total - product
    total_error = (product - (total - part)) + (shift - part)
    return total + (product_error + total_error)


def _split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The upper and the lower 26 bits of a float64 (Veltkamp's splitting by 2²⁷ + 1)."""
    spread = x * (2.0**27 + 1)
    high = spread - (spread - x)
    return high, x - high
