"""Other names that people use for torch's settings and arrays."""

from torch_ref.registry.pairs import Names

#: Of an optimizer's settings; capitals and underscores do not matter. What one class alone calls
#: so stands in its entry.
OPTIMIZER: Names = {
    "lr": (
        *("learning_rate", "learning_rate_init", "eta", "step_size", "lrate", "rate", "η"),
        *("initial_learning_rate", "init_lr", "base_lr", "learn_rate"),
    ),
    "eps": ("epsilon", "ε", "delta"),
    "weight_decay": ("wd", "l2", "l2_reg", "weight_decay_rate", "lam", "lambda_", "λ"),
    "momentum": ("mu", "μ", "mass", "friction", "momentum_coefficient", "beta"),
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
