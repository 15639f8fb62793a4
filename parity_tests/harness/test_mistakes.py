"""Mistakes as people write them, in code that shares nothing with the catalogue: each is named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity_tests.harness.test_diagnose import names
from torch_ref.lockstep import diagnose
from torch_ref.lockstep.check import check
from torch_ref.lockstep.diagnose.rules import FAMILIES

Arrays = dict[str, np.ndarray]


class Adam:
    """Kingma and Ba's Adam, with hooks at which it can go wrong."""

    def __init__(self, **wrong: Callable[..., Any]) -> None:
        self.lr, self.b1, self.b2, self.eps, self.t = 1e-3, 0.9, 0.999, 1e-8, 0
        self.m: dict[str, Any] = {}
        self.v: dict[str, Any] = {}
        self._wrong = wrong

    def update(self, params: Arrays, grads: Arrays) -> None:
        self.t += 1
        params, grads = self._wrong.get("given", lambda self, p, g: (p, g))(self, params, grads)
        for k, w in params.items():
            g, old = self._wrong.get("gradient", lambda g: g)(grads[k]), self.m.get(k, 0.0)
            square = self._wrong.get("square", lambda g: g * g)(g)
            m = self.m[k] = self.b1 * old + (1 - self.b1) * g
            v = self.v[k] = self.b2 * self.v.get(k, 0.0) + (1 - self.b2) * square
            step = self._wrong.get("step", Adam.step)(self, k, m, v, g, old)
            w -= self.lr * step

    def step(self, k: str, m: Any, v: Any, g: Any, old: Any) -> Any:
        return self.corrected(m, self.b1) / (np.sqrt(self.corrected(v, self.b2)) + self.eps)

    def corrected(self, moment: Any, beta: float) -> Any:
        return moment / (1 - beta**self.t)


def _in_place(self: Adam, k: str, m: Any, v: Any, g: Any, old: Any) -> Any:
    self.m[k] = self.corrected(m, self.b1)
    return self.m[k] / (np.sqrt(self.corrected(v, self.b2)) + self.eps)


def _summed(self: Adam, params: Arrays, grads: Arrays) -> tuple[Arrays, Arrays]:
    kept = self.__dict__.setdefault("grads", {k: 0 * g for k, g in grads.items()})
    for k, g in grads.items():
        kept[k] = kept[k] + g
    return params, kept


def _forgets(what: str) -> Callable[..., Any]:
    def given(self: Adam, params: Arrays, grads: Arrays) -> tuple[Arrays, Arrays]:
        setattr(self, what, {})
        return params, grads

    return given


def _part(i: int) -> Callable[..., Any]:
    return lambda self, params, grads: (dict([list(params.items())[i]]), grads)


WRONG: list[tuple[dict[str, Callable[..., Any]], str]] = [
    ({"given": _part(0)}, "only the first parameter updated"),
    ({"given": _part(-1)}, "only the last parameter updated"),
    ({"given": _summed}, "the sum of all gradients so far"),
    ({"given": _forgets("m")}, "the first moment made anew in every step"),
    ({"given": _forgets("v")}, "the second moment made anew in every step"),
    ({"gradient": lambda g: g / len(g)}, "gradient divided by its number of rows, len(g)"),
    ({"gradient": lambda g: g / g.size}, "gradient divided by its number of elements"),
    ({"square": lambda g: np.abs(g)}, "|g| in place of g²"),
    ({"square": lambda g: (g * g).mean()}, "one mean of g² for all elements of an array"),
    ({"square": lambda g: (g * g).sum(-1, keepdims=True)}, "one sum of g² for each row"),
    (
        {"step": _in_place},
        "bias correction of the first moment in place, and so again in every step",
    ),
    (
        {"step": lambda self, k, m, v, g, old: self.lr * Adam.step(self, k, m, v, g, old)},
        "lr applied twice, lr² in all",
    ),
    (
        {"step": lambda self, k, m, v, g, old: Adam.step(self, k, old, v, g, old)},
        "step along the first moment before its update",
    ),
    (
        {
            "step": lambda self, k, m, v, g, old: (
                m * (1 - self.b1**self.t) / (np.sqrt(self.corrected(v, self.b2)) + self.eps)
            )
        },
        "bias correction of the first moment multiplied, not divided by",
    ),
    (
        {
            "step": lambda self, k, m, v, g, old: (
                g / (np.sqrt(self.corrected(v, self.b2)) + self.eps)
            )
        },
        "the gradient itself in place of the first moment",
    ),
]


@pytest.mark.parametrize(("wrong", "name"), WRONG)
def test_it_is_named(wrong: dict[str, Callable[..., Any]], name: str) -> None:
    assert names(diagnose(Adam(**wrong), "Adam")) == [(name,)]


def test_without_one_it_agrees() -> None:
    assert diagnose(Adam(), "Adam").agrees


class Adagrad:
    """Duchi's, with one sum of squares for a whole array."""

    def __init__(self) -> None:
        self.lr, self.h = 1e-2, {}  # type: ignore[var-annotated]

    def update(self, params: Arrays, grads: Arrays) -> None:
        for k, g in grads.items():
            self.h[k] = self.h.get(k, 0.0) + (g * g).sum()
            params[k] -= self.lr * g / (np.sqrt(self.h[k]) + 1e-10)


def test_a_sum_over_the_whole_matrix_is_named() -> None:
    said = names(diagnose(Adagrad(), "Adagrad"))
    assert said == [("one sum of g² for all elements of an array",)]


class Velocity:
    """SGD with lr in the velocity, and again outside."""

    def __init__(self) -> None:
        self.lr, self.b = 0.1, {}  # type: ignore[var-annotated]

    def update(self, params: Arrays, grads: Arrays) -> None:
        for k, g in grads.items():
            self.b[k] = 0.9 * self.b.get(k, 0.0) + self.lr * g
            params[k] -= self.lr * self.b[k]


def test_lr_twice_is_named_where_one_is_in_the_velocity() -> None:
    said = names(diagnose(Velocity(), "SGD", {"lr": 0.1, "momentum": 0.9}))
    assert said == [("lr inside the momentum buffer and outside, lr² in all",)]


class Plain:
    """SGD of what is made of the gradients."""

    lr = 0.5

    def __init__(self, made: Callable[[list[np.ndarray]], np.ndarray]) -> None:
        self._made, self._grads = made, {}  # type: ignore[var-annotated]

    def update(self, params: Arrays, grads: Arrays) -> None:
        for k, g in grads.items():
            seen = self._grads.setdefault(k, [])
            seen.append(g)
            params[k] -= self.lr * self._made(seen)


@pytest.mark.parametrize(
    ("made", "single"),
    [
        (lambda seen: seen[-3] if len(seen) > 2 else 0 * seen[0], False),  # stands still at first
        (lambda seen: np.sign(seen[-1]) * (1 + (np.abs(seen[-1]) > 1)), False),  # exact in float32
        (lambda seen: np.asarray(seen[-1], np.float32) ** 3, True),
        (lambda seen: np.asarray(seen[-1], np.float32), True),
    ],
)
def test_float32_is_said_only_of_what_a_run_in_it_does(made: Any, single: bool) -> None:
    cause = "; ".join(check(Plain(made), "SGD", {"lr": 0.5}).cause)
    assert ("it computes in float32" in cause) is single


class Muon:
    """Torch's step with mistakes around it."""

    def __init__(self, rounds: bool = True, decay: float = 0.1, longer: float = 1.0) -> None:
        self.rule = FAMILIES["Muon"]({"weight_decay": decay}, rounds=rounds)
        self.lr, self._longer = self.rule.lr, longer

    def update(self, params: Arrays, grads: Arrays) -> None:
        self.rule.lr = self.lr * self._longer
        self.rule.update(params, grads)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"decay": 0.0}, ("weight decay ignored",)),
        ({"longer": 1.3}, ("lr about 1.3 times the one asked for",)),
        pytest.param(
            {"decay": 0.0, "longer": 0.7},
            ("lr about 0.7 times the one asked for", "weight decay ignored"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_around_an_orthogonal_step_is_named(wrong: Any, said: tuple[str, ...]) -> None:
    assert names(diagnose(Muon(**wrong), "Muon")) == [said]
    assert diagnose(Muon(rounds=False), "Muon").agrees
