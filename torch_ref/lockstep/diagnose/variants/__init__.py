"""Known variants that several families have, by what they vary.

epsilon      where it stands in a denominator, and which it is
squares      of what they are, and which of them divide a step
moments      their factors, corrections and counter
decay        of the weights; the sign of the step, which gradient it is of, which part moves
conventions  what a framework or a paper does otherwise, all of it together
variant      how a table of them is written
"""
