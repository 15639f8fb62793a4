"""Training steps as CUDA graphs, on a stand-in for CUDA's that records and replays on the CPU."""

import numpy as np
import pytest
import torch
from torch import Tensor

from parity_tests.helpers import IMAGES, IN_RUNS, LABELS, SIZES
from parity_tests.optimizer_helpers import DENSE, ELEMENTWISE, cases_for
from parity_tests.torch_ref.recorded_graph import as_if_on_cuda
from scratch.train import History
from torch_ref import draws, graph, lr_scheduler, nn, train
from torch_ref.optim import Twin, by_name
from torch_ref.registry import OptimizerPair, Settings

CPU = torch.device("cpu")
RTOL = 1e-4  # float32, in other kernels
OPTIONS = {"batch_norm": True, "dropout": 0.3, "weight_decay": 0.01}
FIT = {"iterations": 12, "batch_size": 10, "evaluate": (IMAGES, LABELS), "every": 5}


def fit(pair: OptimizerPair, case: Settings, options: Settings, **settings: object) -> History:
    net, optimizer = nn.MultiLayerNet(*SIZES, **options), Twin(pair.scratch(**case))
    if name := settings.pop("schedule", None):
        settings["schedule"] = lr_scheduler.Schedule(name[0], optimizer, **name[1])
    return train.fit(net, optimizer, IMAGES, LABELS, **FIT | settings)


def assert_same(mine: History, theirs: History) -> None:
    np.testing.assert_allclose(mine.loss, theirs.loss, rtol=RTOL)
    np.testing.assert_array_equal(mine.evaluated, theirs.evaluated)
    assert mine.accuracy.shape == theirs.accuracy.shape


# The eager twin.


@IN_RUNS
@pytest.mark.parametrize("options", [{}, OPTIONS], ids=["plain", "all options"])
def test_training_gives_what_a_plain_loop_gives_bit_for_bit(
    options: Settings, runs: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "DRAWN_AHEAD", 3000)  # several blocks, the last one short
    nets = [nn.MultiLayerNet(*SIZES, **options | runs) for _ in range(2)]
    history = train.fit(nets[0], by_name("Adam"), IMAGES, LABELS, iterations=11, batch_size=10)
    data, plain = [torch.tensor(a) for a in (IMAGES, LABELS)], by_name("Adam")
    batches = train.batches(*data, 10, nets[1].generators)
    losses = [train.step(nets[1], plain, *next(batches)) for _ in range(11)]
    np.testing.assert_array_equal(history.loss, torch.stack(losses).T.double().numpy())
    for name, w in nets[1].params.items():
        assert torch.equal(nets[0].params[name], w), name
    for mine, theirs in zip(nets[0].generators, nets[1].generators, strict=True):
        assert torch.equal(mine.get_state(), theirs.get_state())


def test_elsewhere_than_on_cuda_a_captured_step_is_the_step() -> None:
    for device in ("cpu", "mps", "meta"):
        assert graph.captured(torch.square, torch.device(device)) is torch.square


# The graph.


def test_a_step_is_warmed_up_recorded_and_replayed() -> None:
    seen = []

    def step(x: Tensor, y: Tensor) -> Tensor:
        seen.append((x.data_ptr(), y.data_ptr()))
        return 2 * x + y

    with as_if_on_cuda() as calls:
        run = graph.captured(step, CPU)
        for i in range(6):
            given = torch.full((2,), float(i)), torch.ones(2)
            assert run(*given).tolist() == [2 * i + 1] * 2
    warm_up = ["side waits", "side", "main waits"]
    assert calls == [*warm_up * graph.WARM_UP, "record", "replay", "replay", "replay"]
    assert len(seen) == graph.WARM_UP + 1  # Python's part runs no more
    assert len(set(seen)) == 1  # always the same memory, so that the recording reads the batches


def test_on_cuda_a_step_is_captured() -> None:
    assert isinstance(graph.captured(torch.square, torch.device("cuda")), graph.Graph)


@IN_RUNS
@ELEMENTWISE
def test_replayed_steps_are_the_plain_loops(pair: OptimizerPair, runs: Settings) -> None:
    for case in cases_for(pair, runs):
        plain = fit(pair, case, OPTIONS | runs)
        with as_if_on_cuda() as calls:
            assert_same(fit(pair, case, OPTIONS | runs), plain)
        assert calls.count("record") == 1
        assert calls.count("replay") == FIT["iterations"] - graph.WARM_UP


@pytest.mark.parametrize("name", [n for n, pair in DENSE.items() if pair.gradients == "dense"])
def test_the_update_is_recorded_where_it_can_be(name: str) -> None:
    pair, net = DENSE[name], nn.MultiLayerNet(*SIZES)
    with as_if_on_cuda():
        recorded = graph.recordable(Twin(pair.scratch()), net)
    assert (recorded is not None) == bool(graph.without_reading(pair))
    assert graph.recordable(Twin(pair.scratch()), net) is None


def test_an_optimizer_that_was_used_before_is_not_recorded() -> None:
    net, adam = nn.MultiLayerNet(*SIZES), by_name("Adam")
    adam.bind(net.params)
    with as_if_on_cuda():
        assert graph.recordable(adam, net) is None


def test_in_float64_the_update_is_not_recorded_because_its_rate_would_be_rounded() -> None:
    with as_if_on_cuda():
        net = nn.MultiLayerNet(*SIZES, dtype=torch.float64)
        assert graph.recordable(by_name("Adam"), net) is None


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "NAdam", "Adagrad"])
def test_a_schedule_reaches_replayed_steps(name: str) -> None:
    schedule = ("ExponentialLR", {"gamma": 0.5})
    plain = fit(DENSE[name], {}, OPTIONS, schedule=schedule)
    with as_if_on_cuda() as calls:
        assert_same(fit(DENSE[name], {}, OPTIONS, schedule=schedule), plain)
        assert calls.count("record") == 1
    constant = fit(DENSE[name], {}, OPTIONS)
    assert not np.array_equal(constant.loss, plain.loss)


def test_a_schedule_of_the_momentum_too_takes_the_update_out_of_the_graph() -> None:
    schedule = ("OneCycleLR", {"max_lr": 0.1, "total_steps": 20})
    case = {"momentum": 0.9}
    plain = fit(DENSE["SGD"], case, OPTIONS, schedule=schedule)
    with as_if_on_cuda():
        assert_same(fit(DENSE["SGD"], case, OPTIONS, schedule=schedule), plain)


def test_a_second_fit_goes_on_where_the_first_ended() -> None:
    def twice() -> np.ndarray:
        net, optimizer = nn.MultiLayerNet(*SIZES, **OPTIONS), by_name("Adam")
        histories = [
            train.fit(net, optimizer, IMAGES, LABELS, iterations=6, batch_size=10) for _ in range(2)
        ]
        return np.concatenate([history.loss for history in histories], axis=1)

    plain = twice()
    with as_if_on_cuda():
        np.testing.assert_allclose(twice(), plain, rtol=RTOL)


def test_the_layers_are_compiled_only_when_asked_and_on_cuda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []
    monkeypatch.setattr(torch.nn.Sequential, "compile", lambda layers: compiled.append(layers))
    fit(DENSE["SGD"], {}, {}, compiled=True)
    with as_if_on_cuda():
        fit(DENSE["SGD"], {}, {})
        assert not compiled
        fit(DENSE["SGD"], {}, {}, compiled=True)
    assert len(compiled) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@IN_RUNS
@ELEMENTWISE
def test_on_a_gpu_the_graph_is_the_eager_step(
    pair: OptimizerPair, runs: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = OPTIONS | runs | {"device": "cuda"}
    for case in pair.cases:
        captured = fit(pair, case, options)
        with monkeypatch.context() as patch:
            patch.setattr(graph, "has_graphs", lambda _: False)
            assert_same(captured, fit(pair, case, options))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["ExponentialLR", "OneCycleLR"])
def test_on_a_gpu_a_schedule_reaches_the_graph(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ExponentialLR": {"gamma": 0.5}, "OneCycleLR": {"max_lr": 0.1, "total_steps": 20}}
    options, schedule = OPTIONS | {"device": "cuda"}, (name, settings[name])
    for optimizer in ("SGD", "Adam"):
        captured = fit(DENSE[optimizer], {}, options, schedule=schedule)
        with monkeypatch.context() as patch:
            patch.setattr(graph, "has_graphs", lambda _: False)
            assert_same(captured, fit(DENSE[optimizer], {}, options, schedule=schedule))
