"""Which kernels torch takes is known without torch; the C library's functions are known, too."""

import ctypes
import ctypes.util
import math
import platform

import numpy as np
import pytest
import torch

from scratch.random import glibc, processor

pytestmark = pytest.mark.arithmetic
NEW, OLD, NONE = ["X86_V2", "X86_V3"], ["SSE42", "AVX", "FMA3", "AVX2"], ["SSE42", "AVX"]


@pytest.mark.parametrize(
    ("x86", "listed", "variables", "expected"),
    [
        (True, NEW, {}, True),
        (True, OLD, {}, True),
        (True, NONE, {}, False),
        (True, ["AVX2"], {}, False),
        (True, NONE, {"NPY_DISABLE_CPU_FEATURES": "AVX2"}, True),
        (True, NONE, {"NPY_ENABLE_CPU_FEATURES": "AVX"}, True),
        (True, NEW, {"ATEN_CPU_CAPABILITY": "default"}, False),
        (True, NONE, {"ATEN_CPU_CAPABILITY": "avx2"}, True),
        (True, NONE, {"ATEN_CPU_CAPABILITY": "avx512"}, True),
        (True, NEW, {"ATEN_CPU_CAPABILITY": "sse"}, True),
        (False, [], {}, False),
        (False, [], {"ATEN_CPU_CAPABILITY": "avx2"}, False),
    ],
)
def test_avx2_is_told_by_numpys_list_unless_torch_is_told_otherwise(
    x86: bool,
    listed: list[str],
    variables: dict[str, str],
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(processor, "_X86", x86)
    found = {"SIMD Extensions": {"found": listed}}
    monkeypatch.setattr(np, "show_config", lambda mode: found)
    assert processor._takes_avx2() == expected


def test_the_kernels_taken_are_torchs() -> None:
    assert (torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")) == processor.AVX2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_the_float32_logarithm_sine_and_cosine_are_the_gnu_c_librarys_bit_for_bit() -> None:
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    u = np.concatenate([np.arange(0, 2**24, 251), np.arange(2**10), 2**24 - 1 - np.arange(2**10)])
    u = u.astype(np.float32) * np.float32(2.0**-24)
    angle = (2 * math.pi * u.astype(np.float64)).astype(np.float32)
    mine = [glibc.log(1 - u), *glibc.cos_and_sin(angle)]
    for name, x, y in zip(("logf", "cosf", "sinf"), (1 - u, angle, angle), mine, strict=True):
        function = getattr(library, name)
        function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
        np.testing.assert_array_equal(y, [function(number) for number in x.tolist()])
