"""The first way to call an initializer that gives weights."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count, islice, product, repeat
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.frameworks.away import where_it_is
from torch_ref.lockstep.frameworks.initializers.layout import Shape, to_layout, to_torchs
from torch_ref.lockstep.frameworks.initializers.packages import Packaged, packaged

Weights = list[np.ndarray]
#: Weights, of how many calls.
Draw = Callable[[int], Weights]
Seeding = tuple[str, Callable[[int], Iterator[dict[str, Any]]]]

#: What fan_in and fan_out are called, as arguments.
FANS = (
    ("fan_in", "fan_out"),
    ("n_in", "n_out"),
    ("in_features", "out_features"),
    ("input_size", "output_size"),
)


@where_it_is
def way_to_call(
    candidate: Callable[..., Any],
    shape: Shape,
    dtype: np.dtype,
    seed: int,
    settings: Mapping[str, Any],
    layout: str = "",
) -> tuple[Draw, np.ndarray, str]:
    """The first way that gives weights: a function of how many to draw, the first, and a note.

    Args:
        candidate: see the package.
        shape: of the weights, as torch has it.
        dtype: for one that takes it, and of a tensor to fill.
        seed: of the first; others go on from there.
        settings: that it is given, if it takes them.
        layout: of its own weights; that of a package is known.

    Raises:
        TypeError: no way gave weights; the message has what each raised.
    """
    parameters = _parameters(candidate)
    free = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    given = {key: value for key, value in settings.items() if free or key in parameters}
    if found := packaged(candidate, dtype, given):
        return _by_package(found, shape, seed, layout)
    asked, errors = to_layout(shape, layout), dict[str, Exception]()
    for form, (seeded_by, stream), typed in product(
        _forms(parameters, shape), _seedings(parameters), _typings(parameters, dtype)
    ):

        def draw(n: int, form: _Form = form, stream: Any = stream, typed: Any = typed) -> Weights:
            with _global_streams(seed):
                return [
                    to_torchs(form.call(candidate, asked, dtype, given | typed | seeded), layout)
                    for seeded in islice(stream(seed), n)
                ]

        try:
            return draw, draw(1)[0], f"called as {form.name}, seeded by {seeded_by}"
        except Exception as error:
            errors.setdefault(form.name, error)
    said = ", ".join(f"{type(e).__name__}: {e} (as {name})" for name, e in errors.items())
    raise TypeError(
        "candidate must give weights as f(shape), f(tensor) in place or f(fan_out, fan_in); "
        f"{getattr(candidate, '__name__', type(candidate).__name__)} gave {said}"
    ) from next(iter(errors.values()))


def _by_package(
    found: Packaged, shape: Shape, seed: int, layout: str
) -> tuple[Draw, np.ndarray, str]:
    order = layout or found.layout

    def draw(n: int) -> Weights:
        drawn = (found.draw(to_layout(shape, order), seed + k) for k in range(n))
        return [to_torchs(_numbers(each), order) for each in drawn]

    said = {"in_out": "(…, in, out)", "out_last_in": "(out, …, in)"}.get(order, "(out, in, …)")
    note = f"called as {found.form}, seeded by {found.seeded_by}; its weights are {said}"
    return draw, draw(1)[0], note


class _Form(NamedTuple):
    """One way to call a candidate: its arguments for a shape and a tensor to fill."""

    name: str
    arguments: Callable[[Shape, Any], tuple[tuple[Any, ...], dict[str, int]]]

    def call(
        self, candidate: Callable[..., Any], shape: Shape, dtype: np.dtype, options: dict[str, Any]
    ) -> np.ndarray:
        tensor = _blank(shape, dtype)
        positional, named = self.arguments(shape, tensor)
        result = candidate(*positional, **named, **options)
        result = tensor if result is None and any(a is tensor for a in positional) else result
        array = _numbers(result.detach().numpy() if hasattr(result, "detach") else result)
        if named and array.shape == shape[::-1]:
            array = array.T  # the chapter's W is (in, out)
        if array.shape != shape:
            raise ValueError(f"it gave shape {array.shape} in place of {shape}")
        return array


def _numbers(result: Any) -> np.ndarray:
    array = np.array(result)
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _blank(shape: Shape, dtype: np.dtype) -> Any:
    """A tensor to be filled; an array, if nothing has imported torch."""
    torch = sys.modules.get("torch")
    return (
        np.zeros(shape, dtype)
        if torch is None
        else torch.zeros(shape, dtype=getattr(torch, dtype.name))
    )


def _forms(parameters: Mapping[str, Any], whole: Shape) -> list[_Form]:
    """The ways to call it, the likeliest first; ``whole`` is the shape as torch has it."""

    def by_name(**named: int) -> _Form:
        name = ", ".join(f"{each}=" for each in named)
        return _Form(f"f({name})", lambda shape, tensor: ((), named))

    forms = [
        _Form("f(shape)", lambda shape, tensor: ((shape,), {})),
        _Form("f(tensor)", lambda shape, tensor: ((tensor,), {})),
        _Form("f(fan_out, fan_in)", lambda shape, tensor: (shape, {})),
    ]
    for fan_in, fan_out in FANS:
        if {fan_in, fan_out} <= parameters.keys() and len(whole) == 2:
            forms.insert(0, by_name(**{fan_in: whole[1], fan_out: whole[0]}))
    return forms


def _typings(parameters: Mapping[str, Any], dtype: np.dtype) -> list[dict[str, Any]]:
    torch = sys.modules.get("torch")
    torchs = [] if torch is None else [{"dtype": getattr(torch, dtype.name)}]
    return [{"dtype": dtype.type}, *torchs] if "dtype" in parameters else [{}]


def _seedings(parameters: Mapping[str, Any]) -> list[Seeding]:
    """The ways to seed: what it is called, and from the seed, the arguments of call after call."""

    def one(name: str, stream: Callable[[int], Any]) -> Callable[[int], Iterator[dict[str, Any]]]:
        return lambda seed: repeat({name: stream(seed)})

    if "generator" in parameters:
        found = []
        if torch := sys.modules.get("torch"):
            torchs = one("generator", lambda seed: torch.Generator().manual_seed(seed))
            found.append(("generator= (torch.Generator)", torchs))
        if ours := sys.modules.get("scratch.random"):
            found.append(
                ("generator= (scratch.random.Generator)", one("generator", ours.Generator))
            )
        return found
    if "rng" in parameters:
        return [("rng= (numpy.random.default_rng)", one("rng", np.random.default_rng))]
    if "seed" in parameters:
        return [("seed=", lambda seed: ({"seed": each} for each in count(seed)))]
    both = "torch.manual_seed and " if "torch" in sys.modules else ""
    return [(f"{both}numpy.random.seed", lambda seed: repeat({}))]


@contextmanager
def _global_streams(seed: int) -> Iterator[None]:
    """Seed the global streams of torch and NumPy, and put back what they were."""
    state = np.random.get_state()  # noqa: NPY002, for the candidate may draw from it
    with _torchs_stream(seed):
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


@contextmanager
def _torchs_stream(seed: int) -> Iterator[None]:
    """The same for that of torch, if anything has imported it."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _parameters(candidate: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(candidate).parameters)
    except (TypeError, ValueError):  # a builtin
        return {}
