"""Orthogonal matrices: a rotation of torch's distribution is right, and what is none is named."""

from collections.abc import Callable

import numpy as np
import pytest

from torch_ref.lockstep.diagnose.initializers import check_initializer
from torch_ref.lockstep.diagnose.orthogonal import GAIN, SIGNS, TWICE, UNIFORM
from torch_ref.registry import Settings


def without_signs(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=shape))[0]


def rotation(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=shape))
    return q * np.sign(np.diag(r))


def of_uniform_numbers(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.random(shape))
    return q * np.sign(np.diag(r))


def of_normal_numbers(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 1 / 8, shape)


@pytest.mark.parametrize("seed", range(8))
def test_rotations_that_are_uniform_are_never_accused(seed: int) -> None:
    def svd(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return np.linalg.svd(rng.normal(size=shape), full_matrices=False)[0]

    for mine in (rotation, svd):
        assert check_initializer(mine, "orthogonal_", seed=seed, samples=30_000).agrees


def test_rotations_of_another_stream_cannot_be_told_apart() -> None:
    verdict = check_initializer(rotation, "orthogonal_")
    assert verdict.agrees, str(verdict)
    assert "rotation is orthogonal as torch.nn.init.orthogonal_, to" in verdict.seen
    assert "was not tested further" in str(verdict)


def test_one_rotation_again_and_again_is_no_evidence_about_the_signs() -> None:
    once = without_signs((64, 48), np.random.default_rng(0))
    verdict = check_initializer(lambda shape: once.copy(), "orthogonal_")
    assert verdict.agrees, str(verdict)
    assert "every call gives the same numbers" in str(verdict)


@pytest.mark.parametrize(
    ("candidate", "options", "name", "first"),
    [
        (of_uniform_numbers, {}, UNIFORM.name, "the first direction has a mean of 6."),
        (without_signs, {}, SIGNS.name, "33 of 33 draws have a negative first element"),
        (rotation, {"gain": 2.0}, GAIN.name, "of length 1 instead of 2"),
        (rotation, {"gain": -0.5}, GAIN.name, "of length 1 instead of 0.5"),
        (
            lambda shape, rng: 9 * rotation(shape, rng),
            {"gain": 3.0},
            TWICE.name,
            "of length 9 instead of 3",
        ),
        (lambda shape, rng: 3 * rotation(shape, rng), {}, None, "of length 3 instead of 1"),
        (
            lambda shape, rng: rng.normal(0, 1 / 8, shape),
            {},
            None,
            "weights that are not orthogonal: off by up to",
        ),
    ],
)
def test_what_is_no_rotation_of_torchs_diverges(
    candidate: Callable[..., np.ndarray], options: Settings, name: str | None, first: str
) -> None:
    verdict = check_initializer(candidate, "orthogonal_", **options)
    assert first in verdict.first
    assert [finding.names for finding in verdict.findings] == ([(name,)] if name else [])
    assert "agrees with" in str(verdict) or "cannot be told apart" in str(verdict) or not name
