"""Optimizers as people write them, each way behind the same face.

adapter      the face: start from parameters, step along gradients
update       an object with the chapter's ``update(params, grads)``
init_update  a pair of functions in optax's style
torch        a subclass of ``torch.optim.Optimizer``
buffers      the buffers in a state that nobody has described
rate         the learning rate of an object that nobody has described
"""
