"""The known variants of momentum, and of what every optimizer has: weight decay and a sign."""

from torch_ref.lockstep.catalogue.variant import Variant

ALL = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
DECAY = {"weight_decay": 0.1}
MOMENTUM = {"momentum": 0.9}
DAMPENED = {"momentum": 0.9, "dampening": 0.3}
NESTEROV = {"momentum": 0.9, "nesterov": True}

SGD_MOMENTUM = (
    Variant(
        "lr inside the momentum buffer",
        ("SGD",),
        {"lr_place": "inside"},
        "keeps it outside: b = μb + g, w −= lr·b; the two are equal until lr changes",
        "the chapter, Keras, Caffe",
        MOMENTUM,
    ),
    Variant(
        "momentum as a moving average, (1 − momentum)·g",
        ("SGD",),
        {"dampening": "average", "first": "zero"},
        "adds the whole gradient, less its dampening: b = μb + (1 − τ)g",
        "courses that start from moving averages",
        MOMENTUM,
    ),
    Variant(
        "momentum as a moving average, its first step the whole gradient",
        ("SGD",),
        {"dampening": "average"},
        "adds the whole gradient, less its dampening: b = μb + (1 − τ)g",
        shows_with=MOMENTUM,
    ),
    Variant(
        "momentum buffer from zero, so that the first step is dampened too",
        ("SGD",),
        {"first": "zero"},
        "starts the buffer with the gradient: b = g at the first step",
        shows_with=DAMPENED,
    ),
    Variant(
        "dampening ignored",
        ("SGD",),
        {"dampening": "ignored"},
        "has b = μb + (1 − τ)g with dampening τ = {dampening:g}",
        shows_with=DAMPENED,
    ),
    Variant(
        "dampening inverted",
        ("SGD",),
        {"dampening": "inverted"},
        "leaves the part τ = {dampening:g} out: b = μb + (1 − τ)g",
        shows_with=DAMPENED,
    ),
    Variant(
        "step along the buffer before its update",
        ("SGD",),
        {"order": "old"},
        "updates the buffer first: b = μb + g, then w −= lr·b",
        shows_with=MOMENTUM,
    ),
    Variant(
        "momentum inverted",
        ("SGD",),
        {"momentum": "inverted"},
        "keeps the part momentum = {momentum:g}: b = μb + g",
        shows_with={"momentum": 0.8},
    ),
    Variant(
        "momentum ignored",
        ("SGD",),
        {"momentum": "ignored"},
        "has b = μb + g and w −= lr·b",
        shows_with=MOMENTUM,
    ),
    Variant(
        "Nesterov from the already updated velocity",
        ("SGD",),
        {"nesterov": "updated velocity"},
        "has w −= lr·(g + μb) with the new b",
        shows_with=NESTEROV,
    ),
    Variant(
        "Nesterov from the already updated velocity, lr inside the buffer",
        ("SGD",),
        {"nesterov": "updated velocity", "lr_place": "inside"},
        "has w −= lr·(g + μb) with the new b; w += μ²v − (1 + μ)·lr·g needs the old v",
        "widely copied code",
        NESTEROV,
    ),
    Variant(
        "Nesterov ignored",
        ("SGD",),
        {"nesterov": "ignored"},
        "looks ahead: w −= lr·(g + μb)",
        shows_with=NESTEROV,
    ),
    Variant(
        "Nesterov, not asked for",
        ("SGD",),
        {"nesterov": "always"},
        "has w −= lr·b without nesterov",
        shows_with=MOMENTUM,
    ),
)

ADAPTIVE = ("Adagrad", "RMSprop", "Adam")
COUPLED = ("SGD", *ADAPTIVE)

WEIGHT_DECAY = (
    Variant(
        "weight decay coupled, in the gradient",
        ("AdamW",),
        {"decay": "coupled"},
        "decouples it: w −= lr·λ·w, and the moments see g alone",
        "Adam with weight_decay",
        DECAY,
    ),
    Variant(
        "weight decay decoupled",
        ADAPTIVE,
        {"decay": "decoupled"},
        "adds it to the gradient: g + λw",
        "AdamW",
        DECAY,
    ),
    Variant(
        "weight decay decoupled",
        ("SGD",),
        {"decay": "decoupled"},
        "adds it to the gradient, so that it goes through the buffer: g + λw",
        "SGDW",
        # Without momentum, w − lr·(g + λw) is the same either way.
        {**MOMENTUM, **DECAY},
    ),
    Variant(
        "weight decay after the step",
        COUPLED,
        {"decay": "after"},
        "adds it to the gradient: g + λw",
        shows_with=DECAY,
    ),
    Variant(
        "weight decay after the step",
        ("AdamW",),
        {"decay": "after"},
        "decays before it: w −= lr·λ·w, with the w of before the step",
        shows_with=DECAY,
    ),
    Variant(
        "weight decay decoupled, not scaled by lr",
        COUPLED,
        {"decay": "unscaled"},
        "adds it to the gradient: g + λw",
        shows_with=DECAY,
    ),
    Variant(
        "weight decay not scaled by lr",
        ("AdamW",),
        {"decay": "unscaled"},
        "scales it: w −= lr·λ·w",
        "the paper's formula (Loshchilov and Hutter)",
        DECAY,
    ),
    Variant(
        "weight decay with the wrong sign",
        ALL,
        {"decay_factor": -1.0},
        "makes weights smaller: + λw in the gradient, − lr·λ·w in the weight",
        shows_with=DECAY,
    ),
    Variant(
        "weight decay doubled, 2λw",
        ALL,
        {"decay_factor": 2.0},
        "has λw, the gradient of ½λw²",
        shows_with=DECAY,
    ),
    Variant(
        "weight decay ignored",
        ALL,
        {"decay_factor": 0.0},
        "decays with weight_decay = {weight_decay:g}",
        shows_with=DECAY,
    ),
    Variant(
        "weight decay on matrices only",
        ALL,
        {"decay_on": "matrices"},
        "decays every parameter it is given, vectors too",
        "the chapter (W, not b), language models",
        DECAY,
    ),
)

SIGN = (
    Variant(
        "gradient's sign flipped",
        ALL,
        {"sign": "gradient"},
        "goes against the gradient, with maximize along it; here maximize = {maximize}",
    ),
    Variant(
        "step added, not subtracted",
        ALL,
        {"sign": "step"},
        "subtracts the step from w",
    ),
)
