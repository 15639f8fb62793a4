"""Why the figure of each experiment looks as it does."""

from experiments.engine.texts import Text, say

#: By experiment.
WHY: dict[str, Text] = {
    "surface": say(
        "The bowl is curved twenty times as much along y as along x. The gradient is steepest "
        "across the valley, so almost everywhere it points past the minimum, and a step that is "
        "short enough for y is far too short for x."
    ),
    "optimizer-paths": say(
        "SGD has one rate for both directions: where it suits the steep one it zigzags, and along "
        "the flat one it crawls. Momentum averages the zigzag away and adds up what keeps its "
        "direction. AdaGrad, RMSProp and Adam divide each direction by the size of its own "
        "gradients, which makes the bowl round."
    ),
    "optimizer-comparison": say(
        "Weights differ in the size of their gradients, and SGD moves all by one rate. The others "
        "speed up what is slow: Momentum along directions that stay the same, AdaGrad, RMSProp and "
        "Adam wherever gradients are small. Their order depends on the rates they are given."
    ),
    "learning-rate-decay": say(
        "A large rate gets close to the minimum quickly and then jumps over it again and again; a "
        "small one would settle there and takes long to arrive. Decay has the first at the start "
        "and the second at the end, and AdaGrad does it for each weight on its own."
    ),
    "zero-init": say(
        "Units that start equal compute the same, so they get the same gradient and stay equal: a "
        "layer of a hundred is worth one. Only rounding can tell them apart, and training then "
        "amplifies that difference."
    ),
    "activation-distributions": say(
        "A layer multiplies the variance of what flows through it by n·Var(W), and a ReLU halves "
        "it. Only a factor near 1 survives many layers: Var(W) = 1/n for tanh and about that for "
        "sigmoid, 2/n for ReLU. What is larger saturates, what is smaller fades."
    ),
    "init-comparison": say(
        "With std 0.01 every layer makes the signal, and the gradient on its way back, many times "
        "smaller: the lower layers are told almost nothing of what to change. With Xavier's and "
        "He's std every layer is told from the first step on."
    ),
    "batchnorm-effect": say(
        "Each feature is brought to mean 0 and variance 1 before the activation, whatever the "
        "weights below have done to it. So gradients neither fade nor explode on their way, and "
        "every layer learns from the first step on."
    ),
    "batchnorm-scales": say(
        "Without it only scales near He's let a signal through all layers. With it a factor of W "
        "cancels in x̂, so every scale lets it through; but the gradient is divided by that factor, "
        "and large weights learn slowly."
    ),
    "weight-decay": say(
        "300 images can be learned by heart, and that takes large weights. Decay pulls every "
        "weight towards 0 by a share of itself at each step, so that only what many images ask "
        "for stays large."
    ),
    "dropout": say(
        "A unit whose neighbours may be missing cannot rely on them, and has to be of use alone. "
        "It is as if many thinned networks were trained at once, and averaged in evaluation."
    ),
    "hyperparameter-search": say(
        "Both act by their factor, so exponents are drawn, not values. Drawn at random, each trial "
        "has a new value of both; a grid would try the same few of the one that matters again and "
        "again (Bergstra and Bengio 2012)."
    ),
}
