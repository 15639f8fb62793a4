"""The moments of Adam and its kin: their factors, corrections and counter."""

from torch_ref.lockstep.diagnose.variants.variant import variant

T_FROM_1 = "counts t from 1, before the correction"
MOMENTS = (
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
        "AMSGrad's maximum after the bias correction",
        "takes it before: v_max = max(v_max, v), then v_max/(1 − β₂ᵗ)",
        "optax",
        amsgrad=lambda asked: asked and "corrected",
    ),
    variant("amsgrad ignored", "divides by the largest v so far", amsgrad=False),
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
)
