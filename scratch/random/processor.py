"""The kernels that torch uses on this processor, found out once and without torch.

torch carries its kernels compiled several times. On x86-64 it takes those for AVX2 (and newer)
where the processor has AVX2 and fused multiply-add, and otherwise those for any such processor; the
variable ``ATEN_CPU_CAPABILITY`` overrules that. ARM processors have nothing of the kind to choose
from. The numbers of a random stream depend on it in two places:

* float32 normals: vector code for AVX2 (``cephes.py``), the C library elsewhere (``glibc.py``);
* x·scale + shift: one instruction that rounds once, or a product and a sum where the kernel has to
  run on x86-64 processors that have no such instruction (``rounding.py``).
"""

import os
import platform

import numpy as np

_NUMPY_SWITCHES = ("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES")


def _takes_avx2() -> bool:
    """Return whether torch uses its kernels for AVX2.

    NumPy lists what the processor has. A list that NumPy was told to shorten says nothing of the
    processor, nor does torch ask it: AVX2 is then assumed, as it has been usual since 2013.
    """
    if not _X86:
        return False
    switch = os.environ.get("ATEN_CPU_CAPABILITY")
    if switch in ("default", "avx2", "avx512"):
        return switch != "default"
    if any(os.environ.get(name) for name in _NUMPY_SWITCHES):
        return True
    listed = np.show_config(mode="dicts")["SIMD Extensions"]
    has = {*listed.get("baseline", ()), *listed.get("found", ())}
    return "X86_V3" in has or {"AVX2", "FMA3"} <= has  # the former since NumPy 2.4


_X86 = platform.machine().lower() in ("x86_64", "amd64")
AVX2 = _takes_avx2()
FUSES = AVX2 or not _X86
