"""The other end of the wire, for Python: answers what a check asks, out of an adapter."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

from torch_ref.lockstep.frameworks import wire
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter, Arrays, as_quiet_as_torch
from torch_ref.lockstep.frameworks.values import unpacked
from torch_ref.lockstep.frameworks.wire import ABILITIES, Announced, Message

#: The check is believed: it sends what it has.
_ANY = sys.maxsize
#: The fields of an answer, and the arrays behind it.
Answer = tuple[Message, list[np.ndarray]]


def serve(
    name: str,
    make: Callable[..., Adapter],
    source: BinaryIO,
    sink: BinaryIO,
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """Answer every question, to the end of ``source`` or until it says bye.

    Args:
        name: of the candidate.
        make: gives its adapter for settings.
        source: the questions; of a program its standard input.
        sink: where the answers go.
        defaults: its settings; none where they are not known.

    >>> import io
    >>> sink = io.BytesIO()
    >>> serve(
    ...     "Adam", print, io.BytesIO(b'{"do": "hello", "settings": {"lr": 0.1}}'), sink, {"lr": 1}
    ... )
    >>> sink.getvalue()[:55]
    b'{"lockstep": 1, "name": "Adam", "settings": {"lr": 0.1}'
    """
    Host(name, make, source, sink, defaults).serve()


class Host:
    """What has been said so far, and the adapter that it was said to; see :func:`serve`."""

    def __init__(
        self,
        name: str,
        make: Callable[..., Adapter],
        source: BinaryIO,
        sink: BinaryIO,
        defaults: Mapping[str, Any] | None,
    ) -> None:
        self._name, self._make, self._defaults = name, make, defaults
        self._source, self._sink = source, sink
        self._known: list[Announced] = []
        self._process = os.getpid()

    def serve(self) -> None:
        """Answer every question."""
        while line := self._source.readline():
            asked = wire.parse(line, _ANY)
            if asked["do"] == "bye":
                return
            self.answer(asked)

    def answer(self, asked: Message) -> None:
        """Answer one question; what the candidate raises is the answer, too."""
        data = self._source.read(asked.get("bytes", 0))
        try:
            answer = getattr(self, f"_{asked['do']}")(asked, data)
        except BaseException as error:  # whatever it is, it is not for this loop
            answer = self.told(error), []
        if os.getpid() != self._process:  # the candidate has made a copy of it
            os._exit(0)
        self._say(*answer)

    def told(self, error: BaseException) -> Message:
        """The answer that says what was raised."""
        return {"error": f"{type(error).__name__}: {error}"}

    def made(self) -> Adapter:
        """The adapter that a start begins with."""
        return self._make(**self._settings)

    def params(self) -> Arrays:
        """The parameters as they stand."""
        return self._adapter.params()

    def _hello(self, asked: Message, data: bytes) -> Answer:
        self._settings = asked["settings"]
        own = None if self._defaults is None else {**self._defaults, **self._settings}
        said = {"name": self._name, "settings": own, "can": list(ABILITIES)}
        return {"lockstep": wire.VERSION, **said}, []

    def _start(self, asked: Message, data: bytes) -> Answer:
        self._adapter, self._dtype = self.made(), asked["dtype"]
        self._known = self._described(asked)
        self._adapter.start(self._by_name(self._known, data))
        return self._params()

    def _add(self, asked: Message, data: bytes) -> Answer:
        new = self._described(asked)
        for name, w in self._by_name(new, data).items():
            self._adapter.add(name, w)
        self._known += new
        return self._params()

    def _step(self, asked: Message, data: bytes) -> Answer:
        given = [one for one, is_given in zip(self._known, asked["given"], strict=True) if is_given]
        missing: dict[str, Any] = dict.fromkeys(each.name for each in self._known)
        self._grads: Arrays = missing | self._by_name(given, data)
        with as_quiet_as_torch():
            self._adapter.step(self._grads)
        answer, arrays = self._params()
        for what in asked.get("along", ()):
            more, others = getattr(self, f"_{what}")(asked, b"")
            answer, arrays = answer | more, arrays + others
        return answer, arrays

    def _minimize(self, asked: Message, data: bytes) -> Answer:
        def evaluate(params: Arrays) -> tuple[float, Arrays]:
            self._say({"evaluate": True}, [params[each.name] for each in self._known])
            found = wire.parse(self._source.readline(), _ANY)
            return unpacked(found["loss"]), self._by_name(
                self._known, self._source.read(found["bytes"])
            )

        self._adapter.minimize(evaluate)
        return self._params()

    def _scale_lr(self, asked: Message, data: bytes) -> Answer:
        return {"done": self._adapter.scale_lr(asked["factor"])}, []

    def _kept(self, asked: Message, data: bytes) -> Answer:
        kept = {n: g for n, g in self._adapter.kept(self._grads).items() if g is not None}
        return {"grads": _listed(kept)}, list(kept.values())

    def _state(self, asked: Message, data: bytes) -> Answer:
        state = self._adapter.state()
        buffers = {f"{name}/{key}": b for name, own in state.items() for key, b in own.items()}
        return {"state": _listed(buffers)}, list(buffers.values())

    def _params(self) -> Answer:
        params = self.params()
        found = [Announced(name, np.shape(w), w.dtype.name) for name, w in params.items()]
        return {"params": _listed(params)} if found != self._known else {}, list(params.values())

    def _described(self, asked: Message) -> list[Announced]:
        pairs = zip(asked["names"], asked["shapes"], strict=True)
        return [Announced(name, tuple(shape), self._dtype) for name, shape in pairs]

    def _by_name(self, described: list[Announced], data: bytes) -> Arrays:
        pairs = zip(described, wire.arrays(data, described), strict=True)
        return {each.name: a for each, a in pairs}

    def _say(self, fields: Message, arrays: list[np.ndarray]) -> None:
        self._sink.write(wire.message(fields, arrays))
        self._sink.flush()


def _listed(arrays: Arrays) -> list[tuple[str, tuple[int, ...], str]]:
    return [(name, np.shape(a), np.asarray(a).dtype.name) for name, a in arrays.items()]
