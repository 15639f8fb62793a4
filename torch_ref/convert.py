"""Parameters, gradients, random streams and optimizer state between NumPy and torch, exactly."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scratch import _check
from scratch import nn as scratch_nn
from scratch import optim as scratch_optim
from scratch.random import Generator
from torch_ref import _check as _torch_check
from torch_ref import nn, optim
from torch_ref.registry import OptimizerPair, pair_of
from torch_ref.registry import state_to_torch as state_to_torch


def to_torch(arrays: Mapping[str, np.ndarray | None]) -> dict[str, Tensor | None]:
    """Copies as tensors: for ``params`` and for ``grads``."""
    _check.mapping("arrays", arrays)
    return {n: None if a is None else _tensor(f"arrays[{n!r}]", a) for n, a in arrays.items()}


def to_numpy(tensors: Mapping[str, Tensor | None]) -> dict[str, np.ndarray | None]:
    """Copies as arrays, from any device."""
    for name, w in _check.mapping("tensors", tensors).items():
        if w is not None:
            _check.instance(f"tensors[{_check.shown(name)}]", w, Tensor)
    return {
        name: None if w is None else w.detach().cpu().numpy().copy() for name, w in tensors.items()
    }


def _tensor(name: str, value: np.ndarray) -> Tensor:
    array = _check.as_array(name, value)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} must be an array of numbers that torch has, got {array.dtype}")
    return torch.tensor(array)


def network_to_torch(net: scratch_nn.MultiLayerNet, device: str = "cpu") -> nn.MultiLayerNet:
    """A twin with the parameters, running statistics and random streams that ``net`` has now."""
    _check.instance("net", net, scratch_nn.MultiLayerNet)
    twin = nn.MultiLayerNet(
        net.sizes[0],
        net.sizes[1:-1],
        net.sizes[-1],
        activation=net.activation,
        init="zeros",
        batch_norm=net.batch_norm,
        dropout=net.dropout,
        weight_decay=net.weight_decay,
        inverted_dropout=net.inverted_dropout,
        chapter_batch_norm=net.chapter_batch_norm,
        seed=[g.seed for g in net.generators] if net.runs else net.generators[0].seed,
        dtype=getattr(torch, net.dtype.name),
        device=device,
    )
    with torch.no_grad():
        for name, w in twin.params.items():
            w.copy_(torch.tensor(net.params[name]))
    _copy_statistics(net, twin.layers)
    for generator, torchs in zip(net.generators, twin.generators, strict=True):
        load_generator_to_torch(generator, torchs)
    return twin


def network_to_numpy(twin: nn.MultiLayerNet, net: scratch_nn.MultiLayerNet) -> None:
    """Put the parameters, running statistics and random streams of ``twin`` into ``net``."""
    _check.instance("net", net, scratch_nn.MultiLayerNet)
    _check.instance("twin", twin, nn.MultiLayerNet)
    shapes = [{name: tuple(w.shape) for name, w in each.params.items()} for each in (twin, net)]
    if shapes[0] != shapes[1] or len(twin.generators) != len(net.generators):
        raise ValueError(f"net must be like twin, with {shapes[0]}, got {shapes[1]}")
    for name, w in to_numpy(twin.params).items():
        net.params[name][...] = w
    for norm, other in zip(net.batch_norms, _norms(twin.layers), strict=True):
        norm.running_mean[...] = other.get_buffer("running_mean").cpu().numpy()
        norm.running_var[...] = other.get_buffer("running_var").cpu().numpy()
        norm.num_batches_tracked = int(other.get_buffer("num_batches_tracked"))
    for generator, torchs in zip(net.generators, twin.generators, strict=True):
        load_generator_to_numpy(torchs, generator)


def load_generator_to_torch(generator: Generator, twin: torch.Generator) -> None:
    """Let ``twin``, on the CPU, go on with the numbers that ``generator`` would draw next."""
    _check.instance("generator", generator, Generator)
    _torch_check.generator("twin", twin).set_state(torch.from_numpy(generator.get_state()))


def load_generator_to_numpy(twin: torch.Generator, generator: Generator) -> None:
    """Let ``generator`` go on with the numbers that ``twin``, on the CPU, would draw next."""
    _check.instance("generator", generator, Generator)
    generator.set_state(_torch_check.generator("twin", twin).get_state().numpy())


def plain(net: scratch_nn.MultiLayerNet) -> torch.nn.Sequential:
    """``net``, a single run without dropout, as one writes it in PyTorch.

    ``Linear``, ``BatchNorm1d`` and activation modules with the same values; ``Linear`` holds the
    transpose of W.
    """
    _check.instance("net", net, scratch_nn.MultiLayerNet)
    if net.runs is not None or net.dropout:
        raise ValueError("net must be a single run without dropout to be written as plain modules")
    modules, dtype = torch.nn.Sequential(), getattr(torch, net.dtype.name)
    for i, sizes in enumerate(pairwise(net.sizes), start=1):
        modules.append(torch.nn.Linear(*sizes, dtype=dtype))
        if i < len(net.sizes) - 1:
            if net.batch_norm:
                modules.append(torch.nn.BatchNorm1d(sizes[1], dtype=dtype))
            modules.append(nn.ACTIVATIONS[net.activation]())
    for name, w in plain_params(modules).items():
        w.data.copy_(from_linear(name, torch.tensor(net.params[name])))
    _copy_statistics(net, modules)
    return modules


def plain_params(modules: torch.nn.Sequential) -> dict[str, torch.nn.Parameter]:
    """The parameters of :func:`plain` under the chapter's names; W as ``Linear`` has it."""
    named: dict[str, torch.nn.Parameter] = {}
    layer = 0
    _check.instance("modules", modules, torch.nn.Sequential)
    for module in modules:
        if isinstance(module, torch.nn.Linear):
            layer += 1
            named[f"W{layer}"] = module.get_parameter("weight")
            named[f"b{layer}"] = module.get_parameter("bias")
        elif isinstance(module, torch.nn.BatchNorm1d):
            named |= {f"gamma{layer}": module.weight, f"beta{layer}": module.bias}
    return named


def from_linear(name: str, tensor: Tensor) -> Tensor:
    """A tensor of the parameter ``name`` of :func:`plain`, in the chapter's layout."""
    _check.instance("name", name, str)
    _check.instance("tensor", tensor, Tensor)
    return tensor.T if name.startswith("W") else tensor


def load_state_to_torch(
    optimizer: scratch_optim.Optimizer,
    twin: optim.Twin | torch.optim.Optimizer,
    params: Mapping[str, Tensor],
) -> None:
    """Put the state of a hand-written optimizer into torch's, which updates ``params`` next.

    Args:
        optimizer: where the state is.
        twin: one of ``torch_ref.optim``, or torch's own over the tensors in ``params``.
        params: the tensors by their names.
    """
    pair = pair_of(optimizer)
    _torch_check.tensors("params", params)
    torchs, states = _torchs(twin, params), state_to_torch(optimizer)
    unknown = states.keys() - params.keys()
    if unknown:
        raise ValueError(f"params must hold all that there is state for, lacks {sorted(unknown)}")
    for name, w in params.items():
        torchs.state.pop(w, None)
        if name in states:
            step = states[name].pop("step")
            counts = {"tensor": {"step": torch.tensor(float(step))}, "int": {"step": step}}
            torchs.state[w] = counts.get(pair.step, {}) | {
                key: _to_theirs(key, value, w, pair) for key, value in states[name].items()
            }


def load_state_to_numpy(
    twin: optim.Twin | torch.optim.Optimizer,
    optimizer: scratch_optim.Optimizer,
    params: Mapping[str, Tensor],
    step: int,
) -> None:
    """Put the state of torch's into the hand-written optimizer.

    Args:
        twin: one of ``torch_ref.optim``, or torch's own over the tensors in ``params``.
        optimizer: where the state goes; what it had is lost.
        params: the tensors by their names.
        step: the number of updates done, for the optimizers of torch that do not count them.
    """
    pair, step = pair_of(optimizer), _check.integer("step", step, at_least=1)
    _torch_check.tensors("params", params)
    torchs, loaded = _torchs(twin, params), {}
    buffers = {b.torch: (key, b.factor) for key, b in pair.buffers.items()}
    for name, w in params.items():
        state, group = torchs.state.get(w, {}), optimizer.group_of(name)
        fresh = group.init_state(np.empty(()))
        if not state and fresh:
            continue  # a parameter whose gradient was None every time
        loaded[name] = {"step": int(state.get("step", step))}
        for torch_key, value in state.items():
            if torch_key == "step" or (isinstance(value, list) and torch_key not in pair.lists):
                continue  # a list of nothing that is kept, LBFGS's "al"
            key, factor = buffers.get(torch_key, (torch_key, None))
            value = value if factor is None else value / factor(group)
            loaded[name][key] = _to_ours(value, number=key in group.numbers)
    optimizer.state = loaded


def _to_theirs(key: str, value: Any, w: Tensor, pair: OptimizerPair) -> Any:
    """A buffer or number of a hand-written optimizer as torch keeps it."""
    if key in pair.lists:
        return list(torch.tensor(value, device=w.device))
    if pair.gradients == "closure" and np.ndim(value) == 0:
        return value
    if key in pair.scratch.numbers:  # a tensor on the CPU, in float32 whatever the parameter is
        return torch.tensor(value)
    return torch.tensor(value, device=w.device)


def _to_ours(value: Any, number: bool = False) -> Any:
    """Return a value of torch's state as an array, or as the ``number`` it is."""
    if isinstance(value, list):
        return np.array([_to_ours(row) for row in value])
    if not isinstance(value, Tensor):
        return value
    return value.item() if number else value.detach().cpu().numpy().copy()


def _torchs(
    twin: optim.Twin | torch.optim.Optimizer, params: Mapping[str, Tensor]
) -> torch.optim.Optimizer:
    if isinstance(twin, optim.Twin):
        twin.bind(params)
        if twin.has_rates:
            raise ValueError(
                "twin must have one lr for all runs to take or give state, got a rate for each run "
                f"({twin.lr}): torch keeps the state of each rate's runs apart"
            )
        return twin.torch
    if not isinstance(twin, torch.optim.Optimizer):
        raise TypeError(
            "twin must be one of torch_ref.optim's, or an optimizer of torch, got "
            f"{_check.shown(twin)}"
        )
    known = {id(w) for group in twin.param_groups for w in group["params"]}
    foreign = [name for name, w in params.items() if id(w) not in known]
    if foreign:
        raise ValueError(
            f"params must hold the tensors that {type(twin).__name__} was made over, got others "
            f"under {foreign}"
        )
    return twin


def _norms(modules: torch.nn.Sequential) -> list[torch.nn.BatchNorm1d]:
    return [module for module in modules if isinstance(module, torch.nn.BatchNorm1d)]


def _copy_statistics(net: scratch_nn.MultiLayerNet, modules: torch.nn.Sequential) -> None:
    for norm, other in zip(net.batch_norms, _norms(modules), strict=True):
        other.get_buffer("running_mean").copy_(torch.tensor(norm.running_mean))
        other.get_buffer("running_var").copy_(torch.tensor(norm.running_var))
        other.get_buffer("num_batches_tracked").fill_(norm.num_batches_tracked)
