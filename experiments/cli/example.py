"""A wrong Adam to try ``lockstep check`` on."""

from pathlib import Path

from torch_ref.errors import LockstepError

FILE, NAME = Path("wrong_adam.py"), "Adam"
COMMAND = f"lockstep check {FILE}:{NAME} --against Adam"
SOURCE = '''\
"""Adam as many write it. It is not torch's; `lockstep check` says why, and in which line."""

import numpy as np


class Adam:
    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.t = {}, {}, 0

    def update(self, params, grads):
        self.t += 1
        correction = np.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)
        for name, g in grads.items():
            m = self.beta1 * self.m.get(name, 0) + (1 - self.beta1) * g
            v = self.beta2 * self.v.get(name, 0) + (1 - self.beta2) * g**2
            self.m[name], self.v[name] = m, v
            params[name] -= self.lr * correction * m / (np.sqrt(v) + self.eps)
'''


def write() -> Path:
    """Write it into the current folder, where there is no file of its name.

    Raises:
        LockstepError: there is one, or the folder cannot be written.
    """
    try:
        with FILE.open("x", encoding="utf-8") as file:
            file.write(SOURCE)
    except FileExistsError:
        raise LockstepError(f"{FILE} is there already, and is left as it is") from None
    except OSError as error:
        raise LockstepError(f"{FILE} cannot be written: {error.strerror}") from error
    return FILE
