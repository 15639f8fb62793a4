"""What a candidate is written in: what is needed to make it, run it and read it back.

loading     the module that a candidate is in
optimizers  one small file for each way in which optimizers are written
layers      one small file for each framework's normalization layers
initializers  weights of a shape, drawn from seeds
clipping    gradients, clipped
schedules   learning rates, read step by step
templates   ten lines that fit, for each of them
process     an optimizer that is a program, in any language
host        the other end of it, for Python: a program made of an adapter
wire        the messages that it and the check exchange
pipes       a program's standard streams, with deadlines and limits

Nothing here knows what a candidate is held against: a module imports NumPy and what the user's file
has imported already.
"""
