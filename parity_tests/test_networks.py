"""Whole networks: the same seed and the same gradients as their twins, handed over either way."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from scratch import nn, optim, train
from scratch.random import Generator
from torch_ref import convert, device
from torch_ref import nn as torch_nn
from torch_ref import optim as torch_optim
from torch_ref import train as torch_train
from torch_ref.registry import OPTIMIZERS, OptimizerPair, Settings

SIZES = (12, (9, 7), 5)
RUNS = {"single": {"seed": 3}, "stack": {"seed": [3, 4, 5]}}
OPTIONS = {
    "plain": {},
    "sigmoid": {"activation": "sigmoid", "init": "xavier"},
    "tanh": {"activation": "tanh", "init": "xavier_uniform"},
    "fixed std": {"init": 0.1},
    "batch norm": {"batch_norm": True},
    "dropout": {"dropout": 0.3},
    "weight decay": {"weight_decay": 0.1},
    "everything": {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.1},
}
PAIRS = pytest.mark.parametrize("pair", OPTIMIZERS.values(), ids=OPTIMIZERS)
IN_RUNS = pytest.mark.parametrize("runs", RUNS.values(), ids=RUNS)
WITH_OPTIONS = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 12), dtype=np.uint8)
LABELS = IMAGES[:, :5].argmax(axis=1)


def make(dtype: str = "float64", **options: object) -> nn.MultiLayerNet:
    return nn.MultiLayerNet(*SIZES, **options, dtype=dtype)


def make_twin(dtype: str = "float64", **options: object) -> torch_nn.MultiLayerNet:
    return torch_nn.MultiLayerNet(*SIZES, **options, dtype=getattr(torch, dtype))


def batch(net: nn.MultiLayerNet, seed: int = 1, dtype: str = "float64") -> tuple[np.ndarray, ...]:
    """Inputs and labels of its own for each run."""
    random, lead = np.random.default_rng(seed), () if net.runs is None else (net.runs,)
    x = np.asarray(random.normal(size=(*lead, 10, 12)), dtype=dtype)
    return x, random.integers(0, 5, (*lead, 10))


def assert_same_gradients(
    net: nn.MultiLayerNet, twin: torch_nn.MultiLayerNet, tolerance: float = 1e-12
) -> None:
    x, t = batch(net, dtype=net.dtype.name)
    loss, grads = net.loss_and_gradient(x, t)
    their_loss, their_grads = twin.loss_and_gradient(torch.tensor(x), torch.tensor(t))
    np.testing.assert_allclose(loss, their_loss.numpy(), rtol=tolerance)
    assert grads.keys() == their_grads.keys()
    for name, g in grads.items():
        assert g.dtype == their_grads[name].numpy().dtype
        np.testing.assert_allclose(
            g, their_grads[name].numpy(), rtol=tolerance, atol=tolerance, err_msg=name
        )


def params_of(net: nn.MultiLayerNet) -> dict[str, np.ndarray]:
    return {name: w.copy() for name, w in net.params.items()}


# The same seed.


@IN_RUNS
@WITH_OPTIONS
def test_the_same_seed_gives_the_same_weights(options: Settings, runs: Settings) -> None:
    net, twin = make(**options, **runs), make_twin(**options, **runs)
    assert list(net.params) == list(twin.params)
    for name, w in twin.params.items():
        np.testing.assert_array_equal(net.params[name], w.detach().numpy(), strict=True)


@IN_RUNS
@pytest.mark.parametrize("init", ["he", "xavier_uniform", 0.01])
def test_the_same_seed_gives_the_same_weights_in_float32_within_4_ulp(
    init: str | float, runs: Settings
) -> None:
    net, twin = make("float32", init=init, **runs), make_twin("float32", init=init, **runs)
    for name, w in twin.params.items():
        np.testing.assert_array_max_ulp(net.params[name], w.detach().numpy(), maxulp=4)


@IN_RUNS
@WITH_OPTIONS
def test_the_same_seed_gives_the_same_gradients(options: Settings, runs: Settings) -> None:
    net, twin = make(**options, **runs), make_twin(**options, **runs)
    for _ in range(2):
        assert_same_gradients(net, twin)


@IN_RUNS
@WITH_OPTIONS
def test_the_same_seed_gives_the_same_gradients_in_float32(
    options: Settings, runs: Settings
) -> None:
    net, twin = make("float32", **options, **runs), make_twin("float32", **options, **runs)
    assert_same_gradients(net, twin, tolerance=1e-5)


@IN_RUNS
def test_the_same_seed_trains_alike(runs: Settings) -> None:
    options = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.01} | runs
    history = train.fit(
        make(**options),
        optim.Momentum(),
        IMAGES,
        LABELS,
        iterations=20,
        batch_size=10,
        evaluate=(IMAGES, LABELS),
        every=8,
    )
    theirs = torch_train.fit(
        make_twin(**options),
        torch_optim.by_name("Momentum"),
        IMAGES,
        LABELS,
        iterations=20,
        batch_size=10,
        evaluate=(IMAGES, LABELS),
        every=8,
    )
    np.testing.assert_allclose(history.loss, theirs.loss, rtol=1e-12)
    np.testing.assert_allclose(history.accuracy, theirs.accuracy, rtol=1e-12)
    assert history.evaluated.tolist() == theirs.evaluated.tolist() == [0, 8, 16, 20]
    np.testing.assert_array_equal(history.diverged, theirs.diverged)


@pytest.mark.parametrize("lead", [(), (5,)], ids=["shared", "per run"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_as_many_runs_as_rows_as_classes_does_not_confuse_the_labels(
    one_hot: bool, lead: tuple[int, ...]
) -> None:
    options = {"seed": range(5)}
    net, twin = make(**options), make_twin(**options)
    random = np.random.default_rng(1)
    x, t = random.normal(size=(5, 12)), random.integers(0, 5, (*lead, 5))
    expected = net.loss(x, t), net.accuracy(x, t)
    t = np.eye(5)[t] if one_hot else t
    np.testing.assert_allclose(net.loss(x, t), expected[0])
    np.testing.assert_allclose(
        twin.loss(torch.tensor(x), torch.tensor(t)).detach().numpy(), expected[0]
    )
    np.testing.assert_allclose(twin.accuracy(torch.tensor(x), torch.tensor(t)), expected[1])


# Conversion.


@IN_RUNS
@WITH_OPTIONS
def test_a_network_handed_over_mid_training_has_the_same_gradients(
    options: Settings, runs: Settings
) -> None:
    net = make(**options, **runs)
    optimizer = optim.SGD(lr=0.1)
    for seed in range(3):
        optimizer.update(net.params, net.gradient(*batch(net, seed)))
    twin = convert.network_to_torch(net)
    for _ in range(2):
        assert_same_gradients(net, twin)


@IN_RUNS
@WITH_OPTIONS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_there_and_back_is_the_same(
    options: Settings, runs: Settings, dtype: str
) -> None:
    net, other = make(dtype, **options, **runs), make(dtype, **options, **runs)
    optim.SGD(lr=0.1).update(net.params, net.gradient(*batch(net)))
    convert.network_to_numpy(convert.network_to_torch(net), other)
    for name, w in net.params.items():
        np.testing.assert_array_equal(other.params[name], w, strict=True)
    for mine, theirs in zip(net.batch_norms, other.batch_norms, strict=True):
        np.testing.assert_array_equal(mine.running_mean, theirs.running_mean, strict=True)
        np.testing.assert_array_equal(mine.running_var, theirs.running_var, strict=True)
        assert mine.num_batches_tracked == theirs.num_batches_tracked == 1
    for mine, theirs in zip(net.generators, other.generators, strict=True):
        np.testing.assert_array_equal(mine.rand(5), theirs.rand(5))


def test_the_twin_shares_no_memory_with_its_network() -> None:
    net = make(batch_norm=True)
    before = params_of(net), net.batch_norms[0].running_mean.copy()
    twin = convert.network_to_torch(net)
    with torch.no_grad():
        for w in twin.params.values():
            w += 1
        twin.layers[1].running_mean.add_(1)
    for name, w in net.params.items():
        np.testing.assert_array_equal(w, before[0][name])
    np.testing.assert_array_equal(net.batch_norms[0].running_mean, before[1])


def test_gradients_there_and_back_are_the_same() -> None:
    grads = {"w": np.array([1.0, 2.0], np.float32), "b": None}
    back = convert.to_numpy(convert.to_torch(grads))
    np.testing.assert_array_equal(back["w"], grads["w"], strict=True)
    assert back["b"] is None
    assert not np.shares_memory(back["w"], grads["w"])


@IN_RUNS
@PAIRS
def test_training_handed_over_and_back_equals_training_on_one_side(
    pair: OptimizerPair, runs: Settings
) -> None:
    for case in pair.cases:
        options = {"batch_norm": True, "dropout": 0.3, "activation": "tanh"} | runs
        whole, parts = make(**options), make(**options)
        optimizers = pair.scratch(**case), pair.scratch(**case)
        for step in range(60):
            optimizers[0].update(whole.params, whole.gradient(*batch(whole, step)))
        for step in range(20):
            optimizers[1].update(parts.params, parts.gradient(*batch(parts, step)))

        twin, twins_optimizer = convert.network_to_torch(parts), torch_optim.Twin(optimizers[1])
        params = twin.params
        convert.load_state_to_torch(optimizers[1], twins_optimizer, params)
        for step in range(20, 40):
            x, t = (torch.tensor(values) for values in batch(parts, step))
            twins_optimizer.update(params, twin.gradient(x, t))

        convert.network_to_numpy(twin, parts)
        back = pair.scratch(**case)
        convert.load_state_to_numpy(twins_optimizer, back, params, step=40)
        for step in range(40, 60):
            back.update(parts.params, parts.gradient(*batch(parts, step)))
        # Before batch normalization a bias has no gradient but rounding noise, which Adam scales
        # up; it has no effect on what the network computes.
        for name, w in whole.params.items():
            if name not in ("b1", "b2"):
                np.testing.assert_allclose(
                    parts.params[name], w, rtol=1e-12, atol=1e-12, err_msg=f"{case} {name}"
                )
        assert {name: s["step"] for name, s in back.state.items()} == dict.fromkeys(params, 60)
        for mine, expected in zip(parts.batch_norms, whole.batch_norms, strict=True):
            assert mine.num_batches_tracked == expected.num_batches_tracked == 60
            np.testing.assert_allclose(mine.running_var, expected.running_var, rtol=1e-12)


@PAIRS
def test_the_state_there_and_back_is_the_same(pair: OptimizerPair) -> None:
    for case in pair.cases:
        params = {"w": np.array([1.0, -2.0, 3.0]), "b": np.array(0.5)}
        optimizer, back = pair.scratch(**case), pair.scratch(**case)
        for step in range(3):
            optimizer.update(params, {"w": np.array([0.1, 2.0, step]), "b": np.array(-1.0)})
        twin, tensors = torch_optim.Twin(optimizer), convert.to_torch(params)
        convert.load_state_to_torch(optimizer, twin, tensors)
        convert.load_state_to_numpy(twin, back, tensors, step=3)
        assert back.state.keys() == optimizer.state.keys()
        for name, state in optimizer.state.items():
            assert back.state[name].keys() == state.keys()
            for key, value in state.items():
                np.testing.assert_allclose(back.state[name][key], value, rtol=1e-15)


@PAIRS
def test_a_parameter_that_is_skipped_counts_its_own_steps_on_both_sides(
    pair: OptimizerPair,
) -> None:
    for case in pair.cases:
        mine = {"w": np.array([1.0, -2.0]), "late": np.array([0.5]), "never": np.array([4.0])}
        theirs = convert.to_torch(mine)
        optimizer = pair.scratch(**case)
        twin = torch_optim.Twin(optimizer)
        for step in range(9):
            late = np.array([0.3 * step]) if step % 3 == 2 else None
            grads = {"w": np.array([1e-6, 2.0]), "late": late, "never": None}
            optimizer.update(mine, grads)
            twin.update(theirs, convert.to_torch(grads))
        for name, w in mine.items():
            np.testing.assert_allclose(w, theirs[name].numpy(), rtol=1e-12, err_msg=f"{case}")
        assert "never" not in optimizer.state


def test_the_steps_of_a_parameter_that_was_skipped_are_handed_over_as_they_are() -> None:
    params = {"w": torch.tensor([1.0]), "late": torch.tensor([4.0])}
    twin, optimizer = torch_optim.by_name("Adam"), optim.Adam()
    for late in (None, None, torch.tensor([0.1])):
        twin.update(params, {"w": torch.tensor([0.1]), "late": late})
    convert.load_state_to_numpy(twin, optimizer, params, step=3)
    assert {name: state["step"] for name, state in optimizer.state.items()} == {"w": 3, "late": 1}


def test_the_state_of_a_parameter_that_was_never_updated_is_not_made_up() -> None:
    params = {"w": torch.tensor([1.0]), "never": torch.tensor([4.0])}
    twin, optimizer = torch_optim.by_name("Adam"), optim.Adam()
    twin.update(params, {"w": torch.tensor([0.1]), "never": None})
    convert.load_state_to_numpy(twin, optimizer, params, step=1)
    assert list(optimizer.state) == ["w"]
    optimizer.update(convert.to_numpy(params), {"w": np.ones(1, np.float32)} | {"never": None})


def test_state_that_is_not_contiguous_is_updated_in_place_all_the_same() -> None:
    shape = (300, 200)  # more than a block
    expected, w = np.ones(shape), np.ones(shape)
    g = np.random.default_rng(0).normal(size=shape)
    reference, optimizer = optim.Adam(), optim.Adam()
    for step in range(3):
        reference.update({"w": expected}, {"w": g})
        optimizer.update({"w": w}, {"w": g})
        if step == 0:
            state = optimizer.state["w"]
            for key in ("exp_avg", "exp_avg_sq"):
                state[key] = np.asfortranarray(state[key])
    np.testing.assert_allclose(w, expected, rtol=1e-15)


def test_a_twin_refuses_other_tensors_than_those_it_was_bound_to() -> None:
    params, twin = {"w": torch.tensor([1.0])}, torch_optim.by_name("SGD")
    twin.update(params, {"w": torch.tensor([1.0])})
    other = {"w": torch.tensor([5.0])}
    with pytest.raises(ValueError, match="params must hold the tensors of the first update"):
        twin.update(other, {"w": torch.tensor([1.0])})
    assert other["w"].item() == 5


@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"activation": "tanh"}], ids=str)
def test_plain_modules_compute_what_the_network_computes(options: Settings) -> None:
    net = make(seed=3, **options)
    for seed in range(3):
        optim.SGD(lr=0.1).update(net.params, net.gradient(*batch(net, seed)))
    modules, (x, t) = convert.plain(net), batch(net, 9)
    kinds = {type(module) for module in modules}
    assert kinds <= {torch.nn.Linear, torch.nn.BatchNorm1d, *torch_nn.ACTIVATIONS.values()}
    scores = modules.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(net.predict(x), scores, rtol=1e-12, atol=1e-12)
    params = convert.plain_params(modules.train())
    loss = torch.nn.functional.cross_entropy(modules(torch.tensor(x)), torch.tensor(t))
    loss.backward()
    assert params.keys() == net.params.keys()
    for name, g in net.gradient(x, t).items():
        theirs = convert.from_linear(name, params[name].grad).numpy()
        np.testing.assert_allclose(g, theirs, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("options", [{"seed": [0, 1]}, {"dropout": 0.1}], ids=str)
def test_only_a_single_run_without_dropout_has_plain_modules(options: Settings) -> None:
    with pytest.raises(ValueError, match="net must be a single run without dropout"):
        convert.plain(make(**options))


# Devices.


class OnMeta(torch.utils._python_dispatch.TorchDispatchMode):
    """Fails where an operation mixes the meta device with another, and where it leaves it."""

    def __torch_dispatch__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        inputs, _ = torch.utils._pytree.tree_flatten((args, kwargs))
        outputs, _ = torch.utils._pytree.tree_flatten(result)
        given = {x.device.type for x in inputs if isinstance(x, Tensor) and x.ndim}
        made = {x.device.type for x in outputs if isinstance(x, Tensor) and x.ndim}
        if "_to_copy" not in func.__name__:  # masks go from the CPU, where they are drawn
            assert len(given | made) <= 1, f"{func.__name__} on {given | made}"
        return result


@IN_RUNS
@PAIRS
def test_a_whole_step_runs_on_the_chosen_device(pair: OptimizerPair, runs: Settings) -> None:
    options = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.1} | runs
    for case in pair.cases:
        twin = torch_nn.MultiLayerNet(*SIZES, **options, device="meta")
        optimizer, lead = torch_optim.Twin(pair.scratch(**case)), twin.runs or 1
        x = torch.empty(lead, 10, 12, device="meta")
        t = torch.empty(lead, 10, dtype=torch.int64, device="meta")
        with OnMeta():
            for _ in range(2):
                losses = torch_train.step(twin, optimizer, x, t)
        assert (losses.device.type, losses.shape) == ("meta", (lead,))
        tensors = [*twin.parameters(), *twin.buffers(), *(w.grad for w in twin.parameters())]
        # Torch's optimizers count their steps on the CPU, whatever the device.
        for state in optimizer.state(twin.params).values():
            tensors += [value for key, value in state.items() if key != "step"]
        assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_batches_are_gathered_where_the_images_are() -> None:
    images, labels = torch.empty(60, 12, dtype=torch.uint8), torch.empty(60, dtype=torch.int64)
    generators = [torch.Generator(), torch.Generator()]
    x, t = next(torch_train.batches(images.to("meta"), labels.to("meta"), 10, generators))
    assert (x.device.type, x.shape, x.dtype) == ("meta", (2, 10, 12), torch.float32)
    assert (t.device.type, t.shape, t.dtype) == ("meta", (2, 10), torch.int64)


def test_accuracy_is_measured_on_the_chosen_device() -> None:
    twin = torch_nn.MultiLayerNet(*SIZES, seed=[0, 1], device="meta")
    images, labels = torch.empty(60, 12, dtype=torch.uint8), torch.empty(60, dtype=torch.int64)
    measured = torch_train.accuracy_on(twin, images.to("meta"), labels.to("meta"))
    assert (measured.device.type, measured.shape) == ("meta", (2,))


def test_auto_is_the_fastest_device_there_is() -> None:
    assert str(device.resolve("auto")) == device.available()[0]
    assert device.resolve("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["tpu", "meta", "cuda:99", "", "CPU"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    found = ", ".join(device.available())
    with pytest.raises(ValueError, match=f"must be auto or one of {found} here, got {name!r}"):
        device.resolve(name)


def test_cuda_and_mps_are_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ValueError, match=f"one of cpu here, got '{name}'"):
            device.resolve(name)
    assert device.resolve("auto") == torch.device("cpu")


def test_all_cuda_devices_are_listed_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.available() == ["cuda", "cuda:1", "cpu"]
    assert device.resolve("auto") == device.resolve("cuda") == torch.device("cuda")
    assert device.resolve("cuda:0") == torch.device("cuda:0")


@pytest.mark.gpu
@pytest.mark.skipif(device.available() == ["cpu"], reason="needs a CUDA or MPS device")
@IN_RUNS
@PAIRS
def test_twenty_steps_on_the_gpu_agree_with_the_cpu(pair: OptimizerPair, runs: Settings) -> None:
    options = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.01} | runs
    histories = []
    for where in ("cpu", device.available()[0]):
        twin = torch_nn.MultiLayerNet(*SIZES, **options, device=where)
        optimizer = torch_optim.Twin(pair.scratch(lr=1e-3))
        histories.append(
            torch_train.fit(
                twin,
                optimizer,
                IMAGES,
                LABELS,
                iterations=20,
                batch_size=10,
                evaluate=(IMAGES, LABELS),
            )
        )
    on_cpu, on_gpu = histories
    np.testing.assert_allclose(on_gpu.loss, on_cpu.loss, rtol=1e-4)
    np.testing.assert_array_equal(on_gpu.diverged, on_cpu.diverged)


# The training loop.


def test_a_stack_trains_as_its_networks_do_alone() -> None:
    options = {"batch_norm": True, "dropout": 0.3}
    fit = {"iterations": 15, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 5}
    stack = train.fit(make(**options, seed=[3, 4]), optim.Adam(), IMAGES, LABELS, **fit)
    assert stack.loss.shape == (2, 15)
    assert stack.accuracy.shape == (2, 4)
    for k, seed in enumerate((3, 4)):
        alone = train.fit(make(**options, seed=seed), optim.Adam(), IMAGES, LABELS, **fit)
        np.testing.assert_allclose(stack.loss[k], alone.loss[0], rtol=1e-12)
        np.testing.assert_array_equal(stack.accuracy[k], alone.accuracy[0])


def test_batches_are_drawn_with_replacement_and_scaled() -> None:
    generators = [Generator(1), Generator(2)]
    x, t = next(train.batches(IMAGES, LABELS, 10, generators))
    assert (x.shape, x.dtype, t.shape) == ((2, 10, 12), np.float32, (2, 10))
    for k, seed in enumerate((1, 2)):
        rows = Generator(seed).randint(0, 60, (10,))
        np.testing.assert_allclose(x[k], IMAGES[rows] / 255, rtol=1e-6)
        np.testing.assert_array_equal(t[k], LABELS[rows])


@pytest.mark.parametrize("of", [train, torch_train])
def test_accuracy_is_of_all_rows(of: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "EVALUATION_ROWS", 7)  # 60 rows in pieces of 7
    net = make(seed=[0, 1])
    expected = net.accuracy(IMAGES / 255, LABELS)
    if of is train:
        measured = train.accuracy_on(net, IMAGES, LABELS)
    else:
        tensors = torch.tensor(IMAGES), torch.tensor(LABELS)
        measured = torch_train.accuracy_on(convert.network_to_torch(net), *tensors).numpy()
    np.testing.assert_allclose(measured, expected)
