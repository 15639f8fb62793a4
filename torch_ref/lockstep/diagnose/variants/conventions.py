"""What a framework or a paper does otherwise than torch, all of it together: its conventions."""

from torch_ref.lockstep.diagnose.variants.variant import variant

ADAM = (
    variant(
        "Keras's Adam: ε̂ = 1e-7, before the bias correction",
        "has eps = {eps:g} after it: denom = √(v/(1 − β₂ᵗ)) + eps",
        "Keras, the chapter",
        eps_place="before correction",
        eps=1e-7,
    ),
    variant(
        "BERT's Adam: no bias correction, eps 1e-6",
        "corrects both moments, and has eps = {eps:g}",
        "google-research/bert, transformers once",
        correction="none",
        eps=1e-6,
    ),
)
ADAGRAD = (
    variant(
        "Keras's and optax's Adagrad: the sum from 0.1, eps 1e-7 inside the root",
        "starts at initial_accumulator_value = {initial_accumulator_value:g}, and has √h + {eps:g}",
        "Keras, optax",
        initial_accumulator_value=0.1,
        eps_place="inside",
        eps=1e-7,
    ),
)
RMSPROP = (
    variant(
        "Keras's and optax's RMSprop: epsilon inside the root, lr in the buffer",
        "has √h + eps, b = μb + g/denom and w −= lr·b",
        "Keras, TensorFlow 2, optax",
        eps_place="inside",
        lr_place="inside",
    ),
    variant(
        "Keras's RMSprop: eps 1e-7 inside the root, lr in the buffer",
        "has √h + {eps:g}, b = μb + g/denom and w −= lr·b",
        "Keras, TensorFlow 2",
        eps_place="inside",
        lr_place="inside",
        eps=1e-7,
    ),
)
ADAMAX = (
    variant(
        "Keras's Adamax: eps 1e-7, added to the largest gradient",
        "has u = max(β₂u, |g| + {eps:g}) and divides by u",
        "Keras",
        eps_place="outside",
        eps=1e-7,
    ),
    variant(
        "MLX's Adamax: no bias correction, epsilon added to the largest gradient",
        "corrects m, and has u = max(β₂u, |g| + eps)",
        "MLX",
        eps_place="outside",
        correction="none",
    ),
)
