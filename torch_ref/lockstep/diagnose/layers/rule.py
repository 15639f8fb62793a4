"""Torch's normalization layers by hand, with a setting for each known way to differ from them."""

import math
from typing import Any

import numpy as np

from torch_ref.lockstep.diagnose.layers.norms import Normalization, Settings


class NormRule:
    """A layer of one kind; every statistic is held in x's shape, repeated along its block."""

    def __init__(
        self, norm: Normalization, sizes: Settings, dtype: np.dtype, settings: Settings
    ) -> None:
        self._norm, self._sizes, self._seen = norm, sizes, 0
        self._settings = {**norm.defaults, **settings}
        self._track = self._settings.get("track_running_stats", False)
        eps = self._settings["eps"]
        self._eps = float(np.finfo(dtype).eps) if eps is None else eps
        self._held: dict[str, np.ndarray] = {}
        self._grads: dict[str, np.ndarray] = {}
        c = math.prod(norm.parameter_shape(sizes))
        if self._settings.get("affine", self._settings.get("elementwise_affine")):
            self._held["weight"] = np.ones(c, dtype)
            if self._settings.get("bias"):
                self._held["bias"] = np.zeros(c, dtype)
        if self._track:
            start = np.full(c, self._settings.get("start", 1), dtype)
            self._held.update(running_mean=np.zeros(c, dtype), running_var=start)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        setting = self._settings.get
        self._block, self._axes = self._norm.blocks(x.shape, self._sizes, self._settings)
        self._n = math.prod(self._block[axis] for axis in self._axes)
        centred = setting("centred", self._norm.centred)
        mean: Any = self._mean(x) if centred else np.zeros_like(x)
        var: Any = self._mean((x - mean) ** 2)
        batch = mean, var
        if self._track and (training or setting("evaluation") == "update"):
            self._update(*batch)
        if training or not self._track or setting("batch_always"):
            self._d = self._n - 1 if setting("unbiased") else self._n  # σ² is Σ(x − μ)²/d
            var = var * (self._n / self._d)
        else:
            mean, var = (self._spread(f"running_{name}", x.ndim, 0) for name in ("mean", "var"))
        self._centred, self._var = x - mean, var
        inside, outside = (0, self._eps) if setting("eps_outside") else (self._eps, 0)
        self._scale = 1 / (np.sqrt(var + inside) + outside)
        self._x_hat = self._centred * self._scale
        if self._track and not training and setting("evaluation") == "update after":
            self._update(*batch)
        return self._x_hat * self._spread("weight", x.ndim, 1) + self._spread("bias", x.ndim, 0)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        setting, s = self._settings.get, self._scale
        self._grads = {"weight": self._sum_back(dy * self._x_hat), "bias": self._sum_back(dy)}
        if setting("averaged"):
            rows = dy.size // self._grads["bias"].size
            self._grads = {name: g / rows for name, g in self._grads.items()}
        dx_hat = dy * self._spread("weight", dy.ndim, 1)
        dx = dx_hat * s
        if setting("through_var", True):
            # ∂scale/∂σ² · ∂σ²/∂x, where ∂σ²/∂x = 2·(x − μ)/d
            slope = -(s**2) / np.sqrt(self._var) if setting("eps_outside") else -(s**3)
            along = self._mean(dx_hat * self._centred) * (self._n / self._d)
            dx = dx + self._centred * slope * along
        through_mean = setting("through_mean", True) and setting("centred", self._norm.centred)
        return dx - self._mean(dx) if through_mean else dx

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        return (self._grads if gradient and name in self._held else self._held).get(name)

    def write(self, name: str, values: np.ndarray) -> None:
        self._held[name][...] = values.reshape(-1)

    def _update(self, mean: np.ndarray, var: np.ndarray) -> None:
        self._seen += 1
        setting, m = self._settings.get, self._settings["momentum"]
        if m is None:  # the plain mean, or never
            m = 1 / self._seen if self._norm.counts else 0.0
        m = 1 - m if setting("momentum_kept") else m
        var = var * (self._n / (self._n - 1)) if setting("unbiased_running", True) else var
        for name, new in (("mean", mean), ("var", var)):
            if setting(f"updates_{name}", True):
                running, repeats = f"running_{name}", new.size // new.shape[1]
                new = self._sum_back(new) / repeats
                self._held[running] = (1 - m) * self._held[running] + m * new

    def _mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over each block, repeated along it."""
        blocks = values.reshape(self._block)
        mean = blocks.mean(axis=self._axes, keepdims=True)
        return np.broadcast_to(mean, blocks.shape).reshape(values.shape)

    def _spread(self, name: str, ndim: int, otherwise: float) -> np.ndarray | float:
        """Return the array held under ``name``, shaped to broadcast with x."""
        held = self._held.get(name)
        if held is None:
            return otherwise
        shape = self._norm.parameter_shape(self._sizes)
        return (
            held.reshape(*shape, *(1,) * (ndim - 2))
            if self._norm.by_channel
            else held.reshape(shape)
        )

    def _sum_back(self, values: np.ndarray) -> np.ndarray:
        """The sums over all that share a γ."""
        channels = (0, *range(2, values.ndim)) if self._norm.by_channel else (0,)
        return values.sum(axis=channels).reshape(-1)
