"""Checking a normalization layer against torch's: several training batches, then evaluation.

The candidate, torch's module and the reference with the known variants stand behind one face:
``forward(x, training)``, ``backward(dy)``, and ``read`` and ``write`` of the arrays that a layer
holds, by torch's names. What a layer has not is ``None``.

check       both sides run and compared
kinds       the layers that there is a check for, and the known variants of each
reference   torch's layers by hand, with a dial for each variant
sides       the candidate and torch's module
maker       a candidate called with the arguments that it takes
"""

from torch_ref.lockstep.diagnose.layers.check import check_norm
from torch_ref.lockstep.diagnose.layers.dials import NormReference
from torch_ref.lockstep.diagnose.layers.kinds import KINDS

__all__ = ["KINDS", "NormReference", "check_norm"]
