"""Two implementations step by step from the same start: the only place where that is done.

problems  what both are given: streams of gradients, a bowl, a bent valley
network   the same from a network on images; it needs torch
sides     anything that optimizes, with what the registry knows of it
torch_sides   those of torch, which need it
run       the run itself
report    what it showed: agreement, or the first place of a difference
distance  how far two arrays are apart: relative, and in units in the last place (ULP)
modules   a layer of the registry, and torch's module beside it; it needs torch
"""
