"""The cause of a difference: which known variant does what a candidate does.

search        which of the variants, alone or together, do the same
optimizers    an optimizer on gradients that tell the variants apart, which probe has
variants      the known variants of optimizers
rules         torch's optimizers by hand, each variant a change of them
layers        normalization layers: their variants, and the check
initializers  weights from a seed, else their distribution; orthogonal ones by their rotations
samples       a sample tested against a distribution
schedules     learning rates
"""
