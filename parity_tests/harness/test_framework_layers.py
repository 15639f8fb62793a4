"""Normalization layers of other frameworks, as they are: which are torch's, and what differs."""

import sys
from typing import Any

import pytest

from parity_tests.frameworks import keras_on_jax, needs
from torch_ref.lockstep.diagnose.layers import check_norm

KEPT = {"momentum inverted", "running variance biased"}


def causes(layer: Any, against: str, **settings: Any) -> set[str]:
    """The names of the cause, or nothing where it agrees."""
    verdict = check_norm(layer, against, **settings)
    assert verdict.agrees or verdict.findings, str(verdict)
    return set(verdict.findings[0].names) if verdict.findings else set()


@needs("flax")
def test_flax_keeps_the_biased_variance_and_its_momentum_is_the_part_kept() -> None:
    import flax.linen as linen
    from flax import nnx

    assert causes(linen.BatchNorm, "BatchNorm1d") == KEPT
    made = nnx.BatchNorm(5, momentum=0.9, rngs=nnx.Rngs(0))
    assert causes(lambda: made, "BatchNorm2d", momentum=0.1) == {"running variance biased"}
    assert causes(nnx.LayerNorm, "LayerNorm") == set()


@pytest.mark.slow
@needs("flax")
def test_flaxs_other_layers_too() -> None:
    import flax.linen as linen
    from flax import nnx

    assert causes(nnx.BatchNorm, "BatchNorm1d") == KEPT
    assert causes(linen.GroupNorm, "GroupNorm") == set()


@needs("haiku")
def test_haiku_corrects_its_statistics_for_their_start() -> None:
    import haiku as hk

    expected = {"running statistics corrected for their start", "running variance biased"}
    transformed = hk.transform_with_state(
        lambda x, is_training: hk.BatchNorm(True, True, 0.9)(x, is_training)
    )
    assert causes(transformed, "BatchNorm2d") == expected
    assert causes(hk.BatchNorm, "BatchNorm1d") == expected | KEPT
    assert causes(hk.LayerNorm, "LayerNorm") == set()


@needs("keras", "jax")
def test_keras_computes_its_norms_in_float32() -> None:
    keras = keras_on_jax()
    verdict = check_norm(keras.layers.GroupNormalization, "GroupNorm")
    assert verdict.agrees, str(verdict)
    assert "its channels are the last axis" in str(verdict)
    assert causes(keras.layers.BatchNormalization(momentum=0.9), "BatchNorm2d") == KEPT


@needs("mlx")
def test_mlx_groups_are_interleaved_unless_asked_otherwise() -> None:
    import mlx.nn as mlx

    assert causes(mlx.BatchNorm, "BatchNorm2d") == set()
    assert causes(mlx.LayerNorm, "LayerNorm") == set()
    assert causes(mlx.GroupNorm, "GroupNorm") == {"channels of a group interleaved"}
    assert causes(mlx.GroupNorm, "GroupNorm", pytorch_compatible=True) == set()


@needs("tinygrad")
def test_tinygrads_layers_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    if "tinygrad" not in sys.modules:
        monkeypatch.setenv("DEV", "PYTHON")  # no compiler is needed
    from tinygrad import nn

    assert causes(nn.BatchNorm, "BatchNorm2d") == set()
    assert causes(nn.GroupNorm, "GroupNorm") == set()


@needs("equinox")
def test_equinox_layers_are_mapped_over_the_batch() -> None:
    import equinox

    assert causes(equinox.nn.LayerNorm, "LayerNorm") == set()
    assert causes(equinox.nn.GroupNorm, "GroupNorm") == set()
