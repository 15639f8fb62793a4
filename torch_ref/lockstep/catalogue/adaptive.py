"""The known variants of what only adaptive optimizers have: a denominator, moments, a counter."""

from torch_ref.lockstep.catalogue.variant import Variant

ADAMS = ("Adam", "AdamW")
ROOTS = ("Adagrad", "RMSprop")
AMSGRAD = {"amsgrad": True}
MOMENTUM = {"momentum": 0.9}


def _eps_values() -> tuple[Variant, ...]:
    known = {
        "1e-6": "BERT",
        "1e-7": "the chapter, Keras",
        "1e-8": "torch's Adam and RMSprop, optax",
        "1e-10": "torch's Adagrad",
    }
    return tuple(
        Variant(
            f"eps {value}, not the one asked for",
            (*ROOTS, *ADAMS),
            {"eps": float(value)},
            "has the one it is given, here eps = {eps:g}",
            seen,
        )
        for value, seen in known.items()
    )


EPSILON = (
    Variant(
        "epsilon inside the square root",
        ADAMS,
        {"eps_place": "inside"},
        "adds it outside: denom = √v̂ + eps",
        "eps_root in optax",
    ),
    Variant(
        "epsilon inside the square root",
        ROOTS,
        {"eps_place": "inside"},
        "adds it outside: denom = √h + eps",
        "TensorFlow, Keras, optax",
    ),
    Variant(
        "epsilon before the bias correction",
        ADAMS,
        {"eps_place": "before correction"},
        "adds it after: denom = √(v/(1 − β₂ᵗ)) + eps",
        "the paper's ε̂ (end of section 2), the chapter, TensorFlow, Keras",
    ),
    Variant(
        "epsilon inside the square root, before the bias correction",
        ADAMS,
        {"eps_place": "inside, before correction"},
        "adds it outside and after: denom = √(v/(1 − β₂ᵗ)) + eps",
    ),
    Variant(
        "epsilon both inside and outside the square root",
        (*ROOTS, *ADAMS),
        {"eps_place": "both"},
        "adds it once, outside: denom = √… + eps",
        "optax with eps_root",
    ),
    Variant(
        "no epsilon",
        (*ROOTS, *ADAMS),
        {"eps_place": "nowhere"},
        "adds eps = {eps:g} to the root",
    ),
    *_eps_values(),
    Variant(
        "square root missing in the denominator",
        ADAMS,
        {"root": False},
        "divides by the root: denom = √v̂ + eps",
    ),
    Variant(
        "square root missing in the denominator",
        ROOTS,
        {"root": False},
        "divides by the root: denom = √h + eps",
    ),
)

MOMENTS = (
    Variant(
        "bias correction missing",
        ADAMS,
        {"correction": "none"},
        "corrects both moments: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        "BERT's AdamW",
    ),
    Variant(
        "bias correction of the first moment missing",
        ADAMS,
        {"correction": "second"},
        "corrects it too: m̂ = m/(1 − β₁ᵗ)",
    ),
    Variant(
        "bias correction of the second moment missing",
        ADAMS,
        {"correction": "first"},
        "corrects it too: v̂ = v/(1 − β₂ᵗ)",
    ),
    Variant(
        "beta1 and beta2 swapped",
        ADAMS,
        {"betas": "swapped"},
        "has betas = (β₁, β₂): β₁ for the mean of g, β₂ for the mean of g²",
    ),
    Variant(
        "factor 1 − β₁ missing in the first moment",
        ADAMS,
        {"m_factor": False},
        "averages: m = β₁m + (1 − β₁)g",
    ),
    Variant(
        "factor 1 − β₂ missing in the second moment",
        ADAMS,
        {"v_factor": False},
        "averages: v = β₂v + (1 − β₂)g²",
    ),
    Variant(
        "AMSGrad's maximum after the bias correction",
        ADAMS,
        {"amsgrad": "corrected"},
        "takes it before: v_max = max(v_max, v), then v_max/(1 − β₂ᵗ)",
        "optax",
        AMSGRAD,
    ),
    Variant(
        "amsgrad ignored",
        ADAMS,
        {"amsgrad": "ignored"},
        "divides by the largest v so far",
        shows_with=AMSGRAD,
    ),
)

COUNTER = (
    Variant(
        "step counter one behind",
        ADAMS,
        {"counter": "behind"},
        "counts t from 1, before the correction",
    ),
    Variant(
        "step counter from zero, the first step uncorrected",
        ADAMS,
        {"counter": "zero"},
        "counts t from 1, before the correction",
    ),
    Variant(
        "step counter one ahead",
        ADAMS,
        {"counter": "ahead"},
        "counts t from 1: the first step has t = 1",
    ),
    Variant(
        "step counted once for every parameter",
        ADAMS,
        {"counter": "per parameter"},
        "counts t once a step for all parameters",
    ),
    Variant(
        "lr_decay counted from one",
        ("Adagrad",),
        {"counter": "ahead"},
        "counts it from zero: lr/(1 + (t − 1)·lr_decay)",
        shows_with={"lr_decay": 0.1},
    ),
    Variant(
        "lr_decay ignored",
        ("Adagrad",),
        {"lr_decay": "ignored"},
        "has lr/(1 + (t − 1)·lr_decay)",
        shows_with={"lr_decay": 0.1},
    ),
)

SQUARES = (
    Variant(
        "accumulator started at 0.1",
        ("Adagrad",),
        {"start": 0.1},
        "starts it at initial_accumulator_value = {initial_accumulator_value:g}",
        "TensorFlow, Keras",
    ),
    Variant(
        "initial_accumulator_value ignored",
        ("Adagrad",),
        {"start": 0.0},
        "starts the sum at initial_accumulator_value = {initial_accumulator_value:g}",
        shows_with={"initial_accumulator_value": 0.5},
    ),
    Variant(
        "square_avg started at one",
        ("RMSprop",),
        {"start": 1.0},
        "starts it at zero",
        "TensorFlow 1",
    ),
    Variant(
        "TensorFlow's RMSprop: square_avg from one, epsilon inside the root, lr in the buffer",
        ("RMSprop",),
        {"start": 1.0, "eps_place": "inside", "lr_place": "inside"},
        "has h = 0 at the start, √h + eps, b = μb + g/denom and w −= lr·b",
        "tf.compat.v1.train.RMSPropOptimizer",
        MOMENTUM,
    ),
    Variant(
        "alpha inverted",
        ("RMSprop",),
        {"alpha": "inverted"},
        "keeps the part alpha = {alpha:g}: h = αh + (1 − α)g²",
    ),
    Variant(
        "factor 1 − alpha missing",
        ("RMSprop",),
        {"v_factor": False},
        "averages: h = αh + (1 − α)g²",
    ),
    Variant(
        "bias correction added",
        ("RMSprop",),
        {"correction": "added"},
        "has none in RMSprop: denom = √h + eps",
        "optax with bias_correction",
    ),
    Variant(
        "centered ignored",
        ("RMSprop",),
        {"centered": "ignored"},
        "subtracts the mean's square: denom = √(h − m²) + eps",
        shows_with={"centered": True},
    ),
    Variant(
        "momentum ignored",
        ("RMSprop",),
        {"momentum": "ignored"},
        "has b = μb + g/denom and w −= lr·b",
        shows_with=MOMENTUM,
    ),
    Variant(
        "lr inside the momentum buffer",
        ("RMSprop",),
        {"lr_place": "inside"},
        "keeps it outside: b = μb + g/denom, w −= lr·b; the two are equal until lr changes",
        "TensorFlow, Keras",
        MOMENTUM,
    ),
)
