"""What an optimizer does, measured: a row for each property in which two sides differ.

experiment  parameters that are each given another series of gradients, all in one run
probes      the table of properties, each read off the moves of one such parameter
fits        numbers read off a series of moves

Nothing here is looked up: a candidate that no catalogue knows has a portrait, too.
"""

from torch_ref.lockstep.diagnose.portrait.probes import PROBES, Portrait, portrait

__all__ = ["PROBES", "Portrait", "portrait"]
