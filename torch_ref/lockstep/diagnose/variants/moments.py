"""The moments of Adam and its kin: their factors, corrections and counter."""

from torch_ref.lockstep.diagnose.variants.variant import variant

T_FROM_1 = "counts t from 1, before the correction"
CORRECTIONS = (
    variant(
        "bias correction missing",
        "corrects both moments: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        "BERT's AdamW",
        correction="none",
    ),
    variant(
        "bias correction of the first moment missing",
        "corrects it too: m̂ = m/(1 − β₁ᵗ)",
        correction="second",
    ),
    variant(
        "bias correction of the second moment missing",
        "corrects it too: v̂ = v/(1 − β₂ᵗ)",
        correction="first",
    ),
    variant(
        "β₁ and β₂ swapped in the bias corrections",
        "corrects each moment by its own: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        correction_betas="swapped",
    ),
    variant(
        "both moments corrected with β₁",
        "corrects each moment by its own: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        correction_betas="first",
    ),
    variant(
        "both moments corrected with β₂",
        "corrects each moment by its own: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        correction_betas="second",
    ),
    variant(
        "bias corrections multiplied, not divided by",
        "divides: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        corrected="multiplied",
    ),
    variant(
        "bias corrections applied in place, and so again in every step",
        "keeps m and v as they are, and corrects copies of them",
        corrected="in place",
    ),
    variant(
        "bias corrections in float32",
        "computes 1 − βᵗ in double precision",
        "frameworks that have one precision for scalars",
        precision="float32",
    ),
    variant(
        "bias corrections from products of β in float32",
        "computes 1 − βᵗ in double precision",
        "tinygrad",
        precision="float32 product",
    ),
)
FACTORS = (
    variant(
        "beta1 and beta2 swapped",
        "has betas = (β₁, β₂): β₁ for the mean of g, β₂ for the mean of g²",
        betas=lambda betas: (betas[1], betas[0]),
    ),
    variant(
        "factor 1 − β₁ missing in the first moment",
        "averages: m = β₁m + (1 − β₁)g",
        m_factor=False,
    ),
    variant(
        "factor 1 − β₂ missing in the second moment",
        "averages: v = β₂v + (1 − β₂)g²",
        v_factor=False,
    ),
    variant(
        "averages that start from the first gradient",
        "starts them from zero: m = (1 − β₁)g, v = (1 − β₂)g² at the first step",
        start="gradient",
    ),
)
#: Of Adam and what is nearest to it: corrections of one moment, and other moments than its own.
ONE_MOMENT = (
    variant(
        "1 − β₁·t where 1 − β₁ᵗ belongs",
        "has the power: m̂ = m/(1 − β₁ᵗ)",
        power="product",
    ),
    variant(
        "bias correction of the first moment multiplied, not divided by",
        "divides: m̂ = m/(1 − β₁ᵗ)",
        corrected="m multiplied",
    ),
    variant(
        "bias correction of the second moment multiplied, not divided by",
        "divides: v̂ = v/(1 − β₂ᵗ)",
        corrected="v multiplied",
    ),
    variant(
        "bias correction of the first moment in place, and so again in every step",
        "keeps m as it is, and corrects a copy of it",
        corrected="m in place",
    ),
    variant(
        "bias correction of the second moment in place, and so again in every step",
        "keeps v as it is, and corrects a copy of it",
        corrected="v in place",
    ),
    variant(
        "the gradient itself in place of the first moment",
        "steps along m̂, with m = β₁m + (1 − β₁)g",
        betas=lambda betas: (0.0, *betas[1:]),
    ),
    variant(
        "β₁ and 1 − β₁ swapped in the first moment",
        "has m = β₁m + (1 − β₁)g",
        shares="m",
    ),
    variant(
        "β₂ and 1 − β₂ swapped in the second moment",
        "has v = β₂v + (1 − β₂)g²",
        shares="v",
    ),
    variant(
        "β and 1 − β swapped in both moments",
        "has m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g²",
        shares="both",
    ),
    variant(
        "step along the first moment before its update",
        "updates m first",
        step_by="old m",
    ),
    variant(
        "step by the second moment before its update",
        "updates v first",
        step_by="old v",
    ),
    variant(
        "the first moment made anew in every step",
        "keeps it from step to step",
        lost="m",
    ),
    variant(
        "the second moment made anew in every step",
        "keeps it from step to step",
        lost="v",
    ),
)
COUNTER = (
    variant("step counter one behind", T_FROM_1, counter="behind"),
    variant(
        "step counter from zero, the first step uncorrected",
        T_FROM_1,
        counter="zero",
    ),
    variant(
        "step counter one ahead",
        "counts t from 1: the first step has t = 1",
        counter="ahead",
    ),
    variant(
        "step counted once for every parameter",
        "counts t once a step for all parameters",
        counter="per parameter",
    ),
    variant(
        "1 − β where 1 − βᵗ belongs",
        "has the power: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), with t the number of steps",
        "counters that stand still",
        counter="still",
    ),
)
#: Of a rule with both moments, each with its correction.
MOMENTS = (*CORRECTIONS, *FACTORS, *COUNTER)
_OF_THE_FIRST_CORRECTION = tuple(
    each
    for each in ONE_MOMENT
    if "power" in each.changes or each.changes.get("corrected", "").startswith("m ")
)
#: Of them, what does not concern the first one's correction.
OF_AVERAGES = tuple(each for each in ONE_MOMENT if each not in _OF_THE_FIRST_CORRECTION)
#: Of one with the first moment alone.
FIRST_MOMENT = (
    FACTORS[0],
    FACTORS[1],
    next(each for each in CORRECTIONS if each.changes.get("precision") == "float32"),
    *_OF_THE_FIRST_CORRECTION,
)
#: Of one that corrects the second moment alone.
SECOND_CORRECTION = (
    variant(
        "bias correction of the second moment missing",
        "corrects it: v̂ = v/(1 − β₂ᵗ)",
        correction="none",
    ),
    *(each for each in CORRECTIONS if "precision" in each.changes),
)
AMSGRAD = (
    variant(
        "AMSGrad's maximum after the bias correction",
        "takes it before: v_max = max(v_max, v), then v_max/(1 − β₂ᵗ)",
        "optax",
        amsgrad=lambda asked: asked and "corrected",
    ),
    variant("AMSGrad, not asked for", "divides by v itself without amsgrad", amsgrad=True),
    variant("amsgrad ignored", "divides by the largest v so far", amsgrad=False),
)
#: Decays of the weight itself at Adam's corrected rate.
CORRECTED_DECAY = (
    variant(
        "weight decay scaled by the bias-corrected lr",
        "scales it by lr alone: w −= lr·λ·w",
        "code that folds the corrections into lr",
        decay="corrected",
    ),
    variant(
        "weight decay scaled by lr/(1 − β₁ᵗ)",
        "scales it by lr alone: w −= lr·λ·w",
        "code that folds the first correction into lr",
        decay="corrected first",
    ),
)
