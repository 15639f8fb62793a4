"""The numbers to reach: each is to be at most so much. Ratios are of times, ours ÷ torch's."""

#: A step of training in float32 on the CPU, against torch eager.
TRAINING_STEP = 0.75
#: By the number of runs: a stack against as many runs one after another.
STACKED = {32: 0.5}
#: By the number of float32 elements: an optimizer's step on the CPU, against torch's default.
OPTIMIZER_STEP = {10**4: 0.5, 10**6: 1.2, 10**7: 0.6}
#: ``lockstep --help``, in seconds.
HELP = 0.4
#: Every figure of the chapter, one seed, one backend, in seconds.
RUN_ALL = 60
#: The scratch backend's peak memory, in MB.
PEAK_MEMORY = 400
#: Checkpoints, in % of a run.
CHECKPOINTS = 2
