"""Writing golden files: torch's trajectories for every optimizer of the registry.

Where torch is not installed they are those of the hand-written optimizers, and the files say so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from scratch.optim import Optimizer
from torch_ref import extras, files
from torch_ref.lockstep.candidates.candidate import did_you_mean
from torch_ref.lockstep.compare.problems import Arrays, GradientStream
from torch_ref.lockstep.compare.sides import as_adapter
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.golden.manifest import NAMES, Case, Manifest, trajectory
from torch_ref.lockstep.golden.tensor_file import DTYPES, GoldenError, write
from torch_ref.registry import OPTIMIZERS, OptimizerPair, find, resolve

STEPS = 20
#: A matrix, whose rows are zero at times, and a vector, or where those cannot be a second matrix;
#: small, so that the files can be committed.
SHAPES = {0: ((4, 3), (3,)), 2: ((4, 3), (2, 3))}
#: An optimizer that takes a closure has no gradients to be written down.
RECORDED = {name: pair for name, pair in OPTIMIZERS.items() if pair.gradients != "closure"}


def all_names() -> tuple[str, ...]:
    """The optimizers that there are golden files for.

    >>> "Adam" in all_names()
    True
    """
    return tuple(RECORDED)


def file_name(name: str) -> str:
    """The golden file of an optimizer; no two differ only in upper and lower case.

    >>> file_name("RMSprop"), file_name("RMSProp"), file_name("chapter.Adam")
    ('rmsprop.safetensors', 'chapter-rmsprop.safetensors', 'chapter-adam.safetensors')
    """
    stem = name.rpartition(".")[2].lower()
    return f"{'chapter-' if OPTIMIZERS[name].of_chapter else ''}{stem}.safetensors"


def pair_named(name: str) -> OptimizerPair:
    """The optimizer of a name in the registry, which there is a golden file for.

    Raises:
        GoldenError: there is none; the message says which is near.

    >>> pair_named("chapter.Momentum").name, pair_named("torch.optim.SGD").name
    ('Momentum', 'SGD')
    """
    entry = find(name)
    if entry is None or entry.pair.name not in RECORDED:
        near = did_you_mean(name, RECORDED) or f"; these are: {', '.join(RECORDED)}"
        raise GoldenError(f"there is no golden file for {name!r}{near}")
    return RECORDED[entry.pair.name]


def write_golden(name: str, folder: Path) -> Path:
    """Write the golden file of an optimizer and its manifest beside it.

    Args:
        name: one of :func:`all_names`, or another name of the same in the registry.
        folder: made if need be.

    Returns:
        The path of the safetensors file. The same torch on the same machine writes the same bytes
        every time.

    Raises:
        GoldenError: there is no such optimizer, or the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_golden("Adam", Path(folder)).name
    'adam.safetensors'
    """
    pair = pair_named(name)
    if file := files.in_the_way(folder):
        raise GoldenError(f"{folder} cannot be made: {file} is a file, not a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GoldenError(f"{folder} cannot be made: {error.strerror or error}") from error
    tensors, manifest = trajectories(pair)
    path = folder / file_name(pair.name)
    # One key only: the format does not fix the order of several.
    write(path, save(tensors, metadata={"manifest": manifest.to_json()}))
    write(path.with_suffix(".json"), manifest.to_json(indent=2).encode() + b"\n")
    return path


def trajectories(pair: OptimizerPair) -> tuple[Arrays, Manifest]:
    """All tensors of a pair's golden file by their names, and its manifest."""
    tensors, cases, shapes = {}, {}, SHAPES[pair.axes]
    for dtype in DTYPES:
        stream = GradientStream(shapes, dtype=dtype, awkward=True)
        grads = [stream.next() for _ in range(STEPS)]
        for parameter, start in stream.params.items():
            at = {"dtype": dtype, "parameter": parameter}
            tensors[NAMES["start"].format(**at)] = start
            tensors[NAMES["gradient"].format(**at)] = np.stack([g[parameter] for g in grads])
        for number, settings in enumerate(pair.cases):
            optimizer = pair.scratch(**settings)
            run = _run(_side(optimizer), stream.params, grads)
            for (quantity, parameter), values in run.items():
                tensors[trajectory(dtype, number, quantity, parameter)] = np.stack(values).astype(
                    dtype
                )
            cases[number] = Case(pair.to_torch(optimizer), _shapes_of_buffers(run))
    manifest = Manifest(
        name=pair.name,
        torch_class=pair.torch if extras.has_torch() else f"scratch.optim.{pair.name}",
        torch_version=resolve("torch.__version__") if extras.has_torch() else "",
        steps=STEPS,
        parameters={f"w{i}": shape for i, shape in enumerate(shapes)},
        tolerance={dtype: pair.tolerance[dtype] for dtype in DTYPES},
        cases=tuple(cases.values()),
    )
    return tensors, manifest


def _shapes_of_buffers(run: Mapping[tuple[str, str], list[np.ndarray]]) -> dict[str, Any]:
    """Return the shapes by parameter and buffer."""
    shapes: dict[str, dict[str, tuple[int, ...]]] = {}
    for (quantity, parameter), values in run.items():
        if quantity != "param":
            shapes.setdefault(parameter, {})[quantity] = values[0].shape
    return shapes


def _side(optimizer: Optimizer) -> Adapter:
    """The twin of a hand-written optimizer, or itself where torch is not installed."""
    twin = resolve("torch_ref.twin.Twin") if extras.has_torch() else None
    return as_adapter(twin(optimizer) if twin else optimizer)


def _run(
    side: Adapter, start: Arrays, grads: list[Arrays]
) -> dict[tuple[str, str], list[np.ndarray]]:
    """Return the values after each step by (quantity, parameter)."""
    values: dict[tuple[str, str], list[np.ndarray]] = {}
    side.start(start)
    for g in grads:
        side.step(g)
        state = side.state()
        for parameter, w in side.params().items():
            for quantity, array in {"param": w, **state[parameter]}.items():
                values.setdefault((quantity, parameter), []).append(array.copy())
    return values
