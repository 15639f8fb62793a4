"""The known variants of optimizers: of a denominator, of moments, momentum, decay, and the sign."""

from typing import Any

from torch_ref.lockstep.finding import Variant


def _variant(name: str, torch_does: str, seen_in: str = "", **changes: Any) -> Variant:
    return Variant(name, f"torch {torch_does}", changes, seen_in)


_EVERY_EPSILON = (
    _variant(
        "epsilon both inside and outside the square root",
        "adds it once, outside: denom = √… + eps",
        "optax with eps_root",
        eps_place="both",
    ),
    _variant("no epsilon", "adds eps = {eps:g} to the root", eps_place="nowhere"),
    *(
        _variant(
            f"eps {value}, not the one asked for",
            "has the one it is given, here eps = {eps:g}",
            seen_in,
            eps=float(value),
        )
        for value, seen_in in (
            ("1e-6", "BERT"),
            ("1e-7", "the chapter, Keras"),
            ("1e-8", "torch's Adam and RMSprop, optax"),
            ("1e-10", "torch's Adagrad"),
        )
    ),
)
_ADAMS_EPSILON = (
    _variant(
        "epsilon inside the square root",
        "adds it outside: denom = √v̂ + eps",
        "eps_root in optax",
        eps_place="inside",
    ),
    _variant(
        "epsilon before the bias correction",
        "adds it after: denom = √(v/(1 − β₂ᵗ)) + eps",
        "the paper's ε̂ (end of section 2), the chapter, TensorFlow, Keras",
        eps_place="before correction",
    ),
    _variant(
        "epsilon inside the square root, before the bias correction",
        "adds it outside and after: denom = √(v/(1 − β₂ᵗ)) + eps",
        eps_place="inside, before correction",
    ),
    *_EVERY_EPSILON,
    _variant(
        "square root missing in the denominator",
        "divides by the root: denom = √v̂ + eps",
        root=False,
    ),
)
_ROOTS_EPSILON = (
    _variant(
        "epsilon inside the square root",
        "adds it outside: denom = √h + eps",
        "TensorFlow, Keras, optax",
        eps_place="inside",
    ),
    *_EVERY_EPSILON,
    _variant(
        "square root missing in the denominator",
        "divides by the root: denom = √h + eps",
        root=False,
    ),
)

_T_FROM_1 = "counts t from 1, before the correction"
_MOMENTS = (
    _variant(
        "bias correction missing",
        "corrects both moments: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        "BERT's AdamW",
        correction="none",
    ),
    _variant(
        "bias correction of the first moment missing",
        "corrects it too: m̂ = m/(1 − β₁ᵗ)",
        correction="second",
    ),
    _variant(
        "bias correction of the second moment missing",
        "corrects it too: v̂ = v/(1 − β₂ᵗ)",
        correction="first",
    ),
    _variant(
        "beta1 and beta2 swapped",
        "has betas = (β₁, β₂): β₁ for the mean of g, β₂ for the mean of g²",
        betas=lambda betas: (betas[1], betas[0]),
    ),
    _variant(
        "factor 1 − β₁ missing in the first moment",
        "averages: m = β₁m + (1 − β₁)g",
        m_factor=False,
    ),
    _variant(
        "factor 1 − β₂ missing in the second moment",
        "averages: v = β₂v + (1 − β₂)g²",
        v_factor=False,
    ),
    _variant(
        "AMSGrad's maximum after the bias correction",
        "takes it before: v_max = max(v_max, v), then v_max/(1 − β₂ᵗ)",
        "optax",
        amsgrad=lambda asked: asked and "corrected",
    ),
    _variant("amsgrad ignored", "divides by the largest v so far", amsgrad=False),
    _variant("step counter one behind", _T_FROM_1, counter="behind"),
    _variant(
        "step counter from zero, the first step uncorrected",
        _T_FROM_1,
        counter="zero",
    ),
    _variant(
        "step counter one ahead",
        "counts t from 1: the first step has t = 1",
        counter="ahead",
    ),
    _variant(
        "step counted once for every parameter",
        "counts t once a step for all parameters",
        counter="per parameter",
    ),
)

_SUM_OF_SQUARES = (
    _variant(
        "lr_decay counted from one",
        "counts it from zero: lr/(1 + (t − 1)·lr_decay)",
        counter="ahead",
    ),
    _variant("lr_decay ignored", "has lr/(1 + (t − 1)·lr_decay)", lr_decay=0.0),
    _variant(
        "accumulator started at 0.1",
        "starts it at initial_accumulator_value = {initial_accumulator_value:g}",
        "TensorFlow, Keras",
        initial_accumulator_value=0.1,
    ),
    _variant(
        "initial_accumulator_value ignored",
        "starts the sum at initial_accumulator_value = {initial_accumulator_value:g}",
        initial_accumulator_value=0.0,
    ),
)

_MEAN_OF_SQUARES = (
    _variant("square_avg started at one", "starts it at zero", "TensorFlow 1", start=1.0),
    _variant(
        "TensorFlow's RMSprop: square_avg from one, epsilon inside the root, lr in the buffer",
        "has h = 0 at the start, √h + eps, b = μb + g/denom and w −= lr·b",
        "tf.compat.v1.train.RMSPropOptimizer",
        start=1.0,
        eps_place="inside",
        lr_place="inside",
    ),
    _variant(
        "alpha inverted",
        "keeps the part alpha = {alpha:g}: h = αh + (1 − α)g²",
        alpha=lambda alpha: 1 - alpha,
    ),
    _variant("factor 1 − alpha missing", "averages: h = αh + (1 − α)g²", v_factor=False),
    _variant(
        "bias correction added",
        "has none in RMSprop: denom = √h + eps",
        "optax with bias_correction",
        correction="added",
    ),
    _variant(
        "centered ignored",
        "subtracts the mean's square: denom = √(h − m²) + eps",
        centered=False,
    ),
    _variant("momentum ignored", "has b = μb + g/denom and w −= lr·b", momentum=0.0),
    _variant(
        "lr inside the momentum buffer",
        "keeps it outside: b = μb + g/denom, w −= lr·b; the two are equal until lr changes",
        "TensorFlow, Keras",
        lr_place="inside",
    ),
)

_WHOLE_GRADIENT = "adds the whole gradient, less its dampening: b = μb + (1 − τ)g"
_MOMENTUM = (
    _variant(
        "lr inside the momentum buffer",
        "keeps it outside: b = μb + g, w −= lr·b; the two are equal until lr changes",
        "the chapter, Keras, Caffe",
        lr_place="inside",
    ),
    _variant(
        "momentum as a moving average, (1 − momentum)·g",
        _WHOLE_GRADIENT,
        "courses that start from moving averages",
        share="average",
        first="zero",
    ),
    _variant(
        "momentum as a moving average, its first step the whole gradient",
        _WHOLE_GRADIENT,
        share="average",
    ),
    _variant(
        "momentum buffer from zero, so that the first step is dampened too",
        "starts the buffer with the gradient: b = g at the first step",
        first="zero",
    ),
    _variant(
        "dampening ignored",
        "has b = μb + (1 − τ)g with dampening τ = {dampening:g}",
        share="whole",
    ),
    _variant(
        "dampening inverted",
        "leaves the part τ = {dampening:g} out: b = μb + (1 − τ)g",
        share="dampening",
    ),
    _variant(
        "step along the buffer before its update",
        "updates the buffer first: b = μb + g, then w −= lr·b",
        order="old",
    ),
    _variant(
        "momentum inverted",
        "keeps the part momentum = {momentum:g}: b = μb + g",
        momentum=lambda mu: mu and 1 - mu,
    ),
    _variant("momentum ignored", "has b = μb + g and w −= lr·b", momentum=0.0),
    _variant(
        "Nesterov from the already updated velocity",
        "has w −= lr·(g + μb) with the new b",
        nesterov=lambda asked: asked and "updated velocity",
    ),
    _variant(
        "Nesterov from the already updated velocity, lr inside the buffer",
        "has w −= lr·(g + μb) with the new b; w += μ²v − (1 + μ)·lr·g needs the old v",
        "widely copied code",
        nesterov=lambda asked: asked and "updated velocity",
        lr_place="inside",
    ),
    _variant("Nesterov ignored", "looks ahead: w −= lr·(g + μb)", nesterov=False),
    _variant("Nesterov, not asked for", "has w −= lr·b without nesterov", nesterov=True),
)

_DECOUPLED = _variant(
    "weight decay decoupled",
    "adds it to the gradient: g + λw",
    "AdamW",
    decay="decoupled",
)
_DECOUPLED_FROM_BUFFER = _variant(
    "weight decay decoupled",
    "adds it to the gradient, so that it goes through the buffer: g + λw",
    "SGDW",
    decay="decoupled",
)
_COUPLED_DECAY = (
    _variant("weight decay after the step", "adds it to the gradient: g + λw", decay="after"),
    _variant(
        "weight decay decoupled, not scaled by lr",
        "adds it to the gradient: g + λw",
        decay="unscaled",
    ),
)
_DECOUPLED_DECAY = (
    _variant(
        "weight decay coupled, in the gradient",
        "decouples it: w −= lr·λ·w, and the moments see g alone",
        "Adam with weight_decay",
        decay="coupled",
    ),
    _variant(
        "weight decay after the step",
        "decays before it: w −= lr·λ·w, with the w of before the step",
        decay="after",
    ),
    _variant(
        "weight decay not scaled by lr",
        "scales it: w −= lr·λ·w",
        "the paper's formula (Loshchilov and Hutter)",
        decay="unscaled",
    ),
)
_EVERYWHERE = (
    _variant(
        "weight decay with the wrong sign",
        "makes weights smaller: + λw in the gradient, − lr·λ·w in the weight",
        weight_decay=lambda decay: -decay,
    ),
    _variant(
        "weight decay doubled, 2λw",
        "has λw, the gradient of ½λw²",
        weight_decay=lambda decay: 2 * decay,
    ),
    _variant(
        "weight decay ignored",
        "decays with weight_decay = {weight_decay:g}",
        weight_decay=0.0,
    ),
    _variant(
        "weight decay on matrices only",
        "decays every parameter it is given, vectors too",
        "the chapter (W, not b), language models",
        decay_on="matrices",
    ),
    _variant(
        "gradient's sign flipped",
        "goes against the gradient, with maximize along it; here maximize = {maximize}",
        sign="gradient",
    ),
    _variant("step added, not subtracted", "subtracts the step from w", sign="step"),
)

#: By family, in the order in which findings are listed.
VARIANTS: dict[str, tuple[Variant, ...]] = {
    "SGD": (*_MOMENTUM, _DECOUPLED_FROM_BUFFER, *_COUPLED_DECAY, *_EVERYWHERE),
    "Adagrad": (*_ROOTS_EPSILON, *_SUM_OF_SQUARES, _DECOUPLED, *_COUPLED_DECAY, *_EVERYWHERE),
    "RMSprop": (*_ROOTS_EPSILON, *_MEAN_OF_SQUARES, _DECOUPLED, *_COUPLED_DECAY, *_EVERYWHERE),
    "Adam": (*_ADAMS_EPSILON, *_MOMENTS, _DECOUPLED, *_COUPLED_DECAY, *_EVERYWHERE),
    "AdamW": (*_ADAMS_EPSILON, *_MOMENTS, *_DECOUPLED_DECAY, *_EVERYWHERE),
}
