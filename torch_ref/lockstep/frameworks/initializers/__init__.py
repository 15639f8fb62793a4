"""Initializers of any framework: the first way to call one that gives weights of a shape.

calling   a function of the shape, of a tensor to fill, or of the fans
packages  those of JAX, flax, Haiku, Keras, MLX and tinygrad, each called as it wants to be
layout    (out, in, *kernel) as torch has it, and the other orders of these axes

Whatever the order of the candidate's axes, its weights are given in torch's.
"""

from torch_ref.lockstep.frameworks.initializers.calling import Draw, Weights, way_to_call
from torch_ref.lockstep.frameworks.initializers.layout import LAYOUTS

__all__ = ["LAYOUTS", "Draw", "Weights", "way_to_call"]
