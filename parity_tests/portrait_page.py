"""The page of portraits: what is measured, and ten optimizers' rows.

python -m parity_tests.portrait_page          # writes experiments/docs/portrait.md
"""

from pathlib import Path

import numpy as np

from scratch import optim
from torch_ref.lockstep import as_adapter
from torch_ref.lockstep.diagnose.portrait import PROBES
from torch_ref.lockstep.diagnose.portrait.experiment import Measurement

PAGE = Path(__file__).parents[1] / "experiments" / "docs" / "portrait.md"
SIDES = (
    optim.SGD(lr=0.1),
    optim.SGD(lr=0.1, momentum=0.9, nesterov=True),
    optim.Adagrad(),
    optim.RMSprop(),
    optim.Adadelta(),
    optim.Adam(),
    optim.AdamW(),
    optim.NAdam(),
    optim.Lion(),
    optim.Adafactor(),
)
HEAD = """\
# The portrait of an optimizer

Where `lockstep check` finds that your optimizer and torch's differ, it measures both, before and
besides any catalogue: each property by an experiment that isolates it, all of them in one run of 24
steps in which every parameter is given another series of gradients. The rows in which the two
differ are shown under "measured", and stand in the JSON as `portrait`. A number is read off the
moves, and not looked up: a code that nobody has seen before has a portrait, too.

    measured
      after one gradient, then zeros  yours as two averages do: β₁ = 0.9, β₂ = 0.97
                                      torch's as two averages do: β₁ = 0.9, β₂ = 0.999

## From the portrait to the cause

A finding is more than a reading: it is a rule that was run beside your code and agrees with it to
rounding, at every step of 40 gradients of all sizes, and after lr has been halved on the way.

* Each variant of the [catalogue](catalogue.md) alone, and then each pair.
* The numbers that are settings of the rule, up to three of them, with or without variants: they
  are fitted by the method of Levenberg and Marquardt, on the logarithms of how many times too far
  the first moves go, from the value asked for or the best of a few decades; then rounded to the
  shortest decimal with which the rule still agrees. So "β₂ = 0.97, not 0.999" can be named,
  whatever it is.
* An lr that is another in every step, and clipped gradients: how long each move is beside the
  rule's gives a length for each step, and if these follow a known form, the rule is run with it:
  "lr decays by 0.9 every 10 steps", "lr is divided by 1 + 0.01·t in step t", "lr warms up linearly
  over 5 steps", half a cosine, a line, 1 − βᵗ, a warm-up with one of these after it. The bound of a
  clip, by the norm of all gradients, of each, or by value, is fitted in the same way. Both are
  found together with a variant, and around another optimizer of the catalogue, too.
* Three and four causes at once, in the order of how many digits of the first moves they put
  right: a cause that is one of several makes right what the others do not touch.
* The search ends after 30,000 steps of rules, two to three seconds, and says so if it found
  nothing.

## What is never accused

Torch rounds, too. Where the two differ by more than the tolerance, both are held against the
formula in float64: computed as it is written, and again with every number of its state off by
half a unit in the last place and its settings in the sides' precision. A candidate agrees if it
is no farther from the formula than ten times what that makes, and in float32 if it is no farther
than torch is.

* In float64 torch keeps the product of NAdam's momenta and ASGD's rate in float32. The textbook's
  formula agrees, and the notes say by how much torch differs from it, and why.
* Muon's moves are rounded to eight bits. They are compared one by one, by the length of their
  difference beside their own, with four times what the rule's own rounding makes of it as the
  bound, 5 to 9 % of a move; a scale, a decay or a look-ahead that is missing makes 15 % and more.
* "Computes in float32" is said only if the first step from zero is bit for bit what it is with
  all numbers in single precision; and then whether in float32 it agrees with torch, so that
  nothing else differs.

Every argument that your constructor takes is varied, asked for or not, each number of a tuple by
itself: one that changes torch's steps, and not yours, is told as one that you take and make nothing
of; where both change and part, a note says with which value; and of an argument that torch has not,
a note says that it changed nothing. With `--dtype bfloat16` or `float16` a program that gives
other weights for the same input, and the same ones in float64, is told to round at random.


Where 24 steps take more than half a second of computing, what needs a run of its own is left out,
and the notes say what: a missing and an infinite gradient, parameters of no elements or no axes.

## Ten optimizers

Those of `scratch.optim`, with the defaults but for SGD's lr, 0.1, and its momentum, 0.9.
This page is made by `python -m parity_tests.portrait_page`.
"""


def page() -> str:
    """The whole page."""
    with np.errstate(all="ignore"):
        return "\n".join([HEAD, *map(_section, SIDES)])


def _section(optimizer: optim.Optimizer) -> str:
    run = Measurement(as_adapter(optimizer))
    nesterov = " with Nesterov's momentum" if getattr(optimizer, "nesterov", False) else ""
    rows = [f"| {name} | {probe(run)} |" for name, probe in PROBES]
    title = f"### {type(optimizer).__name__}{nesterov}\n"
    return "\n".join([title, "| property | measured |", "| --- | --- |", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
