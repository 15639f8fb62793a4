"""Checking a normalization layer against torch's: several training batches, then evaluation.

The candidate, torch's module and the reference with the known variants have one interface:
``forward(x, training)``, ``backward(dy)``, and ``read`` and ``write`` of the arrays that a layer
holds, by torch's names. What a layer has not is ``None``.

check      both sides run and compared
half       the same in float16 and bfloat16
reference  torch's module, or ours where there is no torch
norms      the layers that there is a check for, and the known variants of each
rule       torch's layers by hand, with a setting for each variant
trace      what a layer computes on the same batches
causes     the search, quantity by quantity
"""

from torch_ref.lockstep.diagnose.layers.check import check_norm
from torch_ref.lockstep.diagnose.layers.norms import NORMALIZATIONS
from torch_ref.lockstep.diagnose.layers.rule import NormRule

__all__ = ["NORMALIZATIONS", "NormRule", "check_norm"]
