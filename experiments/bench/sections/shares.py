"""Where the time of a step by hand goes."""

from collections.abc import Iterator
from operator import itemgetter

import scratch
from experiments.bench.section import Bench, Comparison
from experiments.bench.stopwatch import REST, Stopwatch
from experiments.bench.timing import Spread
from experiments.bench.training import mnist
from experiments.engine.texts import say
from scratch.nn import Affine, MultiLayerNet
from scratch.optim import Adam

TITLE = say("Where the time of a scratch step goes, batch 128, Adam")
PARTS = (
    GATHERING := say("drawing and gathering the batch"),
    FORWARD := say("forward products"),
    ACTIVATIONS := say("activations"),
    LOSS := say("loss"),
    BACKWARD := say("backward products"),
    OPTIMIZER := say("optimizer"),
    REST,
)


def measure(bench: Bench) -> Iterator[Comparison]:
    """The shares of each step, over the quicker half of many: others were interrupted."""
    net, optimizer, watch = MultiLayerNet(*bench.scale.network), Adam(), Stopwatch()
    for layer in net.layers:
        affine = isinstance(layer, Affine)
        watch.watch(FORWARD if affine else ACTIVATIONS, layer, "forward")
        watch.watch(BACKWARD if affine else ACTIVATIONS, layer, "backward")
        if affine:
            watch.watch(BACKWARD, layer, "backward_params")
    watch.watch(LOSS, net._loss, "forward", "backward")
    watch.watch(OPTIMIZER, optimizer, "update")
    images, labels = mnist().train_images, mnist().train_labels
    draw = scratch.train.batches(images, labels, bench.scale.batch, net.generators)
    gather = watch.timed(GATHERING, draw.__next__)
    steps = []
    for _ in range(bench.scale.steps):
        watch.restart()
        x, t = gather()
        _, grads = net.loss_and_gradient(x[0], t[0])
        optimizer.update(net.params, grads)
        seconds = watch.seconds()
        steps.append((sum(seconds.values()), seconds))
    quicker = sorted(steps, key=itemgetter(0))[: -(-len(steps) // 2)]
    for part in PARTS:
        shares = Spread.of(100 * seconds.get(part, 0.0) / total for total, seconds in quicker)
        yield Comparison(part, say("share"), shares, "%")
