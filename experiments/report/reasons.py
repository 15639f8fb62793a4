"""Why a claim does not hold where it does not."""

from experiments.engine.texts import Text, say

#: By what the claim says.
REASONS: dict[str, Text] = {
    "from zeros, the units of a layer get the same gradients: without rounding they stay equal to "
    "the last bit": say(
        "In exact arithmetic they stay equal for ever. In float32 a library may add up one unit's "
        "products in another order than the next unit's, and training makes that difference ten "
        "times larger every 50 to 100 steps. The symmetry is an unstable point, not a trap with "
        "walls."
    ),
    "one that is too large does not learn well: the one that decay starts from, to the end, ends "
    "at a higher loss than decay": say(
        "A rate that is large enough to need decay is close to diverging: rounding grows until two "
        "runs of the same seed are different runs, and which ends lower is a coin's toss."
    ),
    "in at least 14 of 16 scales it reaches 80 % sooner": say(
        "In five seeds it did in 8 or 9 of 16, as the book's own code does. In five or six scales "
        "neither side gets to 80 % in 20 epochs, and for w = 0.29 and 0.16 the network without it "
        "is faster."
    ),
    "with it the scale matters little: the final accuracies spread less than half as much": say(
        "Scaling W leaves a normalized layer's output as it is, but divides its gradient: large "
        "weights learn slowly, with a first step of 0.01 to 0.06 % of W at w = 1. The smallest "
        "are thrown about: it is 9 to 71 % at w = 0.0002 to 0.0006. At 0.0001 ε outweighs the "
        "variance."
    ),
}
