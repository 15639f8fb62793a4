"""Checking a normalization layer against torch's: several training batches, then evaluation.

The candidate, torch's module and the reference with the known variants stand behind one face:
``forward(x, training)``, ``backward(dy)``, and ``read`` and ``write`` of the arrays that a layer
holds, by torch's names. What a layer has not is ``None``.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from torch_ref.lockstep.distance import Distance, Drift
from torch_ref.lockstep.report import Divergence
from torch_ref.lockstep.verdict import Variant, Verdict, name_of, search
from torch_ref.registry import SAME_GRADIENTS

Settings = dict[str, Any]
Trace = Iterator[tuple[int, str, str, np.ndarray | None]]

#: What people call what torch calls weight, bias, …
SPELLINGS = {
    "weight": ("weight", "gamma", "scale", "g"),
    "bias": ("bias", "beta", "shift", "offset", "b"),
    "running_mean": ("running_mean", "moving_mean", "run_mean", "mean_running"),
    "running_var": ("running_var", "moving_variance", "running_variance", "moving_var", "run_var"),
    "eps": ("eps", "epsilon"),
    "momentum": ("momentum",),
    "affine": ("affine",),
    "track_running_stats": ("track_running_stats",),
}
_TRAINING = ("training", "train_flg", "is_training", "train")
_DEFAULTS = {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True}

_VARIANCE = "torch feeds running_var the unbiased variance, σ²·n/(n − 1)"
_EPS = "torch adds eps to the variance, inside the root: √(σ² + eps)"
_NORMALIZED = "torch normalizes a training batch by its biased variance, σ² = Σ(x − μ)²/n"
_EVALUATION = "torch normalizes by the running statistics in evaluation, and leaves them alone"
_BACKWARD = "torch differentiates through the mean and the variance, which depend on x too"
_RUNNING = "torch updates both running statistics in training: (1 − m)·running + m·batch"

VARIANTS = (
    Variant("running variance biased", _VARIANCE, {"unbiased_running": False}),
    Variant(
        "momentum inverted",
        "torch's momentum is the weight of the new batch: (1 − m)·running + m·batch",
        {"momentum_kept": True},
    ),
    Variant("running variance starts at zero", "torch's starts at ones", {"start": 0.0}),
    Variant("eps outside the root", _EPS, {"eps_outside": True}),
    Variant("eps forgotten", _EPS, {"eps": 0.0}),
    *(
        Variant(f"eps {eps:g}", "torch takes the eps it is given, by default 1e-5", {"eps": eps})
        for eps in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8)
    ),
    Variant("normalized by the unbiased variance", _NORMALIZED, {"unbiased": True}),
    Variant("running statistics updated in evaluation", _EVALUATION, {"evaluation": "update"}),
    Variant(
        "running statistics updated in evaluation, after their use",
        _EVALUATION,
        {"evaluation": "update after"},
    ),
    Variant("batch statistics in evaluation", _EVALUATION, {"batch_always": True}),
    Variant("running mean not updated", _RUNNING, {"updates_mean": False}),
    Variant("running variance not updated", _RUNNING, {"updates_var": False}),
    Variant("backward takes the mean as constant", _BACKWARD, {"through_mean": False}),
    Variant("backward takes the variance as constant", _BACKWARD, {"through_var": False}),
    Variant(
        "parameter gradients averaged over the batch",
        "torch sums them: ∂L/∂γ = Σ dy·x̂, ∂L/∂β = Σ dy",
        {"averaged": True},
    ),
)


@np.errstate(all="ignore")  # what divides by zero is found by its values
def check_norm(
    candidate: Any,
    against: str = "BatchNorm1d",
    *,
    dtype: np.typing.DTypeLike = np.float64,
    num_features: int = 5,
    **settings: Any,
) -> Verdict:
    """Compare a normalization layer with torch's, and name the cause if they diverge.

    Four training batches, then two of evaluation. Each compares the output, the running mean and
    variance, and in training the gradients of the input, weight and bias, in that order.

    Args:
        candidate: a class or function, called with ``num_features`` and those of the settings
            that it takes (``gamma`` and ``beta`` are given as arrays); or an instance, which is
            copied. Either a ``torch.nn.Module``, or ``forward(x)`` and ``backward(dy)`` on
            arrays. Training and evaluation are chosen by an argument of ``forward``
            (``training``, ``train_flg``, …), by ``train()`` and ``eval()``, or by an attribute.
        against: "BatchNorm1d".
        dtype: float32 or float64; float32 if the candidate computes in nothing else.
        num_features: C.
        settings: of both sides; what is left out has the candidate's own default on both.

    Raises:
        ValueError: ``against`` is another layer.
        TypeError: the candidate has no ``forward``.

    >>> from scratch.nn import BatchNorm1d
    >>> check_norm(BatchNorm1d, eps=1e-3).agrees
    True
    >>> class Biased(BatchNorm1d):
    ...     def running_variance(self, var, n):
    ...         return var
    >>> check_norm(Biased).findings[0].names
    ('running variance biased',)
    """
    if str(against).removeprefix("torch.nn.") != "BatchNorm1d":
        raise ValueError(f"against must be 'BatchNorm1d', got {against!r}")
    make, shared, c = _maker(candidate, num_features, settings)
    given = ", ".join(f"{setting}={value!r}" for setting, value in shared.items())
    dtype, notes = np.dtype(dtype), [f"torch was given {given or 'its own defaults'}"]
    layer = make(dtype)
    found = [name for name in ("weight", "bias") if layer.read(name) is not None]
    mine = list(_trace(layer, _batches(c, dtype), found))
    if dtype == np.float64 and any(a is not None and a.dtype == np.float32 for *_, a in mine):
        dtype = np.dtype(np.float32)
        mine = list(_trace(make(dtype), _batches(c, dtype), found))
        notes.append("compared in float32, which it computes in")
    tolerance, batches = SAME_GRADIENTS[dtype.name], _batches(c, dtype)

    def against_reference(dials: Settings) -> float:
        reference = BatchNormReference(c, dtype, shared | dials)
        return _compare(mine, _trace(reference, batches, found), tolerance)[1]

    module = _Module(torch.nn.BatchNorm1d(c, **shared), dtype)
    theirs = list(_trace(module, batches, found))
    first, apart = _compare(mine, theirs, tolerance)
    notes += _not_compared(mine, theirs)
    name, torchs = name_of(candidate), "torch.nn.BatchNorm1d"
    seen = f"{name} agrees with {torchs} in training and evaluation: at most {apart:.1e} relative"
    verdict = Verdict(name, torchs, seen, first, notes=notes, tried="alone, in pairs or in threes")
    if first is not None:
        verdict.findings = search(VARIANTS, against_reference, tolerance, depth=3)
    return verdict


def _not_compared(mine: list, theirs: list) -> list[str]:
    """A note on what torch has and the candidate has not, by mode."""
    missing = {
        f"{quantity} in {phase}"
        for (_, phase, quantity, a), (*_, b) in zip(mine, theirs, strict=True)
        if a is None and b is not None
    }
    return [f"not found, so not compared: {', '.join(sorted(missing))}"] if missing else []


def _batches(c: int, dtype: np.dtype) -> list[tuple[bool, np.ndarray, np.ndarray]]:
    """(training, x, dy): features of several scales, so that eps matters in some of them."""
    random, scales = np.random.default_rng(0), np.resize([1.0, 1e-2, 3e-3, 10.0, 0.3], c)
    batches = []
    for training in (True, True, True, True, False, False):
        z = random.standard_normal((12, c))
        dy = 0.5 + 0.5 * z + random.standard_normal((12, c))  # no gradient is near zero by chance
        batches.append((training, ((z + 1.5) * scales).astype(dtype), dy.astype(dtype)))
    return batches


def _trace(
    layer: "_Layer", batches: list[tuple[bool, np.ndarray, np.ndarray]], written: list[str]
) -> Trace:
    """All that a layer computes, in order; ``None`` for what it has not.

    The ``written`` parameters are set to values other than ones and zeros, exact in float32.
    """
    for name, start in (("weight", 1.25), ("bias", -0.5)):
        if name in written and layer.read(name) is not None:
            layer.write(name, start + 0.25 * np.arange(batches[0][1].shape[1]))
    for step, (training, x, dy) in enumerate(batches, 1):
        phase = "training" if training else "evaluation"
        yield step, phase, "output", layer.forward(x.copy(), training)
        for name in ("running_mean", "running_var"):
            yield step, phase, name, layer.read(name)
        if training:
            yield step, phase, "input gradient", layer.backward(dy.copy())
            for name in ("weight", "bias"):
                yield step, phase, f"{name}'s gradient", layer.read(name, gradient=True)


def _compare(mine: Any, theirs: Any, tolerance: float) -> tuple[Divergence | None, float]:
    """The first place where two traces differ, and the largest distance up to there."""
    worst = 0.0
    for (step, phase, quantity, a), (*_, b) in zip(mine, theirs, strict=False):
        if a is None or b is None:
            continue
        drift = Drift()
        if a.shape == b.shape:
            # Elements near zero carry rounding errors of the size of their column.
            scale = np.broadcast_to(np.abs(b).max(axis=0), b.shape) if b.ndim > 1 else b
            drift.add(scale, scale)
            distance, at = drift.add(np.asarray(a, b.dtype), b), drift.element
            values = (float(a[at]), float(b[at]))
        else:
            distance, at, values = Distance(np.inf, np.inf), (), (np.nan, np.nan)
        worst = max(worst, distance.relative)
        if not distance.relative <= tolerance:
            return Divergence(step, f"the {phase} batch", quantity, at, *values, distance), np.inf
    return None, worst


class BatchNormReference:
    """Torch's batch normalization of (N, C), with a dial for each known way to differ from it."""

    def __init__(self, c: int, dtype: np.dtype, dials: Settings) -> None:
        self._dials, self._seen = _DEFAULTS | dials, 0
        self._track, self._eps = self._dials["track_running_stats"], self._dials["eps"]
        self._held: dict[str, np.ndarray] = {}
        self._grads: dict[str, np.ndarray] = {}
        if self._dials["affine"]:
            self._held.update(weight=np.ones(c, dtype), bias=np.zeros(c, dtype))
        if self._track:
            start = np.full(c, self._dials.get("start", 1), dtype)
            self._held.update(running_mean=np.zeros(c, dtype), running_var=start)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        n, dial = len(x), self._dials.get
        mean, var = x.mean(axis=0), x.var(axis=0)
        if self._track and (training or dial("evaluation") == "update"):
            self._update(mean, var, n)
        if training or not self._track or dial("batch_always"):
            self._d = n - 1 if dial("unbiased") else n  # the variance is Σ(x − μ)²/d
            var = var * (n / self._d)
        else:
            mean, var = self._held["running_mean"], self._held["running_var"].copy()
        self._centred, self._var = x - mean, var
        inside, outside = (0, self._eps) if dial("eps_outside") else (self._eps, 0)
        self._scale = 1 / (np.sqrt(var + inside) + outside)
        self._x_hat = self._centred * self._scale
        if self._track and not training and dial("evaluation") == "update after":
            self._update(x.mean(axis=0), x.var(axis=0), n)
        return self._x_hat * self._held.get("weight", 1) + self._held.get("bias", 0)

    def _update(self, mean: np.ndarray, var: np.ndarray, n: int) -> None:
        self._seen += 1
        dial, m = self._dials.get, self._dials["momentum"]
        m = 1 / self._seen if m is None else m
        m = 1 - m if dial("momentum_kept") else m
        var = var * (n / (n - 1)) if dial("unbiased_running", True) else var
        for name, new in (("mean", mean), ("var", var)):
            if dial(f"updates_{name}", True):
                running = f"running_{name}"
                self._held[running] = (1 - m) * self._held[running] + m * new

    def backward(self, dy: np.ndarray) -> np.ndarray:
        n, dial, s = len(dy), self._dials.get, self._scale
        self._grads = {"weight": (dy * self._x_hat).sum(axis=0), "bias": dy.sum(axis=0)}
        if dial("averaged"):
            self._grads = {name: g / n for name, g in self._grads.items()}
        dx_hat = dy * self._held.get("weight", 1)
        dx = dx_hat * s
        if dial("through_var", True):
            # ∂scale/∂σ² · ∂σ²/∂x, where ∂σ²/∂x = 2·(x − μ)/d
            slope = -(s**2) / np.sqrt(self._var) if dial("eps_outside") else -(s**3)
            dx = dx + self._centred * slope * (dx_hat * self._centred).sum(axis=0) / self._d
        return dx - dx.mean(axis=0) if dial("through_mean", True) else dx

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        return (self._grads if gradient and name in self._held else self._held).get(name)

    def write(self, name: str, values: np.ndarray) -> None:
        self._held[name][...] = values


class _Module:
    """A ``torch.nn.Module``; autograd gives its gradients."""

    def __init__(self, module: torch.nn.Module, dtype: np.dtype) -> None:
        self._module = module.to(getattr(torch, dtype.name))

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self._module.train(training)
        self._module.zero_grad()
        self._x = torch.tensor(x, requires_grad=True)
        self._y = self._module(self._x)
        return self._y.detach().numpy()

    def backward(self, dy: np.ndarray) -> np.ndarray:
        self._y.backward(torch.tensor(dy))
        return self._x.grad.numpy()

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        tensor = _find(vars(self._module) | _tensors(self._module), SPELLINGS[name])
        tensor = tensor.grad if gradient and tensor is not None else tensor
        return None if tensor is None else tensor.detach().numpy().reshape(-1).copy()

    def write(self, name: str, values: np.ndarray) -> None:
        tensor = _find(_tensors(self._module), SPELLINGS[name])
        with torch.no_grad():
            tensor.copy_(torch.tensor(values).reshape(tensor.shape))


def _tensors(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """By the last part of their names, so that a module around another is read too."""
    held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name.rpartition(".")[2]: tensor for name, tensor in held.items()}


class _Arrays:
    """An object with ``forward`` and, perhaps, ``backward`` on arrays."""

    def __init__(self, layer: Any) -> None:
        self._layer, self._held = layer, getattr(layer, "__dict__", {})
        self._forward = layer.forward if hasattr(layer, "forward") else layer
        parameters = inspect.signature(self._forward).parameters
        self._flag = next((name for name in _TRAINING if name in parameters), None)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        if self._flag:
            return np.asarray(self._forward(x, **{self._flag: training}))
        attribute = next((n for n in _TRAINING if isinstance(self._held.get(n), bool)), None)
        if callable(switch := getattr(self._layer, "train" if training else "eval", None)):
            switch()
        elif attribute:
            setattr(self._layer, attribute, training)
        elif not training:
            return None
        return np.asarray(self._forward(x))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        back = getattr(self._layer, "backward", None)
        result = back(dy) if back else None
        result = result[0] if isinstance(result, tuple) else result
        return None if result is None else np.asarray(result)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        names, held = SPELLINGS[name], self._held
        if gradient:
            prefixed = tuple(f"{d}{n}" for n in names for d in ("d", "d_", "grad_", "g_"))
            array = _find(held.get("grads"), names)
            array = _find(held, prefixed) if array is None else array
        else:
            array = _find(held.get("params"), names)
            array = _find(held, names) if array is None else array
        return None if array is None else np.array(array).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        array = _find(self._held.get("params"), SPELLINGS[name])
        array = _find(self._held, SPELLINGS[name]) if array is None else array
        array[...] = values.reshape(array.shape)


def _find(held: Any, names: tuple[str, ...]) -> Any:
    """The array or tensor in a dict under the first of the names that is there."""
    held = held if isinstance(held, dict) else {}
    return next(
        (held[n] for n in names if isinstance(held.get(n), np.ndarray | torch.Tensor)), None
    )


def _maker(
    candidate: Any, c: int, settings: Settings
) -> tuple[Callable[[np.dtype], "_Layer"], Settings, int]:
    """What makes the candidate in a dtype; torch's settings, the candidate's if it has them; C."""
    is_class = isinstance(candidate, type)
    if (hasattr(candidate, "forward") and not is_class) or not callable(candidate):
        spelled = {n: name for name in _DEFAULTS for n in SPELLINGS[name]}
        own = {spelled[n]: getattr(candidate, n) for n in spelled if hasattr(candidate, n)}
        weight = _wrap(copy.deepcopy(candidate), np.dtype(np.float64)).read("weight")
        c = getattr(candidate, "num_features", c if weight is None else weight.size)
        return (lambda dtype: _wrap(copy.deepcopy(candidate), dtype)), {**own, **settings}, c
    parameters, given, shared = inspect.signature(candidate).parameters, {}, dict(settings)
    for name, otherwise in _DEFAULTS.items():
        spelling = next((n for n in SPELLINGS[name] if n in parameters), None)
        if spelling:
            default = parameters[spelling].default
            default = otherwise if default is inspect.Parameter.empty else default
            shared[name] = given[spelling] = settings.get(name, default)

    def make(dtype: np.dtype) -> "_Layer":
        arrays = {"weight": np.ones(c, dtype), "bias": np.zeros(c, dtype)}
        needed = {n for n, p in parameters.items() if p.default is inspect.Parameter.empty}
        known = {n: a for name, a in arrays.items() for n in SPELLINGS[name] if n in needed}
        is_module = is_class and issubclass(candidate, torch.nn.Module)
        if "dtype" in parameters:
            known["dtype"] = getattr(torch, dtype.name) if is_module else dtype
        first = next(iter(parameters), None)
        positional = [] if first is None or first in {**known, **given} else [c]
        return _wrap(candidate(*positional, **known, **given), dtype)

    return make, shared, c


def _wrap(layer: Any, dtype: np.dtype) -> "_Layer":
    if isinstance(layer, torch.nn.Module):
        return _Module(layer, dtype)
    if not callable(getattr(layer, "forward", None)):
        raise TypeError(f"a layer must have forward(x), or be a torch.nn.Module; got {layer!r}")
    return _Arrays(layer)


_Layer = BatchNormReference | _Module | _Arrays
