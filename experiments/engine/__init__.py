"""What runs an experiment.

experiment     what an experiment is: settings, measurements, figure, claims
measurements   what it measured: curves, by run and metric, over seeds
backends       scratch or torch behind one face
options        what a command asks for: where to, how much memory, how many processes
runner         measure, judge the claims, draw, write; one failure does not stop the others
units          pieces of work, whose results are files from when they are finished
workers        who does them: this process, joblib's beside it, a cluster
measuring      a unit of an experiment: some seeds in one backend
checkpoints    of trainings that take minutes
memory         how many networks are trained at once
threads        how many the libraries compute with
output         files that are whole or not there
interrupt      Ctrl-C that is not lost
figures        a figure as data: panels of curves, histograms, contours
drawing        matplotlib draws it
progress       a live display in a terminal, nothing elsewhere
telling        what is said of a result
terminal       text in whole words; what comes from files and arguments is never obeyed
texts          texts for people, which can be translated
"""
