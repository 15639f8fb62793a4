"""One rule, SGD with momentum, in the ways in which people write optimizers."""

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch


class Settings:
    def __init__(self, lr: float = 0.1, momentum: float = 0.9) -> None:
        self.lr, self.momentum, self.b = lr, momentum, {}
        self.lock: Any = None

    def moved(self, w: Any, g: Any, key: Any = None) -> Any:
        self.b[key] = self.momentum * self.b.get(key, 0) + g
        return w - self.lr * self.b[key]


class InPlace(Settings):
    def update(self, params: dict, grads: dict) -> None:
        for name in params:
            params[name][...] = self.moved(params[name], grads[name], name)


class GradientsFirst(Settings):
    def update(self, grads: dict, params: dict) -> None:
        for name in params:
            params[name] = self.moved(params[name], grads[name], name)


class Returns(Settings):
    def step(self, params: dict, grads: dict) -> dict:
        return {name: self.moved(w, grads[name], name) for name, w in params.items()}


class Called(Settings):
    def __call__(self, params: dict, grads: dict) -> dict:
        return {name: self.moved(w, grads[name], name) for name, w in params.items()}


class Lists(Settings):
    def update_params(self, params: list, grads: list) -> None:
        for i, (w, g) in enumerate(zip(params, grads, strict=True)):
            w[...] = self.moved(w, g, i)


class Each(Settings):
    """As in ML-From-Scratch: each parameter has an object of its own."""

    def update(self, w: np.ndarray, grad_wrt_w: np.ndarray) -> np.ndarray:
        return self.moved(w, grad_wrt_w)


class EachByName(Settings):
    """As in numpy-ml."""

    def update(self, param: np.ndarray, param_grad: np.ndarray, param_name: str, cur_loss=None):
        return self.moved(param, param_grad, param_name)


class Layers:
    """As in nnfs."""

    def __init__(self, learning_rate: float = 0.1, momentum: float = 0.9) -> None:
        self.learning_rate = self.current_learning_rate = learning_rate
        self.momentum, self.steps = momentum, 0

    def update_params(self, layer: Any) -> None:
        if not hasattr(layer, "weight_momentums"):
            layer.weight_momentums = np.zeros_like(layer.weights)
            layer.bias_momentums = np.zeros_like(layer.biases)
        layer.weight_momentums = self.momentum * layer.weight_momentums + layer.dweights
        layer.bias_momentums = self.momentum * layer.bias_momentums + layer.dbiases
        layer.weights -= self.current_learning_rate * layer.weight_momentums
        layer.biases -= self.current_learning_rate * layer.bias_momentums

    def post_update_params(self) -> None:
        self.steps += 1


class WithState(Settings):
    """As in MXNet: it makes a state for each parameter, and is given it again."""

    def create_state(self, index: str, weight: np.ndarray) -> np.ndarray:
        return np.zeros_like(weight)

    def update(self, index: str, weight: np.ndarray, grad: np.ndarray, state: np.ndarray) -> None:
        state[...] = self.momentum * state + grad
        weight[...] -= self.lr * state


class ToldItsModel(Settings):
    """As in DeZero: arrays and gradients have ``.data``, the model ``params()``."""

    def setup(self, target: Any) -> Any:
        self.target = target
        return self

    def update(self) -> None:
        for p in self.target.params():
            p.data = self.moved(p.data, p.grad.data * 1.0, id(p))


class OfOneLength:
    """It makes its buffer at the start; the rate is set by a method."""

    def __init__(self, n: int, lr: float = 0.1, momentum: float = 0.9) -> None:
        self._lr, self.momentum, self.b = lr, momentum, np.zeros(n)

    def set_lr(self, lr: float) -> None:
        self._lr = lr

    def step(self, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
        self.b = self.momentum * self.b + g
        return theta - self._lr * self.b


class OfOneShape(OfOneLength):
    def __init__(self, shape: tuple, lr: float = 0.1, momentum: float = 0.9) -> None:
        super().__init__(1, lr, momentum)
        self.b = np.zeros(shape)


class Bound(Settings):
    """Made with the parameters, which have ``.data`` and ``.grad``."""

    def __init__(self, params: list, lr: float = 0.1, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum)
        self.params = params

    def step(self) -> None:
        for i, p in enumerate(self.params):
            p.data = self.moved(p.data, p.grad, i)


class BoundToTensors(Bound):
    """The same with tensors of torch, and no subclass of its Optimizer."""

    def step(self) -> None:
        for p in self.params:
            b = self.b.setdefault(p, torch.zeros_like(p))
            p -= self.lr * b.mul_(self.momentum).add_(p.grad)


class BoundToArrays(Settings):
    """As in scikit-learn: made with arrays, and given them again."""

    def __init__(self, params: list, learning_rate_init: float = 0.1, mass: float = 0.9) -> None:
        self.learning_rate_init, self.mass = learning_rate_init, mass
        self.b = [np.zeros_like(w) for w in params]

    def update_params(self, params: list, grads: list) -> None:
        for w, g, b in zip(params, grads, self.b, strict=True):
            b[...] = self.mass * b + g
            w -= self.learning_rate_init * b


def factory(lr: float = 0.1, momentum: float = 0.9) -> Any:
    """A closure that refers to itself and holds a lock: it cannot be copied."""
    made, lock = SimpleNamespace(), threading.Lock()

    def update(params: dict, grads: dict) -> None:
        with lock:
            for name, w in params.items():
                params[name] = made.settings.moved(w, grads[name], name)

    made.settings, made.update = Settings(lr, momentum), update
    return made


def pair(lr: float = 0.1, momentum: float = 0.9) -> Any:
    """As in optax; the state is apart."""

    def update(grads: dict, state: dict, params: dict) -> tuple[dict, dict]:
        state = {name: momentum * state[name] + g for name, g in grads.items()}
        return {name: -lr * b for name, b in state.items()}, state

    return (lambda params: dict.fromkeys(params, 0.0)), update


def triple(step_size: float = 0.1, mass: float = 0.9) -> Any:
    """As in JAX's own examples; the state holds the parameters."""

    def update(i: int, grads: dict, state: dict) -> dict:
        moved = {}
        for name, (w, b) in state.items():
            b = mass * b + grads[name]
            moved[name] = (w - step_size * b, b)
        return moved

    def init(params: dict) -> dict:
        return {name: (w, 0.0) for name, w in params.items()}

    return init, update, lambda state: {name: w for name, (w, _) in state.items()}


def triple_of_arrays(step_size: float = 0.1, mass: float = 0.9) -> Any:
    """The same of one parameter: the functions are called for each."""

    def update(i: int, g: np.ndarray, state: tuple) -> tuple:
        w, b = state[0], mass * state[1] + g
        return w - step_size * b, b

    return (lambda w: (w, 0 * w)), update, lambda state: state[0]


def pair_of_arrays(lr: float = 0.1, momentum: float = 0.9) -> Any:
    def update(w: np.ndarray, state: np.ndarray, grad: np.ndarray) -> tuple:
        state = momentum * state.reshape(w.shape) + grad
        return -lr * state, state

    return np.zeros_like, update


def numbered(parameters: dict, grads: dict, v: dict, learning_rate: float, beta: float) -> tuple:
    """As in a course: by layers."""
    for i in range(1, len(parameters) // 2 + 1):
        for key in (f"W{i}", f"b{i}"):
            v[f"d{key}"] = beta * v[f"d{key}"] + grads[f"d{key}"]
            parameters[key] = parameters[key] - learning_rate * v[f"d{key}"]
    return parameters, v


def with_hyperparams(params: list, states: list, hyperparams: dict) -> None:
    """As in d2l; the torch in this file is tried first, and fails."""
    for p, v in zip(params, states, strict=True):
        v[...] = hyperparams["momentum"] * v + np.negative(p.grad) * -1
        p[...] -= hyperparams["lr"] * v
    assert hyperparams["t"] >= 1
    hyperparams["t"] += 1


def with_state(
    w: np.ndarray, g: np.ndarray, state: dict, lr=0.1, momentum=0.9, weight=1.0, max_grad=9e9, t=1
):
    """Some of its settings are called as what others are given or keep."""
    assert (weight, max_grad, t) == (1.0, 9e9, 1)
    state["b"] = momentum * state.get("b", 0) + g
    return w - lr * state["b"]


def with_arrays(w: np.ndarray, dw: np.ndarray, v: np.ndarray, t: int, *, lr=0.1, momentum=0.9):
    assert (t == 1) == (not v.any())
    v = momentum * v + dw
    return w - lr * v, v


def with_config(w: np.ndarray, dw: np.ndarray, config: dict | None = None):
    """As in cs231n."""
    config = {} if config is None else config
    config.setdefault("learning_rate", 0.1)
    config.setdefault("momentum", 0.9)
    v = config["momentum"] * config.get("velocity", np.zeros_like(w)) + dw
    config["velocity"] = v
    return w - config["learning_rate"] * v, config


def with_config_in_torch(w: torch.Tensor, dw: torch.Tensor, config: dict | None = None):
    """The same for tensors; numbers are looked for where there is an array of the right kind."""
    config = {} if config is None else config
    config.setdefault("learning_rate", 0.1)
    config.setdefault("momentum", 0.9)
    v = config.setdefault("velocity", torch.zeros_like(w))
    v.mul_(config["momentum"]).add_(dw)
    return w - config["learning_rate"] * v, config


def loop(grad: Any, x: np.ndarray, callback=None, num_iters=100, step_size=0.1, mass=0.9):
    """As in autograd."""
    v = np.zeros(len(x))
    for i in range(num_iters):
        v = mass * v + grad(x, i)
        x = x - step_size * v
    return x


def minimize(fun: Any, x0: np.ndarray, *, jac: Any, maxiter: int, lr=0.1, momentum=0.9):
    """As in SciPy."""
    x, v = x0, np.zeros_like(x0)
    for _ in range(maxiter):
        assert np.isfinite(fun(x))
        v = momentum * v + jac(x)
        x = x - lr * v
    return SimpleNamespace(x=x)


def wrapped(optimize: Any) -> Any:
    """As autograd wraps its own: the names of the settings are within."""

    def inner(grad: Any, x0: np.ndarray, callback=None, *args, **kwargs):
        return optimize(grad, x0, callback, *args, **kwargs)

    inner.__name__ = optimize.__name__
    return inner


class OwnDefaults(torch.optim.Optimizer):
    """The base of a package: its constructor takes what torch's takes."""

    def __init__(self, params: Any, defaults: dict) -> None:
        super().__init__(params, defaults)


class Torchs(OwnDefaults):
    """It swallows what it does not know, wants a closure, groups, and train() before."""

    training = False

    def __init__(self, params: Any, lr: float = 0.1, momentum: float = 0.9, **kwargs: Any) -> None:
        if not isinstance(next(iter(params)), dict):
            raise TypeError("params must be groups")
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def train(self) -> None:
        self.training = True

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        if closure is None or not self.training:
            raise RuntimeError("a closure is required, and train()")
        closure()
        for group in self.param_groups:
            for p in group["params"]:
                b = self.state[p].get("b", torch.zeros_like(p))
                self.state[p]["b"] = b = group["momentum"] * b + p.grad
                p -= group["lr"] * b


#: By a name, and whether the learning rate can be changed between two steps.
WAYS: dict[str, tuple[Any, bool]] = {
    "in place": (InPlace, True),
    "gradients first": (GradientsFirst, True),
    "a returned dict": (Returns, True),
    "called": (Called, True),
    "lists": (Lists, True),
    "each": (Each, True),
    "each by its name": (EachByName, True),
    "layers": (Layers, True),
    "with a state that it makes": (WithState, True),
    "told its model": (ToldItsModel, True),
    "of one length": (OfOneLength, True),
    "of one shape": (OfOneShape, True),
    "bound": (Bound, True),
    "bound to tensors": (BoundToTensors, True),
    "bound to arrays": (BoundToArrays, True),
    "a factory": (factory, False),
    "a pair": (pair, True),
    "a triple": (triple, True),
    "a triple of arrays": (triple_of_arrays, True),
    "a pair of arrays": (pair_of_arrays, True),
    "a function of numbered layers": (numbered, True),
    "a function with hyperparams": (with_hyperparams, True),
    "a function with a state": (with_state, True),
    "a function with arrays and the step": (with_arrays, True),
    "a function with a config": (with_config, True),
    "a function with a config, of tensors": (with_config_in_torch, True),
    "a loop": (loop, False),
    "a loop as in SciPy": (minimize, False),
    "a wrapped loop": (wrapped(loop), False),
    "torch's, with a closure, groups and train()": (Torchs, True),
}


def around(way: str, make: Any) -> Any:
    """An optimizer with the chapter's ``update``, as ``make`` gives it, written in another way."""

    def moved(optimizer: Any, w: np.ndarray, g: np.ndarray) -> np.ndarray:
        params = {"w": w.copy()}
        optimizer.update(params, {"w": g})
        return params["w"]

    class Returned:
        def __init__(self) -> None:
            self.inner = make()

        def step(self, grads: dict, params: dict) -> dict:
            params = {name: w.copy() for name, w in params.items()}
            self.inner.update(params, grads)
            return params

    class Listed(Returned):
        def update_params(self, params: list, grads: list) -> None:
            self.inner.update(dict(enumerate(params)), dict(enumerate(grads)))

        step = None

    class Single(Returned):
        def update(self, w: np.ndarray, dw: np.ndarray) -> np.ndarray:
            return moved(self.inner, w, dw)

    class WithGradients(Returned):
        def __init__(self, parameters: list) -> None:
            super().__init__()
            self.parameters = parameters

        def step(self) -> None:
            params = {i: p.data for i, p in enumerate(self.parameters)}
            self.inner.update(params, {i: p.grad for i, p in enumerate(self.parameters)})

    def function(w: np.ndarray, g: np.ndarray, state: dict) -> np.ndarray:
        return moved(state.setdefault("inner", make()), w, g)

    def loop(grad: Any, x0: np.ndarray, maxiter: int = 10) -> np.ndarray:
        inner = make()
        for _ in range(maxiter):
            x0 = moved(inner, x0, grad(x0))
        return x0

    def triple() -> Any:
        def update(i: int, grads: dict, state: Any) -> Any:
            inner, params = state
            inner.update(params, grads)
            return state

        return (lambda params: (make(), params)), update, lambda state: state[1]

    return {
        "returned": Returned,
        "listed": Listed,
        "single": Single,
        "with gradients": WithGradients,
        "a function": function,
        "a loop": loop,
        "a triple": triple,
    }[way]


AROUND = ("returned", "listed", "single", "with gradients", "a function", "a loop", "a triple")
