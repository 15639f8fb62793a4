"""Other names that people use for torch's settings and arrays."""

from torch_ref.registry.pairs import Names

#: Of an optimizer's settings; capitals and underscores do not matter. What one class alone calls
#: so stands in its entry.
OPTIMIZER: Names = {
    "lr": ("learning_rate", "eta", "step_size", "lrate", "rate", "η"),
    "eps": ("epsilon", "ε", "delta"),
    "weight_decay": ("wd", "l2", "l2_reg", "weight_decay_rate", "lam", "lambda_", "λ"),
    "momentum": ("mu", "μ", "friction", "momentum_coefficient"),
    "nesterov": ("use_nesterov",),
    "amsgrad": ("use_amsgrad",),
    "dampening": ("damping", "tau"),
    "alpha": ("rho", "decay_rate", "decay", "gamma", "beta", "beta2", "smoothing", "ρ", "α"),
    "rho": ("decay_rate", "decay", "gamma", "beta", "ρ"),
    "decay_rate": ("alpha", "rho", "decay", "gamma", "beta", "beta2", "smoothing", "ρ", "α"),
    "initial_accumulator_value": ("initial_accumulator", "init_accumulator"),
    "beta1": ("b1", "β1", "rho1", "decay1"),
    "beta2": ("b2", "β2", "rho2", "decay2"),
}
#: The two of ``betas``, where they are apart.
BETAS = (("beta1", "beta2"), ("b1", "b2"), ("β1", "β2"), ("rho1", "rho2"), ("decay1", "decay2"))

#: Of a normalization layer's settings and arrays; its sizes are settings, too.
LAYER: Names = {
    "weight": ("weight", "gamma", "scale", "g"),
    "bias": ("bias", "beta", "shift", "offset", "b"),
    "running_mean": ("running_mean", "moving_mean", "run_mean", "mean_running"),
    "running_var": ("running_var", "moving_variance", "running_variance", "moving_var", "run_var"),
    "eps": ("eps", "epsilon"),
    "momentum": ("momentum",),
    "affine": ("affine",),
    "elementwise_affine": ("elementwise_affine", "affine"),
    "track_running_stats": ("track_running_stats",),
    "num_features": ("num_features",),
    "normalized_shape": ("normalized_shape",),
    "num_groups": ("num_groups", "groups", "n_groups"),
    "num_channels": ("num_channels", "channels", "n_channels", "dims"),
}
#: Of the argument or attribute that says whether a layer trains.
TRAINING = ("training", "train_flg", "is_training", "train")
#: Of fan_in and fan_out, as arguments of an initializer.
FANS = (
    ("fan_in", "fan_out"),
    ("n_in", "n_out"),
    ("in_features", "out_features"),
    ("input_size", "output_size"),
)
