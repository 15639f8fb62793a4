"""Choosing the device that torch runs on."""

import torch
from torch import Tensor

from scratch import _check

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


def resolve(device: str = "auto") -> torch.device:
    """The device of that name; "auto" is the fastest there is.

    Raises:
        ValueError: there is no such device here; the message lists those there are.
    """
    found = available()
    allowed = ["auto", *found, *(["cuda:0"] if "cuda" in found else [])]
    if not isinstance(device, str) or device not in allowed:
        raise ValueError(
            f"device must be auto or one of {', '.join(found)} here, got {_check.shown(device)}"
        )
    return torch.device(found[0] if device == "auto" else device)


def put(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor``, which is on the CPU, on ``device``; a CUDA device fetches it by itself.

    From pinned memory, so that the CPU goes on at once; torch keeps that memory until it is read.
    """
    _check.instance("tensor", tensor, Tensor)
    if _check.instance("device", device, torch.device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def widest(device: torch.device) -> torch.dtype:
    """The most precise floating-point type that ``device`` has.

    >>> widest(torch.device("cpu"))
    torch.float64
    """
    _check.instance("device", device, torch.device)
    return torch.float32 if device.type == "mps" else torch.float64
