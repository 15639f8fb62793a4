"""The distribution that a function of ``torch.nn.init`` draws from, with dials for its variants."""

import math
from dataclasses import dataclass
from typing import Any

from scratch import _check
from scratch.init import calculate_gain, fans
from torch_ref.lockstep.laws import TWO_STDS, Law, truncated_moments

#: What torch does not draw.
CONSTANTS = ("constant_", "dirac_", "eye_", "ones_", "zeros_")


@dataclass(frozen=True)
class Recipe:
    """How a distribution follows from the shape and the settings, with dials for the variants.

    Attributes:
        kind: of the law, or "rescaled" for a truncated one of the whole variance; "orthogonal"
            and "constant" have no law.
        mean: of the law.
        base: the standard deviation, or the gain where a fan divides it.
        fan: "in", "out", "mean", or "" for none.
        fans: (fan_in, fan_out).
        bounds: outside which a "truncated" one is cut off; ``None`` for ±2 standard deviations.
        swapped, gain, std, in_stds: the dials.
    """

    kind: str
    mean: float
    base: float
    fan: str = ""
    fans: tuple[int, int] = (1, 1)
    bounds: tuple[float, float] | None = None
    swapped: bool = False
    gain: str = ""
    std: str = ""
    in_stds: bool = False

    def law(self) -> Law:
        """The distribution."""
        std = self.base
        if self.fan:
            std = {"none": 1.0, "relu": math.sqrt(2)}.get(self.gain, std)
            fan_in, fan_out = self.fans[::-1] if self.swapped else self.fans
            mean = (fan_in + fan_out) / 2
            std /= math.sqrt({"in": fan_in, "out": fan_out, "mean": mean}[self.fan])
        if self.std == "squared":
            std = std**2
        elif self.std == "root":
            std = math.sqrt(std)
        elif self.std == "half width" and self.kind != "uniform":
            std *= math.sqrt(3)
        elif self.std == "as half width" and self.kind == "uniform":
            std /= math.sqrt(3)
        if self.kind not in ("truncated", "rescaled"):
            return Law(self.kind, self.mean, std)
        cut = self.bounds or TWO_STDS
        if self.bounds and not self.in_stds:
            low, high = self.bounds
            cut = (low - self.mean) / std, (high - self.mean) / std
        moved, narrowed, _ = truncated_moments(*cut)
        if self.kind == "rescaled" or self.std == "after the cut":
            narrowed = 1.0
        return Law("truncated", self.mean + std * moved, std * narrowed, cut)


def recipe_of(torchs: str, shape: tuple[int, ...], settings: dict[str, Any]) -> Recipe:
    """The distribution that torch's function draws from."""
    get = settings.get
    kind = "uniform" if "uniform" in torchs else "normal"
    if torchs in ("xavier_normal_", "xavier_uniform_"):
        return Recipe(kind, 0.0, get("gain", 1.0), "mean", fans(shape))
    if torchs in ("kaiming_normal_", "kaiming_uniform_"):
        gain = calculate_gain(get("nonlinearity", "leaky_relu"), get("a", 0.0))
        mode = str(get("mode", "fan_in")).lower()  # as torch has it
        mode = _check.choice("mode", mode, ("fan_in", "fan_out"))
        return Recipe(kind, 0.0, gain, mode.removeprefix("fan_"), fans(shape))
    if torchs == "normal_":
        return Recipe(kind, get("mean", 0.0), get("std", 1.0))
    if torchs == "uniform_":
        low, high = get("a", 0.0), get("b", 1.0)
        return Recipe(kind, (low + high) / 2, (high - low) / math.sqrt(12))
    if torchs in CONSTANTS:
        return Recipe("constant", 0.0, 0.0)
    if torchs == "orthogonal_":
        return Recipe("orthogonal", 0.0, get("gain", 1.0))
    if torchs == "trunc_normal_":
        bounds = get("a", -2.0), get("b", 2.0)
        return Recipe("truncated", get("mean", 0.0), get("std", 1.0), bounds=bounds)
    raise ValueError(
        "against must be a function of torch.nn.init whose distribution is known here, got "
        f"{_check.shown(torchs)}"
    )
