"""Where the time of a step by hand goes."""

from collections.abc import Iterator
from itertools import product
from operator import itemgetter

import scratch
from experiments.bench.section import Bench, Row, Section
from experiments.bench.stopwatch import REST, Parts, Stopwatch
from experiments.bench.timing import Spread
from experiments.bench.training import mnist
from experiments.texts import say
from scratch.nn import Affine, CrossEntropyLoss
from scratch.optim import Adam

GATHERING = say("drawing and gathering the batch")
PARTS: Parts = {
    say("forward products"): ((Affine, "forward"),),
    say("activations"): tuple(product(scratch.nn.ACTIVATIONS.values(), ("forward", "backward"))),
    say("loss"): ((CrossEntropyLoss, "forward"), (CrossEntropyLoss, "backward")),
    say("backward products"): ((Affine, "backward"), (Affine, "backward_params")),
    say("optimizer"): ((Adam, "update"),),
}


def measure(bench: Bench) -> Iterator[Row]:
    """The shares of each step, over the quicker half of many: others were interrupted."""
    first, *hidden, last = bench.scale.sizes
    net, optimizer, watch = scratch.nn.MultiLayerNet(first, hidden, last), Adam(), Stopwatch()
    images, labels = mnist().train_images, mnist().train_labels
    draw = scratch.train.batches(images, labels, bench.scale.batch, net.generators)
    gather = watch.timed(GATHERING, draw.__next__)
    steps = []
    with watch.watching(PARTS):
        for _ in range(bench.scale.steps):
            watch.restart()
            x, t = gather()
            _, grads = net.loss_and_gradient(x[0], t[0])
            optimizer.update(net.params, grads)
            steps.append((sum(watch.seconds().values()), watch.shares()))
    quicker = sorted(steps, key=itemgetter(0))[: -(-len(steps) // 2)]
    for part in (GATHERING, *PARTS, REST):
        shares = Spread.of(100 * each.get(part, 0.0) for _, each in quicker)
        yield Row(part, say("share"), shares, "%")


SECTION = Section(say("Where the time of a scratch step goes, batch 128, Adam"), measure)
