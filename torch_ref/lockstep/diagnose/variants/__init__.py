"""Known variants that several families have, by what they vary.

epsilon      where it stands in a denominator, and which it is
moments      their factors, corrections and counter
decay        of the weights; and the sign of the step, and which gradient it is of
conventions  what a framework or a paper does otherwise, all of it together
variant      how a table of them is written
"""
