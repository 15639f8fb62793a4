"""Normalization layers as people write them: each is run as it is, and its causes are named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.helpers import names_of
from scratch import nn
from scratch.nn import chapter
from torch_ref.lockstep.diagnose.layers import check_norm


class BooksLayer:
    """As the chapter's book writes it: γ and β from outside, a flag of forward, lazy statistics."""

    def __init__(self, gamma: np.ndarray, beta: np.ndarray, momentum: float = 0.9) -> None:
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean = self.running_var = None

    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        if not train_flg:
            return self.gamma * (x - self.running_mean) / np.sqrt(self.running_var + 10e-7) + (
                self.beta
            )
        self.xc = x - x.mean(axis=0)
        var = np.mean(self.xc**2, axis=0)
        self.std = np.sqrt(var + 10e-7)
        self.xn = self.xc / self.std
        m = self.momentum
        self.running_mean = m * self.running_mean + (1 - m) * x.mean(axis=0)
        self.running_var = m * self.running_var + (1 - m) * var
        return self.gamma * self.xn + self.beta

    def backward(self, dout: np.ndarray) -> np.ndarray:
        self.dbeta, self.dgamma = dout.sum(axis=0), np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dvar = -0.5 * np.sum(dxn * self.xc / self.std**3, axis=0)
        dxc = dxn / self.std + (2.0 / len(dout)) * self.xc * dvar
        return dxc - dxc.sum(axis=0) / len(dout)


def test_the_books_own_code_can_be_checked() -> None:
    verdict = check_norm(BooksLayer, eps=1e-6)
    assert "not compared" not in str(verdict)
    assert names_of(verdict) == [
        {"running variance biased", "momentum inverted", "running variance starts at zero"}
    ]


def test_the_books_own_layer_is_recognised_with_all_its_causes() -> None:
    """Without an ε of its own to ask for, it has four: each is settled by one quantity."""
    assert names_of(check_norm(BooksLayer)) == [
        {
            "eps 1e-06",
            "running variance biased",
            "momentum inverted",
            "running variance starts at zero",
        }
    ]


def _over(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


@pytest.mark.parametrize(
    ("layer", "against", "name"),
    [
        (lambda x, gamma: gamma * _over(x, (0, 1, 2)), "BatchNorm2d", "channels last"),
        (lambda x: _over(x, (1, 2)), "InstanceNorm2d", "channels last"),
        (
            lambda x, gamma: gamma[:, None, None] * _over(x, (0,)),
            "BatchNorm2d",
            "normalized over the batch alone",
        ),
        (torch.nn.RMSNorm, "LayerNorm", "mean not taken away"),
    ],
)
def test_statistics_along_other_axes_are_named(
    layer: Callable[..., Any], against: str, name: str
) -> None:
    verdict = check_norm(layer, against)
    assert names_of(verdict) == [{name}], str(verdict)
    if "last" in name:
        assert check_norm(layer, against, layout="channels_last").agrees


@pytest.mark.parametrize(
    ("layer", "own"),
    [
        (nn.BatchNorm1d, set()),
        (
            chapter.BatchNormalization,
            {
                "eps 1e-06",
                "momentum inverted",
                "running variance biased",
                "running variance starts at zero",
            },
        ),
    ],
)
def test_a_layer_that_flattens_images_is_told_so_and_what_else_it_does(
    layer: Callable[..., Any], own: set[str]
) -> None:
    class Flattening:
        def __init__(self, num_features: int, momentum: float = layer.momentum) -> None:
            self.flat = layer(num_features, momentum=momentum, dtype=np.float64)
            self.params = self.flat.params

        def forward(self, x: np.ndarray, training: bool = True) -> np.ndarray:
            self.flat.train(training)
            y = self.flat.forward(x.reshape(len(x), -1))
            self.running_mean, self.running_var = self.flat.running_mean, self.flat.running_var
            return y.reshape(x.shape)

        def backward(self, dy: np.ndarray) -> np.ndarray:
            dx = self.flat.backward(dy.reshape(len(dy), -1))
            self.grads = self.flat.grads
            return dx.reshape(dy.shape)

    verdict = check_norm(Flattening, "BatchNorm2d")
    assert names_of(verdict) == [{"each position of a channel taken for a feature"} | own]
    assert "inputs (N, C, …), which it flattens" in str(verdict)


def test_a_courses_function_with_a_dict_of_settings_is_a_layer() -> None:
    def batchnorm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, bn_param: dict) -> Any:
        mean, var = bn_param.get("running_mean", 0.0), bn_param.get("running_var", 0.0)
        if bn_param["mode"] == "train":
            new = x.mean(0), x.var(0)
            bn_param["running_mean"], bn_param["running_var"] = (
                0.9 * old + 0.1 * batch for old, batch in zip((mean, var), new, strict=True)
            )
            mean, var = new
        return gamma * (x - mean) / np.sqrt(var + 1e-5) + beta, None

    assert names_of(check_norm(batchnorm)) == [
        {"running variance biased", "running variance starts at zero"}
    ]


def test_a_module_of_ones_own_is_found_by_autograd() -> None:
    class Mine(torch.nn.Module):
        def __init__(self, features: int, epsilon: float = 1e-5) -> None:
            super().__init__()
            self.gamma = torch.nn.Parameter(torch.ones(1, features))
            self.beta = torch.nn.Parameter(torch.zeros(1, features))
            self.register_buffer("moving_mean", torch.zeros(features))
            self.register_buffer("moving_var", torch.ones(features))
            self.epsilon = epsilon

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            mean, var = self.moving_mean, self.moving_var
            if self.training:
                mean, var = x.mean(0), x.var(0, unbiased=False).detach()
                with torch.no_grad():
                    self.moving_mean += 0.1 * (mean - self.moving_mean)
                    self.moving_var += 0.1 * (x.var(0) - self.moving_var)
            return (x - mean) / torch.sqrt(var + self.epsilon) * self.gamma + self.beta

    verdict = check_norm(Mine)
    assert verdict.first.quantity == "input gradient"
    assert names_of(verdict) == [{"backward takes the variance as constant"}]


class Annotated(torch.nn.Module):
    """Layer normalization as often copied: the unbiased deviation, eps added to it."""

    def __init__(self, features: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.gamma = torch.nn.Parameter(torch.ones(features))
        self.beta = torch.nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return self.gamma * centred / (x.std(-1, keepdim=True) + self.eps) + self.beta


class RootMeanSquare(torch.nn.Module):
    """RMSNorm as language models write it."""

    def __init__(self, features: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(features))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.eps)


class Interleaved(torch.nn.Module):
    """Group normalization whose group is the channel's number modulo the groups."""

    def __init__(self, groups: int, dims: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(dims, 1))
        self.groups = groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grouped = x.unflatten(1, (-1, self.groups))
        var, mean = torch.var_mean(grouped, (1, 3), correction=0, keepdim=True)
        return ((grouped - mean) * torch.rsqrt(var + 1e-5)).reshape(x.shape) * self.weight


class Tracking(torch.nn.Module):
    """Instance normalization without flags, whose running variance is biased."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(features, 1))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, var = self.running_mean[:, None], self.running_var[:, None]
        if self.training:
            var, mean = torch.var_mean(x, 2, correction=0, keepdim=True)
            for running, new in ((self.running_mean, mean), (self.running_var, var)):
                running.lerp_(new.detach().mean((0, 2)), 0.1)
        return (x - mean) * torch.rsqrt(var + 1e-5) * self.weight


@pytest.mark.arithmetic
def test_what_people_write_is_found_by_its_name() -> None:
    assert names_of(check_norm(Annotated, "LayerNorm")) == [
        {"eps outside the root", "normalized by the unbiased variance"}
    ]
    assert names_of(check_norm(Interleaved, "GroupNorm")) == [{"channels of a group interleaved"}]
    verdict = check_norm(Tracking, "InstanceNorm1d")
    assert names_of(verdict) == [{"running variance biased"}]
    assert "torch was given track_running_stats=True, affine=True" in str(verdict)


def test_rms_norm_has_the_candidates_eps_and_layer_norm_is_not_it() -> None:
    verdict = check_norm(RootMeanSquare, "RMSNorm")
    assert verdict.agrees, str(verdict)
    assert "torch was given eps=1e-06" in str(verdict)
    assert names_of(check_norm(nn.LayerNorm, "RMSNorm")) == [{"mean taken away"}]
