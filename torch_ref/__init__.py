"""The twins: each name of ``scratch``, through PyTorch, on any device.

registry   the one table of what stands beside what (imports no torch)
init, optim, nn, train   the twins
twin, run_rates          an optimizer of torch behind scratch's contract; a rate for each run
convert    parameters, gradients and optimizer state, both ways, exactly
device     choosing where torch runs
graph      a training step as one CUDA graph
errors     the base class of errors for people
extras     what may not be installed, torch above all
lockstep   running both sides step by step and comparing them
"""
