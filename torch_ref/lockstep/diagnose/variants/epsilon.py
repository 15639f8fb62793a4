"""Where epsilon stands in a denominator, and which it is."""

from torch_ref.lockstep.diagnose.variants.variant import variant
from torch_ref.lockstep.finding import Variant

_SEEN_IN = {
    "1e-6": "BERT",
    "1e-7": "the chapter, Keras",
    "1e-8": "torch's Adam and RMSprop, optax",
    "1e-10": "torch's Adagrad",
}

PLACES = (
    variant(
        "epsilon both inside and outside the square root",
        "adds it once, outside: denom = √… + eps",
        "optax with eps_root",
        eps_place="both",
    ),
    variant(
        "the maximum of the root and epsilon",
        "adds it to the root: √… + eps",
        eps_place="maximum",
    ),
    variant(
        "epsilon squared inside the square root",
        "adds it outside: √… + eps",
        eps_place="squared",
    ),
    variant("no epsilon", "adds eps = {eps:g} to the root", eps_place="nowhere"),
)


def other_values(*values: str) -> tuple[Variant, ...]:
    """An ε other than the one asked for, the same whatever is asked for."""
    return tuple(
        variant(
            f"eps {value}, not the one asked for",
            "has the one it is given, here eps = {eps:g}",
            _SEEN_IN.get(value, ""),
            eps=float(value),
        )
        for value in values
    )


EVERY_EPSILON = (*PLACES, *other_values("1e-6", "1e-7", "1e-8", "1e-10"))
ADAMS_EPSILON = (
    variant(
        "epsilon inside the square root",
        "adds it outside: denom = √v̂ + eps",
        "eps_root in optax",
        eps_place="inside",
    ),
    variant(
        "epsilon before the bias correction",
        "adds it after: denom = √(v/(1 − β₂ᵗ)) + eps",
        "the paper's ε̂ (end of section 2), the chapter, TensorFlow, Keras",
        eps_place="before correction",
    ),
    variant(
        "epsilon inside the square root, before the bias correction",
        "adds it outside and after: denom = √(v/(1 − β₂ᵗ)) + eps",
        eps_place="inside, before correction",
    ),
    *EVERY_EPSILON,
    variant(
        "1e-15 inside the root, epsilon before the bias correction",
        "has one epsilon, after it: denom = √(v/(1 − β₂ᵗ)) + eps",
        "pytorch_optimizer",
        eps_place="1e-15 inside",
    ),
    variant(
        "square root missing in the denominator",
        "divides by the root: denom = √v̂ + eps",
        root=False,
    ),
)
ROOTS_EPSILON = (
    variant(
        "epsilon inside the square root",
        "adds it outside: denom = √h + eps",
        "TensorFlow, Keras, optax",
        eps_place="inside",
    ),
    *EVERY_EPSILON,
    variant(
        "square root missing in the denominator",
        "divides by the root: denom = √h + eps",
        root=False,
    ),
)
