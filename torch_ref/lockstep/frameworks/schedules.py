"""Learning rate schedules as people write them, read step by step.

* a function of the step, counted from 0: optax's, MLX's and Keras's are such;
* a class or function that makes one of these from its settings;
* an object with ``step()``, and ``lr``, ``get_last_lr()`` or an optimizer whose rate it sets, or
  its class, which may be given that optimizer: torch's, timm's and transformers' are such. A
  ``step`` that must be told the epoch or a metric is.
"""

import copy
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.frameworks.layers.jax_ import in_precision
from torch_ref.lockstep.frameworks.shown import shown

Settings = dict[str, Any]
#: What the base rate is called.
LR = (
    "lr",
    "base_lr",
    "initial_lr",
    "learning_rate",
    "initial_learning_rate",
    "init_value",
    "init",
)
#: What the first argument of a function of the step is called.
STEP = ("step", "t", "epoch", "count", "i", "n", "it", "iteration", "k", "x", "global_step")
METRIC = ("metrics", "metric", "loss", "value", "score", "val_loss")
OPTIMIZER = ("optimizer", "opt")


class Rates(NamedTuple):
    """The rates before each step.

    Attributes:
        lr: one a step; NaN where it could not be computed.
        momentum: of the optimizer that it sets, or None.
        single: whether they are numbers of float32.
        error: at step 0, where a count from 1 may not be defined.
    """

    lr: np.ndarray
    momentum: np.ndarray | None = None
    single: bool = False
    error: Exception | None = None

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.lr)


class Optimizer:
    """What a schedule sets, for one that needs no framework's."""

    def __init__(self, lr: float, momentum: float = 0.9) -> None:
        self.param_groups = [{"lr": lr, "initial_lr": lr, "momentum": momentum}]

    @property
    def lr(self) -> float:
        """The rate of its one group."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        self.param_groups[0]["lr"] = value


def rates_of(
    candidate: Any,
    lr: float,
    steps: int,
    settings: Mapping[str, Any],
    *,
    metrics: Sequence[float] = (),
    optimizers: Sequence[Callable[[float], Any]] = (),
    prepared: Callable[[Any, Settings], Settings] = lambda optimizer, settings: settings,
) -> Rates:
    """The rates of a candidate, made with the settings that it takes.

    Args:
        candidate: see the module.
        lr: the base rate, where the settings have none under the candidate's name for it.
        steps: how many rates are read.
        settings: by the candidate's names.
        metrics: what a ``step`` that takes a metric is told.
        optimizers: ways to make what it sets, the first that it takes being used.
        prepared: the settings for a candidate that sets that optimizer.

    Raises:
        TypeError: the candidate is no schedule, or needs settings that are not there.
    """
    known = dict.fromkeys(LR, lr) | dict(settings)
    with _precisely():
        makers = [(make, prepared) for make in (*optimizers, Optimizer)]
        made, taken = _made(candidate, lr, known, makers)
        if hasattr(made, "step"):
            return stepped(made, steps, metrics)
        if not callable(made):
            raise TypeError(
                "candidate must be a function of the step, or an object with step() and lr or "
                f"get_last_lr(); got {shown(candidate)}"
            )
        return _called(made, steps, taken)


def stepped(scheduler: Any, steps: int, metrics: Sequence[float] = ()) -> Rates:
    """The rates of an object with ``step``, before each step; it is stepped no further."""
    step, optimizer = _step_of(scheduler, metrics), getattr(scheduler, "optimizer", None)
    lr: list[Any] = [_lr_of(scheduler)]
    momentum = [_momentum_of(scheduler)]
    torch = sys.modules.get("torch")
    for t in range(steps - 1):
        if torch is not None and isinstance(optimizer, torch.optim.Optimizer):
            optimizer.step()  # torch warns if the scheduler steps first
        step(t)
        lr.append(_lr_of(scheduler))
        momentum.append(_momentum_of(scheduler))
    moves = np.array(momentum, float) if None not in momentum else None
    return Rates(np.array([float(value) for value in lr]), moves, _single(lr))


def made_of(constructor: Callable[..., Any], settings: Settings) -> Any:
    """What a class or function makes of those of the settings that it takes.

    Raises:
        TypeError: it needs others; the message names them.
    """
    parameters = _parameters(constructor)
    free = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    own = {n: v for n, v in settings.items() if n in parameters or (free and n not in LR)}
    missing = [n for n, p in parameters.items() if _is_required(p) and n not in own]
    if missing:
        raise TypeError(
            f"{getattr(constructor, '__name__', constructor)} needs {', '.join(missing)}; "
            f"give {' '.join(f'--arg {name}=…' for name in missing)}"
        )
    return constructor(**own)


def _made(
    candidate: Any, lr: float, known: Settings, makers: Sequence[tuple[Any, Any]]
) -> tuple[Any, Settings]:
    """The schedule, and the settings that each call of it is given."""
    parameters = _parameters(candidate) if callable(candidate) else {}
    names = list(parameters)
    if not isinstance(candidate, type) and hasattr(candidate, "step"):
        foreign = hasattr(candidate, "optimizer")
        return (candidate if foreign else copy.deepcopy(candidate)), {}
    if any(name in OPTIMIZER for name in names):
        return _over_optimizer(candidate, lr, known, makers), {}
    if isinstance(candidate, type):
        return made_of(candidate, known), {}
    required = [name for name in names if _is_required(parameters[name])]
    makes = names[:1] and names[0] not in STEP and set(required) <= known.keys()
    if makes and required and inspect.isroutine(candidate):
        return made_of(candidate, known), {}
    return candidate, {name: known[name] for name in names[1:] if name in known}


def _over_optimizer(
    candidate: Any, lr: float, known: Settings, makers: Sequence[tuple[Any, Any]]
) -> Any:
    """The schedule over the first optimizer that it takes."""
    error: Exception | None = None
    name = next(name for name in _parameters(candidate) if name in OPTIMIZER)
    for make, prepared in makers:
        optimizer = make(lr)
        try:
            return made_of(candidate, prepared(optimizer, known) | {name: optimizer})
        except TypeError as raised:
            error = error or raised
    raise error or TypeError("there is no optimizer to set")


def _called(schedule: Callable[..., Any], steps: int, given: Settings) -> Rates:
    """The rates of a function of the step."""
    values: list[Any] = [np.nan] * steps
    error: Exception | None = None
    for step in range(steps):
        try:
            values[step] = _at(schedule, step, given)
        except (ArithmeticError, ValueError) as raised:
            if step > 0:
                raise
            error = raised
    return Rates(np.array([float(value) for value in values]), None, _single(values), error)


def _at(schedule: Callable[..., Any], step: int, given: Settings) -> Any:
    """The value at a step; MLX's arithmetic takes the step as an array of its own."""
    mlx = sys.modules.get("mlx.core")
    try:
        return schedule(step, **given)
    except TypeError:
        if mlx is None:
            raise
        return schedule(mlx.array(step), **given)


def _step_of(scheduler: Any, metrics: Sequence[float]) -> Callable[[int], Any]:
    parameters = _parameters(scheduler.step)
    first = next(iter(parameters.values()), None)
    if first is not None and first.name in METRIC:
        return lambda t: scheduler.step(metrics[t])
    if first is not None and _is_required(first):
        return lambda t: scheduler.step(t + 1)
    return lambda t: scheduler.step()


def _lr_of(scheduler: Any) -> Any:
    if hasattr(scheduler, "get_last_lr"):
        return scheduler.get_last_lr()[0]
    if hasattr(scheduler, "lr"):
        return scheduler.lr
    optimizer = getattr(scheduler, "optimizer", None)
    groups = getattr(optimizer, "param_groups", None)
    return groups[0]["lr"] if groups else getattr(optimizer, "lr", np.nan)


def _momentum_of(scheduler: Any) -> float | None:
    optimizer = getattr(scheduler, "optimizer", None)
    groups = getattr(optimizer, "param_groups", None)
    if groups:
        return groups[0].get("momentum")
    return getattr(optimizer, "momentum", None)


def _single(values: Sequence[Any]) -> bool:
    """Whether these are a framework's numbers of float32."""
    return any("float32" in str(getattr(value, "dtype", "")) for value in values)


def _precisely() -> AbstractContextManager[Any]:
    """JAX in 64 bits, if the candidate's file uses it."""
    return in_precision(np.dtype(np.float64)) if "jax" in sys.modules else nullcontext()


def _parameters(constructor: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(constructor).parameters)
    except (TypeError, ValueError):  # a builtin
        return {}


def _is_required(parameter: inspect.Parameter) -> bool:
    variable = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    return parameter.default is inspect.Parameter.empty and not variable
