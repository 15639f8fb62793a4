"""Initializers: torch's agree by seed or sample, however they are called and seeded."""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.frameworks import needs
from parity_tests.harness.initializer_cases import HE, KAIMING, RELU, UNIFORM, normal, uniform
from parity_tests.helpers import DRAWN_ALIKE
from scratch import init
from scratch.random import Generator
from torch_ref import init as torch_init
from torch_ref.lockstep.diagnose.initializers import check_initializer
from torch_ref.registry import InitializerPair, Settings

CASES = [
    pytest.param(pair, case, id=f"{name}-{case}")
    for name, pair in DRAWN_ALIKE.items()
    if name != "sparse"
    for case in pair.cases
]


@pytest.mark.arithmetic
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("pair", "case"), CASES)
def test_every_pair_agrees_from_the_same_seed(
    pair: InitializerPair, case: Settings, dtype: str
) -> None:
    torchs = getattr(torch.nn.init, pair.torch.rpartition(".")[2])
    for candidate in (pair.scratch, getattr(torch_init, pair.name), torchs):
        given = {**pair.settings, **case} if candidate is torchs else case
        against = pair.torch if candidate is torchs else pair.name
        shape = (64, 48) if (3, 4) in pair.shapes else (64, 48, 3, 3)
        verdict = check_initializer(candidate, against, shape=shape, dtype=dtype, seed=3, **given)
        assert verdict.agrees, str(verdict)
        assert "from the same seed" in str(verdict)
        verdict.raise_if_diverged()


@pytest.mark.arithmetic
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from([KAIMING, UNIFORM]),
    a=st.floats(-2, 2),
    mode=st.sampled_from(["fan_in", "fan_out"]),
    nonlinearity=st.sampled_from(["leaky_relu", "relu", "tanh", "selu", "linear"]),
    shape=st.tuples(st.integers(2, 90), st.integers(2, 90)),
    seed=st.integers(0, 2**31),
)
def test_no_settings_make_torchs_distribution_diverge(
    kind: str, shape: tuple[int, int], seed: int, **options: Any
) -> None:
    std = init.kaiming_normal(shape, **options, generator=Scale())
    draw = normal(std) if kind == KAIMING else uniform(math.sqrt(3) * std)
    verdict = check_initializer(draw, kind, shape=shape, seed=seed, samples=20_000, **options)
    assert verdict.agrees, str(verdict)
    assert "cannot be told apart" in str(verdict)
    own = check_initializer(getattr(init, kind[:-1]), kind, shape=shape, seed=seed, **options)
    assert "from the same seed" in str(own)


class Scale(Generator):
    """A generator that gives the standard deviation that it is asked for."""

    def normal(self, mean: float, std: float, size: object, dtype: object) -> float:
        return std


def test_weights_in_another_order_of_axes_are_not_accused() -> None:
    def mine(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.normal(0, math.sqrt(2 / np.prod(shape[:-1])), shape)

    for shape in ((64, 48), (16, 8, 3, 3)):
        assert check_initializer(mine, KAIMING, layout="in_out", shape=shape, **RELU).agrees
    verdict = check_initializer(mine, KAIMING, **RELU)
    assert verdict.findings[0].names == ("fan_in and fan_out swapped",)
    assert "--layout in_out" in str(verdict)


@pytest.mark.parametrize("layout", ["", "in_out"])
def test_fans_by_name_are_the_same_in_any_order_of_axes(layout: str) -> None:
    def by(fan: str) -> Callable[[int, int], np.ndarray]:
        def mine(n_in: int, n_out: int) -> np.ndarray:
            fans = {"in": n_in, "out": n_out}
            return np.random.randn(n_in, n_out) * math.sqrt(2 / fans[fan])  # noqa: NPY002

        return mine

    assert check_initializer(by("in"), KAIMING, layout=layout, **RELU).agrees
    verdict = check_initializer(by("out"), KAIMING, layout=layout, **RELU)
    assert [each.names for each in verdict.findings] == [("fan_in and fan_out swapped",)]


def test_the_error_of_each_way_to_call_is_said() -> None:
    with pytest.raises(TypeError, match=r"\(as f\(shape\)\), ValueError: Only tensors .* \(as f\("):
        check_initializer(torch.nn.init.dirac_, "dirac_", shape=(4, 3))
    assert check_initializer(torch.nn.init.dirac_, "dirac_").agrees


@needs("jax", "flax", "haiku")
def test_those_of_jax_are_cut_off_and_keep_their_variance() -> None:
    import flax.linen as linen
    import haiku as hk
    import jax

    cut = ("truncated normal of the same variance",)
    for mine in (jax.nn.initializers.he_normal(), hk.initializers.VarianceScaling(2.0)):
        assert check_initializer(mine, KAIMING, **RELU).findings[0].names == cut
    for shape in ((64, 48), (16, 8, 3, 3)):
        verdict = check_initializer(
            linen.initializers.xavier_uniform, "xavier_uniform_", shape=shape
        )
        assert verdict.agrees, str(verdict)
        assert "its weights are (…, in, out)" in str(verdict)


@needs("keras", "jax")
def test_those_of_keras_are_seeded_anew() -> None:
    import os

    os.environ.setdefault("KERAS_BACKEND", "jax")
    from keras import initializers

    assert check_initializer(initializers.GlorotUniform(seed=1), "xavier_uniform_").agrees
    found = check_initializer(initializers.HeNormal, KAIMING, **RELU).findings
    assert found[0].names == ("truncated normal of the same variance",)


@needs("mlx")
def test_those_of_mlx_have_no_gain() -> None:
    import mlx.nn as mlx

    found = check_initializer(mlx.init.he_normal, KAIMING, **RELU).findings
    assert found[0].names == ("gain forgotten",)
    assert check_initializer(
        mlx.init.glorot_uniform(), "xavier_uniform_", shape=(16, 8, 3, 3)
    ).agrees


@needs("tinygrad")
def test_those_of_tinygrad_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    if "tinygrad" not in sys.modules:
        monkeypatch.setenv("DEV", "PYTHON")  # no compiler is needed
    from tinygrad import Tensor

    assert check_initializer(Tensor.kaiming_uniform, UNIFORM, a=0.01, samples=6_000).agrees


def test_what_could_not_have_been_seen_is_said() -> None:
    verdict = check_initializer(normal(HE), KAIMING, samples=1, **RELU)
    assert "n = 3,072" in verdict.seen
    assert "a std off by 8.9% would have been seen" in verdict.seen


# The ways in which a candidate may be called and seeded.


def global_torch(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.nn.init.kaiming_normal_(torch.empty(shape, dtype=torch.float64))


def in_place(tensor: torch.Tensor) -> None:
    torch.nn.init.kaiming_normal_(tensor)


def by_seed(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return init.kaiming_normal(shape, generator=Generator(seed), dtype=np.float64)


def two_numbers(rows: int, columns: int) -> torch.Tensor:
    return global_torch((rows, columns))


def transposed(n_in: int, n_out: int) -> np.ndarray:
    return global_torch((n_out, n_in)).numpy().T


@pytest.mark.parametrize(
    ("candidate", "form", "seeding"),
    [
        (global_torch, "f(shape)", "torch.manual_seed"),
        (in_place, "f(tensor)", "torch.manual_seed"),
        (by_seed, "f(shape)", "seed="),
        (two_numbers, "f(fan_out, fan_in)", "torch.manual_seed"),
        (transposed, "f(n_in=, n_out=)", "torch.manual_seed"),
        (torch.nn.init.kaiming_normal_, "f(tensor)", "generator= (torch.Generator)"),
    ],
)
def test_the_way_to_call_is_found_and_said(
    candidate: Callable[..., Any], form: str, seeding: str
) -> None:
    verdict = check_initializer(candidate)
    assert "from the same seed" in str(verdict)
    assert f"called as {form}, seeded by {seeding}" in str(verdict)


def test_the_global_streams_are_put_back() -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    check_initializer(global_torch, UNIFORM)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_one_that_seeds_itself_is_one_sample() -> None:
    verdict = check_initializer(lambda shape: np.random.default_rng(1).normal(0, HE, shape))
    assert verdict.agrees, str(verdict)
    assert "n = 3,072" in str(verdict)
    assert "every call gives the same numbers" in str(verdict)


def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(TypeError, match=r"f\(shape\).*gave ZeroDivisionError"):
        check_initializer(lambda shape: 1 / 0)
    with pytest.raises(ValueError, match="whose distribution is known here, got 'sparse_'"):
        check_initializer(global_torch, "sparse_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (0, 3)}, r"shape\[0\] must be a whole number >= 1, got .*0"),
        ({"shape": (3, 2.5)}, r"shape\[1\] must be a whole number >= 1, got 2.5"),
        ({"samples": 0}, "samples must be a whole number >= 1 and < 100000001, got 0"),
        ({"mode": "fan"}, "mode must be one of fan_in, fan_out, got 'fan'"),
    ],
)
def test_a_bad_argument_is_refused_by_name(options: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        check_initializer(init.he, **options)


def test_a_mode_in_capitals_is_the_fan_that_torch_takes_it_for() -> None:
    def mine(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.normal(0, math.sqrt(2 / shape[0]), shape)

    verdict = check_initializer(mine, mode="FAN_OUT", nonlinearity="relu")
    assert verdict.agrees, str(verdict)


def test_weights_that_are_not_a_number_diverge() -> None:
    verdict = check_initializer(lambda shape: np.full(shape, np.nan))
    assert verdict.first == "seed 0: weights that are not finite"
    assert verdict.findings == []


@pytest.mark.parametrize(
    ("candidate", "against", "options", "first"),
    [
        (np.ones, "zeros_", {}, "(0, 0): 1 instead of 0"),
        (lambda shape: np.full(shape, 1e3), "zeros_", {}, "(0, 0): 1000 instead of 0"),
        (np.zeros, "ones_", {}, "(0, 0): 0 instead of 1"),
        (np.ones, "constant_", {"val": 0.5}, "(0, 0): 1 instead of 0.5"),
        (lambda shape: 2 * np.eye(*shape), "eye_", {}, "(0, 0): 2 instead of 1"),
        (np.zeros, "dirac_", {"shape": (4, 4, 3), "groups": 2}, "(0, 0, 1): 0 instead of 1"),
    ],
)
def test_a_constant_that_is_not_torchs_diverges_at_its_first_element(
    candidate: Callable[..., np.ndarray], against: str, options: Settings, first: str
) -> None:
    verdict = check_initializer(candidate, against, **options)
    assert not verdict.agrees
    assert verdict.first == first
