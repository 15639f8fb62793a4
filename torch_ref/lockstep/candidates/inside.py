"""What runs in the process of a candidate: its file, and the answers about it."""

import contextlib
import faulthandler
import inspect
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from torch_ref import registry
from torch_ref.lockstep.candidates.candidate import (
    Candidate,
    CandidateError,
    load,
    parameters_of,
    said_of,
)
from torch_ref.lockstep.candidates.contract import kind
from torch_ref.lockstep.candidates.settings import is_required, plain_number
from torch_ref.lockstep.frameworks import wire
from torch_ref.lockstep.frameworks.host import Answer, Host
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays
from torch_ref.lockstep.frameworks.values import Opaque, packed, taken_from, unpacked
from torch_ref.lockstep.frameworks.wire import Message

#: Of an error's text, as much as is told.
_LONGEST = 4000


def serve(location: str, place: int) -> None:
    """Answer what is asked of the candidate, and end the process.

    Args:
        location: of the candidate, as :func:`load` takes it.
        place: the number of the file for where it is, when it is asked so by SIGUSR1.
    """
    source, sink = _streams()
    _bound_memory()
    faulthandler.enable(place)
    faulthandler.register(signal.SIGUSR1, place)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # a copy of a process has not its threads
    try:
        Inside(location, source, sink).serve()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """The two that speak to the check; what the candidate prints goes to the standard error."""
    source: BinaryIO = os.fdopen(os.dup(0), "rb")
    sink: BinaryIO = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, errors="backslashreplace", closefd=False
    )
    return source, sink


def _bound_memory() -> None:
    """Let it have what the machine has, and be the one to go where that does not suffice."""
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (own if hard < 0 else min(own, hard), hard))
    with contextlib.suppress(OSError):  # not on Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


class Inside(Host):
    """The candidate, and the side of it that is asked at the moment."""

    def __init__(self, location: str, source: BinaryIO, sink: BinaryIO) -> None:
        super().__init__(location, self._side, source, sink, None)
        self._location = location
        self._candidate: Candidate | None = None
        self._things: list[Any] = []

    def told(self, error: BaseException) -> Message:
        """What was raised, with the user's line; a message of our own as it is."""
        if isinstance(error, CandidateError):
            return {"error": str(error)[:_LONGEST], "whole": True}
        if self._candidate is None:
            return {"error": said_of(error)[:_LONGEST]}
        missing, line = self._candidate.missing(error), self._candidate.line_of(error)
        said = (missing or said_of(error))[:_LONGEST]
        kind, _, text = said.partition(": ")
        raised = {"type": kind, "text": text, "at": line}
        return {"error": said + line, "whole": bool(missing), **raised}

    def made(self) -> Adapter:
        """The side that the last hello has made."""
        return self._made

    def _load(self, asked: Message, data: bytes) -> Answer:
        self._candidate = found = load(self._location)
        file = None if found.file is None else str(found.file)
        return {"name": found.name, "file": file}, []

    def _describe(self, asked: Message, data: bytes) -> Answer:
        found = self._known_candidate
        said = {"made": found.made, "takes_parameters": found.takes_parameters}
        return said | {"parameters": _listed(found.parameters())}, []

    def _signature(self, asked: Message, data: bytes) -> Answer:
        target = self._known_candidate.target
        said = {"is_class": isinstance(target, type), "steps": hasattr(target, "step")}
        return said | {"parameters": _listed(parameters_of(target))}, []

    def _run(self, asked: Message, data: bytes) -> Answer:
        function = registry.resolve(asked["function"])
        return self._given(partial(function, self._known_candidate.target), asked, data)

    def _call(self, asked: Message, data: bytes) -> Answer:
        thing = self._things[asked["thing"]]
        return self._given(getattr(thing, asked["name"]) if asked["name"] else thing, asked, data)

    def _get(self, asked: Message, data: bytes) -> Answer:
        value = getattr(self._things[asked["thing"]], asked["name"])
        return {"value": packed(value, self._kept_here)}, []

    def _given(self, function: Callable[..., Any], asked: Message, data: bytes) -> Answer:
        """What a function gives for the values of a question."""
        arrays: list[np.ndarray] = []
        given = unpacked(asked["arguments"], taken_from(data))
        with np.errstate(all="ignore"):
            found = function(*map(self._own, given))
        return {"value": packed(found, self._kept_here, arrays)}, arrays

    def _kept_here(self, thing: Any) -> Any:
        self._things.append(thing)
        return {"thing": len(self._things) - 1}

    def _hello(self, asked: Message, data: bytes) -> Answer:
        given: Mapping[str, Any] = {
            name: self._own(unpacked(value)) for name, value in asked["settings"].items()
        }
        self._made = side = self._known_candidate.side(dict(given))
        updates = hasattr(self._known_candidate.target, "update")
        told = {name: getattr(side, name, "") for name in ("precision", "remark")}
        return {"strict": side.strict is True, "updates": updates, **told}, []

    def _own(self, value: Any) -> Any:
        """The default that stayed here, for what only its name was sent of."""
        if not isinstance(value, Opaque):
            return value
        return self._known_candidate.parameters()[value.name].default

    def _state(self, asked: Message, data: bytes) -> Answer:
        answer, buffers = super()._state(asked, data)
        sent = [
            (described, buffer)
            for described, buffer in zip(answer["state"], buffers, strict=True)
            if wire.is_number(np.asarray(buffer).dtype)
        ]
        return {"state": [each for each, _ in sent]}, [np.asarray(buffer) for _, buffer in sent]

    def params(self) -> Arrays:
        params = super().params()
        for w in params.values():
            kind(w)
        return params

    @property
    def _known_candidate(self) -> Candidate:
        assert self._candidate is not None  # it is asked to be loaded first
        return self._candidate

    def _side(self, **settings: Any) -> Adapter:
        return self._known_candidate.side(settings)


def _listed(parameters: Mapping[str, inspect.Parameter]) -> list[list[Any]]:
    return [[name, int(p.kind), *_default(name, p)] for name, p in parameters.items()]


def _default(name: str, parameter: inspect.Parameter) -> list[Any]:
    """A default in a list, if there is one."""
    if is_required(parameter):
        return []
    value = plain_number(parameter.default)
    return [packed(value, lambda other: {"name": name, "shown": repr(other)[:200]})]
