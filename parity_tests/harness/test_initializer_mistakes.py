"""Mistakes in an initializer: each known one is found by its name, another is not taken for one."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from parity_tests.harness.initializer_cases import (
    HE,
    IN,
    KAIMING,
    LINEAR,
    NARROW,
    OUT,
    RELU,
    TRUNCATED,
    UNIFORM,
    XAVIER,
    normal,
    truncated,
    uniform,
)
from torch_ref.lockstep.diagnose.initializers import CUTS, SCALES, SHAPES, check_initializer
from torch_ref.registry import Settings

PLANTED: dict[str, list[tuple[Callable[..., np.ndarray], str, Settings]]] = {
    "fan_in and fan_out swapped": [
        (normal(math.sqrt(2 / OUT)), KAIMING, RELU),
        (normal(HE), KAIMING, {"mode": "fan_out", **RELU}),
    ],
    "gain forgotten": [(normal(math.sqrt(1 / IN)), KAIMING, RELU)],
    "fans without the receptive field": [(normal(0.5), KAIMING, RELU | {"shape": (12, 8, 3, 3)})],
    "fans as of a weight (*kernel, in, out)": [
        (normal(math.sqrt(2 / 288)), KAIMING, RELU | {"shape": (12, 8, 3, 3)})
    ],
    "fans without the receptive field, and swapped": [
        (normal(math.sqrt(2 / 13)), KAIMING, RELU | {"shape": (13, 8, 3, 3)})
    ],
    "fans with one side of the kernel": [
        (normal(math.sqrt(2 / 24)), KAIMING, RELU | {"shape": (12, 8, 3, 5)})
    ],
    "the kernel's size as the fan": [
        (normal(math.sqrt(2 / 15)), KAIMING, RELU | {"shape": (12, 8, 3, 5)})
    ],
    "fan_in + fan_out in place of torch's fan": [
        (normal(math.sqrt(2 / (IN + OUT))), KAIMING, RELU),
        (normal(math.sqrt(1 / (IN + OUT))), XAVIER, {}),
    ],
    "the number of weights as the fan": [(normal(math.sqrt(2 / (IN * OUT))), KAIMING, RELU)],
    "multiplied by the root of the fan": [(normal(math.sqrt(2 * IN)), KAIMING, RELU)],
    "multiplied by the root of the fan, gain forgotten": [(normal(math.sqrt(IN)), KAIMING, RELU)],
    "the reciprocal of the standard deviation": [(normal(1 / HE), KAIMING, RELU)],
    "a leaky slope that is not squared": [
        (normal(math.sqrt(2 / 1.5 / IN)), KAIMING, {"nonlinearity": "leaky_relu", "a": 0.5})
    ],
    "from −1/√fan_in to 1/√fan_in, as torch.nn.Linear": [
        (uniform(math.sqrt(1 / IN)), "xavier_uniform_", {})
    ],
    "uniform from 0, not around it": [
        (lambda shape, rng: rng.uniform(0, math.sqrt(3) * HE, shape), UNIFORM, RELU),
        (lambda shape, rng: rng.uniform(0, 0.1, shape), "uniform_", {"a": -0.1, "b": 0.1}),
    ],
    "uniform from 0 to 1, whatever the shape": [
        (lambda shape, rng: rng.random(shape), KAIMING, RELU)
    ],
    "clipped at two standard deviations": [
        (lambda shape, rng: rng.normal(0, HE, shape).clip(-2 * HE, 2 * HE), KAIMING, RELU)
    ],
    "clipped to a and b in units of std": [
        (lambda shape, rng: 0.02 * rng.normal(0, 1, shape).clip(-2, 2), TRUNCATED, {"std": 0.02})
    ],
    "relu's gain": [
        (normal(HE), KAIMING, LINEAR),
        (uniform(math.sqrt(3) * HE), UNIFORM, {"nonlinearity": "tanh"}),
    ],
    "variance used as the standard deviation": [(normal(2 / IN), KAIMING, RELU)],
    "standard deviation used as the variance": [(normal(math.sqrt(HE)), KAIMING, RELU)],
    "half width used as the standard deviation": [(normal(math.sqrt(3) * HE), KAIMING, RELU)],
    "standard deviation used as the half width": [(uniform(HE), UNIFORM, RELU)],
    "1/fan_in, the chapter's Xavier": [(normal(math.sqrt(1 / IN)), XAVIER, {})],
    "2/(fan_in + fan_out), Glorot's Xavier": [(normal(math.sqrt(2 / (IN + OUT))), KAIMING, LINEAR)],
    "uniform instead of normal": [(uniform(math.sqrt(3) * HE), KAIMING, RELU)],
    "normal instead of uniform": [(normal(HE), UNIFORM, RELU)],
    "truncated normal": [(truncated(HE), KAIMING, RELU)],
    "truncated normal of the same variance": [(truncated(HE / NARROW), KAIMING, RELU)],
    "not cut off": [(normal(1), TRUNCATED, {}), (normal(2), TRUNCATED, {"std": 2})],
    "clipped to [a, b]": [
        (lambda shape, rng: rng.normal(0, 1.5, shape).clip(-2, 2), TRUNCATED, {"std": 1.5}),
        (
            lambda shape, rng: rng.normal(0, 1, shape).clip(-9, 0.5),
            TRUNCATED,
            {"a": -9.0, "b": 0.5},
        ),
    ],
    "a and b in units of std": [
        (truncated(0.02), TRUNCATED, {"std": 0.02}),
        (truncated(3), TRUNCATED, {"std": 3}),
    ],
    "a and b in units of std, and std that after the cut": [
        (truncated(0.02 / NARROW), TRUNCATED, {"std": 0.02})
    ],
}
EACH = [
    pytest.param(name, *case, id=f"{name}-{i}")
    for name, cases in PLANTED.items()
    for i, case in enumerate(cases)
]


def test_every_variant_is_planted() -> None:
    assert PLANTED.keys() == {variant.name for variant in (*SCALES, *SHAPES, *CUTS)}


@pytest.mark.parametrize(("name", "candidate", "against", "options"), EACH)
def test_a_planted_variant_is_found_by_its_name(
    name: str, candidate: Callable[..., np.ndarray], against: str, options: Settings
) -> None:
    verdict = check_initializer(candidate, against, **options)
    assert [finding.names for finding in verdict.findings] == [(name,)], str(verdict)
    assert verdict.findings[0].p > 0.01
    assert f'cannot be told apart from "{name}"' in str(verdict)
    assert "n = 101,376" in verdict.first or "shape" in options
    with pytest.raises(AssertionError, match=r"your (<lambda>|draw) cannot"):
        verdict.raise_if_diverged()


def test_a_shape_and_a_scale_at_once_are_found() -> None:
    verdict = check_initializer(uniform(math.sqrt(3 * 2 / OUT)), KAIMING, **RELU)
    assert [set(finding.names) for finding in verdict.findings] == [
        {"uniform instead of normal", "fan_in and fan_out swapped"}
    ]


def test_the_bound_of_a_uniform_used_for_a_normal_is_found() -> None:
    verdict = check_initializer(normal(math.sqrt(6 / IN)), UNIFORM, **RELU)
    assert [set(finding.names) for finding in verdict.findings] == [
        {"normal instead of uniform", "half width used as the standard deviation"}
    ]


@pytest.mark.parametrize(
    "candidate",
    [
        lambda shape, rng: rng.laplace(0, HE / math.sqrt(2), shape),
        normal(HE * 1.07),
        lambda shape, rng: rng.exponential(HE, shape),
    ],
    ids=["Laplace", "another std", "exponential"],
)
def test_something_unknown_is_said_to_fit_nothing(candidate: Callable[..., np.ndarray]) -> None:
    verdict = check_initializer(candidate, KAIMING, **RELU)
    assert not verdict.agrees
    assert verdict.findings == []
    assert "none of the known variants fits" in str(verdict)
    plain = json.loads(json.dumps(verdict.as_dict(), allow_nan=False))
    assert "instead of normal with mean 0 and std 0.2041" in plain["first"]


@pytest.mark.parametrize(
    ("candidate", "name"),
    [
        (normal(0.01), "a normal of std 0.01, whatever the shape"),
        (uniform(math.sqrt(3) * 0.05), "a uniform of std 0.05, whatever the shape"),
        (np.zeros, "every weight is 0"),
        (lambda shape: np.full(shape, HE), "every weight is 0.204124"),
        (lambda shape, rng: rng.normal(0, math.sqrt(shape[-1]) / 10, shape), None),
    ],
)
def test_weights_that_do_not_depend_on_the_fans_are_said_to(
    candidate: Callable[..., np.ndarray], name: str | None
) -> None:
    """The last one's are by some rule of the shape that is not known."""
    found = check_initializer(candidate, KAIMING, shape=(64, 48, 3, 3), **RELU).findings
    assert [each.names for each in found] == ([(name,)] if name else [])


def test_a_small_sample_names_no_cause_that_it_cannot_tell_from_another() -> None:
    """Its std is 4 % from that of a known variant, which 3,072 numbers do not show."""
    wrong = math.sqrt(1 / IN) * 1.02

    def once(shape: tuple[int, ...]) -> np.ndarray:
        return np.random.default_rng(1).normal(0, wrong, shape)

    verdict = check_initializer(once, KAIMING, **RELU)
    assert not verdict.agrees
    assert verdict.findings == []
    assert "3,072 numbers are too few to tell the cause" in str(verdict)
    assert '"gain forgotten" would give the like' in str(verdict)
    many = check_initializer(normal(wrong), KAIMING, **RELU)
    assert many.findings == []
    assert "none of the known variants fits" in str(many)
