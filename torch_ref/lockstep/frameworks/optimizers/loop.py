"""A function with the loop inside of it: autograd's and SciPy's ``f(grad, x0, num_iters=…)``."""

import inspect
import queue
import threading
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers import roles
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays
from torch_ref.lockstep.frameworks.optimizers.libraries import NUMPY
from torch_ref.lockstep.frameworks.optimizers.recipe import Recipe, arguments
from torch_ref.lockstep.frameworks.optimizers.side import Side

#: What the gradient, the start, the number of steps and the loss are called.
GRADIENT = roles.words(
    "grad gradient jac gradf gradfn gradfunc gradfunction df dfun fprime gradients"
)
START = roles.words("x0 x w0 init initial start theta0 theta w xinit initparams params0")
COUNT = roles.words(
    "numiters numiter niters niter nits maxiter maxiters iterations iters nsteps numsteps steps "
    "epochs nepochs numepochs numiterations maxiterations maxsteps"
)
OBJECTIVE = roles.words("fun f loss func objective lossfn lossfunc cost costfunction")
_LONG = 10**6  # steps, more than any run has
_POLL = 0.05  # seconds: a time limit can come between


class LoopAdapter(Side):
    """A function that takes all steps itself and asks for each gradient.

    It runs in a thread of its own, which waits wherever it asks for a gradient: where it asks is
    where the parameters stand. They are given as one vector.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._run: _Run | None = None
        self.name = recipe.target.__name__

    def start(self, params: Arrays) -> None:
        self._end()
        self._shapes = {name: w.shape for name, w in params.items()}
        self._run = _Run(self._recipe, _flat(params))
        self._x = self._run.asked()

    def step(self, grads: Arrays) -> None:
        assert self._run is not None  # it is started
        given = {n: np.zeros(self._shapes[n]) if g is None else g for n, g in grads.items()}
        self._run.gradients.put(_flat(given).astype(self._x.dtype))
        self._x = self._run.asked()

    def params(self) -> Arrays:
        sizes = [int(np.prod(shape)) for shape in self._shapes.values()]
        parts = np.split(self._x, np.cumsum(sizes)[:-1])
        return {
            name: part.reshape(shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def _end(self) -> None:
        if self._run is not None:
            self._run.gradients.put(None)

    def __del__(self) -> None:
        self._end()


class _Run:
    """One call of the function, and what it and the run say to each other."""

    def __init__(self, recipe: Recipe, start: np.ndarray) -> None:
        self.gradients: queue.SimpleQueue[np.ndarray | None] = queue.SimpleQueue()
        self.points: queue.SimpleQueue[np.ndarray | BaseException] = queue.SimpleQueue()
        call = (recipe, start, self.gradients, self.points)
        self._thread = threading.Thread(target=_loop, args=call, daemon=True)
        self._thread.start()

    def asked(self) -> np.ndarray:
        """Where the function asks for its next gradient."""
        while True:
            try:
                point = self.points.get(timeout=_POLL)
            except queue.Empty:
                continue
            if isinstance(point, BaseException):
                raise point
            return point


class _End(BaseException):
    """The run is over: leave the function."""


def _loop(recipe: Recipe, start: np.ndarray, gradients: Any, points: Any) -> None:
    def gradient(x: Any, *_: Any) -> np.ndarray:
        points.put(np.array(x, start.dtype))
        g = gradients.get()
        if g is None:
            raise _End
        return g

    first, second, count, objective = _parts(recipe.target)
    # By position where they are the first: a wrapper may call them otherwise.
    given: dict[str, Any] = {first: gradient, second: start.copy()}
    leading = [name for name in list(roles.positional(recipe.target))[:2] if name in given]
    values = [given.pop(name) for name in leading] if len(leading) == 2 else []
    if objective:  # there are gradients alone
        given[objective] = lambda *_: 0.0
    try:
        with np.errstate(all="ignore"), NUMPY.context(start.dtype):
            recipe.target(*values, **given, **{count: _LONG}, **recipe.settings)
        points.put(RuntimeError("the loop came to its end before the last step"))
    except _End:
        pass
    except BaseException as error:  # it is raised where the run waits
        points.put(error)


def _flat(arrays: Arrays) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays.values()])


def _parts(function: Any) -> tuple[str, str, str, str]:
    """The names of the gradient, the start, the number of steps and, if it is there, the loss."""
    takes = {roles.plain(p.name): p.name for p in roles.signature(function)}
    words = (GRADIENT, START, COUNT, OBJECTIVE)
    found = [next((takes[each] for each in takes if each in known), "") for known in words]
    return found[0], found[1], found[2], found[3]


def fits(target: Any) -> bool:
    """Whether it is a function that takes a gradient to call, a start and a number of steps.

    >>> fits(lambda grad, x0, num_iters=100: None), fits(lambda w, g: None)
    (True, False)
    """
    return not isinstance(target, type) and callable(target) and all(_parts(target)[:3])


def parameters(target: Any) -> dict[str, inspect.Parameter]:
    """The settings of such a function."""
    taken = {*_parts(target), "callback"}
    return {name: p for name, p in arguments(target).items() if name not in taken}
