"""The table of the JavaScript optimizers beside torch's golden files, for the page and the docs.

python -m parity_tests.javascript_page    # measures; writes proof.json and experiments/docs/…
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.report import javascript
from parity_tests.report import lab_beside
from parity_tests.report.javascript import ASSETS, table

PAGE = Path(__file__).parents[1] / "experiments" / "docs" / "javascript.md"
HEAD = """\
# The page's optimizers, proven against PyTorch

The explorer on the page computes its paths itself, in JavaScript. Every optimizer is
[a module of its own](../report/assets/optim), to be read beside the one in
[`scratch/optim`](../../scratch/optim). The tests let node take the steps of torch's golden files
with them, in float64: {steps} steps for 15 numbers in each case, some of the gradients 0, 1e-30 or
1000, and compare the weights and the buffers after every step. The schedules are compared with
torch's classes over 100 steps.

Measured on an Intel Xeon with AMX, 2 cores, torch {torch}: the largest distance of any number at
any step, in ULP (units in the last place of float64).
"""
TAIL = """\
It is not 0 because torch's kernels fuse a multiplication with an addition, where JavaScript rounds
twice. RAdam is the farthest: the length of its average is the difference of two numbers near 2,000
and about 5 at first, so that one unit in the last place of β₂ᵗ becomes thousands in the step.
"""
LAB = """\
## The activation lab

The lab computes what flows through its networks in the same way, from
[five modules](../report/assets/lab): the random numbers of `torch.Generator` in float64, every
initializer of `scratch.init` that needs no more than a shape, seven activations with their slopes,
affine layers and batch normalization, forwards and back. The tests compare them with `scratch`'s
from one seed; LeakyReLU, GELU, SiLU and SELU, which `scratch` does not have, with torch's. The
largest difference, by the largest number of its array: {initializers} for the initializers
(orthogonal, a decomposition taken another way), {activations} for the activations and their slopes,
{flows} for what arrives at every layer of networks of four, forwards and back.

`python -m parity_tests.javascript_page` measures all of it and writes this page.
"""


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    lab = {kind: f"{of['relative']:.0e}" for kind, of in found["lab"].items()}
    return "\n".join([HEAD.format_map(found), *_table(found), "", TAIL, LAB.format_map(lab)])


def _table(found: dict[str, Any]) -> Iterator[str]:
    yield "| | beside | cases | ULP |"
    yield "| --- | --- | --: | --: |"
    pairs = javascript.optimizers()
    for name, row in found["optimizers"].items():
        yield f"| `{name}` | `{pairs[name].torch}` | {row['cases']} | {row['ulp']} |"
    for name, row in found["schedules"].items():
        yield f"| `{name}` | `{javascript.SCHEDULES[name].torch}` | | {row['ulp']} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = table(Path(folder)) | {"lab": lab_beside.table()}
    (ASSETS / javascript.PROOF).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(page(found))
