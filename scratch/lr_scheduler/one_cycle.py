"""One cycle: up to a large learning rate, and down to almost none."""

import math
from collections.abc import Sequence

from scratch import _check
from scratch.lr_scheduler import _arguments
from scratch.lr_scheduler._momentum import CyclicMomentumLR
from scratch.lr_scheduler._rates import rates_of
from scratch.optim import Optimizer
from scratch.typing import Rate


def cosine(start: Rate, end: Rate, part: float) -> Rate:
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def line(start: Rate, end: Rate, part: float) -> Rate:
    return (end - start) * part + start


CURVES = {"cos": cosine, "linear": line}


class OneCycleLR(CyclicMomentumLR):
    r"""The one-cycle policy, as ``torch.optim.lr_scheduler.OneCycleLR``.

    .. math::
        \eta: \tfrac{\eta_{max}}{d} \to \eta_{max} \to \tfrac{\eta_{max}}{d f}, \qquad
        \mu: \mu_{max} \to \mu_{base} \to \mu_{max}

    from the step 0 to pT − 1 to T − 1, along cosines or lines; in three phases η returns to η_max/d
    at 2pT − 2, before it falls below (Smith and Topin 2019, "Super-convergence").

    Args:
        max_lr: η_max, or one for each group; the optimizer's own ``lr`` is replaced. Each may be
            an array (K,); a number is every run's.
        total_steps: T, >= 1; or else
        epochs, steps_per_epoch: the two factors of T.
        pct_start: p, the part of T in which η rises, in [0, 1].
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether μ (or Adam's β₁) goes down while η goes up.
        base_momentum, max_momentum: μ_base and μ_max, or one for each group.
        div_factor: d, > 0.
        final_div_factor: f, > 0.
        three_phase: whether η falls as it rose before it falls further.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(momentum=0.9)
    >>> schedule = OneCycleLR(sgd, max_lr=1.0, total_steps=10, anneal_strategy="linear")
    >>> for _ in range(10):
    ...     print(f"{sgd.lr:.2f}", end=" ")
    ...     schedule.step()
    0.04 0.52 1.00 0.86 0.71 0.57 0.43 0.29 0.14 0.00
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Rate | Sequence[Rate],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        rates = rates_of(optimizer)
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        pct_start = _check.number("pct_start", pct_start, at_least=0, at_most=1)
        self.anneal_strategy = _check.choice("anneal_strategy", anneal_strategy, CURVES)
        self.three_phase = _check.flag("three_phase", three_phase)
        self.ends = _ends(pct_start, self.total_steps, self.three_phase)
        self.max_lrs = _arguments.rates("max_lr", max_lr, [own.lr for own in rates])
        div_factor = _check.number("div_factor", div_factor, above=0)
        final_div_factor = _check.number("final_div_factor", final_div_factor, above=0)
        self._take_momentum(optimizer, len(rates), cycle_momentum, base_momentum, max_momentum)
        for own, lr in zip(rates, self.max_lrs, strict=True):
            own.initial_lr = lr / div_factor
        self.min_lrs = [lr / div_factor / final_div_factor for lr in self.max_lrs]
        super().__init__(optimizer)

    def step(self) -> None:
        """Set the learning rate of the next update.

        Raises:
            ValueError: the cycle is over.
        """
        t, last_is_empty = self.last_epoch + 1, self.ends[-1] == self.ends[-2]
        if t > self.total_steps or (t == self.total_steps and last_is_empty):
            raise ValueError(f"total_steps is {self.total_steps}: there is no step {t}")
        super().step()

    def lr_at(self, i: int) -> Rate:
        return self._between(self.base_lrs[i], self.max_lrs[i], self.min_lrs[i])

    def momentum_at(self, i: int) -> float:
        top = self.max_momentums[i]
        return float(self._between(top, self.base_momentums[i], top))

    def _between(self, first: Rate, middle: Rate, last: Rate) -> Rate:
        """The value at the step ``last_epoch``, on the way from the first to the last."""
        t, starts = self.last_epoch, [0.0, *self.ends]
        values = [first, middle, first, last] if self.three_phase else [first, middle, last]
        phase = next((k for k, end in enumerate(self.ends) if t <= end), len(self.ends) - 1)
        part = (t - starts[phase]) / (self.ends[phase] - starts[phase])
        return CURVES[self.anneal_strategy](values[phase], values[phase + 1], part)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return _check.integer("total_steps", total_steps, at_least=1)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            "total_steps must be given, or both epochs and steps_per_epoch, got "
            f"epochs={epochs!r} and steps_per_epoch={steps_per_epoch!r}"
        )
    epochs = _check.integer("epochs", epochs, at_least=1)
    return epochs * _check.integer("steps_per_epoch", steps_per_epoch, at_least=1)


def _ends(pct_start: float, total_steps: int, three_phase: bool) -> list[float]:
    """The step that each phase ends with."""
    top = float(pct_start * total_steps) - 1
    if top == 0:  # torch divides by it
        raise ValueError(
            "pct_start must leave the first phase a length: pct_start * total_steps must not be 1, "
            f"got {_check.shown(pct_start)} * {total_steps!r}"
        )
    back = [float(2 * pct_start * total_steps) - 2] if three_phase else []
    return [top, *back, total_steps - 1]
