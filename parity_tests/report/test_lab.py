"""The activation lab in JavaScript does what scratch's layers and initializers do."""

import numpy as np
import pytest

from experiments.report import javascript, lab
from parity_tests.report import lab_beside
from parity_tests.report.javascript import needs_node
from scratch.init import INITIALIZERS

pytestmark = needs_node
ROUNDING = 1e-13


@pytest.mark.arithmetic
def test_every_initializer_activation_and_flow_is_scratchs() -> None:
    found = lab_beside.distances()
    assert found["initializers"].keys() == INITIALIZERS.keys()
    assert found["activations"].keys() == lab.ACTIVATIONS.keys()
    far = {
        name: distance
        for each in found.values()
        for name, distance in each.items()
        if not distance <= ROUNDING
    }
    assert far == {}
    said = javascript.proof()["lab"]
    assert {kind: len(each) for kind, each in found.items()} == {
        kind: of["count"] for kind, of in said.items()
    }
    # What the page says was measured on one processor.
    assert all(
        max(each.values()) <= 4 * said[kind]["relative"] + 1e-15 for kind, each in found.items()
    )


def test_a_histogram_has_what_lies_in_its_range_and_units_are_counted() -> None:
    (asked,), (found,) = lab_beside.layers(), lab_beside.made()["layers"]
    inside = [v for v in asked["values"] if -1 <= v <= 1]
    assert sum(found["shares"]) == pytest.approx(len(inside) / len(asked["values"]))
    last = [v for v in inside if v >= 0.75]
    assert found["shares"][-1] == pytest.approx(len(last) / len(asked["values"]))
    assert found["small"] == pytest.approx(sum(asked["flags"]) / len(asked["flags"]))
    assert found["dead"] == 1 / 6
    assert found["identical"] == 4 / 6


def test_gradients_vanish_on_their_way_back_through_sigmoid_and_not_after_batch_norm() -> None:
    flows = zip(lab_beside.asked_flows(), lab_beside.made()["flows"], strict=True)
    first = {
        asked["batchNorm"]: np.std(found["gradients"][0])
        for asked, found in flows
        if asked["activation"] == "sigmoid"
    }
    assert first[False] < 0.3
    assert first[True] > 1.5 * first[False]
