"""The table of the JavaScript optimizers beside torch's golden files, for the page and the docs.

python -m parity_tests.javascript_page    # measures; writes proof.json and experiments/docs/…
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.report import javascript
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

`python -m parity_tests.javascript_page` measures all of it and writes this page.
"""


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    return "\n".join([HEAD.format_map(found), *_table(found), "", TAIL])


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
        found = table(Path(folder))
    (ASSETS / javascript.PROOF).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(page(found))
