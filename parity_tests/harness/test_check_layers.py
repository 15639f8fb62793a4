"""Normalization layers: those that are torch's agree, each known variant is found by its name."""

import inspect
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import names_of
from scratch import nn
from scratch.nn.norm import Norm
from torch_ref.lockstep.diagnose.layers import NORMALIZATIONS, NormRule, check_norm
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.registry import LAYERS, Settings, resolve

DTYPE = np.dtype(np.float64)
VARIANTS = NORMALIZATIONS["BatchNorm1d"].variants
#: What is torch's own alone, and another beside another forward.
BESIDE = "backward of the usual formula, not of its own forward"
PAIRS = (
    ("running variance biased", "momentum inverted"),
    ("eps outside the root", "running variance biased"),
    ("backward takes the mean as constant", "backward takes the variance as constant"),
    ("normalized by the unbiased variance", "running mean not updated"),
    ("eps 0.001", "momentum inverted"),
    ("divided by the variance, not by its root", BESIDE),
    ("weight multiplies the bias too: γ·(x̂ + β)", BESIDE),
)
ASKED = {"eps": 1e-4, "momentum": 0.2}  # none of the catalogue's


def planted(*names: str, against: str = "BatchNorm1d") -> type:
    """A layer with these variants as bugs, which it shows by no attribute."""
    kind = NORMALIZATIONS[against]
    by_name = {variant.name: variant for variant in kind.variants}
    changes = changes_of([by_name[name] for name in names])

    class Planted(nn.Layer):
        def __init__(self, **settings: Any) -> None:
            super().__init__()
            sizes = {name: settings.pop(name) for name in kind.sizes}
            settings.pop("dtype")
            self._layer = NormRule(kind, sizes, DTYPE, settings | changes)
            held = {name: self._layer.read(name) for name in ("weight", "bias")}
            self.params = {name: w for name, w in held.items() if w is not None}

        def forward(self, x: np.ndarray) -> np.ndarray:
            for name, w in self.params.items():
                self._layer.write(name, w)
            y = self._layer.forward(x, self.training)
            self.running_mean, self.running_var = (
                self._layer.read(f"running_{name}") for name in ("mean", "var")
            )
            return y

        def backward(self, dy: np.ndarray) -> np.ndarray:
            dx = self._layer.backward(dy)
            self.grads = {name: self._layer.read(name, gradient=True) for name in self.params}
            return dx

    Planted.__signature__ = inspect.signature(LAYERS[against].scratch)
    return Planted


@pytest.mark.arithmetic
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("against", "case"),
    [(name, case) for name in NORMALIZATIONS for case in LAYERS[name].cases],
    ids=str,
)
def test_scratchs_layer_and_torchs_module_agree(against: str, case: Settings, dtype: str) -> None:
    for cls in (LAYERS[against].scratch, resolve(LAYERS[against].torch)):
        verdict = check_norm(cls, against, dtype=dtype, **case)
        assert verdict.agrees, str(verdict)
        assert "not compared" not in str(verdict)
        verdict.raise_if_diverged()


def test_there_is_a_check_for_every_normalization_of_the_registry() -> None:
    assert set(NORMALIZATIONS) == {
        n for n, pair in LAYERS.items() if issubclass(pair.scratch, Norm)
    }


@pytest.mark.arithmetic
@pytest.mark.parametrize("against", NORMALIZATIONS)
def test_the_rule_without_changes_is_torchs_layer(against: str) -> None:
    tracked = (
        {"track_running_stats": True} if "momentum" in NORMALIZATIONS[against].defaults else {}
    )
    for case in ({}, tracked | {"eps": 1e-3}):
        verdict = check_norm(planted(against=against), against, **case)
        assert verdict.agrees, str(verdict)


def grid() -> Iterator[Any]:
    """Every variant of every layer; those that a layer shares with one before it are slow."""
    seen: set[str] = set()
    for name, kind in NORMALIZATIONS.items():
        for variant in kind.variants:
            marks = [pytest.mark.slow] if variant.name in seen else []
            if variant.name != BESIDE:
                yield pytest.param(name, variant.name, marks=marks)
            seen.add(variant.name)


@pytest.mark.parametrize(("against", "variant"), [*grid()])
def test_a_planted_variant_of_every_layer_is_found_by_its_name(against: str, variant: str) -> None:
    defaults = NORMALIZATIONS[against].defaults
    asked = {name: value for name, value in ASKED.items() if name in defaults}
    flags = ("affine", "track_running_stats")  # an InstanceNorm has neither by default
    asked |= {flag: True for flag in flags if flag in defaults}
    verdict = check_norm(planted(variant, against=against), against, **asked)
    assert not verdict.agrees
    assert names_of(verdict)[0] == {variant}, str(verdict)
    assert verdict.findings[0].distance < 1e-12
    with pytest.raises(AssertionError, match="your Planted agrees with"):
        verdict.raise_if_diverged()


@pytest.mark.arithmetic
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    eps=st.floats(1e-8, 1.0),
    momentum=st.one_of(st.none(), st.floats(0, 1)),
    affine=st.booleans(),
    track_running_stats=st.booleans(),
    num_features=st.integers(1, 9),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_no_settings_make_them_diverge(num_features: int, dtype: str, **options: Any) -> None:
    for cls in (nn.BatchNorm1d, torch.nn.BatchNorm1d):
        verdict = check_norm(cls, num_features=num_features, dtype=dtype, **options)
        assert verdict.agrees, str(verdict)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_two_variants_at_once_are_found(pair: tuple[str, str]) -> None:
    assert names_of(check_norm(planted(*pair), **ASKED)) == [set(pair)]


def test_the_catalogue_changes_batch_norm() -> None:
    changes = chain.from_iterable(variant.changes for variant in VARIANTS)
    assert {"eps", "start", "momentum_kept"} <= set(changes)


def test_the_chapters_layer_is_found_with_its_three_conventions() -> None:
    verdict = check_norm(nn.BatchNormalization)
    assert names_of(verdict) == [
        {"running variance biased", "momentum inverted", "running variance starts at zero"}
    ]
    assert "torch was given eps=1e-06, momentum=0.9" in str(verdict)
    assert (verdict.first.step, verdict.first.quantity) == (1, "running_mean")


def test_values_that_no_catalogue_has_are_fitted() -> None:
    class Own(nn.BatchNorm1d):
        def __init__(self, num_features: int, dtype: object = np.float64) -> None:
            super().__init__(num_features, eps=3.7e-4, momentum=0.03, dtype=dtype)

    assert names_of(check_norm(Own)) == [{"eps 0.00037", "momentum 0.03"}]


def test_gamma_and_beta_are_compared_with_values_that_tell_them_apart() -> None:
    def swapped(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        x_hat = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return bias * x_hat + weight

    class Around(torch.nn.Module):
        """Right as long as they are ones and zeros, under names that nobody knows."""

        def __init__(self, features: int) -> None:
            super().__init__()
            self.first = torch.nn.Parameter(torch.ones(features))
            self.second = torch.nn.Parameter(torch.zeros(features))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            var, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
            return (self.second + 1) * (x - mean) / (var + 1e-5).sqrt() + self.first - 1

    assert names_of(check_norm(swapped, "LayerNorm")) == [{"weight and bias swapped"}]
    assert names_of(check_norm(Around, "LayerNorm")) == [
        {
            "weight and bias swapped, each around its start",
            "weight's and bias's gradients swapped",
        }
    ]


def test_parameters_that_cannot_be_set_are_said_to_have_stayed() -> None:
    """Swapped, and nobody can reach them: all that can be said is what was not compared."""

    class Hidden:
        def __init__(self, num_features: int, eps: float = 1e-5) -> None:
            ones, zeros = np.ones(num_features), np.zeros(num_features)
            self.forward = lambda x: (
                (zeros + 1) * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + ones - 1
            )

    said = str(check_norm(Hidden))
    assert "could not be set, so stayed at the start on both sides: weight and bias" in said
    assert "could not be set" not in str(check_norm(Hidden, affine=False))


def test_a_gradient_of_another_size_is_said_to_be() -> None:
    class AlongRows(nn.BatchNorm1d):
        def backward(self, dy: np.ndarray) -> np.ndarray:
            dx = super().backward(dy)
            self.grads = {**self.grads, "weight": dy.sum(axis=1)}
            return dx

    assert "weight's gradient is of 12 numbers, torch's of 5" in str(check_norm(AlongRows))


def test_an_epsilon_of_its_own_is_named() -> None:
    class Keras(nn.BatchNorm1d):
        def __init__(self, num_features: int, dtype: object = np.float32) -> None:
            super().__init__(num_features, eps=1e-3, dtype=dtype)

    class Half(nn.BatchNorm1d):
        def __init__(self, num_features: int, eps: float, dtype: object = np.float64) -> None:
            super().__init__(num_features, eps=float(np.float16(eps)), dtype=dtype)

    assert names_of(check_norm(Keras)) == [{"eps 0.001"}]
    assert names_of(check_norm(Half, eps=1.23e-5)) == [{"eps rounded to float16"}]


@pytest.mark.parametrize(
    ("layer", "against"),
    [
        (nn.LayerNorm((3, 4), eps=1e-2, dtype=np.float64), "LayerNorm"),
        (torch.nn.LayerNorm((3, 4), bias=False), "torch.nn.LayerNorm"),
        (nn.GroupNorm(3, 12, dtype=np.float64), "GroupNorm"),
        (torch.nn.GroupNorm(3, 12), "GroupNorm"),
        (torch.nn.InstanceNorm2d(3, affine=True, track_running_stats=True), "InstanceNorm2d"),
        (nn.BatchNorm2d(3, bias=False, dtype=np.float64), "BatchNorm2d"),
        (nn.RMSNorm(7, dtype=np.float64), "RMSNorm"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__module__,
)
def test_an_instance_of_any_size_is_checked(layer: Any, against: str) -> None:
    verdict = check_norm(layer, against)
    assert verdict.agrees, str(verdict)


def test_an_instance_is_checked_with_its_own_settings_and_left_alone() -> None:
    layer = nn.BatchNorm1d(3, eps=1e-2, momentum=None, dtype=np.float64)
    verdict = check_norm(layer)
    assert verdict.agrees, str(verdict)
    assert layer.num_batches_tracked == 0
    np.testing.assert_array_equal(layer.params["weight"], 1)


def test_what_a_layer_has_not_is_said_not_to_be_compared() -> None:
    class Forward:
        def forward(self, x: np.ndarray) -> np.ndarray:
            _rows, _features = x.shape
            return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)

    verdict = check_norm(Forward)
    assert verdict.agrees, str(verdict)
    assert "  tried with inputs of shape (12, 5)\n" in str(verdict)
    assert "it refuses (4, 5, 7), which torch takes: ValueError: too many values" in str(verdict)
    assert "not found, so not compared: bias's gradient in training" in str(verdict)
    assert "output in evaluation" in str(verdict)


def test_a_layer_of_sequences_is_tried_with_them_too() -> None:
    class Positions(nn.BatchNorm1d):
        def forward(self, x: np.ndarray) -> np.ndarray:
            return super().forward(x) * (1.0 if x.ndim == 2 else 1.001)

    assert "of shape (12, 5) and (4, 5, 7)" in str(check_norm(nn.BatchNorm1d))
    verdict = check_norm(Positions)
    assert (verdict.first.step, verdict.first.quantity) == (7, "output")


@pytest.mark.arithmetic
def test_a_layer_in_float32_alone_is_compared_in_it() -> None:
    verdict = check_norm(nn.BatchNorm1d(5))
    assert verdict.agrees, str(verdict)
    assert "compared in float32" in str(verdict)


def test_something_unknown_is_said_to_fit_nothing_and_where() -> None:
    class Unknown(nn.BatchNorm1d):
        def running_variance(self, var: np.ndarray, n: int) -> np.ndarray:
            return np.cbrt(var)

    verdict = check_norm(Unknown)
    assert verdict.findings == []
    assert (verdict.first.step, verdict.first.quantity) == (1, "running_var")
    assert "none of the known variants fits, quantity by quantity" in str(verdict)
    assert "its running_var agrees with none of them" in str(verdict)
    assert "its training output agrees with torch" in str(verdict)
    plain = json.loads(json.dumps(verdict.as_dict(), allow_nan=False))
    assert plain["first"]["quantity"] == "running_var"
    assert plain["agrees"] is False


def test_not_a_number_is_a_divergence() -> None:
    class Nan(nn.BatchNorm1d):
        def forward(self, x: np.ndarray) -> np.ndarray:
            return super().forward(x) * np.nan

    verdict = check_norm(Nan)
    assert verdict.first.quantity == "output"
    assert verdict.findings == []
    json.dumps(verdict.as_dict(), allow_nan=False)


def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(ValueError, match=r"against must be one of BatchNorm1d, .*, got 'Norm'"):
        check_norm(nn.BatchNorm1d, "Norm")
    with pytest.raises(ValueError, match=r"normalized_shape must leave more than one value .* 1"):
        check_norm(nn.LayerNorm, "LayerNorm", normalized_shape=1)
    with pytest.raises(TypeError, match=r"candidate must have forward\(x\)"):
        check_norm(3)
