"""The page: what was measured, to look at, in English and Korean.

results     reads the results folder; what is missing or damaged is named, and never stops the rest
texts       a sentence in two languages; ``korean`` has the Korean ones, by the English
charts      a chart: panels, curves, and the table that says the same in numbers
drawings    which charts are an experiment's figure
curves      the training curves
pictures    the surface, the paths, the activations
chapter     the chapter, section by section: figures, settings, claims
surfaces    four functions of two variables, with their gradients
explorer    the paths that ``scratch`` takes down them
lab         activations and gradients in deep networks, from many kinds of weights
parity      the twins and how far apart they are; where the conventions differ
speed       the last benchmark
reproduce   what made each item, on what
page        the whole of it, as one file
"""
