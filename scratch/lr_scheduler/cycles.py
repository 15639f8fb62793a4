"""Up and down, for ever or once, and the momentum down and up with it."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

from scratch import _check
from scratch._check import Check
from scratch._settings import AtLeast0, AtLeast1, Flag, Share, choice, number
from scratch.lr_scheduler.base import (
    FormulaLR,
    Steps,
    momentum_name,
    per_group,
    rates_of,
    rates_per_group,
)
from scratch.typing import Rate

Momentums = float | Sequence[float]
Positive = Annotated[float, number(above=0)]
MODES = ("triangular", "triangular2", "exp_range")


class CyclicMomentumLR(FormulaLR):
    """A schedule with a formula for the momentum, too: :meth:`momentum_at` ``last_epoch``.

    The momentum is ``momentum``, or β₁ where the optimizer has betas.
    """

    unsaved = FormulaLR.unsaved | {"max_lr", "base_momentum", "max_momentum"}

    cycle_momentum = False

    @property
    def moves_momentum(self) -> bool:
        return self.cycle_momentum

    def momentum_at(self, i: int) -> float:
        """The i-th momentum at the step ``last_epoch``."""
        raise NotImplementedError(f"{type(self).__name__} has no momentum_at")

    def _take_momentums(self, base: Momentums, top: Momentums) -> None:
        """Check and keep the two momentums, if they are used."""
        self.base_momentums: list[float] = []
        self.max_momentums: list[float] = []
        if not self.cycle_momentum:
            return
        name = momentum_name(self.optimizer)
        if not name:
            raise ValueError(
                "cycle_momentum must be False for an optimizer without momentum or betas, got "
                f"True for {type(self.optimizer).__name__}"
            )
        check = number(at_least=0, below=math.inf if name == "momentum" else 1)
        self.base_momentums = per_group("base_momentum", base, self.optimizer, check)
        self.max_momentums = per_group("max_momentum", top, self.optimizer, check)

    def _go(self, epoch: int, lr_of: Callable[[Rate, int], Rate]) -> None:
        super()._go(epoch, lr_of)
        if self.cycle_momentum:
            for i, rates in enumerate(self.rates):
                rates.momentum = self.momentum_at(i)


class CyclicLR(CyclicMomentumLR):
    r"""Up and down on a line, as ``torch.optim.lr_scheduler.CyclicLR``.

    .. math::
        \eta_t = \eta_{base} + (\eta_{max} - \eta_{base})\, h_t\, s, \qquad
        \mu_t = \mu_{max} - (\mu_{max} - \mu_{base})\, h_t\, s

    The height h goes from 0 to 1 and back in each cycle; the scale s is 1 (``triangular``),
    1/2^{cycle − 1} (``triangular2``) or γᵗ (``exp_range``) (Smith 2017, "Cyclical learning rates
    for training neural networks").

    Args:
        base_lr: η_base, or one for each group; the optimizer's own ``lr`` is replaced. Each may be
            an array (K,); a number is every run's.
        max_lr: η_max, as ``base_lr``.
        step_size_up: the steps from the bottom to the top, >= 1.
        step_size_down: from there back, >= 0; ``None`` for the same.
        mode: which scale.
        gamma: γ of ``exp_range``.
        scale_fn: s itself, >= 0, in place of ``mode``. A snapshot does not have it.
        scale_mode: whether ``scale_fn`` is given the "cycle", from 1, or the "iterations", t.
        cycle_momentum: whether μ (or Adam's β₁) goes down while η goes up.
        base_momentum, max_momentum: μ_base and μ_max, or one for each group.

    >>> from scratch.optim import SGD
    >>> sgd = SGD(momentum=0.9)
    >>> schedule = CyclicLR(sgd, base_lr=0.1, max_lr=0.5, step_size_up=2)
    >>> for _ in range(5):
    ...     print(f"{sgd.lr:.1f}/{sgd.momentum:.2f}", end=" ")
    ...     schedule.step()
    0.1/0.90 0.3/0.85 0.5/0.80 0.3/0.85 0.1/0.90
    """

    base_lr: Rate | Sequence[Rate]
    max_lr: Rate | Sequence[Rate]
    step_size_up: AtLeast1 = 2000
    step_size_down: Steps | None = None
    mode: str = "triangular"
    gamma: AtLeast0 = 1.0
    scale_fn: Annotated[Callable[[float], float], _check.function] | None = None
    scale_mode: Annotated[str, choice("cycle", "iterations")] = "cycle"
    cycle_momentum: Flag = True
    base_momentum: Momentums = 0.8
    max_momentum: Momentums = 0.9

    unsaved = CyclicMomentumLR.unsaved | {"base_lr", "step_size_up", "step_size_down", "scale_fn"}
    remembered: ClassVar[Mapping[str, Check]] = {
        "period": partial(_check.integer, at_least=1),
        "rising": number(above=0, at_most=1),
    }

    def __post_init__(self) -> None:
        self.check_together()
        base_lrs = rates_per_group("base_lr", self.base_lr, self.optimizer)
        self.max_lrs = rates_per_group("max_lr", self.max_lr, self.optimizer, base_lrs)
        up, down = self.step_size_up, self.step_size_down
        self.period = up + (up if down is None else down)
        self.rising = up / self.period
        self._take_momentums(self.base_momentum, self.max_momentum)
        self.last_epoch = 0
        self._wave()  # scale_fn may fail, and nothing has changed yet
        for own, lr in zip(rates_of(self.optimizer), base_lrs, strict=True):
            own.lr = lr
        super().__post_init__()
        self.base_lrs = base_lrs

    def check_together(self) -> None:
        if self.scale_fn is None:
            _check.choice("mode", self.mode, MODES)

    def lr_at(self, i: int) -> Rate:
        base_lr = self.base_lrs[i]
        height, scale = self._wave()
        return base_lr + (self.max_lrs[i] - base_lr) * height * scale

    def momentum_at(self, i: int) -> float:
        max_momentum = self.max_momentums[i]
        height, scale = self._wave()
        return max_momentum - (max_momentum - self.base_momentums[i]) * height * scale

    def _wave(self) -> tuple[float, float]:
        """The height and the scale at the step ``last_epoch``."""
        t = self.last_epoch
        cycle = math.floor(1 + t / self.period)
        x = 1.0 + t / self.period - cycle  # the part of the cycle that is over
        height = x / self.rising if x <= self.rising else (x - 1) / (self.rising - 1)
        if self.scale_fn:
            at = cycle if self.scale_mode == "cycle" else t
            return height, _check.number(f"scale_fn({at})", self.scale_fn(at), at_least=0)
        if self.mode == "exp_range":
            return height, self.gamma**t
        return height, 1.0 if self.mode == "triangular" else 1 / (2.0 ** (cycle - 1))


def _numbers(name: str, value: Any) -> list[float]:
    """Return a list of numbers, or raise."""
    return [_check.number(f"{name}[{i}]", v) for i, v in enumerate(_check.sequence(name, value))]


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

    max_lr: Rate | Sequence[Rate]
    total_steps: AtLeast1 | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    pct_start: Share = 0.3
    anneal_strategy: Annotated[str, choice(*CURVES)] = "cos"
    cycle_momentum: Flag = True
    base_momentum: Momentums = 0.85
    max_momentum: Momentums = 0.95
    div_factor: Positive = 25.0
    final_div_factor: Positive = 1e4
    three_phase: Flag = False

    unsaved = CyclicMomentumLR.unsaved | {
        *("epochs", "steps_per_epoch", "pct_start", "div_factor", "final_div_factor")
    }
    remembered: ClassVar[Mapping[str, Check]] = {"ends": _numbers}

    def __post_init__(self) -> None:
        self.total_steps = _total(self.total_steps, self.epochs, self.steps_per_epoch)
        self.ends = _ends(self.pct_start, self.total_steps, self.three_phase)
        self.max_lrs = rates_per_group("max_lr", self.max_lr, self.optimizer)
        self._take_momentums(self.base_momentum, self.max_momentum)
        for own, lr in zip(rates_of(self.optimizer), self.max_lrs, strict=True):
            own.initial_lr = lr / self.div_factor
        self.min_lrs = [lr / self.div_factor / self.final_div_factor for lr in self.max_lrs]
        super().__post_init__()

    def check_together(self) -> None:
        last = _check.integer("total_steps", self.total_steps, at_least=1) - 1
        phases = 3 if self.three_phase else 2
        if len(self.ends) != phases or self.ends[-1] != last or self.ends[0] == 0:
            raise ValueError(
                f"ends must be the last step of each of the {phases} phases, the first not 0 and "
                f"the last {last}, got {_check.shown(self.ends)}"
            )

    def step(self) -> None:
        """Set the learning rate of the next update.

        Raises:
            ValueError: the cycle is over.
        """
        t, last = self.last_epoch + 1, self.ends[-1]
        if t > last + 1 or (t == last + 1 and last == self.ends[-2]):
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
