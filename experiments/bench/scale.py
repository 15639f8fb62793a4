"""How much is measured, and how often."""

from dataclasses import dataclass

from torch_ref.registry import OPTIMIZERS


@dataclass(frozen=True)
class Scale:
    """Sizes and repetitions.

    Attributes:
        repetitions, seconds, at_most, pause: of the timer.
        optimizers: the names of those to measure; empty for all.
        elements: the sizes that an optimizer steps.
        hidden: the units of each of the network's four hidden layers.
        batch: its rows.
        stacks: the numbers of runs trained as one.
        images: how many the training loops run over, once.
        numbers: how many a generator draws.
        side: of the square matrices that initializers fill.
        product: the side of the large matrices that are multiplied for the machine's peak.
        steps: of training whose time is divided among what they do.
        compile: whether to try ``torch.compile``.
        experiment: what the ``lockstep`` whose time and memory are measured is told to do.
        imports: the modules whose import is timed.
    """

    repetitions: int = 9
    seconds: float = 0.02
    at_most: float = 3.0
    pause: float = 0.03
    optimizers: tuple[str, ...] = ()
    elements: tuple[int, ...] = (10**4, 10**6, 10**7)
    hidden: int = 100
    batch: int = 128
    stacks: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    images: int = 60_000
    numbers: int = 10**6
    side: int = 1000
    product: int = 2048
    steps: int = 1000
    compile: bool = True
    experiment: tuple[str, ...] = ("run", "all", "--backend", "scratch")
    imports: tuple[str, ...] = ("numpy", "scratch", "torch")

    @property
    def network(self) -> tuple[int, list[int], int]:
        """The chapter's, as ``MultiLayerNet`` takes it."""
        return 784, [self.hidden] * 4, 10

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of its layers: 784-100-100-100-100-10."""
        first, hidden, last = self.network
        return (first, *hidden, last)


FULL = Scale()
QUICK = Scale(
    repetitions=5,
    seconds=0.01,
    at_most=0.8,
    optimizers=tuple(name for name, pair in OPTIMIZERS.items() if pair.quick),
    stacks=(1, 4, 32),
    images=6_000,
    product=1024,
    steps=200,
    compile=False,
    experiment=("run", "optimizer-comparison", "--backend", "scratch", "--quick"),
    imports=("scratch", "torch"),
)
