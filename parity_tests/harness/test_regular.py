"""Rates that change from step to step, and clipped gradients: named by the rule they follow."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.harness.test_diagnose import names
from scratch import optim
from scratch.optim import clip_grad_norm
from torch_ref.lockstep import diagnose
from torch_ref.lockstep.diagnose.rates import forms

LR = 0.01


class Rated:
    """An optimizer whose lr is multiplied by a function of the step, counted from 1."""

    def __init__(self, inner: optim.Optimizer, factor: Callable[[int], float]) -> None:
        self._inner, self._factor, self._t, self.lr = inner, factor, 0, inner.lr

    def update(self, params: dict, grads: dict) -> None:
        self._t += 1
        self._inner.lr = self.lr * self._factor(self._t)
        self._inner.update(params, grads)


class Clipped:
    """An optimizer that is given clipped gradients."""

    def __init__(self, inner: optim.Optimizer, clip: Callable[[dict], Any]) -> None:
        self._inner, self._clip, self.lr = inner, clip, inner.lr

    def update(self, params: dict, grads: dict) -> None:
        self._inner.lr = self.lr
        self._inner.update(params, self._clip(dict(grads)))


def _all(grads: dict) -> dict:
    grads = {name: g.copy() for name, g in grads.items()}
    clip_grad_norm(grads, 0.5)
    return grads


def _each(grads: dict) -> dict:
    return {name: g * min(1, 0.3 / np.linalg.norm(g)) for name, g in grads.items()}


def _values(grads: dict) -> dict:
    return {name: np.clip(g, -0.02, 0.02) for name, g in grads.items()}


SGD, MOMENTUM, ADAM, ADAMW = (
    ("SGD", {"lr": LR}),
    ("SGD", {"lr": LR, "momentum": 0.9}),
    ("Adam", {"lr": LR}),
    ("AdamW", {"lr": LR}),
)
RATES: list[tuple[tuple[str, dict], type, Callable[[int], float], tuple[str, ...]]] = [
    (SGD, optim.SGD, lambda t: 0.9 ** ((t - 1) // 10), ("lr decays by 0.9 every 10 steps",)),
    (ADAM, optim.Adam, lambda t: 0.97 ** (t - 1), ("lr decays by 0.97 in every step",)),
    (ADAM, optim.Adam, lambda t: 1 / (1 + 0.02 * t), ("lr is divided by 1 + 0.02·t in step t",)),
    (MOMENTUM, optim.SGD, lambda t: t**-0.5, ("lr is divided by √t in step t",)),
    (ADAMW, optim.AdamW, lambda t: min(1, t / 5), ("lr warms up linearly over 5 steps",)),
    (
        ADAM,
        optim.Adam,
        lambda t: min(1, (t - 1) / 7),
        ("lr warms up linearly from zero over 7 steps",),
    ),
    (
        SGD,
        optim.SGD,
        lambda t: (1 + math.cos(math.pi * (t - 1) / 50)) / 2,
        ("lr follows half a cosine down to zero over 50 steps",),
    ),
    (
        ADAM,
        optim.Adam,
        lambda t: t / 6 if t <= 6 else 0.95 ** (t - 6),
        (
            "lr grows linearly from 1/6 of itself in 5 steps; "
            "counted from there it decays by 0.95 in every step",
        ),
    ),
    (
        MOMENTUM,
        optim.Momentum,
        lambda t: 0.9 ** ((t - 1) // 4),
        ("lr decays by 0.9 every 4 steps", "lr inside the momentum buffer"),
    ),
    (
        ADAM,
        optim.Lion,
        lambda t: min(1, t / 5),
        (f"Lion with lr {LR}, betas (0.9, 0.99)", "lr warms up linearly over 5 steps"),
    ),
]
CLIPS: list[tuple[tuple[str, dict], type, Callable[[dict], dict], tuple[str, ...]]] = [
    (
        ADAM,
        optim.Adam,
        _all,
        ("all gradients clipped to a norm of 0.5 together, by norm + 1e-6",),
    ),
    (ADAM, optim.Adam, _each, ("each gradient clipped to a norm of 0.3",)),
    (SGD, optim.SGD, _values, ("gradients clipped to ±0.02",)),
]


@pytest.mark.parametrize(("torchs", "cls", "change", "said"), [*RATES, *CLIPS])
def test_the_rule_that_it_follows_is_named(
    torchs: tuple[str, dict], cls: type, change: Callable, said: tuple[str, ...]
) -> None:
    wrong = Clipped if (torchs, cls, change, said) in CLIPS else Rated
    own = {"momentum": 0.9} if cls is not optim.Momentum and "momentum" in torchs[1] else {}
    assert names(diagnose(wrong(cls(lr=LR, **own), change), *torchs)) == [said]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_lengths_without_a_rule_have_no_form(seed: int) -> None:
    assert not list(forms(np.random.default_rng(seed).uniform(0.5, 1, 40)))
