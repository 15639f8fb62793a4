"""Known variants that several families have, by what they vary.

epsilon  where it stands in a denominator, and which it is
moments  their factors, corrections and counter
decay    of the weights; and the sign of the step
variant  how a table of them is written
"""
