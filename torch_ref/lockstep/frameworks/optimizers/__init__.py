"""Optimizers as people write them, each way behind the same face.

adapter      the face: start from parameters, step along gradients
update       an object with ``update(params, grads)``, or ``update(w, g)`` for each
function     a function of one step, ``step(w, g, state, **settings)``
loop         a function with the loop inside of it, ``f(grad, x0, num_iters=…)``
init_update  pairs and triples of functions in optax's and JAX's style
bound        a class that is made with the parameters, whose ``step()`` looks for ``.grad``
torch        a subclass of ``torch.optim.Optimizer``
keras, mlx   an optimizer of these
ways         which of these a candidate is written in
templates    ten lines for each, for code that is written in none

side         what the adapters have in common, and the choice between several
recipe       how a candidate is made, anew for each run
roles        what an argument is, by its name
libraries    whose arrays the candidate computes with
buffers      the buffers in a state that nobody has described
rate         the learning rate of an object that nobody has described
"""
