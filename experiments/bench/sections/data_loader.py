"""An epoch as a user of torch would write it, with a DataLoader, against this project's loops."""

from collections.abc import Iterator
from functools import partial

import torch
from torch.utils.data import DataLoader, TensorDataset

import scratch.train
import torch_ref.train
from experiments.bench.section import Bench, Comparison
from experiments.bench.timing import Call
from experiments.bench.training import eager_training, mnist
from experiments.engine.texts import say
from scratch.train import scaled

TITLE = say("The training loops, batches drawn and all")


def measure(bench: Bench) -> Iterator[Comparison]:
    """As many steps of each, of the same network with Adam."""
    scale = bench.scale
    images, labels = mnist().train_images[: scale.images], mnist().train_labels[: scale.images]
    steps = -(-len(images) // scale.batch)
    trained = {"images": images, "labels": labels, "iterations": steps, "batch_size": scale.batch}
    net = scratch.nn.MultiLayerNet(*scale.network)
    twin = torch_ref.nn.MultiLayerNet(*scale.network, device=bench.device)
    adams = scratch.optim.Adam(), torch_ref.optim.by_name("Adam")
    ours = {
        say("scratch, {steps} steps", steps=steps): partial(
            scratch.train.fit, net, adams[0], **trained
        ),
        say("torch_ref, {steps} steps", steps=steps): partial(
            torch_ref.train.fit, twin, adams[1], **trained
        ),
    }
    dataset = TensorDataset(torch.tensor(scaled(images)), torch.tensor(labels))
    yield from bench.against(
        ours, {f"DataLoader, {say('torch eager')}": users_loop(bench, dataset)}
    )


def users_loop(bench: Bench, dataset: TensorDataset) -> Call:
    """An epoch over a shuffling DataLoader."""
    loader = DataLoader(dataset, batch_size=bench.scale.batch, shuffle=True)
    train = eager_training(bench.scale, bench.device)

    def epoch() -> None:
        for x, t in loader:
            train(x.to(bench.device), t.to(bench.device))

    return epoch
