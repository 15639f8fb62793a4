"""The report of a run of two sides."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.compare.distance import Distance, Drift, add_all

PARAMETER, GRADIENT = "parameter", "gradient"


def plain(value: Any) -> Any:
    """A value as JSON can have it; what JSON has no type for is a text.

    >>> plain({"shape": (2, 3), "eps": np.float32("inf"), "function": len})
    {'shape': [2, 3], 'eps': 'inf', 'function': '<built-in function len>'}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):  # an array, a tensor, or a number of theirs
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, str | int | bool | None) else repr(value)


@dataclass(frozen=True)
class Divergence:
    """The first place where the sides differ by more than rounding.

    Attributes:
        step: counted from 1.
        name: of the parameter.
        quantity: "gradient", "parameter", or the name of a state buffer.
        element: the index of the element that is farthest apart.
        mine, theirs: its values.
        distance: of the whole quantity at this step.
    """

    step: int
    name: str
    quantity: str
    element: tuple[int, ...]
    mine: float
    theirs: float
    distance: Distance

    def as_dict(self) -> dict[str, Any]:
        """Return it in plain JSON values."""
        fields = asdict(self)
        return plain(fields | fields.pop("distance"))

    def __str__(self) -> str:
        at = f"[{', '.join(map(str, self.element))}]" if self.element else ""
        what = self.name if self.quantity == PARAMETER else f"{self.quantity} of {self.name}"
        apart = f"|difference| {abs(self.mine - self.theirs):.2g}"
        if self.theirs:  # of nothing, nothing is a part
            apart += f", relative {self.distance.relative:.2g}, {self.distance.ulp:.3g} ULP"
        return f"step {self.step}, {what}{at}: {self.mine!r} instead of {self.theirs!r} ({apart})"


class Compared(NamedTuple):
    """One quantity of a parameter at one step, on both sides.

    Without ``certain`` it is a buffer of a stranger that may be in other units: one that is torch's
    times a constant is taken as such, and a divergence counts only where a parameter diverges too.
    """

    name: str
    quantity: str
    mine: np.ndarray
    theirs: np.ndarray
    certain: bool = True


@dataclass
class Report:
    """The report of a run of two sides.

    Attributes:
        mine, theirs: what they are called.
        tolerance: the relative distance up to which they agree.
        steps: how many were run.
        drifts: by (parameter's name, quantity); the quantity is "parameter" or a buffer's name.
            Parameters that the problem does not determine are left out, here and in ``norm``.
        norm: at each comparison, ‖mine − theirs‖ / ‖theirs‖ over all parameters together.
        first: where they diverged first, ``None`` if they agree.
    """

    mine: str
    theirs: str
    tolerance: float
    steps: int = 0
    drifts: dict[tuple[str, str], Drift] = field(default_factory=lambda: defaultdict(Drift))
    norm: list[float] = field(default_factory=list)
    first: Divergence | None = None
    _suspect: Divergence | None = None
    _foreign: set[tuple[str, str]] = field(default_factory=set)
    _factors: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether nothing differed by more than the tolerance at any comparison."""
        return self.first is None

    @property
    def worst(self) -> Distance:
        """The largest distances of any element of any parameter or buffer at any comparison.

        A stranger's buffer that is something else under torch's name is none of these.
        """
        worst = Distance()
        for key, drift in self.drifts.items():
            if key[1] != GRADIENT and key not in self._foreign:
                worst = worst.or_larger(drift.worst)
        return worst

    def start(self, params: Mapping[str, np.ndarray]) -> None:
        """Take the parameters that both sides start from: a rounding error may be of their size."""
        drifts, values = [self.drifts[name, PARAMETER] for name in params], list(params.values())
        add_all(drifts, values, values)

    def add(self, *compared: Compared) -> None:
        """Compare quantities at the present step."""
        scaled = [self._in_torchs_units(one) for one in compared]
        drifts = [self.drifts[one.name, one.quantity] for one in compared]
        distances = add_all(drifts, scaled, [one.theirs for one in compared])
        for one, mine, drift, distance in zip(compared, scaled, drifts, distances, strict=True):
            if not distance.relative <= self.tolerance:
                at = drift.element
                a, b = (np.asarray(side)[at].item() for side in (mine, one.theirs))
                found = Divergence(self.steps, one.name, one.quantity, at, a, b, distance)
                if not one.certain:
                    self._foreign.add((one.name, one.quantity))
                    self._suspect = self._suspect or found
                elif self.first is None:
                    self.first = self._suspect or found

    def _in_torchs_units(self, one: Compared) -> np.ndarray:
        if one.certain:
            return one.mine
        return np.asarray(one.mine * self._factor(*one[:4]), one.theirs.dtype)

    def _factor(self, name: str, quantity: str, mine: np.ndarray, theirs: np.ndarray) -> float:
        """The constant that my buffer is in units of, found where both are first not zero."""
        known = self._factors.get((name, quantity))
        moved = (mine != 0) & (theirs != 0)
        if known is None and moved.any():
            with np.errstate(all="ignore"):
                ratios = np.asarray(theirs / mine)[moved]
            constant = np.allclose(ratios, ratios.flat[0], rtol=1e-5, atol=0)
            known = float(np.median(ratios)) if constant else 1.0
            self._factors[name, quantity] = known
        return 1.0 if known is None else known

    def raise_if_diverged(self) -> None:
        """Raise an AssertionError that says where, if the sides diverged."""
        if not self.agrees:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        if self.agrees:
            worst = self.worst
            return (
                f"{self.mine} agrees with {self.theirs} for {self.steps:,} steps: "
                f"at most {worst.relative:.1e} relative, {worst.ulp:.3g} ULP"
            )
        return f"{self.mine} diverges from {self.theirs}\n  at {self.first}"
