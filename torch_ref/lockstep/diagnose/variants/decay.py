"""Weight decay; and the sign of the step, and which gradient it is of."""

from torch_ref.lockstep.diagnose.variants.variant import variant

DECOUPLED = variant(
    "weight decay decoupled",
    "adds it to the gradient: g + λw",
    "AdamW",
    decay="decoupled",
)
DECOUPLED_FROM_BUFFER = variant(
    "weight decay decoupled",
    "adds it to the gradient, so that it goes through the buffer: g + λw",
    "SGDW",
    decay="decoupled",
)
COUPLED_DECAY = (
    variant("weight decay after the step", "adds it to the gradient: g + λw", decay="after"),
    variant(
        "weight decay decoupled, not scaled by lr",
        "adds it to the gradient: g + λw",
        decay="unscaled",
    ),
)
DECOUPLED_DECAY = (
    variant(
        "weight decay coupled, in the gradient",
        "decouples it: w −= lr·λ·w, and the moments see g alone",
        "Adam with weight_decay",
        decay="coupled",
    ),
    variant(
        "weight decay after the step",
        "decays before it: w −= lr·λ·w, with the w of before the step",
        decay="after",
    ),
    variant(
        "weight decay not scaled by lr",
        "scales it: w −= lr·λ·w",
        "the paper's formula (Loshchilov and Hutter)",
        decay="unscaled",
    ),
)
ANY_DECAY = (
    variant(
        "weight decay with the wrong sign",
        "makes weights smaller: + λw in the gradient, − lr·λ·w in the weight",
        weight_decay=lambda decay: -decay,
    ),
    variant(
        "weight decay doubled, 2λw",
        "has λw, the gradient of ½λw²",
        weight_decay=lambda decay: 2 * decay,
    ),
    variant(
        "weight decay of |w|, λ·sign(w) in the gradient",
        "has λw: in the gradient, or as lr·λ·w in the weight",
        "L1 in place of L2",
        decay="sign",
    ),
    variant(
        "weight decay ignored",
        "decays with weight_decay = {weight_decay:g}",
        weight_decay=0.0,
    ),
    variant(
        "weight decay on matrices only",
        "decays every parameter it is given, vectors too",
        "the chapter (W, not b), language models",
        decay_on="matrices",
    ),
)
SIGN = (
    variant(
        "gradient's sign flipped",
        "goes against the gradient, with maximize along it; here maximize = {maximize}",
        sign="gradient",
    ),
    variant("step added, not subtracted", "subtracts the step from w", sign="step"),
    variant(
        "the gradient of the step before",
        "steps along the gradient it is given, not along the one before",
        gradient="late",
    ),
    variant(
        "the sum of all gradients so far",
        "takes each gradient once",
        "training loops that never set gradients to zero",
        gradient="sum",
    ),
)
PARTS = (
    variant("only the first parameter updated", "updates all it is given", updated="first"),
    variant("only the last parameter updated", "updates all it is given", updated="last"),
    variant(
        "elements whose gradient is zero left as they are, their buffers too",
        "updates every element in every step",
        "lazy and sparse versions",
        zeros="left",
    ),
    variant("lr applied twice, lr² in all", "multiplies a step by lr once", lr_times="twice"),
)
_AS_IS = "takes the gradient as it is"
#: Of a family whose steps have a scale.
SCALE = (
    variant("gradient divided by its number of rows, len(g)", _AS_IS, divided="rows"),
    variant("gradient divided by its number of elements", _AS_IS, divided="elements"),
    variant("gradient divided by its norm", _AS_IS, divided="norm"),
    variant("the gradient's sign alone", _AS_IS, divided="size"),
)
#: Of every family with a weight decay.
EVERYWHERE = (*ANY_DECAY, *SIGN, *PARTS)
#: Of a family whose buffers are averages.
MEMORY = (
    variant(
        "buffers made anew in every step",
        "keeps them from step to step",
        memory="anew",
    ),
    variant(
        "buffers and the counter made anew in every step",
        "keeps them from step to step",
        memory="anew",
        counter="still",
    ),
)
COUPLED = (DECOUPLED, *COUPLED_DECAY)
