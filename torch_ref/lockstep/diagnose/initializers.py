"""Checking an initializer against torch's: by the same seed, else by the distribution.

What a sample cannot tell from torch's distribution is said to be just that; only numbers that are
equal from the same seed are said to agree.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from scratch import _check
from scratch.random import Generator
from torch_ref import registry
from torch_ref.lockstep.candidates.candidate import name_of
from torch_ref.lockstep.candidates.reference import INITIALIZER, Reference, find
from torch_ref.lockstep.diagnose.orthogonal import compare_rotations
from torch_ref.lockstep.diagnose.samples import Continuous, drawn_from, fit_test
from torch_ref.lockstep.diagnose.search import changes_of, closest, search
from torch_ref.lockstep.finding import Finding, Variant
from torch_ref.lockstep.frameworks.initializers import LAYOUTS, Draw, Weights, way_to_call
from torch_ref.lockstep.result import Result
from torch_ref.registry import SAME_GRADIENTS, InitializerPair
from torch_ref.registry.distributions import Distribution

#: A difference counts where chance would give it less often than this.
DIFFERENT = 1e-6
#: Standard errors at which a difference is seen: 5.1 for the significance, 1.9 for 97 % of chance.
_POWER = 7
#: The difference in a std that a sample must show, for a cause to be named by it.
_FINE = 0.025
#: A variant is named where chance would give the difference from it more often than this.
FITS = 0.01

_FANS = "torch's weight is (out, in): fan_in is its second axis, fan_out its first"
_XAVIER = "torch's xavier has 2/(fan_in + fan_out) in place of the chapter's 1/fan_in"
_ROOT = "torch draws with the standard deviation: the root of the variance, once"
_BOUND = "torch's uniform bound is √3 times the standard deviation"
_KERNEL = "torch's fans are the channels times the size of the kernel"
_AROUND = "torch draws around its mean, from a to b"
_UNCUT = "torch's does not cut off at two standard deviations"
_IN_WEIGHTS = "torch's a and b are bounds of the weights, not multiples of std"

SCALES = (
    Variant("fan_in and fan_out swapped", _FANS, {"swapped": True}),
    Variant("fans without the receptive field", _KERNEL, {"fans_of": "channels"}),
    Variant(
        "fans without the receptive field, and swapped",
        _KERNEL,
        {"fans_of": "channels", "swapped": True},
    ),
    Variant("fans with one side of the kernel", _KERNEL, {"fans_of": "one side"}),
    Variant("the kernel's size as the fan", _KERNEL, {"fans_of": "kernel"}),
    Variant(
        "fans as of a weight (*kernel, in, out)",
        "torch's weight is (out, in, *kernel), and so are its fans",
        {"fans_of": "last axes"},
    ),
    Variant(
        "fan_in + fan_out in place of torch's fan",
        "torch divides by one fan, xavier by the mean of both",
        {"fan": "sum"},
    ),
    Variant(
        "the number of weights as the fan",
        "torch divides by one fan, xavier by the mean of both",
        {"fan": "size"},
    ),
    Variant(
        "multiplied by the root of the fan",
        "torch divides by the root of the fan",
        {"std": "times"},
    ),
    Variant(
        "multiplied by the root of the fan, gain forgotten",
        "torch divides by the root of the fan, and multiplies by the gain",
        {"std": "times", "gain": "none"},
    ),
    Variant(
        "the reciprocal of the standard deviation",
        "torch divides by the root of the fan",
        {"std": "inverse"},
    ),
    Variant(
        "a leaky slope that is not squared", "torch's gain is √(2/(1 + a²))", {"gain": "1 + a"}
    ),
    Variant("gain forgotten", "torch multiplies by the gain, √2 for relu", {"gain": "none"}),
    Variant("relu's gain", "torch's gain here is not relu's √2", {"gain": "relu"}),
    Variant("variance used as the standard deviation", _ROOT, {"std": "squared"}),
    Variant("standard deviation used as the variance", _ROOT, {"std": "root"}),
    Variant("half width used as the standard deviation", _BOUND, {"std": "half width"}),
    Variant("standard deviation used as the half width", _BOUND, {"std": "as half width"}),
    Variant("1/fan_in, the chapter's Xavier", _XAVIER, {"fan": "in"}),
    Variant(
        "from −1/√fan_in to 1/√fan_in, as torch.nn.Linear",
        _XAVIER,
        {"fan": "in", "std": "as half width"},
    ),
    Variant("2/(fan_in + fan_out), Glorot's Xavier", "torch divides by one fan", {"fan": "mean"}),
)
SHAPES = (
    Variant("uniform instead of normal", "torch draws from the normal", {"kind": "uniform"}),
    Variant("normal instead of uniform", "torch draws from the uniform", {"kind": "normal"}),
    Variant("uniform from 0, not around it", _AROUND, {"kind": "positive"}),
    Variant("uniform from 0 to 1, whatever the shape", _AROUND, {"kind": "unit"}),
    Variant("clipped at two standard deviations", _UNCUT, {"kind": "clipped"}),
    Variant("truncated normal", _UNCUT, {"kind": "truncated"}),
    Variant("truncated normal of the same variance", _UNCUT, {"kind": "rescaled"}),
)
#: Numbers of a sample, which are all held at once.
MOST = 10**8
#: In place of those, where torch cuts off: with std = 0.02 its default ±2 is no cut at all.
CUTS = (
    Variant("not cut off", "torch draws anew what falls outside [a, b]", {"kind": "normal"}),
    Variant(
        "clipped to [a, b]",
        "torch draws anew what falls outside [a, b]; clipping piles it up at the two",
        {"kind": "clipped"},
    ),
    Variant(
        "clipped to a and b in units of std", _IN_WEIGHTS, {"kind": "clipped", "in_stds": True}
    ),
    Variant("a and b in units of std", _IN_WEIGHTS, {"in_stds": True}),
    Variant(
        "a and b in units of std, and std that after the cut",
        _IN_WEIGHTS + "; its std is that before the cut",
        {"in_stds": True, "std": "after the cut"},
    ),
)


def check_initializer(
    candidate: Callable[..., Any],
    against: str = "kaiming_normal_",
    *,
    shape: tuple[int, ...] | None = None,
    layout: str = "",
    dtype: np.typing.DTypeLike = np.float64,
    seed: int = 0,
    samples: int = 100_000,
    **settings: Any,
) -> Result:
    """Compare an initializer with torch's, and name the cause if they diverge.

    Args:
        candidate: is called in the first of these ways that gives weights of ``shape``: with
            its parameters ``fan_in`` and ``fan_out`` (``n_in``, …) by name, as ``f(shape)``,
            ``f(tensor)`` in place, ``f(fan_out, fan_in)``. It is seeded by its parameter
            ``generator`` (torch's, or ``scratch.random.Generator``), ``rng`` (NumPy's) or
            ``seed``; without these by ``torch.manual_seed`` and ``numpy.random.seed``. Those of
            JAX, flax, Haiku, Keras, MLX and tinygrad are called and seeded as these want it.
        against: a function of ``torch.nn.init`` except ``sparse_``, or the name of its pair in
            ``torch_ref.registry.INITIALIZERS``.
        shape: of the weights as torch has them, (out, in) or (out, in, *kernel).
        layout: of the candidate's own weights: "in_out" for (in, out) and (*kernel, in, out),
            "out_last_in" for (out, *kernel, in). Those of packages are known.
        dtype: float32 or float64, if the candidate takes one.
        seed: of both sides.
        samples: how many numbers are drawn, at least, where the seed does not give the same.
        settings: of torch's function; the candidate is given those that it takes.

    Raises:
        TypeError: no way to call the candidate gave weights; the message has each error.
        ValueError: the distribution of ``against`` is not known, ``shape`` has an empty axis, or
            ``samples`` is < 1 or > 10⁸.

    >>> from scratch.init import he
    >>> check_initializer(he, nonlinearity="relu").agrees
    True
    >>> def mine(shape, rng):
    ...     return rng.normal(0, 1 / np.sqrt(shape[1]), shape)
    >>> check_initializer(mine, nonlinearity="relu").findings[0].names
    ('gain forgotten',)
    """
    _check.function("candidate", candidate)
    pair, distribution = _known(against)
    shape = _usual(pair) if shape is None else shape
    shape = _check.lengths("shape", shape if _check.is_sequence(shape) else (shape,), at_least=1)
    if _check.instance("layout", layout, str):
        _check.choice("layout", layout, LAYOUTS)
    samples = _check.integer("samples", samples, at_least=1, below=MOST + 1)
    seed = _check.integer("seed", seed, at_least=0, below=2**32)  # as NumPy's own
    dtype = _check.floating(dtype)
    reference, all_settings = find(against), {**pair.settings, **settings}
    drawn = distribution(shape, all_settings)
    draw, first, way = way_to_call(candidate, shape, dtype, seed, settings, layout)
    seeded = None if drawn.kind == "constant" else seed
    theirs = _reference(reference, shape, first.dtype, seeded, all_settings)
    verdict = Result(name_of(candidate), reference.name, INITIALIZER, notes=[way])
    if _compare_numbers(verdict, first, theirs, seed, drawn):
        return verdict
    verdict.notes.append("the same seed gives other numbers: compared by their distribution")
    draws = _draws(draw, first.size, samples, verdict.notes)
    if drawn.kind == "orthogonal":
        return compare_rotations(verdict, draws, drawn.base, DIFFERENT)
    sample = _joined(draws)
    if np.ptp(sample) == 0:
        return _of_one_value(verdict, sample, drawn)
    verdict = _by_distribution(verdict, sample, drawn)
    if verdict.first and drawn.fan and not verdict.findings:
        half = tuple(-(-n // 2) for n in shape)
        try:
            other, one, _ = way_to_call(candidate, half, dtype, seed, settings, layout)
        except TypeError:  # it takes that shape alone
            return verdict
        _explain_by_no_fan(verdict, sample, _joined(_draws(other, one.size, samples, [])))
    return verdict


def _joined(draws: Weights) -> np.ndarray:
    return np.concatenate([array.ravel() for array in draws]).astype(np.float64)


def _of_one_value(verdict: Result, x: np.ndarray, drawn: Distribution) -> Result:
    """Fill in that every weight is the same number."""
    one = Variant(f"every weight is {x[0]:g}", "torch draws them, so that no two are alike", {})
    verdict.first = f"every weight {x[0]:g} instead of {drawn_from(drawn)}"
    verdict.explain([Finding.of([one], 0.0)], "alone")
    return verdict


def _explain_by_no_fan(verdict: Result, x: np.ndarray, smaller: np.ndarray) -> None:
    """Fill in the cause if weights of a smaller shape are no larger."""
    std = float(f"{x.std():.2g}")
    for kind in ("normal", "uniform"):
        fixed = Continuous(kind, 0.0, std)
        (d, p), (_, same) = fit_test(x, fixed), fit_test(smaller, fixed)
        if min(p, same) > FITS and _POWER * fixed.std_error(min(x.size, smaller.size)) <= _FINE:
            name = f"a {kind} of std {std:g}, whatever the shape"
            found = Variant(name, "torch's std is the gain divided by the root of the fan", {})
            verdict.explain([Finding.of([found], d, p)], "alone")


def _usual(pair: InitializerPair) -> tuple[int, ...]:
    """A matrix, or for what takes none, the weight of a convolution."""
    return (64, 48) if any(len(shape) == 2 for shape in pair.shapes) else (64, 48, 3, 3)


def _reference(
    theirs: Reference,
    shape: tuple[int, ...],
    dtype: np.dtype,
    seed: int | None,
    settings: dict[str, Any],
) -> np.ndarray:
    """What torch's function draws, or the hand-written one where torch is not installed."""
    if theirs.by_hand:
        generator = None if seed is None else Generator(seed)
        weights: np.ndarray = theirs.target(shape, generator=generator, dtype=dtype, **settings)
        return weights
    tensor = registry.resolve("torch.zeros")(shape, dtype=registry.resolve(f"torch.{dtype.name}"))
    torchs = registry.resolve("torch.Generator")
    stream = {} if seed is None else {"generator": torchs().manual_seed(seed)}
    return theirs.target(tensor, **settings, **stream).numpy()


def _compare_numbers(
    verdict: Result, mine: np.ndarray, theirs: np.ndarray, seed: int, drawn: Distribution
) -> bool:
    """Fill in what the numbers themselves show; whether that is the verdict."""
    largest = max(float(np.abs(theirs).max()), float(np.finfo(np.float64).tiny))
    apart = float(np.abs(mine - theirs).max()) / largest
    if apart <= SAME_GRADIENTS[mine.dtype.name]:
        verdict.seen = f"{verdict.mine} agrees with {verdict.theirs} from the same seed: "
        verdict.seen += f"at most {apart:.1e}"
        return True
    if not np.isfinite(mine).all():
        verdict.first = f"seed {seed}: weights that are not finite"
    elif drawn.base == 0:
        at = tuple(int(i) for i in np.argwhere(mine != theirs)[0])
        verdict.first = f"{at}: {mine[at]:.6g} instead of {theirs[at]:.6g}"
    if verdict.first is not None:
        verdict.explain([], "alone or in pairs")
    return verdict.first is not None


def _by_distribution(verdict: Result, x: np.ndarray, drawn: Distribution) -> Result:
    """Fill in what the sample ``x`` shows about the distribution."""
    expected, n = drawn_from(drawn), x.size
    d, p = fit_test(x, expected)
    at = f"n = {n:,}, KS D = {d:.2g}, p = {p:.2g}"
    if p >= DIFFERENT:
        power = _POWER * expected.std_error(n)
        verdict.seen = (
            f"{verdict.mine} cannot be told apart from {verdict.theirs} ({expected}) by a "
        )
        verdict.seen += f"sample ({at}); a std off by {power:.1%} would have been seen"
        return verdict
    verdict.first = f"mean {x.mean():.4g} and std {x.std():.4g} instead of {expected} ({at})"
    findings, _ = search(_variants_of(drawn), partial(_fit, x, drawn))
    if findings and _POWER * expected.std_error(n) > _FINE:
        verdict.cause = [_too_small(findings, n)]
        return verdict
    verdict.explain(closest(findings), "alone, or one of the shape with one of the scale")
    if any("swapped" in each.names[0] for each in findings):
        verdict.notes.append("if its weights are (in, out), as for x @ w: --layout in_out")
    return verdict


def _too_small(findings: list[Finding], n: int) -> str:
    """What a sample that cannot tell a cause from another value near it does show."""
    names = " or ".join(f'"{" and ".join(each.names)}"' for each in closest(findings))
    return f"{n:,} numbers are too few to tell the cause; {names} would give the like"


def _variants_of(drawn: Distribution) -> list[Variant]:
    """The known ones of such a distribution, the shapes before the scales."""
    # Glorot's and the chapter's Xavier are each other's variant.
    averaged, kernel = drawn.fan == "mean", len(drawn.shape) > 2
    scales = [
        v
        for v in SCALES
        if v.changes.get("fan") != ("mean" if averaged else "in")
        and ("fans_of" not in v.changes or kernel)
        and not (averaged and v.changes.get("swapped"))
        and not (v.changes.get("fan") == "in" and "std" in v.changes and drawn.kind != "uniform")
    ]
    cuts = [v for v in CUTS if drawn.base != 1 or "in_stds" not in v.changes]
    return [*(SHAPES if drawn.bounds is None else cuts), *scales]


def _fit(x: np.ndarray, drawn: Distribution, chosen: tuple[Variant, ...]) -> Finding | None:
    """The finding, if the sample cannot be told apart from these variants, while torch's can."""
    if len(chosen) == 2 and (chosen[0] in SCALES or chosen[1] not in SCALES):
        return None  # two scales multiply to almost anything
    other = drawn_from(drawn, **changes_of(chosen))
    alone = [drawn_from(drawn, **each.changes) for each in chosen]
    if other == drawn_from(drawn) or (len(chosen) == 2 and other in alone):
        return None  # one of them changes nothing here
    d, p = fit_test(x, other)
    return Finding.of(chosen, d, p) if p > FITS else None


def _known(against: str) -> tuple[InitializerPair, Callable[..., Distribution]]:
    """The pair and what it draws from."""
    entry = registry.find(_check.instance("against", against, str))
    if entry and isinstance(entry.pair, InitializerPair) and entry.pair.distribution:
        return entry.pair, entry.pair.distribution
    raise ValueError(
        "against must be a function of torch.nn.init whose distribution is known here, got "
        f"{_check.shown(against)}"
    )


def _draws(draw: Draw, size: int, samples: int, notes: list[str]) -> Weights:
    """Weights of at least ``samples`` numbers; those of one call if each call gives the same."""
    arrays = draw(-(-samples // size))
    if len(arrays) > 1 and np.array_equal(arrays[0], arrays[1]):
        notes.append("every call gives the same numbers: those of one call are the sample")
        arrays = arrays[:1]
    return arrays
