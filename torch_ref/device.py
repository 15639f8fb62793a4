"""Choosing the device that torch runs on."""

import torch

NAMES = ("auto", "cpu", "cuda", "mps")


def available() -> list[str]:
    """The devices of this machine, the fastest first.

    >>> available()[-1]
    'cpu'
    """
    found = []
    if torch.cuda.is_available():
        found += ["cuda"] + [f"cuda:{i}" for i in range(1, torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found += ["mps"]
    return [*found, "cpu"]


def resolve(name: str = "auto") -> torch.device:
    """The device called ``name``; "auto" is the fastest there is.

    Raises:
        ValueError: there is no such device here; the message lists those there are.
    """
    found = available()
    if name == "auto":
        return torch.device(found[0])
    if name not in found and not (name == "cuda:0" and "cuda" in found):
        raise ValueError(f"device must be auto or one of {', '.join(found)} here, got {name!r}")
    return torch.device(name)
