"""The portrait: each property is measured on code that has it, and nothing else differs."""

from typing import Any

import numpy as np
import pytest

from parity_tests.harness.handwritten import EpsInside, rounded_at_random
from parity_tests.portrait_page import PAGE, page
from scratch import optim
from torch_ref.lockstep import as_adapter
from torch_ref.lockstep.check import check
from torch_ref.lockstep.diagnose.portrait import PROBES, portrait

PROPERTIES = {name for name, _ in PROBES}


def rows(mine: Any, theirs: Any) -> dict[str, tuple[str, str]]:
    measured = portrait(as_adapter(mine), as_adapter(theirs)).rows
    assert {row.property for row in measured} <= PROPERTIES
    return {row.property: (row.mine, row.theirs) for row in measured}


@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam, optim.Adafactor, optim.Lion])
def test_nothing_differs_from_itself(cls: type) -> None:
    assert rows(cls(), cls()) == {}


class InSinglePrecision(optim.SGD):
    def update(self, params: Any, grads: Any) -> None:
        super().update(params, {k: g.astype("f4").astype("f8") for k, g in grads.items()})


class Clipped(optim.SGD):
    """By the norm of each matrix."""

    def update(self, params: Any, grads: Any) -> None:
        super().update(params, {k: g / max(1.0, np.linalg.norm(g)) for k, g in grads.items()})


class Noisy(optim.SGD):
    random = np.random.default_rng(0)

    def update(self, params: Any, grads: Any) -> None:
        super().update(params, {k: g * (1 + 1e-3 * self.random.random()) for k, g in grads.items()})


class RoundsAtRandom(optim.SGD):
    """To bfloat16, up or down."""

    random = np.random.default_rng(0)

    def update(self, params: Any, grads: Any) -> None:
        super().update(params, grads)
        for w in params.values():
            w[...] = rounded_at_random(w, self.random)


IMPULSE = "after one gradient, then zeros"
SEEN = [
    (optim.SGD(momentum=0.8), optim.SGD(momentum=0.9), IMPULSE, "0.8 times the step before"),
    (
        optim.Adam(betas=(0.8, 0.97)),
        optim.Adam(),
        IMPULSE,
        "as two averages do: β₁ = 0.8, β₂ = 0.97",
    ),
    (optim.Adam(lr=0.002), optim.Adam(), "the first step, of a gradient of 1", "0.002"),
    (optim.Adam(eps=3e-7), optim.Adam(), "ε at the first step", "beside the root, 3e-07"),
    (
        EpsInside(),
        optim.Adam(),
        "ε at the first step",
        "inside the root, 1e-08",
    ),
    (
        optim.AdamW(weight_decay=0.3),
        optim.AdamW(weight_decay=0.0),
        "vectors without a gradient",
        "shrink by 0.0003 of themselves",
    ),
    (
        optim.Momentum(lr=0.1),
        optim.SGD(lr=0.1, momentum=0.9),
        "a step after an impulse, if lr is halved before it",
        "1 times the step",
    ),
    (
        InSinglePrecision(lr=0.5),
        optim.SGD(lr=0.5),
        "computed in",
        "no more than single precision",
    ),
    (
        Clipped(),
        optim.SGD(),
        "one element's larger gradient changes",
        "the steps of the whole matrix",
    ),
    (
        optim.SGD(momentum=0.9, dampening=0.4),
        optim.SGD(momentum=0.9),
        "the dampening of later gradients",
        "0.4",
    ),
    (
        RoundsAtRandom(),
        optim.SGD(),
        "the same input gives the same output",
        "no: it is rounded to bfloat16, as if at random",
    ),
    (Noisy(), optim.SGD(), "the same input gives the same output", "no"),
    (
        optim.SGD(),
        optim.Adam(),
        "for a gradient 100 times as large, a step is",
        "100 times as long",
    ),
]


@pytest.mark.parametrize(("mine", "theirs", "property", "seen"), SEEN)
def test_a_property_is_measured(mine: Any, theirs: Any, property: str, seen: str) -> None:
    mine_seen, theirs_seen = rows(mine, theirs)[property]
    assert mine_seen == seen
    assert theirs_seen != seen


def test_a_check_shows_the_rows_of_what_no_catalogue_knows() -> None:
    result = check(Noisy(lr=0.1), "SGD", {"lr": 0.1})
    assert not result.agrees
    assert "the same input gives the same output" in {row.property for row in result.portrait}
    assert [row["property"] for row in result.as_dict()["portrait"]] == [
        row.property for row in result.portrait
    ]


class Deaf:
    """Takes a weight decay, and forgets it."""

    def __init__(self, lr: float = 0.1, weight_decay: float = 0.0) -> None:
        self.lr = lr

    def update(self, params: dict, grads: dict) -> None:
        for name in params:
            params[name] -= self.lr * grads[name]


class HalfDeaf(optim.Adam):
    """Takes two betas, and forgets the second."""

    def __init__(self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        super().__init__(lr=lr, betas=(betas[0], 0.999))


class Forgets(optim.Adam):
    def __init__(self, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr=lr, betas=(beta1, 0.999))


def test_an_argument_without_effect_is_found_unasked() -> None:
    for cls, name in ((HalfDeaf, "betas"), (Forgets, "beta2")):
        faults = check(cls, "Adam").faults
        assert [fault.partition(":")[0] for fault in faults] == [
            f"takes {name} and makes nothing of it"
        ]
    result = check(Deaf, "SGD")
    assert not result.agrees
    assert [fault.partition(":")[0] for fault in result.faults] == [
        "takes weight_decay and makes nothing of it"
    ]
    assert check(optim.SGD, "SGD").agrees


class Averaged:
    """Has its own momentum, switched off at first; and a clip that is never used."""

    def __init__(self, lr: float = 0.1, momentum: float = 0.0, clip: float = 1.0) -> None:
        self.lr, self.momentum, self.clip, self.b = lr, momentum, clip, {}  # type: ignore[var-annotated]

    def update(self, params: dict, grads: dict) -> None:
        for k, g in grads.items():
            self.b[k] = self.momentum * self.b.get(k, 0.0) + (1 - self.momentum) * g
            params[k] -= self.lr * self.b[k]


def test_other_values_of_the_arguments_are_tried_and_told_in_notes() -> None:
    result = check(Averaged, "SGD")
    assert result.agrees
    assert [note.partition(":")[0] for note in result.notes] == [
        "with momentum = 0.1 in place of 0.0 the two differ",
        "clip changes nothing",
    ]
    assert check(optim.SGD, "SGD").notes == []


class Fading:
    """Its decay is that of lr, not the part of RMSprop's average that is kept."""

    def __init__(self, lr: float = 0.01, decay: float = 0.01) -> None:
        self.rule, self.lr, self.decay, self.t = optim.RMSprop(lr=lr), lr, decay, 0

    def update(self, params: dict, grads: dict) -> None:
        self.rule.lr = self.lr / (1 + self.decay * self.t)
        self.t += 1
        self.rule.update(params, grads)


def test_a_decay_of_lr_is_not_taken_for_an_average() -> None:
    (found,) = check(Fading, "RMSprop").findings
    assert found.names == ("lr is divided by 1 + 0.01·(t − 1) in step t",)


@pytest.mark.arithmetic
def test_the_page_has_what_is_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_what_torch_alone_was_given_it_keeps_while_others_are_varied() -> None:
    class Fixed(optim.Adam):
        def __init__(self, lr: float = 1e-3) -> None:
            super().__init__(lr=lr, eps=1e-6)

    result = check(Fixed, "Adam", {"eps": 1e-6})
    assert result.agrees
    assert result.notes == []
