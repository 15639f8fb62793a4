"""Parameters that lie in one vector: what is done to all at once is what is done to each."""

import copy

import numpy as np
import pytest

from parity_tests.helpers import NOT_FINITE, normal
from parity_tests.optimizer_helpers import (
    ELEMENTWISE,
    STREAMED,
    assert_refused,
    assert_same_state,
    shapes_for,
)
from scratch import nn, optim
from scratch.flat import FlatDict
from torch_ref.registry import OptimizerPair

pytestmark = pytest.mark.arithmetic

SHAPES = {"W": (4, 3), "b": (3,), "s": (), "none": (0, 2)}
RATES = np.array([0.1, 0.001, 0.03])
Arrays = dict[str, np.ndarray]


def start(shapes: dict = SHAPES) -> Arrays:
    return {name: np.array(normal(i, shape)) for i, (name, shape) in enumerate(shapes.items())}


def flat(arrays: Arrays) -> FlatDict:
    views = FlatDict({name: w.shape for name, w in arrays.items()}, np.float64)
    for name, w in arrays.items():
        views[name][...] = w
    return views


class Both:
    """The same training twice: of arrays in one vector, and of arrays on their own."""

    def __init__(self, make: object, shapes: dict = SHAPES) -> None:
        self.optimizers = make(), make()
        self.params = flat(start(shapes)), start(shapes)
        self.steps = 0

    def step(self, **changed: np.ndarray | None) -> None:
        self.steps += 1
        vectors = self.params[0].empty_like()
        for i, g in enumerate(vectors.values()):
            g[...] = normal(100 * self.steps + i, g.shape)
        vectors.update(changed)
        for optimizer, params, grads in zip(
            self.optimizers, self.params, (vectors, dict(vectors)), strict=True
        ):
            optimizer.update(params, grads)

    def assert_equal(self) -> None:
        for name, w in self.params[1].items():
            np.testing.assert_array_equal(self.params[0][name], w, strict=True)
        assert_same_state(*(optimizer.state for optimizer in self.optimizers))


def taken_as_one(optimizer: optim.Optimizer) -> bool:
    return optimizer._buffers is not None


# The dict


def test_the_arrays_are_views_of_one_vector_in_order() -> None:
    params = FlatDict({"W": (2, 2), "b": (3,)}, np.float32)
    params["W"][...], params["b"][...] = 1, 2
    np.testing.assert_array_equal(params.vector, np.float32([1, 1, 1, 1, 2, 2, 2]), strict=True)
    params.vector[:] = 5
    assert (params["W"] == 5).all()
    assert all(w.flags.c_contiguous and w.flags.writeable for w in params.values())


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(b=d["b"].copy()),
        lambda d: d.update(c=np.ones(1)),
        lambda d: d.pop("b"),
        lambda d: d.update(c=d.pop("b")),
        lambda d: d.update(W=d["b"], b=d["W"]),
        lambda d: d.clear(),
    ],
    ids=["another array", "one more", "one less", "another name", "swapped", "empty"],
)
def test_there_is_no_vector_where_the_dict_was_changed(change: object) -> None:
    params = FlatDict({"W": (2, 2), "b": (3,)}, np.float64)
    assert params.vector is not None
    change(params)
    assert params.vector is None


@pytest.mark.parametrize("of", [copy.deepcopy, copy.copy])
def test_a_copy_is_an_ordinary_dict(of: object) -> None:
    params = flat(start())
    copied = of(params)
    assert type(copied) is dict
    for name, w in params.items():
        np.testing.assert_array_equal(copied[name], w, strict=True)


def test_another_like_it_has_memory_of_its_own() -> None:
    params = flat(start())
    other = params.empty_like()
    assert {name: w.shape for name, w in other.items()} == SHAPES
    assert not np.shares_memory(params.vector, other.vector)


# Optimizers


@ELEMENTWISE
def test_a_step_of_all_as_one_is_bit_for_bit_a_step_of_each(pair: OptimizerPair) -> None:
    for case in pair.cases:
        both = Both(lambda case=case: pair.scratch(**case))
        for _ in range(5):
            both.step()
        both.assert_equal()
        assert taken_as_one(both.optimizers[0])
        assert not taken_as_one(both.optimizers[1])


@STREAMED
def test_optimizers_that_do_not_take_elements_alone_take_each_parameter(
    pair: OptimizerPair,
) -> None:
    names = iter("abcde")
    shapes = {next(names): shape for shape in shapes_for(pair, (4, 3), (3, 2), (5,))}
    both = Both(pair.scratch, shapes)
    for _ in range(3):
        both.step()
    both.assert_equal()
    assert taken_as_one(both.optimizers[0]) == pair.scratch.elementwise


@ELEMENTWISE
@pytest.mark.parametrize("settings", [{"lr": RATES}, {"groups": {"b": {"lr": 0.5}}}], ids=str)
def test_what_tells_parameters_apart_is_respected(pair: OptimizerPair, settings: dict) -> None:
    both = Both(lambda: pair.scratch(**settings), {"W": (3, 4, 2), "b": (3, 2)})
    for _ in range(3):
        both.step()
    both.assert_equal()
    assert not taken_as_one(both.optimizers[0])


@ELEMENTWISE
def test_a_parameter_that_was_skipped_is_a_step_behind(pair: OptimizerPair) -> None:
    both = Both(pair.scratch)
    for step in range(6):
        both.step(**({"b": None} if step == 2 else {}))
    both.assert_equal()
    assert both.optimizers[0].state["b"]["step"] == 5


@ELEMENTWISE
def test_an_array_put_in_the_place_of_a_view_is_the_one_that_is_updated(
    pair: OptimizerPair,
) -> None:
    both = Both(pair.scratch)
    both.step()
    both.step()
    old = both.params[0]["W"]
    before = old.copy()
    for params in both.params:
        params["W"] = np.ones((4, 3))
    for _ in range(3):
        both.step()
    both.assert_equal()
    np.testing.assert_array_equal(old, before)


@ELEMENTWISE
def test_state_that_is_loaded_or_put_in_place_goes_on(pair: OptimizerPair) -> None:
    both = Both(pair.scratch)
    for _ in range(3):
        both.step()
    for optimizer in both.optimizers:
        optimizer.load_state_dict(optimizer.state_dict())
    both.step()
    for optimizer in both.optimizers:
        for buffers in optimizer.state.values():
            for key, buffer in buffers.items():
                if key not in optimizer.numbers:
                    buffers[key] = np.array(np.abs(buffer) + 0.5)
    both.step()
    both.assert_equal()
    assert taken_as_one(both.optimizers[0])


def test_the_state_is_the_users_to_read_and_to_change_in_place() -> None:
    both = Both(optim.Adam)
    for _ in range(2):
        both.step()
    for optimizer in both.optimizers:
        optimizer.state["W"]["exp_avg"] *= 0
    both.step()
    both.assert_equal()


def test_a_buffer_that_comes_late_is_there_for_all() -> None:
    both = Both(lambda: optim.SGD(lr=0.1))
    for momentum in (0.0, 0.0, 0.9, 0.9, 0.0, 0.9):
        for optimizer in both.optimizers:
            optimizer.momentum = momentum
        both.step()
    both.assert_equal()


def test_one_optimizer_may_train_two_networks_in_turns_only_if_they_are_alike() -> None:
    adam, small, large = optim.Adam(), flat(start()), flat(start(SHAPES | {"b": (4,)}))
    for _ in range(3):
        adam.update(small, small.empty_like())
    assert_refused(
        adam, large, dict(large), ValueError, r"params\['b'\] is float64 of shape \(4,\), but this"
    )
    with pytest.raises(ValueError, match=r"params\['b'\] is float64 of shape"):
        adam.update(large, large.empty_like())


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_gradient_that_is_not_finite_is_found_by_its_name(value: float) -> None:
    params, adam = flat(start()), optim.Adam()
    for _ in range(2):
        adam.update(params, zeros_like(params))
    grads = zeros_like(params)
    grads["b"][1] = value
    before, state = params.vector.copy(), copy.deepcopy(adam.state)
    with pytest.raises(
        optim.NonFiniteGradientError, match=r"grads\['b'\] must be finite, got 1 of 3"
    ):
        adam.update(params, grads)
    np.testing.assert_array_equal(params.vector, before)
    assert_same_state(adam.state, state)


def test_gradients_whose_squares_overflow_are_finite() -> None:
    both = Both(lambda: optim.SGD(lr=1e-300))
    for _ in range(3):
        both.step()
    grads = zeros_like(both.params[0])
    grads["W"][...] = 1e300
    both.step(W=grads["W"])
    both.optimizers[0].update(both.params[0], grads)
    both.optimizers[1].update(both.params[1], dict(grads))
    both.assert_equal()


def test_a_read_only_view_is_refused_by_its_name() -> None:
    params, sgd = flat(start()), optim.SGD()
    for _ in range(2):
        sgd.update(params, zeros_like(params))
    params["b"].setflags(write=False)
    with pytest.raises(ValueError, match=r"params\['b'\] is read-only"):
        sgd.update(params, zeros_like(params))


def test_no_parameters_at_all_are_no_mistake() -> None:
    params, adam = flat({}), optim.Adam()
    for _ in range(2):
        adam.update(params, params.empty_like())
    assert adam.state == {}


def zeros_like(params: FlatDict) -> FlatDict:
    grads = params.empty_like()
    grads.vector[...] = 0
    return grads


# Networks

OPTIONS = {"batch_norm": True, "weight_decay": 0.1, "dtype": "float64"}
SEEDS = pytest.mark.parametrize("seed", [0, [0, 1, 2]], ids=["single", "stack"])


def batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return normal(seed, (9, 8)), np.random.default_rng(seed).integers(0, 5, 9)


@SEEDS
def test_a_network_trains_as_with_arrays_on_their_own(seed: int | list[int]) -> None:
    nets = [nn.MultiLayerNet(8, [7, 6], 5, seed=seed, **OPTIONS) for _ in range(2)]
    nets[1].params = {name: w.copy() for name, w in nets[1].params.items()}
    optimizers = optim.Adam(), optim.Adam()
    for step in range(4):
        for net, optimizer in zip(nets, optimizers, strict=True):
            _, grads = net.loss_and_gradient(*batch(step))
            optimizer.update(net.params, grads)
    for name, w in nets[1].params.items():
        np.testing.assert_array_equal(nets[0].params[name], w)
    assert [taken_as_one(optimizer) for optimizer in optimizers] == [True, False]


@SEEDS
def test_gradients_are_new_arrays_in_every_step(seed: int | list[int]) -> None:
    net = nn.MultiLayerNet(8, [7, 6], 5, seed=seed, **OPTIONS)
    first = net.gradient(*batch(1))
    before = {name: g.copy() for name, g in first.items()}
    net.gradient(*batch(2))
    affine = net._layers[0]  # nor does a layer on its own write into what the network gave away
    affine.backward(np.ones_like(affine.forward(batch(3)[0])))
    for name, g in first.items():
        np.testing.assert_array_equal(g, before[name])


@SEEDS
def test_a_parameter_put_in_place_of_another_is_used_and_gets_its_gradient(
    seed: int | list[int],
) -> None:
    net = nn.MultiLayerNet(8, [7, 6], 5, seed=seed, **OPTIONS)
    net.params["W2"] = 2 * net.params["W2"]
    other = nn.MultiLayerNet(8, [7, 6], 5, seed=seed, **OPTIONS)
    other.params["W2"] *= 2
    for (name, g), expected in zip(
        net.gradient(*batch(1)).items(), other.gradient(*batch(1)).values(), strict=True
    ):
        np.testing.assert_array_equal(g, expected, err_msg=name)


def test_a_deep_copy_of_a_network_trains_on_its_own() -> None:
    net = nn.MultiLayerNet(8, [7, 6], 5, **OPTIONS)
    other, before = copy.deepcopy(net), net.params.vector.copy()
    optim.Adam().update(other.params, other.gradient(*batch(1)))
    np.testing.assert_array_equal(net.params.vector, before)
    assert not np.array_equal(other.params["W1"], net.params["W1"])
