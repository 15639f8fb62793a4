"""The run axis: layer k of a stack is the same layer alone."""

from collections.abc import Callable

import numpy as np
import pytest

from parity_tests.helpers import LAYER_CASES, MODES, assert_close, make_layer, normal
from scratch import nn, optim
from torch_ref.registry import LayerPair, Settings

pytestmark = pytest.mark.arithmetic


@LAYER_CASES
@MODES
def test_a_layer_of_a_stack_equals_the_same_layer_alone(
    pair: LayerPair, case: Settings, shape: tuple[int, ...], training: bool
) -> None:
    stack = make_layer(pair.name, case, runs=3, seed=40)
    alone = [make_layer(pair.name, case, seed=40 + k) for k in range(3)]
    for k, layer in enumerate(alone):
        for name, w in stack.params.items():
            layer.params[name][...] = w[k]
    for layer in (stack, *alone):
        layer.train(training)
    for batch in range(2):
        x = normal(60 + batch, (3, *shape))
        y = stack(x)
        dy = normal(70 + batch, y.shape)
        dx = stack.backward(dy)
        for k, layer in enumerate(alone):
            assert_close(y[k], layer(x[k]), 1e-13)
            assert_close(dx[k], layer.backward(dy[k]), 1e-13)
            for name, g in layer.grads.items():
                assert_close(stack.grads[name][k], g, 1e-13)
    if getattr(stack, "track_running_stats", False):
        for k, layer in enumerate(alone):
            assert_close(stack.running_mean[k], layer.running_mean, 1e-13)
            assert_close(stack.running_var[k], layer.running_var, 1e-13)


@pytest.mark.parametrize("shape", [(2, 6, 5), (3, 3, 6, 5), (3, 6, 4), (6, 4), (5,)])
@pytest.mark.parametrize("runs", [None, 3, 1])
def test_an_affine_layer_refuses_an_input_that_its_parameters_do_not_fit(
    runs: int | None, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(N, 5\).*, got \("):
        make_layer("Affine", {}, runs=runs)(normal(1, shape))


@pytest.mark.parametrize("labels", [(6,), (3, 6)], ids=["shared", "per run"])
def test_the_loss_of_a_stack_is_each_runs_own(labels: tuple[int, ...]) -> None:
    x, t = normal(1, (3, 6, 5)), np.random.default_rng(2).integers(0, 5, labels)
    stack, alone = nn.CrossEntropyLoss(), nn.CrossEntropyLoss()
    losses, dx = stack.forward(x, t), stack.backward()
    assert losses.shape == (3,)
    for k in range(3):
        assert_close(losses[k], alone.forward(x[k], t if t.ndim == 1 else t[k]), 1e-13)
        assert_close(dx[k], alone.backward(), 1e-13)


NETWORKS: dict[str, Callable[..., nn.MultiLayerNet]] = {
    "MultiLayerNet": lambda weight_decay=0.1, **options: nn.MultiLayerNet(
        *(8, [7, 6], 5, "relu"),
        **{"batch_norm": True, "dropout": 0.3, "weight_decay": weight_decay, "dtype": "float64"},
        **options,
    ),
    "TwoLayerNet": lambda **options: nn.TwoLayerNet(8, 7, 5, dtype="float64", **options),
}
STACKS = {
    "seeds": {"seed": [0, 1, 2]},
    "inits": {"init": ["he", 0.1, "xavier_uniform"]},
    "both": {"seed": [5, 5, 7], "init": ["he", 0.1, "xavier"]},
    "decays": {"seed": [5, 5, 7], "weight_decay": np.array([0, 0.1, 1])},
}


@pytest.mark.parametrize("lead", [(), (3,)], ids=["shared input", "input per run"])
@pytest.mark.parametrize("options", STACKS.values(), ids=STACKS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_network_of_a_stack_equals_the_same_network_alone(
    network: Callable[..., nn.MultiLayerNet], options: Settings, lead: tuple[int, ...]
) -> None:
    stack = network(**options)
    alone = [network(**{name: values[k] for name, values in options.items()}) for k in range(3)]
    x = normal(1, (*lead, 9, 8))
    t = np.random.default_rng(2).integers(0, 5, (*lead, 9))
    for net in (stack, *alone):
        net.optimizer = optim.Momentum(lr=0.05)
    for _ in range(3):
        losses, grads = stack.loss_and_gradient(x, t)
        accuracies, scores = stack.accuracy(x, t), stack.predict(x)
        assert losses.shape == accuracies.shape == (3,)
        for k, net in enumerate(alone):
            mine = (x[k], t[k]) if lead else (x, t)
            for name, w in net.params.items():
                assert_close(stack.params[name][k], w, 1e-13)
            loss, own = net.loss_and_gradient(*mine)
            assert losses[k] == pytest.approx(loss, rel=1e-13)
            for name, g in own.items():
                assert_close(grads[name][k], g, 1e-12)
            assert accuracies[k] == net.accuracy(*mine)
            assert_close(scores[k], net.predict(mine[0]), 1e-12)
            net.optimizer.update(net.params, own)
        stack.optimizer.update(stack.params, grads)


@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_a_float32_network_computes_in_float32_throughout(activation: str) -> None:
    options = {"batch_norm": True, "dropout": np.float64(0.3), "weight_decay": np.float64(0.1)}
    net = nn.MultiLayerNet(8, [7], 5, activation, seed=[0, 1], **options)
    x, t = normal(1, (9, 8)), np.arange(9) % 5  # x is float64
    losses, grads = net.loss_and_gradient(x, t)
    assert net.predict(x).dtype == losses.dtype == np.float32
    assert {g.dtype for g in grads.values()} == {np.dtype("float32")}
    for norm in net.batch_norms:
        assert norm.running_mean.dtype == norm.running_var.dtype == np.float32
