"""An epoch as a user of torch would write it, with a DataLoader, against this project's loops."""

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, TensorDataset

import scratch.train
import torch_ref.train
from experiments.bench.section import Bench, Row, Section
from experiments.bench.timing import Call
from experiments.bench.training import eager_training, mnist
from experiments.texts import say
from scratch.train import scaled


def measure(bench: Bench) -> Iterator[Row]:
    """As many steps of each, of the same network with Adam."""
    scale = bench.scale
    images, labels = mnist().train_images[: scale.images], mnist().train_labels[: scale.images]
    first, *hidden, last = scale.sizes
    steps = -(-len(images) // scale.batch)
    fit = {"iterations": steps, "batch_size": scale.batch}

    net, optimizer = scratch.nn.MultiLayerNet(first, hidden, last), scratch.optim.Adam()
    twin = torch_ref.nn.MultiLayerNet(first, hidden, last, device=bench.device)
    twins_optimizer = torch_ref.optim.by_name("Adam")
    ours = {
        say("scratch, {steps} steps", steps=steps): lambda: scratch.train.fit(
            net, optimizer, images, labels, **fit
        ),
        say("torch_ref, {steps} steps", steps=steps): lambda: torch_ref.train.fit(
            twin, twins_optimizer, images, labels, **fit
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


SECTION = Section(say("The training loops, batches drawn and all"), measure)
