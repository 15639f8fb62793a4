"""Normalization layers of any framework behind one interface.

A layer is whatever has ``forward(x, training)``, which may be ``None`` where it knows no
evaluation; ``backward(dy)``, the gradient of the last input, or ``None``; and ``read(name)`` and
``write(name, values)`` of the arrays that it holds, by torch's names. ``x`` has its channels in the
second axis, as torch has it; where the framework has them in the last, they are moved there and
back, and ``layout`` says so.

arrays     an object or a function on NumPy's arrays: ours, the chapter's, a course's
torch      a torch.nn.Module
jax        a function of parameters and state, differentiated by JAX
flax, haiku, equinox, keras, mlx, tinygrad   what each of them has
making     a class or function called with the settings that it takes
spellings  other names for settings and arrays

A framework is used only if it is imported already: none is imported here.
"""

from torch_ref.lockstep.frameworks.layers.making import (
    Construction,
    Layer,
    Wanted,
    construction,
)

__all__ = ["Construction", "Layer", "Wanted", "construction"]
