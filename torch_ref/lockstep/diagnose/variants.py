"""The known variants of optimizers: of a denominator, of moments, momentum, decay, and the sign."""

from collections.abc import Mapping
from typing import Any

from torch_ref.lockstep.search import Variant

ALL = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
ADAMS = ("Adam", "AdamW")
ROOTS = ("Adagrad", "RMSprop")
ADAPTIVE = ("Adagrad", "RMSprop", "Adam")
COUPLED = ("SGD", *ADAPTIVE)
AMSGRAD = {"amsgrad": True}
DECAY = {"weight_decay": 0.1}
MOMENTUM = {"momentum": 0.9}
DAMPENED = {"momentum": 0.9, "dampening": 0.3}
NESTEROV = {"momentum": 0.9, "nesterov": True}


def _variant(
    name: str,
    families: tuple[str, ...],
    dials: Mapping[str, Any],
    torch_does: str,
    seen_in: str = "",
    shows_with: Mapping[str, Any] | None = None,
) -> Variant:
    return Variant(name, f"torch {torch_does}", dials, families, seen_in, shows_with or {})


def _eps_values() -> tuple[Variant, ...]:
    known = {
        "1e-6": "BERT",
        "1e-7": "the chapter, Keras",
        "1e-8": "torch's Adam and RMSprop, optax",
        "1e-10": "torch's Adagrad",
    }
    return tuple(
        _variant(
            f"eps {value}, not the one asked for",
            (*ROOTS, *ADAMS),
            {"eps": float(value)},
            "has the one it is given, here eps = {eps:g}",
            seen,
        )
        for value, seen in known.items()
    )


EPSILON = (
    _variant(
        "epsilon inside the square root",
        ADAMS,
        {"eps_place": "inside"},
        "adds it outside: denom = √v̂ + eps",
        "eps_root in optax",
    ),
    _variant(
        "epsilon inside the square root",
        ROOTS,
        {"eps_place": "inside"},
        "adds it outside: denom = √h + eps",
        "TensorFlow, Keras, optax",
    ),
    _variant(
        "epsilon before the bias correction",
        ADAMS,
        {"eps_place": "before correction"},
        "adds it after: denom = √(v/(1 − β₂ᵗ)) + eps",
        "the paper's ε̂ (end of section 2), the chapter, TensorFlow, Keras",
    ),
    _variant(
        "epsilon inside the square root, before the bias correction",
        ADAMS,
        {"eps_place": "inside, before correction"},
        "adds it outside and after: denom = √(v/(1 − β₂ᵗ)) + eps",
    ),
    _variant(
        "epsilon both inside and outside the square root",
        (*ROOTS, *ADAMS),
        {"eps_place": "both"},
        "adds it once, outside: denom = √… + eps",
        "optax with eps_root",
    ),
    _variant(
        "no epsilon",
        (*ROOTS, *ADAMS),
        {"eps_place": "nowhere"},
        "adds eps = {eps:g} to the root",
    ),
    *_eps_values(),
    _variant(
        "square root missing in the denominator",
        ADAMS,
        {"root": False},
        "divides by the root: denom = √v̂ + eps",
    ),
    _variant(
        "square root missing in the denominator",
        ROOTS,
        {"root": False},
        "divides by the root: denom = √h + eps",
    ),
)

MOMENTS = (
    _variant(
        "bias correction missing",
        ADAMS,
        {"correction": "none"},
        "corrects both moments: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        "BERT's AdamW",
    ),
    _variant(
        "bias correction of the first moment missing",
        ADAMS,
        {"correction": "second"},
        "corrects it too: m̂ = m/(1 − β₁ᵗ)",
    ),
    _variant(
        "bias correction of the second moment missing",
        ADAMS,
        {"correction": "first"},
        "corrects it too: v̂ = v/(1 − β₂ᵗ)",
    ),
    _variant(
        "beta1 and beta2 swapped",
        ADAMS,
        {"betas": "swapped"},
        "has betas = (β₁, β₂): β₁ for the mean of g, β₂ for the mean of g²",
    ),
    _variant(
        "factor 1 − β₁ missing in the first moment",
        ADAMS,
        {"m_factor": False},
        "averages: m = β₁m + (1 − β₁)g",
    ),
    _variant(
        "factor 1 − β₂ missing in the second moment",
        ADAMS,
        {"v_factor": False},
        "averages: v = β₂v + (1 − β₂)g²",
    ),
    _variant(
        "AMSGrad's maximum after the bias correction",
        ADAMS,
        {"amsgrad": "corrected"},
        "takes it before: v_max = max(v_max, v), then v_max/(1 − β₂ᵗ)",
        "optax",
        AMSGRAD,
    ),
    _variant(
        "amsgrad ignored",
        ADAMS,
        {"amsgrad": "ignored"},
        "divides by the largest v so far",
        shows_with=AMSGRAD,
    ),
)

COUNTER = (
    _variant(
        "step counter one behind",
        ADAMS,
        {"counter": "behind"},
        "counts t from 1, before the correction",
    ),
    _variant(
        "step counter from zero, the first step uncorrected",
        ADAMS,
        {"counter": "zero"},
        "counts t from 1, before the correction",
    ),
    _variant(
        "step counter one ahead",
        ADAMS,
        {"counter": "ahead"},
        "counts t from 1: the first step has t = 1",
    ),
    _variant(
        "step counted once for every parameter",
        ADAMS,
        {"counter": "per parameter"},
        "counts t once a step for all parameters",
    ),
    _variant(
        "lr_decay counted from one",
        ("Adagrad",),
        {"counter": "ahead"},
        "counts it from zero: lr/(1 + (t − 1)·lr_decay)",
        shows_with={"lr_decay": 0.1},
    ),
    _variant(
        "lr_decay ignored",
        ("Adagrad",),
        {"lr_decay": "ignored"},
        "has lr/(1 + (t − 1)·lr_decay)",
        shows_with={"lr_decay": 0.1},
    ),
)

SQUARES = (
    _variant(
        "accumulator started at 0.1",
        ("Adagrad",),
        {"start": 0.1},
        "starts it at initial_accumulator_value = {initial_accumulator_value:g}",
        "TensorFlow, Keras",
    ),
    _variant(
        "initial_accumulator_value ignored",
        ("Adagrad",),
        {"start": 0.0},
        "starts the sum at initial_accumulator_value = {initial_accumulator_value:g}",
        shows_with={"initial_accumulator_value": 0.5},
    ),
    _variant(
        "square_avg started at one",
        ("RMSprop",),
        {"start": 1.0},
        "starts it at zero",
        "TensorFlow 1",
    ),
    _variant(
        "TensorFlow's RMSprop: square_avg from one, epsilon inside the root, lr in the buffer",
        ("RMSprop",),
        {"start": 1.0, "eps_place": "inside", "lr_place": "inside"},
        "has h = 0 at the start, √h + eps, b = μb + g/denom and w −= lr·b",
        "tf.compat.v1.train.RMSPropOptimizer",
        MOMENTUM,
    ),
    _variant(
        "alpha inverted",
        ("RMSprop",),
        {"alpha": "inverted"},
        "keeps the part alpha = {alpha:g}: h = αh + (1 − α)g²",
    ),
    _variant(
        "factor 1 − alpha missing",
        ("RMSprop",),
        {"v_factor": False},
        "averages: h = αh + (1 − α)g²",
    ),
    _variant(
        "bias correction added",
        ("RMSprop",),
        {"correction": "added"},
        "has none in RMSprop: denom = √h + eps",
        "optax with bias_correction",
    ),
    _variant(
        "centered ignored",
        ("RMSprop",),
        {"centered": "ignored"},
        "subtracts the mean's square: denom = √(h − m²) + eps",
        shows_with={"centered": True},
    ),
    _variant(
        "momentum ignored",
        ("RMSprop",),
        {"momentum": "ignored"},
        "has b = μb + g/denom and w −= lr·b",
        shows_with=MOMENTUM,
    ),
    _variant(
        "lr inside the momentum buffer",
        ("RMSprop",),
        {"lr_place": "inside"},
        "keeps it outside: b = μb + g/denom, w −= lr·b; the two are equal until lr changes",
        "TensorFlow, Keras",
        MOMENTUM,
    ),
)

SGD_MOMENTUM = (
    _variant(
        "lr inside the momentum buffer",
        ("SGD",),
        {"lr_place": "inside"},
        "keeps it outside: b = μb + g, w −= lr·b; the two are equal until lr changes",
        "the chapter, Keras, Caffe",
        MOMENTUM,
    ),
    _variant(
        "momentum as a moving average, (1 − momentum)·g",
        ("SGD",),
        {"dampening": "average", "first": "zero"},
        "adds the whole gradient, less its dampening: b = μb + (1 − τ)g",
        "courses that start from moving averages",
        MOMENTUM,
    ),
    _variant(
        "momentum as a moving average, its first step the whole gradient",
        ("SGD",),
        {"dampening": "average"},
        "adds the whole gradient, less its dampening: b = μb + (1 − τ)g",
        shows_with=MOMENTUM,
    ),
    _variant(
        "momentum buffer from zero, so that the first step is dampened too",
        ("SGD",),
        {"first": "zero"},
        "starts the buffer with the gradient: b = g at the first step",
        shows_with=DAMPENED,
    ),
    _variant(
        "dampening ignored",
        ("SGD",),
        {"dampening": "ignored"},
        "has b = μb + (1 − τ)g with dampening τ = {dampening:g}",
        shows_with=DAMPENED,
    ),
    _variant(
        "dampening inverted",
        ("SGD",),
        {"dampening": "inverted"},
        "leaves the part τ = {dampening:g} out: b = μb + (1 − τ)g",
        shows_with=DAMPENED,
    ),
    _variant(
        "step along the buffer before its update",
        ("SGD",),
        {"order": "old"},
        "updates the buffer first: b = μb + g, then w −= lr·b",
        shows_with=MOMENTUM,
    ),
    _variant(
        "momentum inverted",
        ("SGD",),
        {"momentum": "inverted"},
        "keeps the part momentum = {momentum:g}: b = μb + g",
        shows_with={"momentum": 0.8},
    ),
    _variant(
        "momentum ignored",
        ("SGD",),
        {"momentum": "ignored"},
        "has b = μb + g and w −= lr·b",
        shows_with=MOMENTUM,
    ),
    _variant(
        "Nesterov from the already updated velocity",
        ("SGD",),
        {"nesterov": "updated velocity"},
        "has w −= lr·(g + μb) with the new b",
        shows_with=NESTEROV,
    ),
    _variant(
        "Nesterov from the already updated velocity, lr inside the buffer",
        ("SGD",),
        {"nesterov": "updated velocity", "lr_place": "inside"},
        "has w −= lr·(g + μb) with the new b; w += μ²v − (1 + μ)·lr·g needs the old v",
        "widely copied code",
        NESTEROV,
    ),
    _variant(
        "Nesterov ignored",
        ("SGD",),
        {"nesterov": "ignored"},
        "looks ahead: w −= lr·(g + μb)",
        shows_with=NESTEROV,
    ),
    _variant(
        "Nesterov, not asked for",
        ("SGD",),
        {"nesterov": "always"},
        "has w −= lr·b without nesterov",
        shows_with=MOMENTUM,
    ),
)

WEIGHT_DECAY = (
    _variant(
        "weight decay coupled, in the gradient",
        ("AdamW",),
        {"decay": "coupled"},
        "decouples it: w −= lr·λ·w, and the moments see g alone",
        "Adam with weight_decay",
        DECAY,
    ),
    _variant(
        "weight decay decoupled",
        ADAPTIVE,
        {"decay": "decoupled"},
        "adds it to the gradient: g + λw",
        "AdamW",
        DECAY,
    ),
    _variant(
        "weight decay decoupled",
        ("SGD",),
        {"decay": "decoupled"},
        "adds it to the gradient, so that it goes through the buffer: g + λw",
        "SGDW",
        # Without momentum, w − lr·(g + λw) is the same either way.
        {**MOMENTUM, **DECAY},
    ),
    _variant(
        "weight decay after the step",
        COUPLED,
        {"decay": "after"},
        "adds it to the gradient: g + λw",
        shows_with=DECAY,
    ),
    _variant(
        "weight decay after the step",
        ("AdamW",),
        {"decay": "after"},
        "decays before it: w −= lr·λ·w, with the w of before the step",
        shows_with=DECAY,
    ),
    _variant(
        "weight decay decoupled, not scaled by lr",
        COUPLED,
        {"decay": "unscaled"},
        "adds it to the gradient: g + λw",
        shows_with=DECAY,
    ),
    _variant(
        "weight decay not scaled by lr",
        ("AdamW",),
        {"decay": "unscaled"},
        "scales it: w −= lr·λ·w",
        "the paper's formula (Loshchilov and Hutter)",
        DECAY,
    ),
    _variant(
        "weight decay with the wrong sign",
        ALL,
        {"decay_factor": -1.0},
        "makes weights smaller: + λw in the gradient, − lr·λ·w in the weight",
        shows_with=DECAY,
    ),
    _variant(
        "weight decay doubled, 2λw",
        ALL,
        {"decay_factor": 2.0},
        "has λw, the gradient of ½λw²",
        shows_with=DECAY,
    ),
    _variant(
        "weight decay ignored",
        ALL,
        {"decay_factor": 0.0},
        "decays with weight_decay = {weight_decay:g}",
        shows_with=DECAY,
    ),
    _variant(
        "weight decay on matrices only",
        ALL,
        {"decay_on": "matrices"},
        "decays every parameter it is given, vectors too",
        "the chapter (W, not b), language models",
        DECAY,
    ),
)

SIGN = (
    _variant(
        "gradient's sign flipped",
        ALL,
        {"sign": "gradient"},
        "goes against the gradient, with maximize along it; here maximize = {maximize}",
    ),
    _variant(
        "step added, not subtracted",
        ALL,
        {"sign": "step"},
        "subtracts the step from w",
    ),
)

#: In the order in which findings are listed.
VARIANTS: tuple[Variant, ...] = (
    *EPSILON,
    *MOMENTS,
    *COUNTER,
    *SQUARES,
    *SGD_MOMENTUM,
    *WEIGHT_DECAY,
    *SIGN,
)


def variants_of(family: str) -> list[Variant]:
    """The known variants of a family.

    >>> [variant.name for variant in variants_of("SGD")][0]
    'lr inside the momentum buffer'
    """
    return [variant for variant in VARIANTS if family in variant.families]
