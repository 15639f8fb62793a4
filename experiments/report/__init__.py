"""The page: what was measured, to look at, in English and Korean.

listing       what there is, as tables: for `lockstep list` and the READMEs
results       reads the results folder; what is damaged is named, and never stops the rest
translations  the Korean, in the catalogue ko.po, and what keeps that complete
charts        Plotly draws the figures of ``engine.figures``
chapter       the chapter, section by section: figures, settings, claims
surfaces      functions of two variables to walk down
explorer      what the explorer has to choose from
javascript    the optimizers and schedules that the explorer steps with
lab           what the activation lab has to choose from; JavaScript computes what flows
parity        the twins and how far apart they are; where the conventions differ
shapes        what the files are to have in them
speed         the last benchmark
survey        what the field's packages have, beside PyTorch's
rules         the formula behind a figure, and its lines in scratch
why           why the figure looks as it does
reasons       why a claim does not hold where it does not
words         what the page's scripts say
reproduce     what made each item, on what
page          the whole of it, as one file
"""
