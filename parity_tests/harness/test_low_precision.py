"""float16 and bfloat16: by hand beside torch's arithmetic in them, and what ``check`` can tell."""

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.command_line import lockstep
from parity_tests.frameworks import needs
from parity_tests.harness.handwritten import rounded_at_random
from parity_tests.helpers import unwrapped
from parity_tests.optimizer_helpers import DENSE
from scratch import nn, optim
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.check import check
from torch_ref.lockstep.compare.precision import LOW, dtype_of, rounding
from torch_ref.lockstep.diagnose.layers import NORMALIZATIONS
from torch_ref.registry import OptimizerPair

IN_LOW = pytest.mark.parametrize(
    "dtype", ["float16", pytest.param("bfloat16", marks=needs("ml_dtypes"))]
)


class InDouble:
    """Adam that rounds once a step: nearer to the exact run than torch is."""

    def __init__(self, lr: float = 0.05) -> None:
        self.lr, self.adam = lr, optim.Adam(lr=lr)

    def update(self, params: Any, grads: Any) -> None:
        wide = {name: w.astype(float) for name, w in params.items()}
        self.adam.update(wide, {name: g.astype(float) for name, g in grads.items()})
        for name, w in params.items():
            w[...] = wide[name].astype(w.dtype)


class Uncorrected(InDouble):
    """Adam without its bias corrections: the first step is three times as long."""

    def __init__(self, lr: float = 0.5) -> None:
        super().__init__(lr)
        self.adam.rule = self.rule

    def rule(self, w: np.ndarray, g: np.ndarray, state: dict) -> None:
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        w -= self.lr * m / (np.sqrt(v) + 1e-8)


class Widening:
    """Puts arrays of float32 where those of half the bits were."""

    def __init__(self, lr: float = 0.05) -> None:
        self.lr = lr

    def update(self, params: Any, grads: Any) -> None:
        for name, g in grads.items():
            params[name] = params[name].astype("float32") - np.float32(self.lr) * g


@IN_LOW
@pytest.mark.parametrize("pair", DENSE.values(), ids=DENSE)
def test_by_hand_it_is_torchs_in_half_the_bits(pair: OptimizerPair, dtype: str) -> None:
    result = check(pair.scratch, pair.name, {"lr": 0.05}, dtype=dtype)
    assert result.agrees, result
    assert result.steps == 20
    w = np.ones((3, 2), dtype_of(dtype))
    params, optimizer = {"w": w.copy()}, pair.scratch()
    optimizer.update(params, {"w": w})
    kept = [b for b in optimizer.state["w"].values() if isinstance(b, np.ndarray)]
    assert all(array.dtype == w.dtype for array in (params["w"], *kept))


@IN_LOW
def test_who_rounds_less_than_torch_is_not_accused(dtype: str) -> None:
    assert check(InDouble, "Adam", dtype=dtype).agrees


@IN_LOW
def test_a_wrong_rule_is_seen_where_rounding_allows_and_said_not_to_be_rounding(dtype: str) -> None:
    result = check(Uncorrected, "Adam", dtype=dtype)
    assert not result.agrees
    assert result.cause == ["in float64 it diverges too: --dtype float64 looks for the cause"]
    widened = check(Widening, "SGD", dtype=dtype)
    assert widened.faults[0].startswith(f"turns params['w0'] from {dtype} of shape (7, 5) into ")


def test_where_the_steps_are_below_rounding_that_is_said() -> None:
    result = check(InDouble, "Adam", {"lr": 1e-4}, dtype="float16")
    assert result.notes[0].startswith(
        "in float16 two right programs may be 0.029 of a number apart"
    )
    assert result.notes[1].startswith("the steps are too small here to tell one rule from another")
    assert check(InDouble, "Adam", {"lr": 0.5}, dtype="float16").notes[1:] == []


def test_where_torch_itself_is_lost_nothing_is_said() -> None:
    refused = lockstep("check", "--dtype", "float16", "--against", "SGD", __file__ + ":Widening")
    assert refused.exit_code == 1
    lost = "lr=3000"
    refused = lockstep(
        "check", "--dtype", "float16", "--against", "SGD", "--arg", lost, __file__ + ":Widening"
    )
    assert refused.exit_code == 2
    assert "infloat16nothingcanbetold" in unwrapped(refused.output)


@pytest.mark.parametrize("against", ["LBFGS", "StepLR", "kaiming_normal_"])
def test_what_has_no_check_in_half_the_bits_says_so(against: str) -> None:
    with pytest.raises(
        CandidateError, match=r"no check of .*LBFGS in float16|is for optimizers and"
    ):
        check(InDouble, against, dtype="float16")


def test_what_rounding_allows_is_by_the_bits_and_the_steps() -> None:
    for name, bits in LOW.items():
        assert rounding(name, 40) - rounding(name, 20) == pytest.approx(2 * 20 * 2.0**-bits)


class RoundsAtRandom:
    """SGD whose weights are rounded to bfloat16 up or down, as near as either is likely."""

    random = np.random.default_rng(0)

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def update(self, params: dict, grads: dict) -> None:
        for name, w in params.items():
            exact = w.astype(np.float64) - self.lr * grads[name].astype(np.float64)
            if w.dtype != np.float64:
                exact = rounded_at_random(exact, self.random)
            w[...] = exact.astype(w.dtype)


@needs("ml_dtypes")
def test_rounding_at_random_is_recognised() -> None:
    at_random = "it rounds at random: the same input gives other weights in bfloat16"
    assert any(note.startswith(at_random) for note in _notes(RoundsAtRandom))
    assert not any("random" in note for note in _notes(optim.SGD))


def _notes(candidate: type) -> list[str]:
    return check(candidate, "SGD", {"lr": 0.01}, dtype="bfloat16").notes


class LayerByHand:
    """BatchNorm1d on arrays of any dtype."""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def variance(self, x: np.ndarray) -> np.ndarray:
        return ((x - x.mean(0)) ** 2).mean(0)

    def forward(self, x: np.ndarray, training: bool = True) -> np.ndarray:
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var, n, m = x.mean(0), self.variance(x), len(x), self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * var * (n / (n - 1))
        self.scale = 1 / np.sqrt(var + self.eps)
        self.x_hat = (x - mean) * self.scale
        return self.gamma * self.x_hat + self.beta

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self.dgamma, self.dbeta = (dy * self.x_hat).sum(0), dy.sum(0)
        d = dy * self.gamma
        return (d - d.mean(0) - (d * self.x_hat).mean(0) * self.x_hat) * self.scale


class OnePass(LayerByHand):
    def variance(self, x: np.ndarray) -> np.ndarray:
        return (x * x).mean(0) - x.mean(0) ** 2


class RowsInOnePass:
    """LayerNorm, whose rows are of five numbers: by chance some would be nearly all alike."""

    def __init__(self, normalized_shape: int, eps: float = 1e-5) -> None:
        self.gamma, self.beta = np.ones(normalized_shape), np.zeros(normalized_shape)
        self.eps = eps

    def forward(self, x: np.ndarray) -> np.ndarray:
        mean = x.mean(1, keepdims=True)
        var = (x * x).mean(1, keepdims=True) - mean**2
        return self.gamma * ((x - mean) / np.sqrt(var + self.eps)) + self.beta


class InSingle(LayerByHand):
    def forward(self, x: np.ndarray, training: bool = True) -> np.ndarray:
        return super().forward(x.astype(np.float32), training).astype(x.dtype)


class OfTheDeviation(LayerByHand):
    """The root is taken twice."""

    def variance(self, x: np.ndarray) -> np.ndarray:
        return x.std(0)


class Unbiased(LayerByHand):
    def variance(self, x: np.ndarray) -> np.ndarray:
        return x.var(0, ddof=1)


class Slower(LayerByHand):
    """The momentum is a little more than asked for."""

    def __init__(self, num_features: int, momentum: float = 0.1) -> None:
        super().__init__(num_features, momentum=1.2 * momentum)


class EpsOutside(LayerByHand):
    def forward(self, x: np.ndarray, training: bool = True) -> np.ndarray:
        eps, self.eps = self.eps, 0.0
        super().forward(x, training)
        self.eps = eps
        self.scale = 1 / (1 / self.scale + eps)
        self.x_hat = (x - (x.mean(0) if training else self.running_mean)) * self.scale
        return self.gamma * self.x_hat + self.beta


class Overflowing(LayerByHand):
    """4000² is past the largest number of float16."""

    def variance(self, x: np.ndarray) -> np.ndarray:
        return ((4000 * (x - x.mean(0))) ** 2).mean(0) / 4000 / 4000


@IN_LOW
@pytest.mark.parametrize("layer", [LayerByHand, OnePass, InSingle])
def test_a_right_layer_agrees_in_half_the_bits_however_it_rounds(layer: type, dtype: str) -> None:
    outcome = check(layer, "BatchNorm1d", dtype=dtype)
    assert outcome.agrees, str(outcome)
    assert f"in {dtype} two right layers may be" in str(outcome)


@IN_LOW
@pytest.mark.parametrize("against", NORMALIZATIONS)
def test_torchs_own_layers_agree_with_themselves_in_half_the_bits(against: str, dtype: str) -> None:
    outcome = check(getattr(torch.nn, against), against, dtype=dtype)
    assert outcome.agrees, str(outcome)
    assert "at most 0.0e+00" in str(outcome)


@IN_LOW
def test_a_right_layer_of_short_rows_agrees_in_half_the_bits(dtype: str) -> None:
    assert check(RowsInOnePass, "LayerNorm", dtype=dtype).agrees


@IN_LOW
@pytest.mark.parametrize("name", ["LayerByHand", "OfTheDeviation"])
def test_a_layer_in_a_file_is_given_half_the_bits_in_its_process(name: str, dtype: str) -> None:
    outcome = check(f"{__file__}:{name}", "BatchNorm1d", dtype=dtype)
    here = check(globals()[name], "BatchNorm1d", dtype=dtype)
    assert (outcome.agrees, str(outcome.first)) == (here.agrees, str(here.first))
    assert outcome.agrees == (name == "LayerByHand")


@IN_LOW
@pytest.mark.parametrize(
    ("layer", "settings"),
    [(OfTheDeviation, {}), (Unbiased, {}), (Slower, {}), (EpsOutside, {"eps": 0.5})],
)
def test_a_wrong_layer_is_seen_in_half_the_bits(
    layer: type, settings: dict[str, Any], dtype: str
) -> None:
    outcome = check(layer, "BatchNorm1d", settings, dtype=dtype)
    assert not outcome.agrees
    assert "in float64 it diverges: --dtype float64 looks for the cause" in str(outcome)


def test_where_half_the_bits_hide_a_mistake_float64_tells() -> None:
    outcome = check(EpsOutside, "BatchNorm1d", dtype="float16")
    assert outcome.agrees
    assert "in float64 it diverges: --dtype float64 looks for the cause" in outcome.notes


@needs("ml_dtypes")
def test_a_layer_that_overflows_in_float16_alone_is_told_so() -> None:
    outcome = check(Overflowing, "BatchNorm1d", dtype="float16")
    assert not outcome.agrees
    assert "in float64 it agrees: what differs is where it rounds" in str(outcome)
    assert check(Overflowing, "BatchNorm1d", dtype="bfloat16").agrees


def test_a_layer_that_takes_no_half_precision_says_so() -> None:
    with pytest.raises(CandidateError, match=r"dtype must be float32 or float64"):
        check(nn.LayerNorm, "LayerNorm", dtype="float16")
