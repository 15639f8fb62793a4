r"""The rule behind a figure: its formula, and its lines in ``scratch``.

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
from typing import Any

from latex2mathml.converter import convert
from markupsafe import Markup

import scratch
from experiments.engine.texts import say
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
        of: the class whose rule it is.
    """

    name: str
    code: tuple[Callable[..., Any], ...] = ()
    latex: str = ""
    of: type | None = None

    @property
    def formula(self) -> Markup:
        """In MathML, a line of it for each line of the formula."""
        each = (convert(line, display="block") for line in lines(self.latex or math(self.of)))
        return Markup("".join(each))

    @property
    def source(self) -> str:
        """The code without its docstrings."""
        return "\n".join(bare(function) for function in self.code)

    @property
    def file(self) -> str:
        """Where the code stands."""
        return Path(inspect.getfile(self.code[0])).relative_to(_ROOT).as_posix()


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
