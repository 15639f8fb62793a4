"""Gradient clipping: torch's agrees however it is called, each known variant is named."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.frameworks import needs
from scratch import optim
from torch_ref.lockstep import check_clipping
from torch_ref.lockstep.check import check
from torch_ref.lockstep.diagnose.clipping import BY_NORM, BY_VALUE, _changed

Grads = dict[str, np.ndarray]


def norm_of(grads: Any) -> float:
    return math.sqrt(sum(float((g**2).sum()) for g in grads))


def as_list(grads: list[np.ndarray], threshold: float) -> list[np.ndarray]:
    factor = min(threshold / (norm_of(grads) + 1e-6), 1.0)
    return [g * factor for g in grads]


def as_dict_in_place(grads: Grads, max_norm: float) -> float:
    norm = norm_of(grads.values())
    for g in grads.values():
        g *= min(max_norm / (norm + 1e-6), 1.0)
    return norm


def of_tensors(params: Any, max_norm: float) -> None:
    torch.nn.utils.clip_grad_norm_(params, max_norm)


class Clipper:
    def __init__(self, clip_norm: float) -> None:
        self.clip_norm = clip_norm

    def __call__(self, grads: Grads) -> tuple[Grads, float]:
        clipped = {name: g.copy() for name, g in grads.items()}
        return clipped, as_dict_in_place(clipped, self.clip_norm)


RIGHT = (as_list, as_dict_in_place, of_tensors, Clipper, torch.nn.utils.clip_grad_norm_)


@pytest.mark.parametrize("mine", [*RIGHT, optim.clip_grad_norm], ids=lambda mine: mine.__name__)
def test_it_agrees_in_whatever_shape_it_is_written(mine: Callable[..., Any]) -> None:
    for max_norm in (1.0, 0.01, 30.0):
        outcome = check(mine, "clip_grad_norm_", {"max_norm": max_norm})
        assert outcome.agrees, str(outcome)
        assert "called as" in str(outcome)
    assert check_clipping(mine, dtype="float32").agrees


def test_clipping_by_value_and_by_another_norm_agree() -> None:
    by_value = (lambda g, c: np.clip(g, -c, c), torch.nn.utils.clip_grad_value_)
    for mine in (*by_value, optim.clip_grad_value):
        assert check(mine, "clip_grad_value_", {"clip_value": 0.3}).agrees
    for p in (1.0, math.inf):
        assert check_clipping(torch.nn.utils.clip_grad_norm_, norm_type=p).agrees


@pytest.mark.parametrize(("variants", "by_norm"), [(BY_NORM, True), (BY_VALUE, False)])
def test_each_variant_is_found_by_its_name(variants: Any, by_norm: bool) -> None:
    against = "clip_grad_norm_" if by_norm else "clip_grad_value_"
    asked = {"max_norm": 0.7} if by_norm else {"clip_value": 0.7}
    for variant in variants:

        def mine(grads: Grads, variant: Any = variant) -> Grads:
            return _changed(grads, by_norm, asked, dict(variant.changes))

        verdict = check_clipping(mine, against, **asked)
        assert [each.names for each in verdict.findings] == [(variant.name,)], str(verdict)


def test_one_tensor_after_another_is_the_norm_of_each() -> None:
    def mine(g: np.ndarray, max_norm: float) -> np.ndarray:
        return g * min(max_norm / (np.linalg.norm(g) + 1e-6), 1.0)

    assert check_clipping(mine).findings[0].names == ("norm of each tensor by itself",)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(1e-4, 1e4), st.sampled_from([1.0, 2.0, 3.0, math.inf]))
def test_what_is_right_is_never_accused(max_norm: float, norm_type: float) -> None:
    verdict = check_clipping(torch.nn.utils.clip_grad_norm_, max_norm=max_norm, norm_type=norm_type)
    assert verdict.agrees, str(verdict)


@needs("optax")
def test_optax_leaves_the_eps_out() -> None:
    import optax

    found = check(optax.clip_by_global_norm, "clip_grad_norm_").findings
    assert found[0].names == ("eps left out",)
    assert check(optax.clip, "clip_grad_value_").agrees


def test_what_clips_nothing_that_is_known_is_refused_with_each_way() -> None:
    with pytest.raises(TypeError, match=r"candidate must clip gradients; f\(dict of gradients\)"):
        check_clipping(lambda grads: 1 / 0)
