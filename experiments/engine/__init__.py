"""What runs an experiment.

experiment     what an experiment is: settings, measurements, figure, claims
measurements   what it measured: curves, by run and metric, over seeds
backends       scratch or torch behind one face
runner         measure, judge the claims, draw, write; one failure does not stop the others
distributed    the same, shared out to the processes of torchrun
output         files that are whole or not there
interrupt      Ctrl-C that is not lost
figures        how the figures look
progress       bars in a terminal, nothing elsewhere
"""
