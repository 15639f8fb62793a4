"""The layers of the twin network."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from scratch import _check, nn
from torch_ref import _check as _torch_check
from torch_ref.registry import LAYERS, resolve

#: Torch's modules beside those of ``scratch.nn``, as the registry has them.
ACTIVATIONS: dict[str, type[torch.nn.Module]] = {
    name: resolve(LAYERS[layer.__name__].torch) for name, layer in nn.ACTIVATIONS.items()
}


class Affine(torch.nn.Module):
    """x·W + b; W (in, out) and b (out,), or (K, in, out) and (K, out) for a stack."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        _torch_check.tensor("weight", weight)
        _torch_check.tensor("bias", bias, weight.dtype)
        if weight.ndim not in (2, 3) or bias.shape != weight.shape[:-2] + weight.shape[-1:]:
            raise ValueError(
                "weight and bias must have shapes (in, out) and (out,), or (K, in, out) and "
                f"(K, out), got {tuple(weight.shape)} and {tuple(bias.shape)}"
            )
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        _torch_check.tensor("x", x)
        *runs, features, _ = self.weight.shape
        stack: list[tuple[int | str, ...]] = [(*runs, "N", features)] if runs else []
        _check.shape("x", x.shape, ("N", features), *stack)
        if not runs:
            return torch.addmm(self.bias, x, self.weight)
        return torch.baddbmm(
            self.bias.unsqueeze(-2), x.expand(len(self.weight), -1, -1), self.weight
        )


class BatchNorm1d(torch.nn.BatchNorm1d):
    """``torch.nn.BatchNorm1d``; with ``runs`` a stack of them, parameters and statistics (K, C).

    The features of all runs stand side by side as K·C channels of one batch.
    """

    momentum: float

    def __init__(self, num_features: int, *, dtype: torch.dtype, runs: int | None = None) -> None:
        num_features = _check.integer("num_features", num_features, at_least=1)
        super().__init__(num_features, dtype=_torch_check.floating(dtype))
        self.runs = None if runs is None else _check.integer("runs", runs, at_least=1)
        if runs is not None:
            for name in ("weight", "bias"):
                setattr(self, name, torch.nn.Parameter(getattr(self, name).repeat(runs, 1)))
            for name in ("running_mean", "running_var"):
                setattr(self, name, getattr(self, name).repeat(runs, 1))

    def forward(self, x: Tensor) -> Tensor:
        _torch_check.tensor("x", x)
        rows = ("N", self.num_features)
        allowed = [rows, (*rows, "L")] if self.runs is None else [(self.runs, *rows)]
        _check.shape("x", x.shape, *allowed)
        if x.numel() <= self.num_features * (self.runs or 1) * self.training:
            raise ValueError(
                "x must not be empty, and have more than one value for each feature in training, "
                f"got {tuple(x.shape)}"
            )
        if self.runs is None:
            return super().forward(x)
        if self.training:
            self.get_buffer("num_batches_tracked").add_(1)
        y = F.batch_norm(
            x.movedim(0, 1).flatten(1, 2),
            self.get_buffer("running_mean").view(-1),
            self.get_buffer("running_var").view(-1),
            self.weight.view(-1),
            self.bias.view(-1),
            self.training,
            self.momentum,
            self.eps,
        )
        return y.unflatten(1, (self.runs, -1)).movedim(1, 0)


class BatchNormalization(BatchNorm1d):
    """The twin of the chapter's layer: ε = 1e-6, and the biased running variance starts at zero."""

    def __init__(self, num_features: int, *, dtype: torch.dtype, runs: int | None = None) -> None:
        super().__init__(num_features, dtype=dtype, runs=runs)
        self.eps = 1e-6
        self.get_buffer("running_var").zero_()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        running = self.get_buffer("running_var")
        self.running_var = running.clone()  # torch's function adds the unbiased variance to it
        try:
            y = super().forward(x)
        finally:
            self.running_var = running
        rows = (0, *range(2, x.ndim)) if self.runs is None else 1
        with torch.no_grad():
            running.lerp_(x.var(rows, correction=0), self.momentum)
        return y


class Dropout(torch.nn.Module):
    """Dropout with masks from given generators, one for each run of a stack.

    ``torch.nn.Dropout`` takes no generator. The masks are drawn on the CPU, so that they are the
    same on every device.

    Attributes:
        kept: a mask to use instead of one that is drawn then and there.
        inverted: whether it scales in training, as ``torch.nn.Dropout``; otherwise in evaluation.
    """

    def __init__(
        self,
        p: float,
        generator: torch.Generator | Sequence[torch.Generator],
        *,
        inverted: bool = True,
    ) -> None:
        super().__init__()
        self.inverted = _check.flag("inverted", inverted)
        self.p = _check.number("p", p, at_least=0, at_most=1)
        self.generator = _torch_check.generators("generator", generator)
        self.kept: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        _torch_check.tensor("x", x)
        runs: tuple[int, ...] = (
            () if isinstance(self.generator, torch.Generator) else (len(self.generator),)
        )
        if x.shape[: len(runs)] != runs:
            raise ValueError(f"x must have a leading axis of {runs[0]} runs, got {tuple(x.shape)}")
        if not self.training or self.p == 0:
            return x if self.inverted else x * (1 - self.p)
        kept = self.kept
        if kept is None:
            kept = self.draw(x.shape[len(runs) :])
        scale = kept.to(x.device, x.dtype)
        return x * (scale / ((1 - self.p) or 1) if self.inverted else scale)

    def draw(self, shape: Sequence[int]) -> Tensor:
        """Return the next batch's mask, of ``shape`` in each run, on the CPU."""
        if isinstance(self.generator, torch.Generator):
            return self._draw(shape, self.generator)
        return torch.stack([self._draw(shape, g) for g in self.generator])

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return torch.rand(shape, dtype=torch.float64, generator=generator) < 1 - self.p
