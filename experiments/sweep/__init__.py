"""Many trainings over a grid: the learning rate, against the architecture and the optimizer.

grid     what is written on the command line, as values
plan     the settings; which runs train as one stack, and where a stack is cut
run      training them, on all cores
report   the best rates: what they come to, and a table
figures  the loss against the rate, and the heat map
"""
