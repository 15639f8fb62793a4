"""The one table: what is hand-written, what it stands beside in PyTorch, and what to try on it.

The twins in ``torch_ref``, the parity tests, the golden files, ``lockstep list`` and the README's
table all follow from it. Torch's side is named, not imported, so that the table can be read without
torch.

optimizers, initializers, layers, schedules   the entries
pairs                                         what an entry says
distributions                                 of initializers
spellings                                     other names for settings and arrays
names                                         an entry by its name
state                                         an optimizer's state in torch's names and units
"""

from torch_ref.registry.initializers import INITIALIZERS
from torch_ref.registry.layers import LAYERS
from torch_ref.registry.names import TABLES, Entry, entry_of, find, nearest, spelled
from torch_ref.registry.optimizers import OPTIMIZERS, pair_of
from torch_ref.registry.pairs import (
    OWN_GRADIENTS,
    SAME_GRADIENTS,
    Buffer,
    InitializerPair,
    LayerPair,
    OptimizerPair,
    Pair,
    SchedulePair,
    Settings,
    resolve,
    torch_since,
)
from torch_ref.registry.schedules import SCHEDULES
from torch_ref.registry.state import state_to_torch

__all__ = [
    "INITIALIZERS",
    "LAYERS",
    "OPTIMIZERS",
    "OWN_GRADIENTS",
    "SAME_GRADIENTS",
    "SCHEDULES",
    "TABLES",
    "Buffer",
    "Entry",
    "InitializerPair",
    "LayerPair",
    "OptimizerPair",
    "Pair",
    "SchedulePair",
    "Settings",
    "entry_of",
    "find",
    "nearest",
    "pair_of",
    "resolve",
    "spelled",
    "state_to_torch",
    "torch_since",
]
