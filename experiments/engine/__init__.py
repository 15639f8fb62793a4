"""What runs an experiment.

experiment     what an experiment is: settings, measurements, figure, claims
measurements   what it measured: curves, by run and metric, over seeds
backends       scratch or torch behind one face
runner         measure, judge the claims, draw, write; one failure does not stop the others
crew           who does the units of work: this process, others beside it, a team of torchrun's
processes      others beside it
distributed    the processes of torchrun
threads        how many the libraries compute with
output         files that are whole or not there
interrupt      Ctrl-C that is not lost
figures        a figure as data: panels of curves, histograms, contours
drawing        matplotlib draws it
progress       a live display in a terminal, nothing elsewhere
"""
