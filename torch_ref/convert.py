"""Parameters, gradients, random streams and optimizer state between NumPy and torch, exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scratch import nn as scratch_nn
from scratch import optim as scratch_optim
from scratch.random import Generator
from torch_ref import nn, optim
from torch_ref.registry import Buffer, pair_of

# What Generator.get_state() of torch's CPU generator holds.
_GENERATOR_STATE = np.dtype(
    [
        ("seed", np.uint64),
        ("left", np.int32),
        ("seeded", np.int32),
        ("next", np.uint64),
        ("words", np.uint64, 624),
        ("normal_x", np.float64),
        ("normal_y", np.float64),
        ("normal_rho", np.float64),
        ("normal_is_valid", np.int64),
        ("float_normal", np.float32),
        ("float_normal_is_valid", np.int32),
    ]
)


def to_torch(arrays: Mapping[str, np.ndarray | None]) -> dict[str, Tensor | None]:
    """Copies as tensors: for ``params`` and for ``grads``."""
    return {name: None if a is None else torch.tensor(a) for name, a in arrays.items()}


def to_numpy(tensors: Mapping[str, Tensor | None]) -> dict[str, np.ndarray | None]:
    """Copies as arrays, from any device."""
    return {
        name: None if w is None else w.detach().cpu().numpy().copy() for name, w in tensors.items()
    }


def network_to_torch(net: scratch_nn.MultiLayerNet, device: str = "cpu") -> nn.MultiLayerNet:
    """A twin with the parameters, running statistics and random streams that ``net`` has now."""
    twin = nn.MultiLayerNet(
        net.sizes[0],
        net.sizes[1:-1],
        net.sizes[-1],
        activation=net.activation,
        init="zeros",
        batch_norm=net.batch_norm,
        dropout=net.dropout,
        weight_decay=net.weight_decay,
        seed=[g.seed for g in net.generators] if net.runs else net.generators[0].seed,
        dtype=getattr(torch, net.dtype.name),
        device=device,
    )
    with torch.no_grad():
        for name, w in twin.params.items():
            w.copy_(torch.tensor(net.params[name]))
    twins = [layer for layer in twin.layers if isinstance(layer, torch.nn.BatchNorm1d)]
    for norm, other in zip(net.batch_norms, twins, strict=True):
        _copy_statistics(norm, other)
    for generator, other in zip(net.generators, twin.generators, strict=True):
        load_generator_to_torch(generator, other)
    return twin


def network_to_numpy(twin: nn.MultiLayerNet, net: scratch_nn.MultiLayerNet) -> None:
    """Put the parameters, running statistics and random streams of ``twin`` into ``net``."""
    for name, w in to_numpy(twin.params).items():
        net.params[name][...] = w
    twins = [layer for layer in twin.layers if isinstance(layer, torch.nn.BatchNorm1d)]
    for norm, other in zip(net.batch_norms, twins, strict=True):
        norm.running_mean[...] = other.running_mean.cpu().numpy()
        norm.running_var[...] = other.running_var.cpu().numpy()
        norm.num_batches_tracked = int(other.num_batches_tracked)
    for generator, other in zip(net.generators, twin.generators, strict=True):
        load_generator_to_numpy(other, generator)


def load_generator_to_torch(generator: Generator, twin: torch.Generator) -> None:
    """Let ``twin``, on the CPU, go on with the numbers that ``generator`` would draw next."""
    words, position, spare = generator.state
    twin.manual_seed(generator.seed)
    state = twin.get_state()
    fields = state.numpy().view(_GENERATOR_STATE)
    fields["words"], fields["next"], fields["left"] = words, position, 625 - position
    if spare is not None:
        fields["normal_y"], fields["normal_is_valid"] = spare, 1
    twin.set_state(state)


def load_generator_to_numpy(twin: torch.Generator, generator: Generator) -> None:
    """Let ``generator`` go on with the numbers that ``twin``, on the CPU, would draw next."""
    (fields,) = twin.get_state().numpy().view(_GENERATOR_STATE)
    spare = float(fields["normal_y"]) if fields["normal_is_valid"] else None
    generator.state = fields["words"].astype(np.uint32), 625 - int(fields["left"]), spare


def plain(net: scratch_nn.MultiLayerNet) -> torch.nn.Sequential:
    """``net``, a single run without dropout, as one writes it in PyTorch.

    ``Linear``, ``BatchNorm1d`` and activation modules with the same values; ``Linear`` holds the
    transpose of W.
    """
    if net.runs is not None or net.dropout:
        raise ValueError("net must be a single run without dropout to be written as plain modules")
    modules, norms = torch.nn.Sequential(), iter(net.batch_norms)
    dtype = getattr(torch, net.dtype.name)
    for i, (fan_in, fan_out) in enumerate(zip(net.sizes, net.sizes[1:], strict=False), start=1):
        linear = torch.nn.Linear(fan_in, fan_out, dtype=dtype)
        linear.weight.data.copy_(torch.tensor(net.params[f"W{i}"].T.copy()))
        linear.bias.data.copy_(torch.tensor(net.params[f"b{i}"]))
        modules.append(linear)
        if i < len(net.sizes) - 1:
            if net.batch_norm:
                norm = torch.nn.BatchNorm1d(fan_out, dtype=dtype)
                norm.weight.data.copy_(torch.tensor(net.params[f"gamma{i}"]))
                norm.bias.data.copy_(torch.tensor(net.params[f"beta{i}"]))
                _copy_statistics(next(norms), norm)
                modules.append(norm)
            modules.append(nn.ACTIVATIONS[net.activation]())
    return modules


def plain_params(modules: torch.nn.Sequential) -> dict[str, torch.nn.Parameter]:
    """The parameters of :func:`plain` under the chapter's names; W as ``Linear`` has it."""
    named: dict[str, torch.nn.Parameter] = {}
    layer = 0
    for module in modules:
        if isinstance(module, torch.nn.Linear):
            layer += 1
            named |= {f"W{layer}": module.weight, f"b{layer}": module.bias}
        elif isinstance(module, torch.nn.BatchNorm1d):
            named |= {f"gamma{layer}": module.weight, f"beta{layer}": module.bias}
    return named


def from_linear(name: str, tensor: Tensor) -> Tensor:
    """A tensor of the parameter ``name`` of :func:`plain`, in the chapter's layout."""
    return tensor.T if name.startswith("W") else tensor


def state_to_torch(optimizer: scratch_optim.Optimizer) -> dict[str, dict[str, Any]]:
    """The state of a hand-written optimizer in torch's names and units, as arrays."""
    buffers = pair_of(optimizer).buffers
    converted = {}
    for name, state in optimizer.state.items():
        converted[name] = {}
        for key, value in state.items():
            torch_key, factor = buffers.get(key, Buffer(key, lambda _: 1))
            converted[name][torch_key] = value * factor(optimizer)
    return converted


def load_state_to_torch(
    optimizer: scratch_optim.Optimizer, twin: optim.Twin, params: Mapping[str, Tensor]
) -> None:
    """Put the state of a hand-written optimizer into its twin, which updates ``params`` next."""
    twin.bind(params)
    for name, state in state_to_torch(optimizer).items():
        w = params[name]
        # Torch counts the steps in float32 tensors on the CPU, and SGD does not count them.
        twin.torch.state[w] = {
            key: torch.tensor(value).to(w.device) if key != "step" else torch.tensor(float(value))
            for key, value in state.items()
            if key != "step" or not isinstance(twin.torch, torch.optim.SGD)
        }


def load_state_to_numpy(
    twin: optim.Twin, optimizer: scratch_optim.Optimizer, params: Mapping[str, Tensor], step: int
) -> None:
    """Put the state of a twin, after ``step`` updates of ``params``, into the hand-written one."""
    buffers = {b.torch: (key, b.factor) for key, b in pair_of(optimizer).buffers.items()}
    optimizer.state = {}
    for name, state in twin.state(params).items():
        if not state and optimizer.init_state(np.empty(0)):
            continue  # a parameter whose gradient was None every time
        optimizer.state[name] = {"step": int(state.get("step", step))}
        for torch_key, value in state.items():
            key, factor = buffers.get(torch_key, (torch_key, lambda _: 1))
            if key != "step":
                optimizer.state[name][key] = value.cpu().numpy() / factor(optimizer)


def _copy_statistics(norm: scratch_nn.BatchNorm1d, other: torch.nn.BatchNorm1d) -> None:
    other.running_mean.copy_(torch.tensor(norm.running_mean))
    other.running_var.copy_(torch.tensor(norm.running_var))
    other.num_batches_tracked.fill_(norm.num_batches_tracked)
