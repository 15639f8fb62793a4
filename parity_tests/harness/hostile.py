"""Candidates that do what none should, and what is to be said of each.

A row is where its code stands, the code, the exit status, and a part of what is said: nothing of
one that agrees. The rest of each is a right Adam.
"""

AGREES, DIVERGES, CANNOT_RUN = 0, 1, 2

ADAM = """\
import atexit, ctypes, json, os, signal, subprocess, sys, threading, time
import numpy as np
{above}
class Adam({base}):
    def __init__(self, lr={lr}, betas=(0.9, 0.999), eps=1e-8):
        self.lr, self.betas, self.eps = lr, betas, eps
        self.m, self.v, self.t = {{}}, {{}}, 0
        {made}
    def update(self, params, grads):
        self.t += 1
        if self.t == 3:
            {step}
        b1, b2 = self.betas
        for k, g in grads.items():
            m = self.m[k] = b1 * self.m.get(k, 0) + (1 - b1) * g
            v = self.v[k] = b2 * self.v.get(k, 0) + (1 - b2) * g * g
            m, v = m / (1 - b1**self.t), v / (1 - b2**self.t)
            params[k] -= self.lr * m / (np.sqrt(v) + self.eps)
{below}
"""
_BLANK = {"above": "", "base": "", "lr": "0.001", "made": "pass", "step": "pass", "below": ""}
_LOOP = "while True:\n{0}    try:\n{0}        while True: pass\n{0}    except: pass"
_HANGS = "not done within the time limit of 1 s, at"
_META = "class Meta(type):\n    def __getattr__(c, name): os._exit(0)\n"

#: By a name, each candidate that ends at once.
CASES = {
    "right": ("step", "pass", AGREES, ""),
    "exit_0_at_import": (
        "above",
        "os._exit(0)",
        CANNOT_RUN,
        "running it: it ended with exit status",
    ),
    "sys_exit_at_import": ("above", "sys.exit(0)", CANNOT_RUN, ":3: sys.exit(0)"),
    "raises_at_import": ("above", "raise BaseException", CANNOT_RUN, ":3: raise BaseException"),
    "exit_0_in_getattr": (
        "below",
        "Adam.__getattr__ = lambda self, name: os._exit(0)",
        CANNOT_RUN,
        "it ended with exit status 0",
    ),
    "sys_exit_in_getattr": (
        "below",
        "Adam.__getattr__ = lambda self, name: sys.exit(0)",
        CANNOT_RUN,
        "SystemExit: 0",
    ),
    "exit_0_in_metaclass": (
        "below",
        _META + "class Adam(Adam, metaclass=Meta): pass",
        CANNOT_RUN,
        "it ended with exit status 0",
    ),
    "sys_exit_in_signature": (
        "below",
        "class S:\n    def __get__(self, *a): sys.exit(0)\nAdam.__signature__ = S()",
        CANNOT_RUN,
        "looking for its settings raised SystemExit: 0",
    ),
    "exit_0_in_constructor": ("made", "os._exit(0)", CANNOT_RUN, "the constructor: it ended with"),
    "exit_0": ("step", "os._exit(0)", CANNOT_RUN, "step 3: it ended with exit status 0"),
    "exit_7": ("step", "os._exit(7)", CANNOT_RUN, "step 3: it ended with exit status 7"),
    "sys_exit": ("step", "sys.exit(0)", CANNOT_RUN, "step 3 raised SystemExit: 0"),
    "sys_exit_in_a_thread": ("step", "threading.Thread(target=sys.exit).start()", AGREES, ""),
    "exit_0_in_a_thread": (
        "step",
        "threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(1)",
        CANNOT_RUN,
        "step 3: it ended with exit status 0",
    ),
    "sigkill": ("step", "os.kill(os.getpid(), 9)", CANNOT_RUN, "step 3: it was ended by SIGKILL"),
    "kills_its_group": ("step", "os.kill(0, 15)", CANNOT_RUN, "it was ended by SIGTERM"),
    "segmentation_fault": ("step", "ctypes.string_at(0)", CANNOT_RUN, ":12: ctypes.string_at(0)"),
    "abort": ("step", "os.abort()", CANNOT_RUN, ":12: os.abort()"),
    "fork": ("step", "os.fork()", AGREES, ""),
    "fork_at_import": ("above", "os.fork()", AGREES, ""),
    "fork_that_stays": (
        "above",
        "if not os.fork(): os.setsid(); time.sleep(9); os._exit(0)",
        AGREES,
        "",
    ),
    "prints_json": ("step", "print('{}')", AGREES, ""),
    "writes_to_1": ("step", "os.write(1, b'{}')", AGREES, ""),
    "writes_to_1_at_import": ("above", "os.write(1, b'{}')", AGREES, ""),
    "writes_at_exit": ("above", "atexit.register(os.write, 1, b'{}')", AGREES, ""),
    "writes_in_a_thread": (
        "above",
        "threading.Thread(target=os.write, args=(1, b'{}')).start()",
        AGREES,
        "",
    ),
    "writes_in_a_process": ("step", "subprocess.run(['echo', '{}'])", AGREES, ""),
    "thread_that_stays": (
        "above",
        "threading.Thread(target=time.sleep, args=(99,)).start()",
        AGREES,
        "",
    ),
    "100_GB": ("step", "np.ones(10**13)", CANNOT_RUN, "step 3 raised MemoryError"),
    "endless_recursion": ("step", "f = lambda: f(); f()", CANNOT_RUN, "RecursionError"),
    "closes_everything": ("step", "os.closerange(0, 99)", CANNOT_RUN, "step 3: it ended with"),
    "closes_its_streams": ("step", "sys.stdout.close(); sys.stderr.close()", AGREES, ""),
    "rubbish_on_the_wire": (
        "step",
        "[os.write(n, b'?') for n in range(3, 9) if os.path.exists(f'/proc/self/fd/{n}')"
        " and 'pipe' in os.readlink(f'/proc/self/fd/{n}') and os.open(f'/proc/self/fd/{n}', 1)]",
        CANNOT_RUN,
        "step 3",
    ),
    "base_exception": ("step", "raise BaseException('no')", CANNOT_RUN, "raised BaseException: no"),
    "generator_exit": ("step", "raise GeneratorExit", CANNOT_RUN, ":12: raise GeneratorExit"),
    "keyboard_interrupt": ("step", "raise KeyboardInterrupt", CANNOT_RUN, "KeyboardInterrupt"),
    "an_error_that_exits": (
        "step",
        "raise type('E', (Exception,), {'__str__': lambda self: os._exit(0)})",
        CANNOT_RUN,
        "step 3: it ended with exit status 0",
    ),
    "an_error_that_raises": (
        "step",
        "raise type('E', (Exception,), {'__str__': lambda self: sys.exit(0)})",
        CANNOT_RUN,
        "step 3 raised E, whose text raised SystemExit",
    ),
    "an_endless_text": ("step", "raise ValueError('x' * 10**8)", CANNOT_RUN, "ValueError: xxx"),
    "does_nothing_and_changes_torch": (
        "below",
        "import torch\ntorch.optim.Adam.step = lambda self, closure=None: None\n"
        "Adam.update = lambda self, params, grads: None",
        DIVERGES,
        "changes no parameter",
    ),
    "default_dtype": ("above", "import torch; torch.set_default_dtype(torch.float16)", AGREES, ""),
    "error_state": ("above", "np.seterr(all='raise')", AGREES, ""),
    "recursion_limit": ("above", "sys.setrecursionlimit(90)", AGREES, ""),
    "timer": ("above", "signal.setitimer(signal.ITIMER_REAL, 0.01)", CANNOT_RUN, "SIGALRM"),
    "signals_ignored": (
        "above",
        "[signal.signal(n, signal.SIG_IGN) for n in range(1, 32) if n not in (9, 19)]",
        AGREES,
        "",
    ),
    "trace": ("above", "sys.settrace(lambda *a: os._exit(0))", CANNOT_RUN, "exit status 0"),
    "changes_json": ("above", "json.dumps = lambda *a, **k: '{}'", CANNOT_RUN, "it is no list"),
    "no_modules": ("above", "sys.modules.clear()", CANNOT_RUN, ""),
    "float32": ("lr", "np.float32(0.001)", AGREES, ""),
    "float16": ("lr", "np.float16(0.001)", AGREES, ""),
    "tensor": ("lr", "__import__('torch').tensor(0.001)", AGREES, ""),
}
#: Those whose time must be up first.
SLOW = {
    "hang": ("step", "while True: pass", CANNOT_RUN, f"{_HANGS} step 3"),
    "hang_in_c": ("step", "ctypes.CDLL(None).sleep(99)", CANNOT_RUN, ":12: ctypes.CDLL"),
    "eats_the_time_out": ("step", _LOOP.format(" " * 12), CANNOT_RUN, f"{_HANGS} step 3"),
    "eats_it_at_import": ("above", _LOOP.format(""), CANNOT_RUN, ":5: while True: pass"),
    "signals_blocked": (
        "step",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(99)",
        CANNOT_RUN,
        f"{_HANGS} step 3",
    ),
    "endless_output": (
        "step",
        "while True: os.write(1, b'x' * 9999)",
        CANNOT_RUN,
        f"{_HANGS} step 3",
    ),
    "hangs_in_text": (
        "step",
        "raise type('E', (Exception,), {'__str__': lambda self: time.sleep(99)})",
        CANNOT_RUN,
        f"{_HANGS} step 3",
    ),
}


def source(where: str, code: str) -> str:
    """The file with the code at its place."""
    return ADAM.format(**_BLANK | {where: code})


PIECES = """\
import os, sys, time
import numpy as np
def rates(step, lr=0.1, gamma=0.9):
    hostile()
    return lr * gamma**step
def weights(shape, rng):
    hostile()
    return rng.normal(0, np.sqrt(1 / shape[1]), shape)
def clip(grads, max_norm):
    hostile()
    norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
    return {name: g * min(1, max_norm / (norm + 1e-6)) for name, g in grads.items()}
class Norm:
    def __init__(self, normalized_shape, eps=1e-5):
        self.weight, self.bias = np.ones(normalized_shape), np.zeros(normalized_shape)
        self.eps = eps
    def forward(self, x):
        hostile()
        centred = x - x.mean(-1, keepdims=True)
        self.std = np.sqrt(centred.var(-1, keepdims=True) + self.eps)
        self.normal = centred / self.std
        return self.normal * self.weight + self.bias
    def backward(self, dy):
        self.dweight, self.dbias = (dy * self.normal).sum(0), dy.sum(0)
        d = dy * self.weight
        along = self.normal * (d * self.normal).mean(-1, keepdims=True)
        return (d - d.mean(-1, keepdims=True) - along) / self.std
"""
#: What each of them is right against.
AGAINST = {
    "rates": ("ExponentialLR",),
    "weights": ("kaiming_normal_", "--arg", "nonlinearity=linear"),
    "clip": ("clip_grad_norm_",),
    "Norm": ("LayerNorm",),
}
#: What all of them may do.
DONE = {
    "pass": (AGREES, ""),
    "print('{}'); os.write(1, b'{}')": (AGREES, ""),
    "os._exit(0)": (CANNOT_RUN, "it ended with exit status 0"),
    "sys.exit(0)": (CANNOT_RUN, "raised SystemExit: 0"),
    "raise BaseException('no')": (CANNOT_RUN, "raised BaseException: no"),
    "raise KeyboardInterrupt": (CANNOT_RUN, "raise KeyboardInterrupt"),
    "os.kill(os.getpid(), 9)": (CANNOT_RUN, "it was ended by SIGKILL"),
    "os.closerange(0, 99)": (CANNOT_RUN, "it ended with exit status"),
}
