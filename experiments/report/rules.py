r"""The rule behind a figure: its formula, its lines in ``scratch``, and why it does what is seen.

A formula stands in the docstring of what it is of, as LaTeX, and is shown from there; it becomes
MathML, which a browser draws without a font or a script.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from latex2mathml.converter import convert
from markupsafe import Markup

import scratch
from experiments.engine.texts import Text, say
from scratch import init, nn, optim
from scratch.init import scaled
from scratch.optim import chapter

#: Of a line, where that is not inside of an environment.
_END = r"(?:\\\\|,?\s*\\qquad)(?!(?:(?!\\begin).)*\\end)"
_MATH = re.compile(r"\.\. math::\n(.*?)(?:\n\s*\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """A formula and the code of it.

    Attributes:
        name: what it is the rule of.
        code: functions whose source is shown, in this order.
        latex: the formula; if it is empty, that of ``of``'s docstring.
    """

    name: str
    code: tuple[Callable[..., Any], ...] = ()
    latex: str = ""
    of: type | None = None

    @property
    def formula(self) -> Markup:
        """In MathML, a line of it for each line of the formula."""
        return Markup("").join(Markup(_mathml(line)) for line in lines(self.latex or math(self.of)))

    @property
    def source(self) -> str:
        """The code without its docstrings."""
        return "\n".join(bare(function) for function in self.code)

    @property
    def file(self) -> str:
        """Where the code stands."""
        module: ModuleType | None = inspect.getmodule(self.code[0])
        return Path(inspect.getfile(module or scratch)).relative_to(_ROOT).as_posix()


_ROOT = Path(scratch.__file__).parents[1]


def of_optimizer(name: str, made: type) -> Rule:
    """An optimizer's: the formula of its docstring, or of the class whose rule it has."""
    return Rule(name, (made.rule,), of=made)  # type: ignore[attr-defined]


def math(of: type | None) -> str:
    """The first formula in a class's docstring; else in that of one above, up to whose rule it is.

    >>> " ".join(math(chapter.Momentum).split())
    'v &\\\\leftarrow \\\\alpha v - \\\\eta g \\\\\\\\ w &\\\\leftarrow w + v'
    """
    for each in of.__mro__ if of else ():
        if found := _MATH.search(inspect.cleandoc(each.__dict__.get("__doc__") or "")):
            return found[1].strip()
        if "rule" in each.__dict__:
            break
    return ""


def lines(latex: str) -> Iterator[str]:
    r"""The lines of an aligned formula, each alone.

    >>> list(lines(r"a &= b \\ c &= d"))
    ['a = b', 'c = d']
    """
    for line in re.split(_END, latex, flags=re.DOTALL):
        aligned, begins, environment = line.partition(r"\begin")
        aligned = re.sub(r",\s*&", r", \\quad ", aligned).replace("&", "")
        if line.strip():
            yield " ".join(f"{aligned}{begins}{environment}".split())


def _mathml(line: str) -> str:
    return convert(line, display="block")


def bare(function: Callable[..., Any]) -> str:
    """The source of a function without its docstring.

    >>> print(bare(chapter.Momentum.rule))
    def rule(self, w: Array, g: Array, state: State) -> None:
        v = state["v"]
        v *= self.momentum
        v -= self.lr * g
        w += v
    """
    source = textwrap.dedent(inspect.getsource(function)).rstrip()
    (body,) = ast.parse(source).body
    first = body.body[0]  # type: ignore[attr-defined]
    rows = source.splitlines()
    if ast.get_docstring(body):  # type: ignore[arg-type]
        del rows[first.lineno - 1 : first.end_lineno]
    return "\n".join(rows)


_CHAPTERS = [
    of_optimizer(each.__name__, each)
    for each in (
        *(optim.SGD, chapter.Momentum, chapter.Nesterov),
        *(chapter.AdaGrad, chapter.RMSProp, chapter.Adam),
    )
]
_BOWL = Rule(
    say("the bowl and its gradient"), latex=r"f = x^2/20 + y^2, \quad \nabla f = (x/10,\; 2y)"
)
_XAVIER = Rule("Xavier", (init.xavier, init.lecun_normal), r"W_{ij} \sim N(0,\; 1/n)")
_HE = Rule("He", (init.he, scaled.kaiming_normal), r"W_{ij} \sim N(0,\; 2/n)")
_BATCH_NORM = Rule(
    "BatchNorm", (nn.BatchNorm1d.forward, nn.BatchNorm1d.backward), of=nn.BatchNorm1d
)
#: By experiment.
RULES: dict[str, list[Rule]] = {
    "surface": [_BOWL],
    "optimizer-paths": _CHAPTERS,
    "optimizer-comparison": _CHAPTERS,
    "learning-rate-decay": [
        Rule(say("AdaGrad: a decay for each weight"), (chapter.AdaGrad.rule,), of=chapter.AdaGrad)
    ],
    "zero-init": [
        Rule(
            say("the gradient of a layer's weights"),
            (nn.Affine.backward_params,),
            r"\partial W = x^{\top}\, \partial y, \quad \partial x = \partial y\, W^{\top}",
        )
    ],
    "activation-distributions": [_XAVIER, _HE],
    "init-comparison": [_XAVIER, _HE],
    "batchnorm-effect": [_BATCH_NORM],
    "batchnorm-scales": [_BATCH_NORM],
    "weight-decay": [
        Rule(
            say("the gradient with decay"),
            (optim.Optimizer.regularized,),
            r"g \leftarrow g + \lambda w",
        )
    ],
    "dropout": [
        Rule(
            nn.Dropout.__name__,
            (nn.Dropout.forward, nn.Dropout.backward),
            r"y = m \odot x / (1 - p) \\ m_i = 0 \text{ with probability } p, \text{ else } 1",
        )
    ],
    "hyperparameter-search": [
        Rule(
            say("how both are drawn"),
            latex=r"\eta = 10^{u}, \quad u \sim U(\log_{10} \eta_{\min},\; \log_{10} \eta_{\max})",
        )
    ],
}
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
