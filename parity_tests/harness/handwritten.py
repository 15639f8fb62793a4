"""Optimizers as users write them, each with one bug: it is the name of the class."""

import numpy as np


class Written:
    """In the chapter's style: a constructor, and dicts that are filled as parameters come."""

    def __init__(self, lr: float = 0.001) -> None:
        self.lr, self.t = lr, 0
        self.m: dict[str, np.ndarray] = {}
        self.v: dict[str, np.ndarray] = {}

    def buffers(self, params: dict) -> None:
        if not self.v:
            for key, val in params.items():
                self.m[key], self.v[key] = np.zeros_like(val), np.zeros_like(val)

    def moments(self, key: str, grad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Adam's, corrected for their start from zero."""
        self.m[key] = 0.9 * self.m[key] + 0.1 * grad
        self.v[key] = 0.999 * self.v[key] + 0.001 * grad**2
        return self.m[key] / (1 - 0.9**self.t), self.v[key] / (1 - 0.999**self.t)


class EpsInside(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        self.t += 1
        for key in params:
            m_hat, v_hat = self.moments(key, grads[key])
            params[key] -= self.lr * m_hat / np.sqrt(v_hat + 1e-8)


class Uncorrected(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        for key in params:
            self.m[key] += (1 - 0.9) * (grads[key] - self.m[key])
            self.v[key] += (1 - 0.999) * (grads[key] ** 2 - self.v[key])
            params[key] -= self.lr * self.m[key] / (np.sqrt(self.v[key]) + 1e-8)


class Swapped(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        self.t += 1
        beta2, beta1 = 0.9, 0.999
        lr_t = self.lr / (1 - beta1**self.t)
        for key in params:
            self.m[key] = beta1 * self.m[key] + (1 - beta1) * grads[key]
            self.v[key] = beta2 * self.v[key] + (1 - beta2) * grads[key] ** 2
            denom = np.sqrt(self.v[key] / (1 - beta2**self.t)) + 1e-8
            params[key] -= lr_t * self.m[key] / denom


class CountsParameters(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        for key in params:
            self.t += 1
            m_hat, v_hat = self.moments(key, grads[key])
            params[key] -= self.lr * m_hat / (np.sqrt(v_hat) + 1e-8)


class DecaysAfter(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        self.t += 1
        for key in params:
            m_hat, v_hat = self.moments(key, grads[key])
            params[key] -= self.lr * m_hat / (np.sqrt(v_hat) + 1e-8)
            params[key] -= self.lr * 0.1 * params[key]


class CopiedNesterov(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        for key in params:
            self.v[key] *= 0.9
            self.v[key] -= self.lr * grads[key]
            params[key] += 0.9 * 0.9 * self.v[key]
            params[key] -= (1 + 0.9) * self.lr * grads[key]


class FromZero(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        for key in params:
            self.v[key] = 0.9 * self.v[key] + (1 - 0.3) * grads[key]
            params[key] -= self.lr * self.v[key]


class Averaged(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        for key in params:
            self.v[key] = 0.9 * self.v[key] + (1 - 0.9) * grads[key]
            params[key] = params[key] - self.lr * self.v[key]


class TensorFlowRMSprop(Written):
    def update(self, params: dict, grads: dict) -> None:
        for key in params:
            ms = self.v.get(key, np.ones_like(params[key]))
            self.v[key] = ms + (grads[key] ** 2 - ms) * (1 - 0.99)
            increment = self.lr * grads[key] / np.sqrt(self.v[key] + 1e-8)
            self.m[key] = 0.9 * self.m.get(key, 0.0) + increment
            params[key] -= self.m[key]


class CubeRoot(Written):
    def update(self, params: dict, grads: dict) -> None:
        self.buffers(params)
        self.t += 1
        for key in params:
            m_hat, v_hat = self.moments(key, grads[key])
            params[key] -= self.lr * m_hat / (np.cbrt(v_hat) + 1e-8)


def rounded_at_random(w: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """In bfloat16, rounded up or down: to the nearer of the two more often."""
    bits = w.astype("f4").view("u4") + random.integers(0, 2**16, w.shape, "u4")
    return (bits & 0xFFFF0000).view("f4")
