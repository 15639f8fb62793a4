"""The cause of a difference: which known variant does what a candidate does.

optimizers      an optimizer on gradients that tell the variants apart
variants        the known ones of optimizers
dials           torch's optimizers by hand, with a dial for each variant
layers          normalization layers: their variants, and the check
initializers    weights from a seed, else their distribution
schedules       learning rates
"""
