"""A stream of random numbers, equal to torch's."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from scratch import _check
from scratch.random import box_muller, state
from scratch.random.permutation import shuffle
from scratch.random.rounding import multiply_add, scale_and_shift

_DOUBLE_WORDS_FROM = 2**28  # torch draws 64 bits for an integer range from here on
_LARGE = (2**32 - 1) // 20  # torch draws 64 bits for each place of a permutation from here on
_BLOCK = 2**16  # so many numbers at a time: what lies between a word and a number stays in cache
# glibc's malloc hands freed arrays of 128 KiB back to the system, and has to get the next ones page
# by page, until a larger one has been freed (mallopt(3), M_MMAP_THRESHOLD). Without this line
# normal numbers take two to three times as long.
np.empty(2**24, np.uint8)

Size = tuple[int, ...]
DType = np.typing.DTypeLike
Draw = Callable[[np.ndarray], None]  # fills an array (n,)


class Generator:
    """A stream of random numbers, equal to ``torch.Generator().manual_seed(seed)``.

    Args:
        seed: a whole number of 64 bits; as in torch, its low 32 bits count.

    Attributes:
        seed: the one given last, or that of the state set last.

    >>> Generator(0).rand(3)
    array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
    >>> Generator(0).randperm(5).tolist()
    [4, 0, 1, 3, 2]
    """

    def __init__(self, seed: int = 0) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Self:
        """Start the stream of ``seed``, as ``torch.Generator.manual_seed``; returns itself.

        >>> Generator(5).manual_seed(0).rand(1) == Generator(0).rand(1)
        array([ True])
        """
        self._seed = _check.integer("seed", seed, at_least=-(2**63), below=2**64)
        self._bits = np.random.MT19937()
        self._twister = np.random.RandomState(self._bits)
        self._twister.seed(self.seed & 0xFFFFFFFF)
        self._untouched = True
        self._spare: float | None = None
        self._float_spare: float | None = None
        return self

    @property
    def seed(self) -> int:
        """The seed as it was given; ``manual_seed`` starts another stream."""
        return self._seed

    def initial_seed(self) -> int:
        """The seed as torch tells it: of 64 bits and >= 0.

        >>> Generator(-1).initial_seed() == 2**64 - 1
        True
        """
        return self.seed % 2**64

    def get_state(self) -> np.ndarray:
        """The state as the 5,056 bytes (uint8) of ``torch.Generator.get_state()``.

        After ``torch_generator.set_state(torch.from_numpy(generator.get_state()))`` torch continues
        with the same numbers.

        >>> generator = Generator(0)
        >>> kept = generator.get_state()
        >>> first = generator.randn(3)
        >>> generator.set_state(kept)
        >>> bool((generator.randn(3) == first).all())
        True
        """
        words, position, spare = self.state
        following = 0 if self._untouched else position
        return state.to_bytes(
            state.State(self.initial_seed(), words, following, spare, self._float_spare)
        )

    def set_state(self, new_state: np.ndarray) -> None:
        """Resume from what ``get_state()`` returned, here or of a ``torch.Generator`` on a CPU.

        Raises:
            TypeError: ``new_state`` is not an array of uint8.
            ValueError: it is not 5,056 bytes long, or is a state that no generator can be in.
        """
        new = state.from_bytes(new_state)
        self.state = new.words, new.next or len(new.words), new.spare
        self._seed, self._untouched, self._float_spare = new.seed, new.next == 0, new.float_spare

    @property
    def state(self) -> tuple[np.ndarray, int, float | None]:
        """The twister's 624 words, the position among them, and the normal number kept for later.

        The stream continues from what is assigned.

        Raises:
            TypeError, ValueError: it is no such state; the stream goes on as it was.
        """
        twister = self._twister.get_state(legacy=False)["state"]
        return twister["key"], twister["pos"], self._spare

    @state.setter
    def state(self, value: tuple[np.ndarray, int, float | None]) -> None:
        words, position, spare = state.parts(value)
        self._twister.set_state(("MT19937", words, position, 0, 0.0))
        self._spare, self._untouched = spare, False

    def __repr__(self) -> str:
        return f"Generator(seed={self.seed})"

    def rand(self, *size: int, dtype: DType = np.float32) -> np.ndarray:
        """Uniform numbers in [0, 1), as ``torch.rand``.

        Args:
            size: the shape, as whole numbers or one tuple.
            dtype: float32 or float64.
        """
        return _filled(_shape(size), _check.floating(dtype), self._unit)

    def uniform(self, low: float, high: float, size: Size, dtype: DType = np.float32) -> np.ndarray:
        """Uniform numbers in [low, high), as ``torch.Tensor.uniform_``: u·(high − low) + low.

        What is rounded up to ``high`` becomes ``low``.
        """
        dtype = _check.floating(dtype)
        low, high = _within("low", low, dtype), _within("high", high, dtype)
        if low > high:
            raise ValueError(f"low must be <= high, got low={low} and high={high}")
        if high - low > float(np.finfo(dtype).max):
            raise ValueError(f"high - low must be finite in {dtype}, got low={low} and high={high}")
        low, high = dtype.type(low), dtype.type(high)

        def draw(numbers: np.ndarray) -> None:
            self._unit(numbers)
            scale_and_shift(numbers, high - low, low)
            numbers[numbers == high] = low

        return _filled(_shape(size), dtype, draw)

    def randn(self, *size: int, dtype: DType = np.float32) -> np.ndarray:
        """Numbers of the standard normal distribution, as ``torch.randn``.

        Args:
            size: the shape, as whole numbers or one tuple.
            dtype: float32 or float64.
        """
        return self.normal(0.0, 1.0, _shape(size), dtype=dtype)

    def normal(self, mean: float, std: float, size: Size, dtype: DType = np.float32) -> np.ndarray:
        """Numbers of N(mean, std²), as ``torch.Tensor.normal_``.

        As in torch, fewer than 16 numbers are drawn one after another in float64, and 16 or more
        in boxes of 16; a last box that is not full is drawn anew and overlaps the one before.
        """
        dtype, shape = _check.floating(dtype), _shape(size)
        mean, std = _check.number("mean", mean), _check.number("std", std, at_least=0)
        count = math.prod(shape)
        if count < box_muller.BOX:
            standard = np.array([self._next_normal() for _ in range(count)])
            scale_and_shift(standard, std, mean)
            return standard.astype(dtype).reshape(shape)

        def draw(numbers: np.ndarray) -> None:
            self._unit(numbers)
            box_muller.boxes(numbers)
            multiply_add(numbers, dtype.type(std), dtype.type(mean))

        numbers, rest = np.empty(count, dtype), count % box_muller.BOX
        _fill(numbers[: count - rest], draw)
        if rest:
            self._unit(np.empty(rest, dtype))
            draw(numbers[-box_muller.BOX :])
        return numbers.reshape(shape)

    def randint(self, low: int, high: int, size: Size) -> np.ndarray:
        """Whole numbers in [low, high) as int64, as ``torch.randint``."""
        low = _check.integer("low", low, at_least=-(2**63))
        high = _check.integer("high", high, at_least=-(2**63), below=2**63)
        if not low < high:
            raise ValueError(f"low must be below high, got low={low} and high={high}")
        span = high - low
        words = self._words if span < _DOUBLE_WORDS_FROM else self._double_words

        def draw(numbers: np.ndarray) -> None:
            drawn = words(len(numbers))
            drawn %= drawn.dtype.type(span)
            numbers[...] = drawn
            numbers += low

        return _filled(_shape(size), np.int64, draw)

    def randperm(self, n: int) -> np.ndarray:
        """The numbers 0 … n−1 in random order as int64, as ``torch.randperm`` (Fisher–Yates)."""
        n = _check.integer("n", n, at_least=0)
        order = np.arange(n)
        if n < _LARGE:  # each place is swapped with one from there on
            targets = self._words(max(n - 1, 0)) % np.arange(n, 1, -1) + order[:-1]
        else:  # each place is swapped with one up to there
            targets = (self._double_words(n) % np.arange(1, n + 1, dtype=np.uint64)).view(np.int64)
        shuffle(order, targets)
        return order

    def bernoulli(self, p: float, size: Size) -> np.ndarray:
        """True with probability ``p``, as ``torch.rand(size, dtype=torch.float64) < p``.

        ``torch.Tensor.bernoulli_(p)`` draws the same, except on Intel processors, where it uses
        the generator of Intel's math library; the twin in ``torch_ref`` therefore avoids it.
        """
        p = _check.number("p", p, at_least=0, at_most=1)

        def draw(numbers: np.ndarray) -> None:
            uniform = np.empty(len(numbers))
            self._unit(uniform)
            np.less(uniform, p, out=numbers)

        return _filled(_shape(size), bool, draw)

    def _words(self, count: int) -> np.ndarray:
        """Many, if their number is even, are drawn as double words, which takes NumPy less time."""
        self._untouched &= count == 0
        if count < 10_000 or count % 2:
            return self._bits.random_raw(count).astype(np.uint32)
        return self._double_words(count // 2).astype(">u8").view(">u4").astype(np.uint32)

    def _double_words(self, count: int) -> np.ndarray:
        """The first of two words is the high half."""
        self._untouched &= count == 0
        return self._twister.randint(0, 2**64, count, dtype=np.uint64)

    def _unit(self, numbers: np.ndarray) -> None:
        """Draw numbers in [0, 1): as many random bits as the significand holds."""
        if numbers.dtype == np.float32:
            bits = self._words(len(numbers)).view(np.int32)
            bits &= 2**24 - 1
            numbers[...] = bits
            numbers *= np.float32(2.0**-24)
        else:
            bits = self._double_words(len(numbers)).view(np.int64)
            bits &= 2**53 - 1
            numbers[...] = bits
            numbers *= 2.0**-53

    def _next_normal(self) -> float:
        """Return one normal number; they come in pairs, the second is kept for the next call."""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        uniform = np.empty(2)
        self._unit(uniform)
        u2, u1 = uniform.tolist()
        value, self._spare = box_muller.pair(u1, u2)
        return value


def _filled(shape: Size, dtype: DType, draw: Draw) -> np.ndarray:
    """A new array of what ``draw`` draws."""
    numbers = np.empty(math.prod(shape), dtype)
    _fill(numbers, draw)
    return numbers.reshape(shape)


def _fill(numbers: np.ndarray, draw: Draw) -> None:
    """Let ``draw`` fill one block after another."""
    for start in range(0, len(numbers), _BLOCK):
        draw(numbers[start : start + _BLOCK])


def _shape(size: Sequence[Any]) -> Size:
    if isinstance(size, tuple | list) and len(size) == 1 and isinstance(size[0], tuple | list):
        size = size[0]
    return _check.lengths("size", size)


def _within(name: str, value: float, dtype: np.dtype) -> float:
    value, largest = _check.number(name, value), float(np.finfo(dtype).max)
    if abs(value) > largest:
        raise ValueError(f"{name} must be at most {largest:g} in magnitude, got {value}")
    return value
