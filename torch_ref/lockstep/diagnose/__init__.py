"""The cause of a difference: which known variant does what a candidate does.

search        which of the variants, alone or together, do the same
optimizers    an optimizer on gradients that tell the variants apart, which probe has
trial         what it did there, and rules beside it
numbers       with which values of its settings a rule does the same
causes        the fewest variants and numbers that do
rounding      whether a difference is more than that: both sides against exact arithmetic
moves         the same where torch itself rounds to eight bits
portrait      what both sides do, measured, whether or not it is known
arguments     those that a candidate takes and makes nothing of
variants      what the known variants of several optimizers have in common
rules         optimizers by hand, each with its variants, a change of it
layers        normalization layers: their variants, and the check
initializers  weights from a seed, else their distribution; orthogonal ones by their rotations
samples       a sample tested against a distribution
clipping      gradients, by their norm or by value
schedules     learning rates, and the momentum that goes with them
"""
