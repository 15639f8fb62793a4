"""The random numbers of ``torch.Generator`` on a CPU, from the same seed, in NumPy.

torch and NumPy share the Mersenne Twister (MT19937) and its seeding, so their streams of 32-bit
words are the same. What differs is how a word becomes a number, and that is what these files hold:

* a uniform float32 keeps the low 24 bits of one word, a float64 the low 53 bits of two;
* an integer is the word modulo the range (two words from a range of 2²⁸ on);
* a permutation is Fisher and Yates's shuffle, one word for each place (``permutation.py``);
* a normal number is Box and Muller's: √(−2·ln u₁)·cos(2π·u₂) and ·sin(2π·u₂) (``box_muller.py``);
* the state is the 5,056 bytes that torch keeps and saves (``state.py``).

All of it is torch's bit for bit on Linux with the GNU C library, on x86-64 and ARM processors. For
float32 normals torch takes one of two ways, by the processor, and so does this (``processor.py``):
its vector code for AVX2 is followed rounding by rounding (``cephes.py``), as are the C library's
functions, which it calls elsewhere (``glibc.py``); a test tries all 2²⁴ radii and angles. With
another C library, as on macOS and Windows, the last bits of those functions are that library's. For
float64 normals torch calls the system's logarithm, sine and cosine, and here are the same
(``logarithm.py``; NumPy calls the other two).
"""

from scratch.random.generator import Generator

__all__ = ["Generator"]
