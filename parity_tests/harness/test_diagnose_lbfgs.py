"""LBFGS: the catalogue's rule is torch's, and each variant of it is found by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from scratch import optim
from torch_ref.lockstep import as_adapter, diagnose
from torch_ref.lockstep.check import check
from torch_ref.lockstep.diagnose.lbfgs import TOLERANCE, LBFGSRule, Visited, Walk, Waves
from torch_ref.registry import Settings

WOLFE = {"line_search_fn": "strong_wolfe"}


class Planted:
    """The rule with changes, as somebody's class that takes a closure."""

    def __init__(self, settings: Settings, changes: Settings) -> None:
        self._rule = LBFGSRule(settings, **changes)

    def update(self, params: dict, closure: Callable[[], Any]) -> None:
        names = sorted(params)

        def put(x: np.ndarray) -> None:
            ends = np.cumsum([params[name].size for name in names])[:-1]
            for name, part in zip(names, np.split(x, ends), strict=True):
                params[name][...] = part.reshape(params[name].shape)

        def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
            put(x)
            loss, grads = closure()
            return loss, np.concatenate([grads[name].ravel() for name in names])

        put(self._rule.update(evaluate, np.concatenate([params[n].ravel() for n in names])))


@pytest.mark.parametrize(
    "case",
    [{}, {"lr": 0.5}, WOLFE, {"history_size": 4, "lr": 0.7}, WOLFE | {"max_iter": 9}],
)
def test_the_rule_does_what_torch_does(case: Settings) -> None:
    seen = Visited(as_adapter(torch.optim.LBFGS, **case), Waves())
    assert Walk(seen, case).distance({}) <= TOLERANCE


#: By the setting that a variant changes, under which settings it shows.
SHOWN: dict[str, Settings] = {
    "lr": {"lr": 0.5},
    "lr_in": {"lr": 0.5},
    "line search ignored": WOLFE,
    "max_eval": {"max_eval": 5},
    "tolerance_change": {"tolerance_change": 0.3, "lr": 0.1},
    "tolerance_grad": {"tolerance_grad": 1.0},
}


def test_each_variant_is_found_by_name() -> None:
    for each in LBFGSRule.VARIANTS:
        case = SHOWN.get(each.name) or SHOWN.get(next(iter(each.changes)), {})
        found = diagnose(Planted(case, dict(each.changes)), "LBFGS", case).findings
        assert (each.name,) in [finding.names for finding in found], each.name


def test_numbers_are_read_off_and_two_causes_found_together() -> None:
    for changes, said in (
        ({"lr": 0.25}, {"lr = 0.25, not 1"}),
        ({"history_size": 3}, {"history_size = 3, not 100"}),
        ({"max_iter": 4, "first": "lr"}, {"max_iter = 4, not 20", "first step not scaled"}),
    ):
        found = diagnose(Planted({}, changes), "LBFGS").findings
        names = {name.partition(" by its")[0] for name in found[0].names}
        assert names == said


def test_a_method_of_first_order_is_told_by_its_name() -> None:
    result = check(optim.SGD(lr=0.01), "LBFGS")
    assert [finding.names for finding in result.findings] == [("SGD with lr 0.01",)]
    assert result.portrait == []
