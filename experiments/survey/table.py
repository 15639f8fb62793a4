"""What is checked: a line each, ``package's name | torch's | settings; other settings; …``.

The settings are those of ``lockstep check --arg``, and its ``steps``; nothing, or nothing before
the first ``;``, is the package's own defaults.
"""

from typing import NamedTuple


class TableRow(NamedTuple):
    """One check.

    Attributes:
        name: dotted, as it is imported.
        against: what it should be, of ``lockstep list``.
        settings: ``name=value`` each.
    """

    name: str
    against: str
    settings: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """The package that has it, as it is imported."""
        return self.name.partition(".")[0]


OPTIMIZERS = """
optax.sgd | SGD | lr=0.1; lr=0.1 momentum=0.9; lr=0.1 momentum=0.9 nesterov=True
optax.adam | Adam | ; eps_root=1e-8
optax.amsgrad | Adam | amsgrad=True
optax.adamw | AdamW | ; weight_decay=0.01
optax.nadam | NAdam |
optax.nadamw | NAdam | decoupled_weight_decay=True weight_decay=0.01
optax.radam | RAdam |
optax.rmsprop | RMSprop | ; eps_in_sqrt=False; momentum=0.9; eps_in_sqrt=False momentum=0.9
optax.adagrad | Adagrad | ; initial_accumulator_value=0.0 eps=1e-10
optax.adadelta | Adadelta |
optax.adamax | Adamax |
optax.adamaxw | Adamax | weight_decay=0.01
optax.rprop | Rprop | lr=0.01
optax.lion | Lion |
optax.lamb | LAMB |
optax.lars | LARS | lr=0.1
optax.adabelief | Adam |
optax.yogi | Adam |
optax.novograd | Adam |
optax.adan | Adam |
optax.sign_sgd | SGD | lr=0.01
keras.optimizers.SGD | SGD | ; momentum=0.9; momentum=0.9 nesterov=True; weight_decay=0.1
keras.optimizers.Adam | Adam | ; epsilon=1e-8; amsgrad=True; weight_decay=0.1
keras.optimizers.AdamW | AdamW |
keras.optimizers.RMSprop | RMSprop | ; momentum=0.9; centered=True
keras.optimizers.Adagrad | Adagrad | ; initial_accumulator_value=0.0
keras.optimizers.Adadelta | Adadelta |
keras.optimizers.Adamax | Adamax |
keras.optimizers.Nadam | NAdam |
keras.optimizers.Adafactor | Adafactor |
keras.optimizers.Lion | Lion |
keras.optimizers.Lamb | LAMB |
mlx.optimizers.SGD | SGD | lr=0.1 momentum=0.9; lr=0.1 momentum=0.9 nesterov=True weight_decay=0.1
mlx.optimizers.Adam | Adam | ; bias_correction=True
mlx.optimizers.AdamW | AdamW | ; bias_correction=True
mlx.optimizers.RMSprop | RMSprop |
mlx.optimizers.Adagrad | Adagrad |
mlx.optimizers.AdaDelta | Adadelta | lr=1.0
mlx.optimizers.Adamax | Adamax |
mlx.optimizers.Lion | Lion |
tinygrad.nn.optim.SGD | SGD | steps=9; momentum=0.9 steps=9; momentum=0.9 nesterov=True steps=9
tinygrad.nn.optim.Adam | Adam | steps=9
tinygrad.nn.optim.AdamW | AdamW | steps=9
tinygrad.nn.optim.LAMB | LAMB | steps=9
sklearn.neural_network._stochastic_optimizers.SGDOptimizer | SGD | momentum=0.9 nesterov=True
sklearn.neural_network._stochastic_optimizers.AdamOptimizer | Adam |
autograd.misc.optimizers.sgd | SGD |
autograd.misc.optimizers.rmsprop | RMSprop |
autograd.misc.optimizers.adam | Adam |
timm.optim.SGDW | SGD | momentum=0.9 weight_decay=0.1 lr=0.01
timm.optim.SGDP | SGD | momentum=0.9 delta=0.0 lr=0.01
timm.optim.AdamWLegacy | AdamW |
timm.optim.AdamP | AdamW | delta=0.0 weight_decay=0.01
timm.optim.NAdamLegacy | NAdam |
timm.optim.NAdamW | NAdam | decoupled_weight_decay=True weight_decay=0.01
timm.optim.RAdamLegacy | RAdam |
timm.optim.RMSpropTF | RMSprop | ; momentum=0.9 eps=1e-8
timm.optim.Lamb | LAMB |
timm.optim.Lars | LARS |
timm.optim.Lion | Lion |
timm.optim.AdaBelief | Adam |
timm.optim.LaProp | Adam |
timm.optim.Adopt | AdamW |
timm.optim.MADGRAD | Adagrad |
timm.optim.Muon | Muon |
transformers.Adafactor | Adafactor | scale_parameter=True relative_step=False lr=0.01
pytorch_optimizer.AdamP | AdamW | delta=0.0 weight_decay=0.01
pytorch_optimizer.RAdam | RAdam | ; degenerated_to_sgd=True
pytorch_optimizer.NAdam | NAdam |
pytorch_optimizer.AdaMax | Adamax |
pytorch_optimizer.AdaDelta | Adadelta |
pytorch_optimizer.QHAdam | Adam | nus=(1.0,1.0)
pytorch_optimizer.QHM | SGD | nu=1.0 momentum=0.9 dampening=0.9
pytorch_optimizer.SGDW | SGD | momentum=0.9 weight_decay=0.1 lr=0.01
pytorch_optimizer.ASGD | ASGD |
pytorch_optimizer.Yogi | Adam |
pytorch_optimizer.Lamb | LAMB | ; adam=True weight_decay=0.01
pytorch_optimizer.AdaBelief | Adam |
pytorch_optimizer.Lion | Lion |
pytorch_optimizer.ADOPT | AdamW |
pytorch_optimizer.Muon | Muon |
heavyball.AdamW | AdamW | storage_dtype=float64
heavyball.SGD | SGD | momentum=0.9
heavyball.RMSprop | RMSprop |
schedulefree.AdamWScheduleFree | AdamW |
schedulefree.SGDScheduleFree | SGD |
prodigyopt.Prodigy | Adam | lr=0.001 d0=1.0 growth_rate=1.0 use_bias_correction=True
dadaptation.DAdaptAdam | Adam | lr=0.001 d0=1.0 growth_rate=1.0 use_bias_correction=True
dadaptation.DAdaptSGD | SGD | lr=0.01 d0=1.0 growth_rate=1.0
adabelief_pytorch.AdaBelief | Adam | rectify=False print_change_log=False
lion_pytorch.Lion | Lion |
madgrad.MADGRAD | Adagrad |
"""

SCHEDULES = """
optax.exponential_decay | ExponentialLR | gamma=0.9 transition_steps=1 decay_rate=0.9
optax.cosine_decay_schedule | CosineAnnealingLR | T_max=50 decay_steps=50
optax.linear_schedule | LinearLR | start_factor=1.0 end_factor=0.1 total_iters=20 end_value=0.01 \
transition_steps=20
optax.polynomial_schedule | PolynomialLR | total_iters=60 power=2.0 end_value=0.0 \
transition_steps=60
keras.optimizers.schedules.ExponentialDecay | ExponentialLR | gamma=0.9 decay_steps=1 decay_rate=0.9
keras.optimizers.schedules.CosineDecay | CosineAnnealingLR | T_max=50 decay_steps=50
keras.optimizers.schedules.PolynomialDecay | PolynomialLR | total_iters=60 power=2.0 \
end_learning_rate=0.0 decay_steps=60
keras.optimizers.schedules.CosineDecayRestarts | CosineAnnealingWarmRestarts | T_0=10 T_mult=2 \
first_decay_steps=10
mlx.optimizers.exponential_decay | ExponentialLR | gamma=0.9 decay_rate=0.9
mlx.optimizers.step_decay | StepLR | gamma=0.5 decay_rate=0.5 step_size=7
mlx.optimizers.cosine_decay | CosineAnnealingLR | T_max=50 decay_steps=50
timm.scheduler.CosineLRScheduler | CosineAnnealingLR | T_max=50 t_initial=50
timm.scheduler.StepLRScheduler | StepLR | gamma=0.5 step_size=7 decay_rate=0.5 decay_t=7
timm.scheduler.MultiStepLRScheduler | MultiStepLR | milestones=[30,80] gamma=0.1 decay_t=[30,80] \
decay_rate=0.1
timm.scheduler.PolyLRScheduler | PolynomialLR | total_iters=60 power=2.0 t_initial=60
transformers.get_constant_schedule_with_warmup | LinearLR | start_factor=0.1 total_iters=9 \
num_warmup_steps=10
transformers.get_cosine_schedule_with_warmup | CosineAnnealingLR | T_max=50 num_warmup_steps=0 \
num_training_steps=50
transformers.get_polynomial_decay_schedule_with_warmup | PolynomialLR | total_iters=60 power=2.0 \
num_warmup_steps=0 num_training_steps=60 lr_end=0.0
transformers.get_reduce_on_plateau_schedule | ReduceLROnPlateau |
"""

INITIALIZERS = """
jax.nn.initializers.he_normal | kaiming_normal_ | nonlinearity=relu
jax.nn.initializers.he_uniform | kaiming_uniform_ | nonlinearity=relu
jax.nn.initializers.glorot_normal | xavier_normal_ |
jax.nn.initializers.glorot_uniform | xavier_uniform_ | ; shape=(16,8,3,3)
jax.nn.initializers.lecun_normal | kaiming_normal_ | nonlinearity=linear
jax.nn.initializers.orthogonal | orthogonal_ |
flax.linen.initializers.he_normal | kaiming_normal_ | nonlinearity=relu
haiku.initializers.Orthogonal | orthogonal_ |
keras.initializers.HeNormal | kaiming_normal_ | nonlinearity=relu
keras.initializers.HeUniform | kaiming_uniform_ | nonlinearity=relu
keras.initializers.GlorotNormal | xavier_normal_ |
keras.initializers.GlorotUniform | xavier_uniform_ | ; shape=(16,8,3,3)
keras.initializers.Orthogonal | orthogonal_ |
mlx.nn.init.he_normal | kaiming_normal_ | nonlinearity=relu; nonlinearity=linear
mlx.nn.init.he_uniform | kaiming_uniform_ | nonlinearity=relu; nonlinearity=linear
mlx.nn.init.glorot_normal | xavier_normal_ |
mlx.nn.init.glorot_uniform | xavier_uniform_ | ; shape=(16,8,3,3)
mlx.nn.init.orthogonal | orthogonal_ |
tinygrad.Tensor.kaiming_uniform | kaiming_uniform_ | a=0.01 samples=20000
tinygrad.Tensor.glorot_uniform | xavier_uniform_ | samples=20000
timm.layers.trunc_normal_ | trunc_normal_ | std=0.02
timm.layers.trunc_normal_tf_ | trunc_normal_ | std=0.02
"""

NORMS = """
flax.linen.BatchNorm | BatchNorm2d |
flax.linen.LayerNorm | LayerNorm |
flax.linen.GroupNorm | GroupNorm |
flax.linen.InstanceNorm | InstanceNorm2d |
flax.linen.RMSNorm | RMSNorm |
flax.nnx.BatchNorm | BatchNorm2d |
flax.nnx.LayerNorm | LayerNorm |
flax.nnx.GroupNorm | GroupNorm |
flax.nnx.RMSNorm | RMSNorm |
haiku.BatchNorm | BatchNorm2d |
haiku.LayerNorm | LayerNorm |
haiku.GroupNorm | GroupNorm |
haiku.InstanceNorm | InstanceNorm2d |
haiku.RMSNorm | RMSNorm |
equinox.nn.LayerNorm | LayerNorm |
equinox.nn.GroupNorm | GroupNorm |
equinox.nn.RMSNorm | RMSNorm |
keras.layers.BatchNormalization | BatchNorm2d |
keras.layers.LayerNormalization | LayerNorm |
keras.layers.GroupNormalization | GroupNorm |
keras.layers.RMSNormalization | RMSNorm |
mlx.nn.BatchNorm | BatchNorm2d |
mlx.nn.LayerNorm | LayerNorm |
mlx.nn.GroupNorm | GroupNorm | ; pytorch_compatible=True
mlx.nn.InstanceNorm | InstanceNorm2d |
mlx.nn.RMSNorm | RMSNorm |
tinygrad.nn.BatchNorm | BatchNorm2d |
tinygrad.nn.LayerNorm | LayerNorm |
tinygrad.nn.GroupNorm | GroupNorm |
tinygrad.nn.InstanceNorm | InstanceNorm2d |
tinygrad.nn.RMSNorm | RMSNorm |
timm.layers.RmsNorm | RMSNorm |
"""

#: The kinds, in the order of the page, with their titles.
KINDS = {
    "Optimizers": OPTIMIZERS,
    "Normalization layers": NORMS,
    "Initializers": INITIALIZERS,
    "Schedules": SCHEDULES,
}


def rows() -> list[tuple[str, TableRow]]:
    """Every check, with the title of its kind.

    >>> kind, first = rows()[0]
    >>> kind, first.name, first.against, first.settings
    ('Optimizers', 'optax.sgd', 'SGD', ('lr=0.1',))
    """
    return [
        (title, TableRow(name.strip(), against.strip(), tuple(settings.split())))
        for title, lines in KINDS.items()
        for name, against, several in (line.split("|") for line in lines.strip().splitlines())
        for settings in several.split(";")
    ]
